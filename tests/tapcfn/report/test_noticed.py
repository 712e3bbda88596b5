"""A run becomes a notice, as it ends or afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn.events import (
    Diagnosed,
    Event,
    FindingRaised,
    InstanceMoved,
    Outcome,
    RunStarted,
    StackEnded,
    StackPlanned,
    Summarised,
)
from tapcfn.model import Ending, Finding, Severity
from tapcfn.notice_settings import When
from tapcfn.notices.notice import Notice
from tapcfn.report.collected import report_of
from tapcfn.report.noticed import notice_of, notice_of_past, worst
from tapcfn.report.recorded import recorded
from tapcfn.report.stream import Stream
from tapcfn.runs import Run, StackRun
from tests.fakes import AWAY, HOME

TS = "2026-01-02T03:04:05.678Z"
STARTED = RunStarted("apply", "d1", (HOME,), "shop", "prod")
FAILED = StackEnded("network", HOME, Ending.FAILED, "Vpc: no room", exit_code=1)
RUN = Run("r1", "apply", "shop", "prod", "d1", seconds=61.0, exit_code=1)


def ended(*told: Event, code: int = 1, **summary: object) -> Notice | None:
    report = report_of((STARTED, *told), Summarised("x", code, **summary))  # type: ignore[arg-type]
    return notice_of(
        report, system="shop", environment="prod", run="r1", regions=("b", "a", "b"), link="l"
    )


def test_a_failure_is_told_with_its_first_cause() -> None:
    """And how many others there are, how each unit ended, and how to go on."""
    also = replace(FAILED, stack="storage", cause="Bucket: taken")
    skipped = StackEnded("app", HOME, Ending.SKIPPED)
    outcome = Outcome((FAILED, also, skipped))

    told = ended(FAILED, also, skipped, outcome=outcome, resume="tapcfn resume r1")

    assert told is not None
    assert f"network ({HOME}): Vpc: no room (and 1 more)" == told.cause
    assert {"failed": 2, "skipped": 1} == dict(told.counts)
    assert ("d1", "tapcfn resume r1", ("a", "b"), "l") == (
        told.digest,
        told.resume,
        told.regions,
        told.link,
    )


def test_an_error_of_the_run_itself_is_a_cause() -> None:
    """Where no unit failed."""
    told = ended(Diagnosed("error", "the ledger cannot be written", "ledger", "make room"))

    assert told is not None
    assert "the ledger cannot be written\nmake room" == told.cause


def test_an_objection_is_the_cause_of_a_blocked_run() -> None:
    """With its rule and resource."""
    planned = StackPlanned("storage", HOME, "all", 1, "update", "the template differs")
    finding = Finding("TAP001", Severity.ERROR, "storage", "Bucket", "its data would be lost")

    told = ended(planned, FindingRaised(finding, HOME), code=4)

    assert told is not None
    assert (When.BLOCKED, f"storage ({HOME}): TAP001 Bucket: its data would be lost") == (
        told.when,
        told.cause,
    )


@pytest.mark.parametrize("code", [2, 10])
def test_what_never_began_is_told_nobody(code: int) -> None:
    """Whoever called knows it."""
    assert ended(code=code) is None
    assert notice_of_past(replace(RUN, exit_code=code), None, "") is None


# The past -----------------------------------------------------------------------------------------


def kept(*events: Event) -> list[str]:
    stream = Stream("r1")
    return [line for event in events for line in stream.lines(event, TS)]


def test_the_ledger_knows_enough() -> None:
    """Where a run's lines are gone."""
    stacks = (
        StackRun("network", "111111111111", "us-east-1", "create", "done"),
        StackRun("storage", "111111111111", "eu-west-1", "create", "failed", cause="taken"),
    )

    told = notice_of_past(replace(RUN, stacks=stacks), None, "l")

    assert told is not None
    assert "storage (111111111111/eu-west-1): taken" == told.cause
    assert (("eu-west-1", "us-east-1"), {"done": 1, "failed": 1}) == (
        told.regions,
        dict(told.counts),
    )


def test_the_lines_know_more() -> None:
    """Where it was wanted, why nothing was begun, and how to go on."""
    lines = kept(
        STARTED,
        Diagnosed("warning", "not this one"),
        Diagnosed("error", "no credentials"),
        InstanceMoved("set", AWAY, "op", "CURRENT", "SUCCEEDED"),
        Summarised("failed", 1, resume="tapcfn resume r1"),
    )

    told = notice_of_past(RUN, recorded(lines), "")

    assert told is not None
    assert ("no credentials", "tapcfn resume r1") == (told.cause, told.resume)
    assert tuple(sorted({HOME.region, AWAY.region})) == told.regions


def test_a_run_without_a_last_word_was_killed() -> None:
    """It is no success, and says so."""
    told = notice_of_past(replace(RUN, exit_code=None), None, "")

    assert told is not None
    assert (When.FAILURE, "the run has no last word: its process was killed") == (
        told.when,
        told.cause,
    )


@pytest.mark.parametrize(
    ("run", "job", "when"),
    [
        (When.SUCCESS, When.SUCCESS, When.SUCCESS),
        (When.SUCCESS, When.FAILURE, When.FAILURE),
        (When.SUCCESS, When.INTERRUPTED, When.INTERRUPTED),
        (When.BLOCKED, When.FAILURE, When.BLOCKED),
        (When.FAILURE, When.SUCCESS, When.FAILURE),
    ],
)
def test_no_run_is_better_than_its_job(run: When, job: When, when: When) -> None:
    """And a run that failed keeps its own word and cause."""
    assert when is worst(Notice("apply", "shop", "prod", run, "r1"), job).when
