"""An operation is taken back: the set as it was written down, on the pairs it touched. (D-10)"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tapcfn.errors import BlockedError, StaleError, TapcfnError, UsageError
from tapcfn.events import StackEnded
from tapcfn.model import FoundSet, Gate, StackSet, Target, Wave
from tapcfn.model.gates import ApprovalCheck
from tapcfn.stack_sets.calls import Act
from tapcfn.stack_sets.carving import parts_of
from tapcfn.stack_sets.cover import cover
from tapcfn.stack_sets.keeping import FileKeeper
from tapcfn.stack_sets.recording import Record, dump, load
from tapcfn.stack_sets.retrying import as_deployed, plan_retry
from tapcfn.stack_sets.reverting import Revert, check_last, chosen, differs, plan_revert, untouched
from tapcfn.stack_sets.running import run
from tests.fakes import a_template
from tests.tapcfn.stack_sets.examples import EAST, WEST, A, B, C, a_set, pairs
from tests.tapcfn.stack_sets.test_running import Room

THREE = (A, B, C)


class Folder(Room):
    """A room whose sets are written down in a folder before they are changed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.keeper = FileKeeper(path)

    def apply(self, stack_set: StackSet, timeout: float = 3600.0) -> StackEnded:
        return run(self.planned(stack_set), replace(self.means(timeout), keeper=self.keeper))

    def revert(
        self, stack_set: StackSet, operation_id: str = "", *, proves: bool = True
    ) -> tuple[Record, Revert]:
        past = self.sets.operations(stack_set)
        known = self.keeper.records(stack_set.name)
        deployed = self.sets.deployed[stack_set.name]
        found = FoundSet(deployed, dict(self.sets.there[stack_set.name]))
        record = chosen(past, known, stack_set, operation_id, found)
        check_last(record, past, known)
        left = frozenset(untouched(record, found, past) if proves else ())
        parts = parts_of(stack_set, stack_set.pairs)
        return record, plan_revert(stack_set, record, found, left, cover, parts)

    def carry_out(self, planned: Revert) -> StackEnded:
        return run(planned.spread, replace(self.means(), keeper=self.keeper))


def test_a_failed_update_is_taken_back_where_it_has_been_and_nowhere_else(tmp_path: Path) -> None:
    """The set keeps the new template after a failure; the old one goes with the first rectangle."""
    room = Folder(tmp_path)
    old = a_set(*pairs(THREE))
    room.sets.has(old)
    new = a_set(*pairs(THREE), version="2", parameters={"Size": "5"}, tags={"team": "b"})
    waves = replace(new, waves=(Wave("canary", frozenset(pairs((A,)))),))
    room.sets.failing = {Target(A, WEST): "no room"}
    assert room.apply(waves).exit_code == 1
    assert room.sets.deployed["baseline"].template == new.template.text
    room.sets.failing = {}
    sent = len(room.sets.sent)

    _, planned = room.revert(new)

    assert planned.spread.update == pairs((A,))
    assert set(planned.untouched) == pairs((B, C))
    assert room.carry_out(planned).exit_code == 0
    assert room.sets.deployed["baseline"].template == old.template.text
    assert room.sets.deployed["baseline"].parameters == {"Size": "1"}
    assert room.sets.deployed["baseline"].tags == {}
    assert [(each.call.renews, each.call.pairs) for each in room.sets.sent[sent:]] == [
        (True, pairs((A,)))
    ]


def test_what_can_not_be_proved_to_be_untouched_is_brought_back_too(tmp_path: Path) -> None:
    """The template goes once; the other rectangles follow with it."""
    room = Folder(tmp_path)
    ragged = {Target(A, EAST), Target(A, WEST), Target(B, EAST)}
    room.sets.has(a_set(*ragged))
    new = a_set(*ragged, version="2")
    room.apply(new)
    sent = len(room.sets.sent)

    _, planned = room.revert(new, proves=False)
    room.carry_out(planned)

    calls = [each.call for each in room.sets.sent[sent:]]
    assert [call.renews for call in calls] == [True, False]
    assert calls[0].pairs | calls[1].pairs == ragged
    assert not calls[0].pairs & calls[1].pairs


def test_what_was_acknowledged_before_is_acknowledged_again(tmp_path: Path) -> None:
    """With every call that updates."""
    room = Folder(tmp_path)
    ragged = {Target(A, EAST), Target(A, WEST), Target(B, EAST)}
    room.sets.has(a_set(*ragged))
    before = replace(room.sets.deployed["baseline"], capabilities=("CAPABILITY_AUTO_EXPAND",))
    room.sets.deployed["baseline"] = before
    new = a_set(*ragged, version="2")
    room.apply(new)

    _, planned = room.revert(new, proves=False)

    calls = planned.spread.waves[0].calls
    assert [call.capabilities for call in calls] == [("CAPABILITY_AUTO_EXPAND",)] * 2


def test_overrides_come_back(tmp_path: Path) -> None:
    """Where only overrides differ, the set itself is not touched."""
    room = Folder(tmp_path)
    here = Target(A, EAST)
    room.sets.has(a_set(overrides={here: {"Size": "3"}}))
    room.apply(a_set(overrides={here: {"Size": "4"}}))
    sent = len(room.sets.sent)

    record, planned = room.revert(a_set())
    room.carry_out(planned)

    assert not differs(record, room.sets.deployed["baseline"])
    (request,) = room.sets.sent[sent:]
    assert (request.call.act, request.call.pairs) == (Act.OVERRIDE, {here})
    assert room.sets.there["baseline"][here].overrides == {"Size": "3"}


def test_instances_made_since_stay_and_are_named(tmp_path: Path) -> None:
    """Nothing is deleted; nothing that is gone is made again."""
    room = Folder(tmp_path)
    room.sets.has(a_set(*pairs((A, B))))
    new = a_set(*pairs((A, C)), version="2")
    room.apply(new)

    _, planned = room.revert(new)
    room.carry_out(planned)

    assert (set(planned.made), set(planned.gone)) == (pairs((C,)), pairs((B,)))
    assert set(room.sets.there["baseline"]) == pairs((A, C))


def test_all_of_a_rollout_is_taken_back_even_if_it_was_gone_on_with(tmp_path: Path) -> None:
    """The second run did the rest of the first; both are one."""
    room = Folder(tmp_path)
    old, new = a_set(), a_set(version="2")
    room.sets.has(old)
    room.sets.failing = {Target(B, EAST): "no room"}
    assert room.apply(new).exit_code == 1
    room.sets.failing = {}
    assert room.apply(new).exit_code == 0

    record, planned = room.revert(new)

    assert json.loads(record.template) == old.template.document
    assert planned.spread.update == pairs()


def test_another_rollout_with_the_same_template_is_not_the_same(tmp_path: Path) -> None:
    """To take back that a pair was added does not take back the template before it."""
    room = Folder(tmp_path)
    room.sets.has(a_set())
    room.apply(a_set(version="2"))
    more = a_set(*pairs(THREE), version="2")
    room.apply(more)

    record, planned = room.revert(more)

    assert not planned.spread.has_work
    assert not differs(record, room.sets.deployed["baseline"])
    assert set(planned.made) == pairs((C,))


def test_a_later_operation_of_others_is_in_the_way(tmp_path: Path) -> None:
    """By another rollout of ours, or by somebody else. (exit 6)"""
    room = Folder(tmp_path)
    room.sets.has(a_set())
    room.apply(a_set(version="2"))
    first = room.sets.operations(a_set())[0].operation_id
    room.apply(a_set(version="3"))

    with pytest.raises(StaleError, match="revert that one first"):
        room.revert(a_set(), first)
    with pytest.raises(BlockedError, match="no record"):
        room.revert(a_set(), "unheard-of")


def test_a_revert_can_be_reverted(tmp_path: Path) -> None:
    """It is an operation like any other."""
    room = Folder(tmp_path)
    room.sets.has(a_set())
    new = a_set(version="2")
    room.apply(new)
    room.carry_out(room.revert(new)[1])

    _, again = room.revert(new)
    room.carry_out(again)

    assert room.sets.deployed["baseline"].template == new.template.text


def test_there_is_nothing_to_go_back_to_before_the_set_was_made(tmp_path: Path) -> None:
    """Taking that back is to destroy it."""
    room = Folder(tmp_path)
    room.apply(a_set())

    with pytest.raises(BlockedError, match="destroy"):
        room.revert(a_set())


# In waves -----------------------------------------------------------------------------------------

CANARY = Wave("canary", frozenset({Target(B, EAST)}), (Gate("alarm", ApprovalCheck("ok?")),), 60.0)


def test_a_revert_goes_in_the_sets_waves(tmp_path: Path) -> None:
    """The set's old template goes with the canary; the rest waits for its bake and gate. (D-9)"""
    room = Folder(tmp_path)
    room.sets.has(a_set())
    room.apply(a_set(version="2"))
    sent, began = len(room.sets.sent), room.clock.now()

    _, planned = room.revert(a_set(version="2", waves=(CANARY,)))

    assert [(wave.name, wave.bake) for wave in planned.spread.waves] == [
        ("canary", 60.0),
        ("rest", 0.0),
    ]
    assert room.carry_out(planned).exit_code == 0
    assert room.clock.now() - began >= 60.0
    calls = [(each.call.renews, each.call.pairs) for each in room.sets.sent[sent:]]
    assert calls[0] == (True, {Target(B, EAST)})
    assert not any(renews for renews, _ in calls[1:])
    assert frozenset().union(*(those for _, those in calls)) == pairs()


def test_a_revert_that_a_gate_stopped_is_gone_on_with(tmp_path: Path) -> None:
    """Not taken back in its turn; the gate is asked again, and what is back stays. (D-10)"""
    room = Folder(tmp_path)
    old, new = a_set(), a_set(version="2", waves=(CANARY,))
    room.sets.has(old)
    room.apply(a_set(version="2"))
    first = room.sets.operations(old)[-1].operation_id
    room.faults = {"alarm": "3 errors"}
    assert "3 errors" in room.carry_out(room.revert(new)[1]).cause
    sent = len(room.sets.sent)
    assert "3 errors" in room.carry_out(room.revert(new)[1]).cause
    assert len(room.sets.sent) == sent
    room.faults = {}

    record, planned = room.revert(new)

    assert record.operation == first
    assert planned.spread.update == pairs() - {Target(B, EAST)}
    assert room.carry_out(planned).exit_code == 0
    assert all(each.is_well for each in room.sets.there["baseline"].values())
    assert room.sets.deployed["baseline"].template == old.template.text
    again = room.revert(new)[1]
    assert json.loads(again.spread.stack_set.template.text) == new.template.document
    assert not room.revert(new, first)[1].spread.has_work


def test_a_revert_of_overrides_alone_is_gone_on_with(tmp_path: Path) -> None:
    """The set is as it was all the time; the pairs that still have the newer values are not."""
    room = Folder(tmp_path)
    told = {pair: {"Size": "3"} for pair in pairs()}
    room.sets.has(a_set(overrides=told))
    newer = {pair: {"Size": "4"} for pair in pairs()}
    room.apply(a_set(overrides=newer))
    new = a_set(overrides=newer, waves=(CANARY,))
    room.faults = {"alarm": "3 errors"}
    room.carry_out(room.revert(new)[1])
    room.faults = {}

    _, planned = room.revert(new)

    assert planned.spread.override == pairs() - {Target(B, EAST)}
    assert room.carry_out(planned).exit_code == 0
    assert {each.overrides["Size"] for each in room.sets.there["baseline"].values()} == {"3"}


def test_a_retry_of_a_revert_leaves_it_one_revert(tmp_path: Path) -> None:
    """What failed of it is done again, and the rest of it is not another rollout's."""
    room = Folder(tmp_path)
    room.sets.has(a_set())
    new = a_set(version="2", waves=(CANARY,))
    room.apply(a_set(version="2"))
    first = room.sets.operations(new)[-1].operation_id
    room.sets.failing = {Target(B, EAST): "no room"}
    assert room.carry_out(room.revert(new)[1]).exit_code == 1
    room.sets.failing = {}
    (failed, *_), found = room.sets.operations(new), room.sets.there["baseline"]
    there = FoundSet(room.sets.deployed["baseline"], dict(found))
    as_is = as_deployed(new, room.sets.deployed["baseline"], failed.preferences)
    results = room.sets.results(new, failed.operation_id)
    again = plan_retry(as_is, failed, results, there, cover).spread
    assert run(again, replace(room.means(), keeper=room.keeper)).exit_code == 0

    record, planned = room.revert(new)

    assert record.operation == first
    assert planned.spread.update == pairs() - {Target(B, EAST)}


# NoEcho -------------------------------------------------------------------------------------------


def secret_set(version: str, **how: object) -> StackSet:
    template = a_template("baseline", version=version, defaults={"Size": "1"})
    document = json.loads(template.text)
    document["Parameters"]["Key"] = {"Type": "String", "NoEcho": True}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return a_set(template=replace(template, text=text), parameters={"Key": "s3cr3t"}, **how)


def test_a_secret_is_never_written_down_and_keeps_the_value_that_it_has(tmp_path: Path) -> None:
    """The renewing call says that its value stays."""
    room = Folder(tmp_path)
    old, new = secret_set("1"), secret_set("2")
    room.sets.has(old)
    room.sets.deployed["baseline"] = replace(
        room.sets.deployed["baseline"], parameters={"Size": "1", "Key": "s3cr3t"}
    )
    room.apply(new)

    written = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    _, planned = room.revert(new)

    assert "s3cr3t" not in written
    (call, *_) = planned.spread.waves[0].calls
    assert call.keeps == ("Key",)
    assert "Key" not in planned.spread.wanted.parameters


def test_a_secret_that_the_set_no_longer_has_is_in_the_way(tmp_path: Path) -> None:
    """Nobody can say what it was."""
    room = Folder(tmp_path)
    room.sets.has(secret_set("1"))
    room.apply(a_set(version="2"))

    with pytest.raises(BlockedError, match="Key"):
        room.revert(a_set())


# Files --------------------------------------------------------------------------------------------


def test_a_record_that_was_changed_is_refused(tmp_path: Path) -> None:
    """It has a digest over all of it."""
    room = Folder(tmp_path)
    room.sets.has(a_set())
    room.apply(a_set(version="2"))
    (path,) = (tmp_path / "baseline").glob("*.json")
    record = room.keeper.records("baseline")[path.stem]
    assert load(dump(record), "x") == record
    path.write_text(path.read_text().replace('"Size": "1"', '"Size": "2"'))

    with pytest.raises(StaleError, match="changed since"):
        room.keeper.records("baseline")


def test_nothing_is_sent_that_could_not_be_written_down(tmp_path: Path) -> None:
    """The folder is a file: the set stays as it is."""
    (tmp_path / "sets").write_text("")
    room = Folder(tmp_path / "sets")
    room.sets.has(a_set())

    ended = room.apply(a_set(version="2"))

    assert ended.exit_code == TapcfnError.exit_code
    assert "cannot be written" in ended.cause
    assert room.sets.sent == []


def test_an_id_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """Ids come from the service, and from people."""
    room = Folder(tmp_path)
    room.sets.has(a_set())

    with pytest.raises(UsageError, match="no id"):
        room.keeper.keep(room.planned(a_set(version="2")), "../../x")
