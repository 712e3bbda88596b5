"""Somebody else's update that went before ours is told, and nothing else is. (X-17)"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn.errors import CloudError
from tapcfn.events import Diagnosed
from tapcfn.model import Ending, SetOperation, SetOperationStatus, StackSet
from tapcfn.stack_sets.running import run
from tests.fakes.set_cloud import Work
from tests.tapcfn.stack_sets.examples import a_set
from tests.tapcfn.stack_sets.test_running import Room

OLD, NEW = a_set(), a_set(version="2")


def a_room() -> Room:
    room = Room()
    room.sets.has(OLD)
    return room


def somebody(room: Room, token: str = "theirs", action: str = "UPDATE") -> None:
    """Let somebody else's operation have been, from its beginning to its end."""
    ended = SetOperation(token, action, SetOperationStatus.SUCCEEDED)
    room.sets.works.setdefault(OLD.name, []).append(Work(ended, [], None))


def carried_out(room: Room, wanted: StackSet = NEW, **between: str) -> tuple[Ending, int, str]:
    """Plan, let somebody come between, carry out; return how it ended."""
    spread = room.planned(wanted)
    if between:
        somebody(room, **between)
    ended = run(spread, room.means())
    return ended.ending, ended.exit_code, ended.cause


def test_an_update_that_went_before_ours_is_told() -> None:
    """By its id: our template stands there now, and nobody has compared it with theirs."""
    ending, code, cause = carried_out(a_room(), token="theirs")

    assert (Ending.BLOCKED, 6) == (ending, code)
    assert "somebody else has changed the stack set after the plan" in cause
    assert "theirs" in cause


@pytest.mark.parametrize("action", ["CREATE", "DELETE", "DETECT_DRIFT"])
def test_what_changes_no_template_is_nobodys_business(action: str) -> None:
    """Instances that others make or take away are compared by themselves."""
    assert (Ending.DONE, 0, "") == carried_out(a_room(), token="theirs", action=action)


def test_what_was_there_when_we_planned_was_reviewed() -> None:
    """However many there were."""
    room = a_room()
    for number in range(3):
        somebody(room, f"earlier-{number}")

    assert (Ending.DONE, 0, "") == carried_out(room)


def test_what_another_run_of_this_folder_began_is_ours() -> None:
    """Its ledger knows the token."""
    room = a_room()
    room.ledger.intend("set-update", NEW, "earlier")

    assert (Ending.DONE, 0, "") == carried_out(room, token="earlier")


def test_what_came_after_ours_is_theirs_to_tell() -> None:
    """It was written against what we have done."""
    room = a_room()
    whole = room.sets.operations

    def later(stack_set: StackSet) -> tuple[SetOperation, ...]:
        told = whole(stack_set)
        return (SetOperation("later", "UPDATE", SetOperationStatus.QUEUED), *told)

    spread = room.planned(NEW)
    room.sets.operations = later  # type: ignore[method-assign]

    assert Ending.DONE is run(spread, room.means()).ending


@pytest.mark.parametrize("last", ["gone", None])
def test_a_history_that_does_not_reach_back_accuses_nobody(last: str | None) -> None:
    """The service forgets old operations, and what was newest may not have been read."""
    room = a_room()
    spread = room.planned(NEW)
    somebody(room)
    known = replace(spread, found=replace(spread.found, last_operation=last))

    assert Ending.DONE is run(known, room.means()).ending


def test_a_history_that_may_not_be_read_is_a_warning() -> None:
    """The outcome stands. (X-12)"""
    room = a_room()
    spread = room.planned(NEW)

    def refuse(_: StackSet) -> tuple[SetOperation, ...]:
        raise CloudError("User is not authorized", lasting=True)

    room.sets.operations = refuse  # type: ignore[method-assign]

    assert Ending.DONE is run(spread, room.means()).ending
    assert any("User is not authorized" in each.message for each in room.events(Diagnosed))
