"""A spread is carried out call by call, watched, judged by its instances, and can be taken up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from tapcfn.errors import CloudError
from tapcfn.events import (
    Diagnosed,
    Event,
    InstanceMoved,
    InstancesMoved,
    SetOperationEnded,
    StackEnded,
    WaveEnded,
)
from tapcfn.model import (
    Ending,
    FoundSet,
    Gate,
    InstanceStatus,
    Member,
    StackEvent,
    StackSet,
    Target,
    Wave,
)
from tapcfn.model.gates import ApprovalCheck
from tapcfn.stack_sets.between import last_operation
from tapcfn.stack_sets.calls import Act
from tapcfn.stack_sets.comparing import plan_removal, plan_spread
from tapcfn.stack_sets.cover import cover
from tapcfn.stack_sets.finding import moving_operations, resolve_set
from tapcfn.stack_sets.means import SetMeans
from tapcfn.stack_sets.running import follow, run
from tapcfn.stack_sets.spread import Spread
from tapcfn.waits import Patience
from tests.fakes.clock import FakeClock
from tests.fakes.ledger import FakeLedger
from tests.fakes.set_cloud import FakeSetCloud
from tests.tapcfn.stack_sets.examples import EAST, WEST, A, B, a_set, pairs

E = TypeVar("E")


class Histories:
    """Stacks' own histories, by StackId."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[StackEvent, ...]] = {}

    def events(self, stack_id: str, target: Target, token: str) -> tuple[StackEvent, ...]:
        """Return what was put there, or refuse."""
        if stack_id not in self.of:
            raise CloudError(f"{target}: no", code="AccessDenied", lasting=True)
        return self.of[stack_id]


class Room:
    """All that a spread is carried out with. A second run in it is a new process."""

    def __init__(self, at_a_look: int = 100) -> None:
        self.clock = FakeClock()
        self.ledger = FakeLedger()
        self.sets = FakeSetCloud(at_a_look)
        self.histories = Histories()
        self.told: list[Event] = []
        self.is_interrupted = False
        self.faults: dict[str, str] = {}

    def means(self, timeout: float = 3600.0) -> SetMeans:
        """Return the means of a new process."""
        return SetMeans(
            self.sets,
            self.histories,
            self.clock,
            self.ledger,
            Patience(self.clock, timeout, lambda: self.is_interrupted),
            self.told.append,
            bake=self.bake,
            draw=lambda: 1.0,
        )

    def bake(self, unit: str, gates: tuple[Gate, ...], seconds: float) -> str:
        """Let time pass, and say what is wrong with the first gate that has a fault."""
        self.clock.sleep(seconds)
        return next((self.faults[each.name] for each in gates if each.name in self.faults), "")

    def planned(self, stack_set: StackSet) -> Spread:
        """Plan against what there is now."""
        there = self.sets.there.get(stack_set.name, {})
        last = last_operation(self.sets.operations(stack_set))
        found = FoundSet(self.sets.deployed.get(stack_set.name), dict(there), last_operation=last)
        wanted, _ = resolve_set(stack_set, {}, found)
        return plan_spread(wanted, found, cover)

    def apply(self, stack_set: StackSet, timeout: float = 3600.0) -> StackEnded:
        """Do what an apply does: wait for what moves, plan, carry out."""
        means = self.means(timeout)
        for each in moving_operations(stack_set, self.sets):
            follow(stack_set, each, means)
        return run(self.planned(stack_set), means)

    def events(self, kind: type[E]) -> list[E]:
        """Return what was told of one kind."""
        return [each for each in self.told if isinstance(each, kind)]

    @property
    def moved(self) -> list[InstanceMoved]:
        """Return every move of an instance that was told."""
        return [each for told in self.events(InstancesMoved) for each in told.moved]


def ended(outcome: StackEnded) -> tuple[Ending, int]:
    """Return how it ended, in short."""
    return outcome.ending, outcome.exit_code


def test_a_set_is_made_and_reaches_its_pairs_and_the_next_run_does_nothing() -> None:
    """The whole way, twice."""
    room = Room()

    assert ended(room.apply(a_set())) == (Ending.DONE, 0)
    assert set(room.sets.there["baseline"]) == pairs()
    sent = list(room.sets.acts)
    assert ended(room.apply(a_set())) == (Ending.UNCHANGED, 0)
    assert sent == room.sets.acts == [("create", 0), ("add", 4)]


def test_each_token_stands_in_the_ledger_before_it_is_sent() -> None:
    """And is over once its operation has ended."""
    room = Room()

    room.apply(a_set())

    tokens = [token for _, _, token in room.ledger.intended]
    assert tokens == [each.token for each in room.sets.sent]
    assert room.ledger.over == set(tokens)


def test_deploying_a_then_b_then_a_again_deploys_each_time() -> None:
    """A token names what it is written against, so that it is never used for another time."""
    room = Room()
    for version in "1", "2", "1":
        assert ended(room.apply(a_set(version=version))) == (Ending.DONE, 0)

    tokens = [each.token for each in room.sets.sent]
    assert len(tokens) == len(set(tokens)) == 4


def test_a_success_with_failed_instances_is_partial() -> None:
    """Failures within the tolerance end SUCCEEDED: exit 5. (X-26)"""
    room = Room()
    room.sets.tolerance = 1
    room.sets.failing = {Target(B, WEST): "no quota"}

    outcome = room.apply(a_set())

    assert ended(outcome) == (Ending.FAILED, 5)
    assert f"1x no quota (first {B}/{WEST})" in outcome.cause


def test_a_failed_operation_names_the_cause_first_and_the_cancelled_apart() -> None:
    """CANCELLED is a consequence. (D-4, X-25)"""
    room = Room(at_a_look=1)
    room.sets.failing = {Target(A, EAST): "bucket exists"}

    outcome = room.apply(a_set())

    (end,) = room.events(SetOperationEnded)
    assert (end.status, end.failed, end.cancelled) == ("FAILED", 1, 3)
    assert [(each.reason, each.count) for each in end.causes] == [("bucket exists", 1)]
    assert ended(outcome) == (Ending.FAILED, 1)
    assert outcome.cause.endswith(
        f"1x bucket exists (first {A}/{EAST}); 3 cancelled after that; 0 done"
    )


def test_the_root_cause_comes_from_the_instances_own_stack() -> None:
    """The result's reason often says only that a resource failed."""
    room = Room()
    bad = Target(A, EAST)
    room.sets.failing = {bad: "ResourceLogicalId:Topic was not made"}
    stack_id = f"arn:aws:cloudformation:{EAST}:{A}:stack/StackSet-x/1"
    room.histories.of[stack_id] = (
        StackEvent("1", "Topic", "AWS::SNS::Topic", "CREATE_FAILED", "old", token="t0"),
        StackEvent("2", "Topic", "AWS::SNS::Topic", "CREATE_FAILED", "Topic exists", token="t1"),
        StackEvent("3", "s", "AWS::CloudFormation::Stack", "ROLLBACK_COMPLETE", "", token="t1"),
    )

    outcome = room.apply(a_set())

    assert "Topic (AWS::SNS::Topic): Topic exists" in outcome.cause
    assert "old" not in outcome.cause


def test_a_failed_cell_tells_its_stacks_own_cause_while_the_others_run() -> None:
    """One history is read for all that failed for the same reason. (D-3)"""
    room = Room(at_a_look=1)
    room.sets.tolerance = 9
    bad = pairs(regions=(EAST,))
    room.sets.failing = dict.fromkeys(bad, "ResourceLogicalId:Topic was not made")
    read = []
    for pair in bad:
        stack_id = f"arn:aws:cloudformation:{EAST}:{pair.account}:stack/StackSet-x/1"
        room.histories.of[stack_id] = (
            StackEvent("1", "Topic", "AWS::SNS::Topic", "CREATE_FAILED", "it exists", token="t1"),
        )
    whole = room.histories.events
    room.histories.events = lambda *asked: read.append(asked) or whole(*asked)  # type: ignore

    room.apply(a_set())

    failed = [each for each in room.moved if each.detailed == "FAILED"]
    assert {"Topic (AWS::SNS::Topic): it exists"} == {each.cause for each in failed}
    assert len(bad) == len(failed) == 2
    assert 2 == len(read)  # one while it runs, one when it has ended


def test_the_next_run_after_a_failure_converges() -> None:
    """What failed or was cancelled is done again, what is well is left alone."""
    room = Room()
    room.sets.tolerance = 1
    room.sets.failing = {Target(B, WEST): "no quota"}
    room.apply(a_set())
    room.sets.failing = {}

    assert ended(room.apply(a_set())) == (Ending.DONE, 0)
    assert room.sets.acts[-1] == ("update", 1)


def test_a_lost_answer_starts_nothing_twice() -> None:
    """The next run finds the operation at work, follows it, and has nothing left to do. (X-3)"""
    room = Room(at_a_look=1)
    room.sets.lost = {Act.ADD}

    assert ended(room.apply(a_set())) == (Ending.FAILED, 1)
    assert ended(room.apply(a_set())) == (Ending.UNCHANGED, 0)
    assert room.sets.acts == [("create", 0), ("add", 4)]
    assert len(room.events(SetOperationEnded)) == 1


def test_a_busy_set_is_waited_for_and_the_blocker_is_named() -> None:
    """The same operation id goes out again, behind whoever is at work. (D-7)"""
    room = Room()
    room.sets.has(a_set())
    spread = room.planned(a_set(version="2"))
    room.sets.somebody_works(a_set(), looks=4)

    outcome = run(spread, room.means())

    assert ended(outcome) == (Ending.DONE, 0)
    assert len({each.token for each in room.sets.sent}) == 1
    (warning,) = room.events(Diagnosed)
    assert "operation foreign (UPDATE, RUNNING, since then)" in warning.message


def test_who_waits_too_long_for_somebody_else_exits_7() -> None:
    """The deadline ends the waiting; nothing was begun. (X-15)"""
    room = Room()
    room.sets.has(a_set())
    spread = room.planned(a_set(version="2"))
    room.sets.somebody_works(a_set(), looks=1000)

    outcome = run(spread, room.means(timeout=300))

    assert ended(outcome) == (Ending.RUNNING, 7)
    assert "foreign" in outcome.cause
    assert room.sets.deployed["baseline"].template == a_set().template.text


def test_what_somebody_else_has_changed_meanwhile_is_stale() -> None:
    """What was reviewed is no longer what would run. (X-17)"""
    room = Room()
    room.sets.has(a_set())
    spread = room.planned(a_set(version="2"))
    room.sets.somebody_works(a_set(), looks=3)
    room.clock.at(3.0, lambda: room.sets.has(a_set(version="9")))

    outcome = run(spread, room.means())

    assert ended(outcome) == (Ending.BLOCKED, 6)
    assert room.sets.deployed["baseline"].template == a_set(version="9").template.text


def test_the_deadline_ends_the_waiting_and_not_the_operation() -> None:
    """Exit 7; the next run goes on with it. (R-31)"""
    room = Room(at_a_look=0)
    outcome = room.apply(a_set(), timeout=120)
    assert ended(outcome) == (Ending.RUNNING, 7)
    assert "0 of 4 instances done" in outcome.cause

    room.sets.at_a_look = 1
    assert ended(room.apply(a_set())) == (Ending.UNCHANGED, 0)
    assert [] == room.sets.stopped


def test_an_interrupt_stops_our_operation_and_says_what_was_done() -> None:
    """What runs comes to its end, nothing more begins. (D-9)"""
    room = Room(at_a_look=1)
    room.clock.at(0.2, lambda: setattr(room, "is_interrupted", True))

    outcome = room.apply(a_set())

    assert room.sets.stopped == [room.sets.sent[-1].token]
    assert outcome.ending is Ending.FAILED
    assert "STOPPED" in outcome.cause
    assert "cancelled after that" in outcome.cause


def test_somebody_elses_operation_is_not_stopped() -> None:
    """It is followed, and left alone."""
    room = Room()
    room.sets.has(a_set())
    room.sets.somebody_works(a_set(), looks=1000)
    room.is_interrupted = True

    with pytest.raises(Exception, match="foreign goes on"):
        room.apply(a_set())

    assert room.sets.stopped == []


def test_each_instance_is_told_when_it_moves_and_only_then() -> None:
    """One paged call each tick, whatever the number of instances. (D-3)"""
    room = Room(at_a_look=1)

    room.apply(a_set())

    moved = [(str(each.target), each.detailed) for each in room.moved]
    assert len(moved) == len(set(moved)) >= 4
    assert {target for target, detailed in moved if detailed == "SUCCEEDED"} == {
        str(pair) for pair in pairs()
    }


def test_what_is_deleted_is_told_as_gone() -> None:
    """A deleted instance is no longer listed."""
    room = Room(at_a_look=1)
    room.sets.has(a_set())

    outcome = run(plan_removal(a_set(), room.planned(a_set()).found, cover), room.means())

    assert ended(outcome) == (Ending.DONE, 0)
    gone = [each.target for each in room.moved if each.detailed == "DELETED"]
    assert sorted(gone) == sorted(pairs())
    assert room.sets.deployed == {}


def test_a_stale_read_right_after_the_start_is_looked_at_again() -> None:
    """An operation that is not to be found yet is no end. (X-20)"""
    room = Room()
    spread = room.planned(a_set())
    means = room.means()
    real = room.sets.send

    def send(request: Any) -> None:
        room.sets.late[request.token] = 3
        real(request)

    room.sets.send = send  # type: ignore[method-assign]

    assert ended(run(spread, means)) == (Ending.DONE, 0)


CANARY = Wave("canary", frozenset({Target(A, EAST)}), (Gate("look", ApprovalCheck("ok?")),), 60.0)


def test_a_failed_canary_keeps_the_rest_from_starting() -> None:
    """Even where its operation tolerated the failure."""
    room = Room()
    room.sets.tolerance = 9
    room.sets.failing = {Target(A, EAST): "no quota"}

    outcome = room.apply(a_set(waves=(CANARY,)))

    assert ended(outcome) == (Ending.FAILED, 5)
    assert set(room.sets.there["baseline"]) == {Target(A, EAST)}
    assert [(each.wave, each.failed) for each in room.events(WaveEnded)] == [("canary", 1)]


def test_a_gate_that_does_not_open_keeps_the_rest_from_starting() -> None:
    """After the bake."""
    room = Room()
    room.faults = {"look": "3 errors"}

    outcome = room.apply(a_set(waves=(CANARY,)))

    assert ended(outcome) == (Ending.FAILED, 1)
    assert outcome.cause == "after wave canary: 3 errors; later waves were not begun"
    assert room.clock.now() >= 60.0
    assert set(room.sets.there["baseline"]) == {Target(A, EAST)}


def test_an_account_that_is_left_out_is_a_warning_by_name() -> None:
    """The run succeeds without it, and says so. (R-25)"""
    room = Room()
    asleep = (Member(B, "ou-1", suspended=True, name="payments"),)

    ended = run(replace(room.planned(a_set(Target(A, EAST))), left_out=asleep), room.means())

    assert (ended.ending, ended.warnings) == (
        Ending.DONE,
        (f"account {B} (payments): is suspended; left out of the targets",),
    )


def test_an_account_that_is_suspended_is_a_warning() -> None:
    """The service leaves it alone, and that is no failure. (X-27)"""
    room = Room()
    room.sets.suspended = {Target(B, EAST), Target(B, WEST)}

    outcome = room.apply(a_set())

    assert ended(outcome) == (Ending.DONE, 0)
    assert [each.split(":")[0] for each in outcome.warnings] == [f"{B}/{EAST}", f"{B}/{WEST}"]


def test_instances_that_are_left_alone_for_their_account_are_named() -> None:
    """No call of ours names them, so that the service says nothing of them. (X-27)"""
    room = Room()
    room.sets.has(a_set())
    spread = replace(room.planned(a_set(version="2")), suspended=pairs((B,)))

    warnings = run(spread, room.means()).warnings

    assert [f"{B}/{EAST}", f"{B}/{WEST}"] == [each.split(":")[0] for each in warnings]
    assert all("its account is suspended" in each for each in warnings)


def test_an_inoperable_instance_is_never_a_success() -> None:
    """Nothing to do, and not as wanted: exit 5."""
    room = Room()
    room.sets.has(a_set())
    odd = Target(B, WEST)
    there = room.sets.there["baseline"]
    there[odd] = replace(there[odd], status=InstanceStatus.INOPERABLE)

    outcome = room.apply(a_set())

    assert ended(outcome) == (Ending.FAILED, 5)
    assert "INOPERABLE" in outcome.cause


def moments(count: int) -> Iterable[int]:
    """Return which call of a run is its last."""
    return range(count)


@pytest.mark.parametrize("at", moments(12))
def test_a_process_that_dies_anywhere_starts_nothing_twice(at: int) -> None:
    """Killed before any one of its calls, the next run brings it to the same end. (X-6)"""
    room = Room(at_a_look=1)
    room.sets.has(a_set(*pairs((A,))))
    wanted = a_set(*pairs((B,)), Target(A, EAST), version="2")
    left = [at]

    class DiedError(BaseException):
        pass

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def do(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] == -1:
                raise DiedError
            return call(*args, **kwargs)

        return do

    for name in "send", "operation", "instances", "results":
        setattr(room.sets, name, counted(getattr(room.sets, name)))
    try:
        room.apply(wanted)
    except DiedError:
        left[0] = 10_000
        assert room.apply(wanted).exit_code == 0

    assert set(room.sets.there["baseline"]) == wanted.pairs
    assert all(each.is_well for each in room.sets.there["baseline"].values())
    began = [w.operation.operation_id for w in room.sets.works["baseline"]]
    assert len(began) == len(set(began))
    made = [
        pair
        for w in room.sets.works["baseline"]
        if w.call and w.call.act is Act.ADD
        for pair in w.results
    ]
    assert sorted(made) == sorted(wanted.pairs - pairs((A,)))
