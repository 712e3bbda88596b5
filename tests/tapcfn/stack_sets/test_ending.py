"""What is told of an operation that has ended, and what is kept of it for the next one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn.model import Preferences, ResultStatus, SetResult, Share, StackSet, Target
from tapcfn.stack_sets.running import run
from tests.tapcfn.stack_sets.examples import EAST, A, a_set, pairs
from tests.tapcfn.stack_sets.test_running import Room


def test_an_instance_took_as_long_as_those_beside_it() -> None:
    """Four accounts at once in each of two Regions: two instances follow one another. (D-11)"""
    room = Room(at_a_look=1)
    accounts = [str(number) * 12 for number in range(1, 5)]
    at_once = Preferences(tolerance=Share(3), concurrent=Share(4))
    stack_set = a_set(*pairs(accounts), preferences=at_once)
    room.sets.has(stack_set)
    newer = a_set(*pairs(accounts), version="2", preferences=at_once)

    ended = run(room.planned(newer), room.means())

    assert room.ledger.durations["instance", "baseline"] * 2 == ended.seconds > 0


Results = tuple[SetResult, ...]


class Told:
    """How the service tells the results of an operation, look by look."""

    def __init__(self, room: Room, late: int = 0, **how: str) -> None:
        self.looks, self._late, self._how = 0, late, how
        self._whole = room.sets.results
        room.sets.results = self  # type: ignore[method-assign,assignment]

    def __call__(
        self, stack_set: StackSet, operation_id: str, status: ResultStatus | None = None
    ) -> Results:
        self.looks += 1
        moving = self.looks <= self._late
        return tuple(
            replace(each, status=ResultStatus.RUNNING, reason="")
            if moving
            else replace(each, **self._how if each.status is ResultStatus.FAILED else {})
            for each in self._whole(stack_set, operation_id, status)
        )


def a_failing_room() -> Room:
    room = Room()
    room.sets.failing = {Target(A, EAST): "Topic failed"}
    return room


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"gate": "FAILED", "gate_reason": "not on Fridays"}, "the account gate said no: not on F"),
        ({"gate": "FAILED"}, "the account gate said no: no reason given"),
        ({"gate": "SUCCEEDED", "gate_reason": "welcome"}, "Topic failed"),
    ],
)
def test_an_account_gate_that_is_shut_gives_its_own_reason(said: dict[str, str], told: str) -> None:
    """The result's reason is not the gate's. (X-27)"""
    room = a_failing_room()
    Told(room, **said)

    assert told in room.apply(a_set()).cause


def test_results_that_lag_behind_their_operation_are_read_again() -> None:
    """Else a failure has no cause; a minute at most. (X-24)"""
    room = a_failing_room()
    told = Told(room, late=3)
    assert "Topic failed" in room.apply(a_set()).cause
    assert 4 == told.looks

    never = a_failing_room()
    Told(never, late=10_000)
    started = never.clock.now()
    assert 1 == never.apply(a_set()).exit_code
    assert 60 <= never.clock.now() - started < 120
