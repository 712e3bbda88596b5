"""What is kept of an operation for the next one."""

from __future__ import annotations

from tapcfn.model import Preferences, Share
from tapcfn.stack_sets.running import run
from tests.tapcfn.stack_sets.examples import a_set, pairs
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
