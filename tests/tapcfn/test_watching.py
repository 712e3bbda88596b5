"""Runs whose reads fail, whose clean-up fails, and runs that know how long things take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn.errors import CloudError, UnknownStatusError
from tapcfn.events import Diagnosed, FindingRaised, OperationStarted, Waiting
from tapcfn.model import Ending, OutputOf, StackEvent, StackStatus
from tapcfn.operations import Means
from tapcfn.waits import Patience
from tests.fakes import AWAY, FakeLedger, World, a_deployed, a_rollout, a_stack
from tests.fakes.world import causes, endings

DONE, FAILED, SKIPPED, RUNNING = Ending.DONE, Ending.FAILED, Ending.SKIPPED, Ending.RUNNING

NETWORK = a_stack("network")
APP = a_stack("app", parameters={"Vpc": OutputOf("network", "Id")})
ALONE = a_stack("alone", target=AWAY)

DENIED = CloudError("not you [AccessDenied, request r-1]", code="AccessDenied", lasting=True)
EXPIRED = CloudError("expired [ExpiredToken]", code="ExpiredToken", lasting=True)
GONE = CloudError("no such host", code="EndpointConnectionError")


@pytest.fixture
def world() -> World:
    """Return an empty cloud in which the network takes ten minutes."""
    made = World()
    made.cloud.takes("network", 600.0)
    return made


def warnings(world: World) -> list[str]:
    """Return what was said aloud."""
    return [each.message for each in world.heard(Diagnosed)]


# Reads that fail for good -------------------------------------------------------------------------


@pytest.mark.parametrize(("error", "within"), [(EXPIRED, 5.0), (DENIED, 5.0), (GONE, 130.0)])
def test_a_state_that_can_no_longer_be_read_is_not_waited_for(
    world: World, error: CloudError, within: float
) -> None:
    """It runs on and may be resumed: exit 7, soon; whoever needs it is skipped. (X-11)"""
    for call in ("moving", "events", "stack"):
        world.cloud.fault(call, str(NETWORK.target), error=error, times=10_000)
        world.cloud.fault(call, "network", error=error, times=10_000)

    outcome = world.carry_out(a_rollout(NETWORK, APP, ALONE))

    assert {"network": RUNNING, "app": SKIPPED, "alone": DONE} == endings(outcome)
    assert 7 == outcome.exit_code
    assert f"its state can no longer be read: {error}" == causes(outcome)["network"]
    assert world.clock.now() <= within + 15.0


def test_a_history_that_may_not_be_read_hides_no_outcome(world: World) -> None:
    """The stack itself is read; one warning, however long it takes. (X-12)"""
    world.cloud.fault("events", error=DENIED, times=10_000)

    outcome = world.carry_out(a_rollout(NETWORK, APP))

    assert {"network": DONE, "app": DONE} == endings(outcome)
    assert 2 <= len(warnings(world)) <= world.clock.now() / 30 + 2
    assert all("without its history: not you" in each for each in warnings(world))


@pytest.mark.parametrize(
    ("ends", "ending"),
    [(StackStatus.UPDATE_COMPLETE, DONE), (StackStatus.UPDATE_ROLLBACK_COMPLETE, FAILED)],
)
def test_an_old_final_state_is_no_end_without_a_history_either(
    world: World, ends: StackStatus, ending: Ending
) -> None:
    """A stale read shows the stack as it was before: not yet begun. (X-20)"""
    world.has(NETWORK, status=StackStatus.UPDATE_COMPLETE)
    world.cloud.takes("network", 20.0)
    world.cloud.fault("events", error=DENIED, times=10_000)
    world.cloud.breaks("network", ("Topic", "no"), ends=ends)
    world.cloud.lags("network", 3)

    outcome = world.carry_out(a_rollout(replace(NETWORK, tags={"new": "tag"})))

    assert {"network": ending} == endings(outcome)
    assert world.clock.now() >= 20.0


def test_a_sweep_that_may_not_be_made_is_replaced_by_looks(world: World) -> None:
    """ListStacks may be denied where DescribeStacks is not. (X-12)"""
    world.cloud.fault("moving", error=DENIED, times=10_000)

    outcome = world.carry_out(a_rollout(NETWORK))

    assert {"network": DONE} == endings(outcome)
    assert all("asking about each stack instead" in each for each in warnings(world))
    assert len(warnings(world)) <= world.clock.now() / 30 + 1


def test_the_same_warning_is_said_once_in_half_a_minute(world: World) -> None:
    """Though each refusal has a request id of its own."""
    for number in range(400):
        error = CloudError(
            f"slow down [request r-{number}]",
            code="Throttling",
            request_id=f"r-{number}",
            passing=True,
        )
        world.cloud.fault("moving", error=error)

    world.carry_out(a_rollout(NETWORK))

    assert 1 < len(warnings(world)) <= world.clock.now() / 30 + 1


def test_an_unknown_status_is_no_success_and_ends_the_watch(world: World) -> None:
    """Shown as it came; exit 1, and nothing more is written on that stack. (X-37)"""
    unknown = UnknownStatusError("network: CloudFormation says DREAMING, which is unknown here")
    world.cloud.fault("stack", "network", error=unknown, times=10_000)

    outcome = world.carry_out(a_rollout(NETWORK, APP))

    assert ({"network": FAILED, "app": SKIPPED}, 1) == (endings(outcome), outcome.exit_code)
    assert "DREAMING" in causes(outcome)["network"]


def test_an_unknown_word_in_the_history_is_no_success_either(world: World) -> None:
    """Where the stack's own last event is one that nobody knows. (X-37)"""
    event = StackEvent("e", "network", "AWS::CloudFormation::Stack", "DREAMING")
    deployed = a_deployed(NETWORK, StackStatus.UPDATE_IN_PROGRESS)
    world.cloud.moves(NETWORK, deployed, "somebody", StackStatus.UPDATE_COMPLETE)
    life = world.cloud._lives[deployed.stack_id]
    world.clock.at(
        600.0,
        lambda: life.events.append(replace(event, physical_id=deployed.stack_id, token="somebody")),
    )
    world.clock.at(600.0, life.future.clear)
    world.clock.at(
        600.0,
        lambda: setattr(life, "deployed", replace(deployed, status=StackStatus.UPDATE_COMPLETE)),
    )

    outcome = world.adopt(a_rollout(NETWORK))

    assert {"network": FAILED} == endings(outcome)
    assert "its history says DREAMING" in causes(outcome)["network"]


# What an update could not clean up ----------------------------------------------------------------


def test_what_an_update_could_not_delete_is_said(world: World) -> None:
    """Done, exit 0, and not in silence: which resource, why, what is left, and its line."""
    world.has(NETWORK)
    world.cloud.breaks(
        "network", ("Topic", "it is in use"), ends=StackStatus.UPDATE_COMPLETE, at="DELETE"
    )

    outcome = world.carry_out(a_rollout(replace(NETWORK, tags={"new": "tag"})))

    (ended,) = outcome.endings
    (told,) = world.heard(FindingRaised)
    assert (DONE, 0) == (ended.ending, outcome.exit_code)
    assert ended.warnings == (
        "Topic: AWS::SNS::Topic physical-Topic could not be deleted (it is in use); it is still "
        "there, outside the stack: delete it by hand",
    )
    assert ("warning", "Topic", "layers/network.py:10") == (
        told.finding.severity,
        told.finding.logical_id,
        str(told.finding.source),
    )


def test_a_success_with_nothing_left_has_no_warning(world: World) -> None:
    """The usual case."""
    (ended,) = world.carry_out(a_rollout(NETWORK)).endings

    assert () == ended.warnings
    assert [] == world.heard(FindingRaised)


# Stopping early -----------------------------------------------------------------------------------


def test_the_first_failure_ends_all_that_has_not_started(world: World) -> None:
    """With --fail-fast: what moves is watched to its end, nothing else is begun. (R-15)"""
    slow, late = a_stack("slow"), a_stack("late", parameters={"X": OutputOf("slow", "Id")})
    world.cloud.takes("slow", 100.0)
    world.cloud.takes("network", 10.0)
    world.cloud.breaks("network", ("Topic", "no"))

    outcome = world.carry_out(a_rollout(NETWORK, slow, late), fail_fast=True)

    assert {"network": FAILED, "slow": DONE, "late": SKIPPED} == endings(outcome)
    assert "network did not succeed (--fail-fast)" == causes(outcome)["late"]


def test_a_rolled_back_creation_is_waited_for_no_longer_than_the_run(world: World) -> None:
    """Its deletion has no patience of its own. (X-31)"""
    world.has(NETWORK, status=StackStatus.ROLLBACK_COMPLETE)
    world.cloud.leaves("network")
    means = Means(world.cloud, world.clock, world.ledger, Patience(world.clock, 60.0))

    outcome = world.carry_out(a_rollout(NETWORK), means=means)

    assert ({"network": RUNNING}, 7) == (endings(outcome), outcome.exit_code)
    assert world.clock.now() <= 70.0


# Known durations ----------------------------------------------------------------------------------


def test_a_second_run_knows_how_long_the_first_took() -> None:
    """It looks rarely until shortly before, sees the end at once, and says how long. (R-1)"""
    ledger = FakeLedger()
    first = World(ledger)
    first.cloud.takes("network", 300.0)
    first.carry_out(a_rollout(NETWORK))
    second = World(ledger)
    second.cloud.takes("network", 300.0)

    (ended,) = second.carry_out(a_rollout(NETWORK)).endings

    (started,) = second.heard(OperationStarted)
    assert 300.0 == pytest.approx(started.usual or 0.0, abs=2.0)
    assert 300.0 <= ended.seconds <= 300.4
    assert second.cloud.count("moving") < 0.9 * first.cloud.count("moving")
    left = [each.left for each in second.heard(Waiting)]
    assert left == sorted(left, reverse=True)
    assert 300.0 > left[0] > left[-1] >= 0.0


def test_what_failed_or_was_found_at_work_teaches_nothing(world: World) -> None:
    """How long a rollback took says nothing of a success, and half an operation is no whole one."""
    world.cloud.breaks("network", ("Topic", "no"))
    world.carry_out(a_rollout(NETWORK))
    other = World(world.ledger)
    deployed = a_deployed(NETWORK, StackStatus.UPDATE_IN_PROGRESS)
    other.cloud.moves(NETWORK, deployed, "somebody", StackStatus.UPDATE_COMPLETE)
    other.adopt(a_rollout(NETWORK))

    assert {} == world.ledger.durations


def test_nothing_is_promised_where_one_step_is_new(world: World) -> None:
    """The heartbeat says how long only if all that is to come was done before."""
    world.ledger.durations["create", "network"] = 600.0

    world.carry_out(a_rollout(NETWORK, APP))

    assert {None} == {each.left for each in world.heard(Waiting)}
