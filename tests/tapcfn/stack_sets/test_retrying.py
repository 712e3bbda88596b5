"""What failed in one operation is done again: those pairs, as they were to be, no others. (D-5)"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tapcfn.errors import StaleError, UsageError
from tapcfn.model import (
    DetailedStatus,
    FoundSet,
    Gate,
    InstanceStatus,
    Preferences,
    Share,
    StackSet,
    Target,
    Wave,
)
from tapcfn.model.gates import ApprovalCheck
from tapcfn.stack_sets.calls import Act
from tapcfn.stack_sets.carving import parts_of
from tapcfn.stack_sets.cover import cover
from tapcfn.stack_sets.means import SetMeans
from tapcfn.stack_sets.recording import Record, record_of
from tapcfn.stack_sets.retrying import Retry, as_deployed, check_same_template, chosen, plan_retry
from tapcfn.stack_sets.running import run
from tapcfn.stack_sets.spread import Spread
from tests.tapcfn.stack_sets.examples import EAST, WEST, A, B, C, a_set, pairs
from tests.tapcfn.stack_sets.test_running import Room as AnyRoom

WIDE = Preferences(("us-west-2", "us-east-1"), True, Share(1), Share(50, percent=True), True)
THREE = (A, B, C)


def planned(room: Room, stack_set: StackSet, operation_id: str = "", **how: Any) -> Retry:
    """Plan to retry an operation of a set, or the last one, in the set's waves."""
    past = room.sets.operations(stack_set)
    operation = chosen(past, stack_set, operation_id, room.kept)
    assert operation is not None
    deployed = room.sets.deployed[stack_set.name]
    found = FoundSet(deployed, dict(room.sets.there[stack_set.name]))
    as_is = as_deployed(stack_set, deployed, operation.preferences)
    results = room.sets.results(stack_set, operation.operation_id)
    how = {"parts": parts_of(stack_set, stack_set.pairs), **how}
    return plan_retry(as_is, operation, results, found, cover, **how)


class Room(AnyRoom):
    """A room where it is written down what each operation is about to change."""

    def __init__(self, at_a_look: int = 100) -> None:
        super().__init__(at_a_look)
        self.kept: dict[str, Record] = {}

    def keep(self, spread: Spread, operation_id: str) -> None:
        """Write it down."""
        self.kept[operation_id] = record_of(spread, operation_id)

    def means(self, timeout: float = 3600.0) -> SetMeans:
        """Return the means, with a keeper."""
        return replace(super().means(timeout), keeper=self)


def half_done(**how: object) -> tuple[Room, StackSet]:
    """Return a rollout of a new template: the first pair is done, the next failed and ended it."""
    room = Room(at_a_look=1)
    before = a_set(*pairs(THREE), preferences=WIDE, **how)
    room.sets.has(before)
    room.sets.failing = {Target(B, EAST): "no room"}
    wanted = a_set(*pairs(THREE), version="2", preferences=WIDE, **how)
    assert run(room.planned(wanted), room.means()).exit_code == 1
    return room, wanted


def test_exactly_the_pairs_that_failed_or_were_cancelled_with_the_same_preferences() -> None:
    """All but the first pair, which is well."""
    room, wanted = half_done()
    room.sets.failing = {}
    sent = len(room.sets.sent)
    later = replace(wanted, preferences=Preferences())

    again = planned(room, later).spread

    assert again.update == pairs(THREE) - {Target(A, EAST)}
    assert run(again, room.means()).exit_code == 0
    calls = [each.call for each in room.sets.sent[sent:]]
    assert {(call.act, call.renews) for call in calls} == {(Act.UPDATE, False)}
    assert sorted(pair for call in calls for pair in call.pairs) == sorted(again.update)
    assert {each.stack_set.preferences for each in room.sets.sent[sent:]} == {WIDE}
    first = room.sets.works["baseline"][0].operation.operation_id
    assert not planned(room, later, first).spread.has_work


def test_overrides_stay_as_they_are() -> None:
    """No override is sent: what an instance has, it keeps."""
    own = {Target(B, EAST): {"Size": "9"}}
    room, wanted = half_done(overrides=own)
    room.sets.failing = {}

    run(planned(room, wanted).spread, room.means())

    assert room.sets.sent[-1].call.overrides is None
    assert room.sets.there["baseline"][Target(B, EAST)].overrides == {"Size": "9"}


def test_all_of_it_only_when_asked() -> None:
    """`--all` does the ones again that succeeded."""
    room, wanted = half_done()

    assert planned(room, wanted, everything=True).spread.update == pairs(THREE)


def test_what_is_inoperable_is_named_and_not_called_a_success() -> None:
    """No update touches it: the retry does the rest, and is partial."""
    room, wanted = half_done()
    room.sets.failing = {}
    here, stuck = room.sets.there["baseline"], Target(B, EAST)
    here[stuck] = replace(here[stuck], status=InstanceStatus.INOPERABLE)

    again = planned(room, wanted)

    assert [each.target for each in again.inoperable] == [stuck]
    assert stuck not in again.spread.update
    ended = run(again.spread, room.means())
    assert ended.exit_code == 5
    assert str(stuck) in ended.cause


def test_a_failed_import_is_for_a_person() -> None:
    """The stack is in a state of its own."""
    room, wanted = half_done()
    here, stuck = room.sets.there["baseline"], Target(B, EAST)
    here[stuck] = replace(here[stuck], detailed=DetailedStatus.FAILED_IMPORT)

    assert [each.target for each in planned(room, wanted).inoperable] == [stuck]


def test_a_removal_is_done_again_as_a_removal() -> None:
    """With the stacks retained or deleted as they were to be; what stayed is not hidden."""
    room = Room()
    everywhere = a_set(*pairs(THREE), retain=True)
    room.sets.has(everywhere)
    room.sets.failing = {Target(C, WEST): "protected"}
    fewer = a_set(retain=True)
    run(room.planned(fewer), room.means())

    again = planned(room, replace(fewer, retain=False)).spread

    (call,) = (call for wave in again.waves for call in wave.calls)
    assert (call.act, call.retain, call.pairs) == (Act.REMOVE, True, {Target(C, WEST)})
    room.sets.failing = {}
    assert run(again, room.means()).exit_code == 0
    assert set(room.sets.there["baseline"]) == pairs()


def test_a_removal_that_fails_within_the_tolerance_is_partial() -> None:
    """Nothing is wanted of pairs that leave, and still they have not left. (X-26)"""
    room = Room()
    room.sets.tolerance = 1
    room.sets.has(a_set(*pairs(THREE)))
    room.sets.failing = {Target(C, WEST): "protected"}

    ended = run(room.planned(a_set()), room.means())

    assert ended.exit_code == 5
    assert "protected" in ended.cause


# In waves -----------------------------------------------------------------------------------------

CANARY = Wave("canary", frozenset({Target(B, EAST)}), (Gate("alarm", ApprovalCheck("ok?")),), 60.0)


def test_a_retry_goes_in_the_sets_waves_and_holds_their_gates() -> None:
    """The canary first, its bake, its gate; the rest only then. (D-9)"""
    room, wanted = half_done()
    room.sets.failing = {}
    waves = replace(wanted, waves=(CANARY,))

    again = planned(room, waves).spread
    began = room.clock.now()

    assert [(wave.name, len(wave.pairs)) for wave in again.waves] == [("canary", 1), ("rest", 4)]
    assert run(again, room.means()).exit_code == 0
    assert room.clock.now() - began >= 60.0


def test_a_gate_that_fails_keeps_the_rest_of_a_retry_back_until_it_holds() -> None:
    """The next retry goes on with the same operation, past the gate and not around it."""
    room, wanted = half_done()
    room.sets.failing = {}
    waves = replace(wanted, waves=(CANARY,))
    room.faults = {"alarm": "3 errors"}
    first = run(planned(room, waves).spread, room.means())
    still = planned(room, waves).spread
    again = run(still, room.means())
    left = {pair for pair, each in room.sets.there["baseline"].items() if not each.is_well}

    room.faults = {}

    assert (first.cause, again.cause) == (
        "after wave canary: 3 errors; later waves were not begun",
    ) * 2
    assert left == still.update == pairs(THREE) - {Target(A, EAST), Target(B, EAST)}
    assert run(planned(room, waves).spread, room.means()).exit_code == 0
    assert all(each.is_well for each in room.sets.there["baseline"].values())
    assert not planned(room, waves).spread.has_work


def test_without_waves_a_retry_goes_at_once() -> None:
    """As it is asked for, with the preferences of its operation."""
    room, wanted = half_done()
    waves = replace(wanted, waves=(CANARY,))

    (wave,) = planned(room, waves, parts=()).spread.waves

    assert (wave.name, wave.gates, len(wave.pairs)) == ("retry", (), 5)


def test_what_no_wave_takes_goes_last() -> None:
    """A pair that the settings name no more, and that the operation had."""
    room, wanted = half_done()
    fewer = replace(wanted, pairs=frozenset(pairs((A, B))), waves=(CANARY,))

    waves = planned(room, fewer).spread.waves

    assert ["canary", "rest", "retry"] == [each.name for each in waves]
    assert waves[-1].pairs == pairs((C,))


def test_a_removal_is_done_again_without_waves() -> None:
    """What leaves waits for no gate."""
    room = Room()
    room.sets.has(a_set(*pairs(THREE)))
    room.sets.failing = {Target(C, WEST): "protected"}
    run(room.planned(a_set()), room.means())

    (wave,) = planned(room, a_set(waves=(CANARY,))).spread.waves

    assert (wave.name, wave.gates) == ("retry", ())


# Which operation, and whether it may be -----------------------------------------------------------


def test_a_drift_detection_is_never_the_last_operation() -> None:
    """It changes nothing, so there is nothing of it to do again."""
    room, wanted = half_done()
    work = room.sets.works["baseline"]
    looked = replace(work[-1].operation, operation_id="looked", action="DETECT_DRIFT")
    past = (looked, *room.sets.operations(wanted))

    found = chosen(past, wanted)

    assert found is not None
    assert found.operation_id == past[1].operation_id
    with pytest.raises(UsageError, match="changes no instances"):
        chosen(past, wanted, "looked")
    with pytest.raises(UsageError, match="no such operation"):
        chosen(past, wanted, "unheard-of")
    assert chosen((), wanted) is None


def records(room: Room, *rollouts: StackSet) -> tuple[dict[str, Record], StackSet]:
    """Let rollouts happen one after another; return what was written down before each call."""
    for each in rollouts:
        run(room.planned(each), room.means())
    return room.kept, rollouts[-1]


def test_another_template_since_is_refused() -> None:
    """What failed belonged to version 2; the set has version 3 by now."""
    room = Room()
    kept, last = records(room, a_set(), a_set(version="2"), a_set(version="3"))
    past = room.sets.operations(last)
    deployed = room.sets.deployed["baseline"]

    check_same_template(past[0], past, kept, deployed)
    with pytest.raises(StaleError, match="template has changed"):
        check_same_template(past[1], past, kept, deployed)


def test_an_update_that_this_folder_does_not_know_is_refused() -> None:
    """Nobody can tell what it did to the template; more pairs change nothing of it."""
    room = Room()
    more = a_set(*pairs(THREE), version="2")
    kept, last = records(room, a_set(), a_set(version="2"), more)
    past = room.sets.operations(last)
    deployed = room.sets.deployed["baseline"]

    check_same_template(past[1], past, kept, deployed)
    foreign = replace(past[0], operation_id="foreign", action="UPDATE")
    with pytest.raises(StaleError, match="foreign"):
        check_same_template(past[1], (foreign, *past), kept, deployed)


def test_a_change_of_the_template_by_ourselves_is_refused_where_the_first_is_unknown() -> None:
    """The operation was somebody else's, and a rollout of ours came after it."""
    room = Room()
    kept, last = records(room, a_set(), a_set(version="2"), a_set(version="3"))
    past = room.sets.operations(last)
    del kept[past[1].operation_id]

    with pytest.raises(StaleError, match=past[0].operation_id):
        check_same_template(past[1], past, kept, room.sets.deployed["baseline"])


def test_what_the_service_passed_over_is_not_done_again() -> None:
    """X-27: the account is suspended; the instance has what the set has."""
    room, wanted = half_done()
    here, away = room.sets.there["baseline"], Target(A, EAST)
    here[away] = replace(here[away], detailed=DetailedStatus.SKIPPED_SUSPENDED_ACCOUNT)

    assert away not in planned(room, wanted).spread.update
