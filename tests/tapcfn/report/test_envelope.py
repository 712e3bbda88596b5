"""What the stream says of each unit beside the event itself: its place, its operation. (5.3)"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tapcfn.cli.console import Console
from tapcfn.errors import CloudError
from tapcfn.events import (
    Diagnosed,
    Event,
    OperationStarted,
    ResourceMoved,
    StackEnded,
    StackPlanned,
    Waiting,
)
from tapcfn.model import Ending, StackEvent
from tapcfn.plan import Plan, PlannedPhase, Reason, Step, Verb
from tapcfn.report.planned import events_of
from tapcfn.trouble import Trouble
from tests.fakes import HOME, FakeClock, World, a_deployed, a_rollout, a_stack

NETWORK = a_stack("network")
PLANNED = StackPlanned("network", HOME, "base", 2, "create", "not deployed")
STARTED = OperationStarted("network", HOME, "create", "token")
MOVED = ResourceMoved("network", HOME, StackEvent("1", "Topic", "AWS::SNS::Topic", "CREATE_FAILED"))
ENDED = StackEnded("network", HOME, Ending.DONE, operation_id="op-1")


def told(capsys: pytest.CaptureFixture[str], *events: Event) -> list[dict[str, Any]]:
    """Return the lines of JSON that a console writes."""
    console = Console("run-1", json=True, color=False)
    for event in events:
        console.notify(event)
    return [json.loads(text) for text in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("event", [STARTED, MOVED, ENDED])
def test_what_is_told_of_a_unit_says_where_the_plan_has_it(
    capsys: pytest.CaptureFixture[str], event: Event
) -> None:
    """Nobody has to keep the plan in mind to read the rest of the stream."""
    _, line = told(capsys, PLANNED, event)

    assert ("base", 2) == (line["phase"], line["wave"])


def test_without_a_plan_there_is_no_place(capsys: pytest.CaptureFixture[str]) -> None:
    started, beat = told(capsys, STARTED, Waiting(("network",), 1.0))

    assert not {"phase", "wave"} & (started.keys() | beat.keys())


def test_an_end_names_the_services_own_operation(capsys: pytest.CaptureFixture[str]) -> None:
    """It stands in LastOperations, which is read in any case."""
    world = World()
    world.carry_out(a_rollout(NETWORK))
    (ended,) = world.heard(StackEnded)
    stack_id = world.snapshot(a_rollout(NETWORK)).stacks["network"].stack_id

    (line,) = told(capsys, ended)

    assert line["operation_id"] == world.cloud.life(stack_id).deployed.operations["CREATE_STACK"]


@pytest.mark.parametrize("passing", [True, False])
def test_a_diagnostic_says_whether_asking_again_may_help(
    capsys: pytest.CaptureFixture[str], passing: bool
) -> None:
    heard: list[Event] = []
    Trouble(FakeClock(), heard.append).warn("slow", CloudError("slow", passing=passing))
    Trouble(FakeClock(), heard.append).warn("odd")

    asked, other = told(capsys, *heard)

    assert (passing, None) == (asked["retryable"], other["retryable"])
    assert all(isinstance(each, Diagnosed) for each in heard)


def test_an_import_is_told_as_one() -> None:
    step = Step(NETWORK, Verb.UPDATE, Reason.IMPORTED, deployed=a_deployed(NETWORK))
    plan = Plan(a_rollout(NETWORK), (PlannedPhase("named", ((step,),)),))

    assert ["import"] == [
        event.verb for event in events_of(plan, ()) if isinstance(event, StackPlanned)
    ]
