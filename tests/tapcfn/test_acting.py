"""An action is looked at, begun once and waited for; whoever finds it goes on with it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import get_args

import pytest

from tapcfn.acting import ActionState, ActionStatus, ActMeans, act
from tapcfn.actions import forever, inputs, inverse, leaves, resolved, says
from tapcfn.errors import BlockedError, CloudError, StackError, StillRunningError
from tapcfn.events import ActionEnded, ActionStarted, Event, Waiting
from tapcfn.model import (
    Action,
    AwaitCertificate,
    CompareDatabases,
    CompareItems,
    CompareObjects,
    CopyImage,
    FailoverDrill,
    OutputOf,
    RestoreDrill,
    RestoreReadOnly,
    SetReadOnly,
    Target,
)
from tapcfn.waits import Patience
from tests.fakes import AWAY, HOME, FakeClock, FakeLedger

COPY = CopyImage("copy", HOME, "us-west-1", "ami-1", "web", "arn:key")

ABSENT = ActionState(ActionStatus.ABSENT)
RUNNING = ActionState(ActionStatus.RUNNING, "half of it")
DONE = ActionState(ActionStatus.DONE, "", {"image_id": "ami-2"})
FAILED = ActionState(ActionStatus.FAILED, "no such key")


class Scene:
    """What looks bring, one after another; the last one goes on and on."""

    def __init__(self, *looks: ActionState | CloudError, ledger: FakeLedger | None = None) -> None:
        self.clock = FakeClock()
        self.ledger = ledger or FakeLedger()
        self.looks = list(looks)
        self.begun: list[str] = []
        self.told: list[Event] = []
        self.lost = False
        self.is_interrupted = False

    def look(self, action: Action, token: str) -> ActionState:
        """Return the next look."""
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, CloudError):
            raise look
        return look

    def begin(self, action: Action, token: str) -> None:
        """Note that it was begun, under a token that stands in the ledger."""
        assert self.ledger.is_ours(token)
        self.begun.append(token)
        if self.lost:
            raise CloudError("no answer", passing=True)

    def act(self, seconds: float = 3600.0) -> ActionState:
        """Do the action."""
        patience = Patience(self.clock, seconds, lambda: self.is_interrupted)
        return act(COPY, ActMeans(self, self.clock, self.ledger, patience, self.told.append))


def test_what_is_done_already_is_not_begun() -> None:
    """Whoever did it."""
    scene = Scene(DONE)

    assert DONE == scene.act()
    assert [] == scene.begun
    (end,) = scene.told
    assert isinstance(end, ActionEnded)
    assert end.unchanged


def test_an_action_is_begun_once_and_waited_for() -> None:
    """Its token is over when it has ended."""
    scene = Scene(ABSENT, RUNNING, RUNNING, DONE)

    assert {"image_id": "ami-2"} == scene.act().facts
    assert 1 == len(scene.begun)
    assert set(scene.begun) == scene.ledger.over
    assert [ActionStarted, ActionEnded] == [type(each) for each in scene.told]


def test_an_action_with_steps_is_begun_again_for_each() -> None:
    """Under one token; the deadline ends the waiting between two of them."""
    ready = ActionState(ActionStatus.READY, "the copy is there")
    scene = Scene(ready, RUNNING, ready, RUNNING, DONE)

    assert DONE == scene.act()
    assert 2 == len(scene.begun)
    assert set(scene.begun) == scene.ledger.over
    with pytest.raises(StillRunningError, match="copy: goes on by itself; half of it"):
        Scene(ready, RUNNING).act(seconds=90.0)


def test_an_action_that_is_found_at_work_is_adopted() -> None:
    """A dead process has begun it."""
    scene = Scene(RUNNING, DONE)

    scene.act()

    assert [] == scene.begun
    assert isinstance(scene.told[0], ActionStarted)
    assert scene.told[0].adopted


def test_a_lost_answer_is_sent_again_under_the_same_name() -> None:
    """The next run looks first, and has the same token where nothing is to be seen."""
    scene = Scene(ABSENT)
    scene.lost = True
    with pytest.raises(CloudError):
        scene.act()

    again = Scene(ABSENT, DONE, ledger=scene.ledger)
    again.act()

    assert scene.begun == again.begun


def test_an_attempt_after_a_failure_has_another_name() -> None:
    """The service would take the old one for the same request."""
    scene = Scene(ABSENT, FAILED)
    with pytest.raises(StackError, match="copy: could not copy image ami-1 .* no such key"):
        scene.act()

    again = Scene(ABSENT, DONE, ledger=scene.ledger)
    again.act()

    assert scene.begun != again.begun


def test_the_deadline_ends_the_waiting() -> None:
    """The action goes on by itself."""
    scene = Scene(ABSENT, RUNNING)

    with pytest.raises(StillRunningError, match="copy: goes on by itself; half of it"):
        scene.act(seconds=90.0)

    assert set() == scene.ledger.over
    assert any(isinstance(each, Waiting) for each in scene.told)


def test_a_read_that_fails_is_looked_at_again() -> None:
    """A throttle is no end."""
    scene = Scene(ABSENT, CloudError("slow down", passing=True), DONE)

    assert DONE == scene.act()


def test_outputs_are_filled_in_before_anything_is_done() -> None:
    """And what is not there is named."""
    action = replace(COPY, key_arn=OutputOf("security", "KeyArn"))

    assert (OutputOf("security", "KeyArn"),) == inputs(action)
    assert COPY == resolved(action, {"security": {"KeyArn": "arn:key"}})
    with pytest.raises(BlockedError, match=r"copy: security\.KeyArn is not there"):
        resolved(action, {})


def test_a_freeze_is_taken_back_by_its_opposite() -> None:
    """So the way back is known before the way there is gone."""
    freeze = SetReadOnly("freeze", AWAY, "group")

    back = inverse(freeze)

    assert back == RestoreReadOnly("freeze-back", AWAY, "group")


# What leaves nothing behind that could be taken back: a look, a wait, or a drill.
LOOKS = (
    *(AwaitCertificate, CompareDatabases, CompareItems, CompareObjects),
    *(FailoverDrill, RestoreDrill),
)


def _an(kind: type[Action]) -> Action:
    """Return an action of a kind, with something in every field."""
    values = {
        "Target": Target("111111111111", "us-east-1"),
        "bool": True,
        "int": 7,
        "float": 10.0,
        "tuple[str, str]": ("Name", "web"),
    }
    return kind(**{each.name: values.get(str(each.type), "x") for each in fields(kind)})


@pytest.mark.parametrize("kind", get_args(Action), ids=lambda each: each.__name__)
def test_every_action_says_what_it_does_and_how_it_is_taken_back(kind: type[Action]) -> None:
    """It has an inverse, or leaves something, or is forever, or changes nothing that lasts."""
    action = _an(kind)

    assert says(action)
    ways = [inverse(action), leaves(action), forever(action), kind in LOOKS]
    opposites = {type(inverse(_an(each))) for each in get_args(Action)}
    assert any(ways) or kind in opposites
