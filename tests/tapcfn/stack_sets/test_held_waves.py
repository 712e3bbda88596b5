"""A gate that has not opened is asked again by the next run: nothing goes around it. (D-9)"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn.events import WaveStarted
from tapcfn.model import Ending, Gate, Target, Wave
from tapcfn.model.gates import ApprovalCheck
from tapcfn.stack_sets.running import run
from tests.tapcfn.stack_sets.examples import EAST, WEST, A, B, a_set, pairs
from tests.tapcfn.stack_sets.test_running import Room, ended

FIRST = Target(A, EAST)
CANARY = Wave("canary", frozenset({FIRST}), (Gate("alarm", ApprovalCheck("ok?")),), 60.0)
OLD = a_set(waves=(CANARY,))
NEW = a_set(version="2", waves=(CANARY,))


def test_a_second_apply_does_not_go_past_an_alarm_that_is_still_on() -> None:
    """Exit 1, and nothing is begun; once it is off, the rest follows."""
    room = Room()
    room.sets.has(OLD)
    room.faults = {"alarm": "3 errors"}
    assert ended(room.apply(NEW)) == (Ending.FAILED, 1)
    sent = list(room.sets.acts)

    again = room.apply(NEW)

    assert ended(again) == (Ending.FAILED, 1)
    assert again.cause == "after wave canary: 3 errors; later waves were not begun"
    assert room.sets.acts == sent == [("update", 1)]
    room.faults = {}
    assert ended(room.apply(NEW)) == (Ending.DONE, 0)
    assert all(each.is_well for each in room.sets.there["baseline"].values())
    assert ended(room.apply(NEW)) == (Ending.UNCHANGED, 0)


def test_a_run_that_was_killed_in_the_bake_leaves_the_gate_to_the_next() -> None:
    """The canary is as wanted by then."""
    room = Room()
    room.sets.has(OLD)

    class KilledError(BaseException):
        pass

    def killed(unit: str, gates: tuple[Gate, ...], seconds: float) -> str:
        raise KilledError

    means = replace(room.means(), bake=killed)
    with pytest.raises(KilledError):
        run(room.planned(NEW), means)
    room.faults = {"alarm": "3 errors"}
    began = room.clock.now()

    outcome = room.apply(NEW)

    assert ended(outcome) == (Ending.FAILED, 1)
    assert room.clock.now() - began >= 60.0
    assert room.sets.acts == [("update", 1)]


def test_a_wave_without_calls_is_not_told_as_begun() -> None:
    """It is only held."""
    room = Room()
    room.sets.has(OLD, FIRST)

    assert ended(room.apply(OLD)) == (Ending.DONE, 0)
    assert [each.wave for each in room.events(WaveStarted)] == ["rest"]


def test_a_gate_holds_back_neither_what_leaves_nor_a_canary_alone() -> None:
    """Only the waves after it wait for it."""
    room = Room()
    room.sets.has(a_set(*pairs(), Target(B, "eu-west-1")))
    room.faults = {"alarm": "3 errors"}

    assert [wave.name for wave in room.planned(OLD).waves] == ["leave"]
    assert ended(room.apply(OLD)) == (Ending.DONE, 0)


def test_of_several_waves_only_those_before_the_next_calls_are_held() -> None:
    """What comes after the last calls has no one waiting."""
    second = Wave("second", frozenset({Target(A, WEST)}), CANARY.gates)
    third = Wave("third", frozenset({Target(B, EAST)}), CANARY.gates)
    wanted = a_set(waves=(CANARY, second, third))
    room = Room()
    room.sets.has(wanted, *(pairs() - {Target(A, WEST)}))

    waves = [(wave.name, len(wave.calls)) for wave in room.planned(wanted).waves]

    assert waves == [("canary", 0), ("second", 1)]
