"""A rehearsal's schedule is the graph laid out in time, and its report says what decides."""

from __future__ import annotations

import pytest

from tapcfn.events import Outcome, ResourceMoved, StackEnded
from tapcfn.model import Ending, OutputOf, Phase, Rollout, Snapshot, StackEvent
from tapcfn.plan import plan
from tapcfn.report.rehearsal import (
    STAGING,
    Schedule,
    Span,
    Stopwatch,
    duration,
    rehearsal_text,
    schedule,
)
from tests.fakes.builders import HOME, a_stack


def a_plan(*phases: Phase):
    return plan(Rollout("system", "test", phases), Snapshot())


def test_each_stack_starts_when_all_that_it_needs_has_ended():
    """The longest chain decides; what hangs beside it does not."""
    key, net = a_stack("key"), a_stack("net")
    app = a_stack("app", parameters={"Net": OutputOf("net", "Id"), "Key": OutputOf("key", "Id")})
    planned = a_plan(Phase("one", (key, net, app)))

    times = schedule(planned, {"key": 4.0, "net": 94.0, "app": 14.0})

    assert (
        Span("key", 0.0, 4 + STAGING),
        Span("net", 0.0, 94 + STAGING),
        Span("app", 94 + STAGING, 94 + 14 + 2 * STAGING),
    ) == times.spans
    assert ("net", "app") == times.critical_path
    assert 94 + 14 + 2 * STAGING == times.seconds


def test_phases_follow_each_other():
    """The next phase begins when the longest of the one before has ended."""
    planned = a_plan(Phase("one", (a_stack("a"), a_stack("b"))), Phase("two", (a_stack("c"),)))

    times = schedule(planned, {"a": 10.0, "b": 30.0, "c": 1.0})

    assert 30 + STAGING == {span.stack: span.start for span in times.spans}["c"]
    assert ("b", "c") == times.critical_path


def test_what_was_not_worked_on_takes_no_time():
    """A stack that was skipped, or had nothing to do, is in no schedule."""
    assert Schedule((), ()) == schedule(a_plan(Phase("one", (a_stack("a"),))), {})
    assert 0.0 == Schedule((), ()).seconds


def test_the_stopwatch_reads_the_clouds_own_times():
    """From a stack's first event to its last, at the speed of the rehearsal."""
    watch = Stopwatch()
    for second in (1, 2, 4):
        event = StackEvent(
            str(second), "A", "T", "CREATE_COMPLETE", time=f"2026-01-01T00:00:0{second}+00:00"
        )
        watch(ResourceMoved("net", HOME, event))
    watch(StackEnded("net", HOME, Ending.DONE))

    assert {"net": 60.0} == watch.seconds(20.0)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (4200, "1 h 10 min")],
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str):
    """Seconds up to a minute, minutes up to an hour."""
    assert said == duration(seconds)


def test_the_report_says_what_failures_touch_and_leave():
    """The schedule, the faults that fired, each failure with its remains, and who was not tried."""
    times = Schedule((Span("net", 0.0, 90.0),), ("net",))
    outcome = Outcome(
        (
            StackEnded("net", HOME, Ending.FAILED, "Vpc: limit exceeded", exit_code=1),
            StackEnded("app", HOME, Ending.SKIPPED, "net did not succeed"),
        )
    )

    text = rehearsal_text(
        times, outcome, {"net": "ROLLBACK_COMPLETE, no resources"}, {"do=fail": 1}
    )

    assert text == (
        "stack  starts  ends        takes\n"
        "net    0 s     1 min 30 s  1 min 30 s\n"
        "\n"
        "Would take about 1 min 30 s on AWS.\n"
        "Critical path: net\n"
        "fault fired 1 times: do=fail\n"
        "net fails: Vpc: limit exceeded\n"
        "  leaves: ROLLBACK_COMPLETE, no resources\n"
        "Not tried: app"
    )
