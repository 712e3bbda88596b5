"""Somebody else at work on our stacks, and services that refuse what comes last. (X-31, X-13)"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn.errors import CloudError
from tapcfn.events import Diagnosed, ResourceMoved
from tapcfn.model import Ending, OutputOf, StackStatus
from tests.fakes import World, a_rollout, a_stack, a_template
from tests.fakes.world import causes, endings, until

NETWORK = a_stack("network")
CHANGED = replace(NETWORK, template=a_template("network", version="2"))


@pytest.fixture
def world() -> World:
    """Return an empty cloud."""
    return World()


def test_a_stack_that_others_delete_while_we_create_it_has_failed(world: World) -> None:
    world.cloud.takes("network", 60)
    world.clock.at(
        20,
        lambda: world.cloud.taken_over(
            "network", StackStatus.DELETE_IN_PROGRESS, "theirs", StackStatus.DELETE_COMPLETE
        ),
    )

    outcome = world.carry_out(a_rollout(NETWORK))

    assert endings(outcome) == {"network": Ending.FAILED}
    assert outcome.exit_code == 1
    assert causes(outcome)["network"].startswith("ended by someone else (token theirs)")
    assert "DELETE_COMPLETE" in causes(outcome)["network"]
    told = [each.event.token for each in world.heard(ResourceMoved)]
    assert told.count("theirs") == 2, "the history by StackId shows what they did"


def test_an_update_that_others_cancel_has_failed(world: World) -> None:
    world.has(NETWORK)
    world.cloud.takes("network", 60)
    world.clock.at(
        20,
        lambda: world.cloud.taken_over(
            "network",
            StackStatus.UPDATE_ROLLBACK_IN_PROGRESS,
            "Console-CancelUpdateStack-1",
            StackStatus.UPDATE_ROLLBACK_COMPLETE,
        ),
    )

    outcome = world.apply(a_rollout(CHANGED))

    assert endings(outcome) == {"network": Ending.FAILED}
    assert "Console-CancelUpdateStack-1" in causes(outcome)["network"]
    assert "UPDATE_ROLLBACK_COMPLETE" in causes(outcome)["network"]
    assert all(world.ledger.has_ended(token) for _, _, token in world.ledger.intended)


def test_what_others_have_made_of_it_since_is_no_success_of_ours(world: World) -> None:
    """Ours had ended, but before we looked theirs began: what stands is not what was wanted."""
    world.has(NETWORK)
    world.cloud.takes("network", 10)
    world.clock.at(
        10,
        lambda: (
            world.cloud.status("network"),
            world.cloud.taken_over(
                "network",
                StackStatus.UPDATE_IN_PROGRESS,
                "theirs",
                StackStatus.UPDATE_ROLLBACK_COMPLETE,
            ),
        ),
    )

    outcome = world.apply(a_rollout(CHANGED))

    assert endings(outcome) == {"network": Ending.FAILED}
    assert causes(outcome)["network"].startswith("ended by someone else (token theirs)")


def test_a_deletion_that_others_finish_is_done(world: World) -> None:
    world.has(NETWORK)
    world.cloud.takes("network", 60)
    world.clock.at(
        20,
        lambda: world.cloud.taken_over(
            "network", StackStatus.DELETE_IN_PROGRESS, "theirs", StackStatus.DELETE_COMPLETE
        ),
    )

    assert endings(world.destroy(a_rollout(NETWORK))) == {"network": Ending.DONE}


@pytest.mark.parametrize("wanted", [True, False])
def test_protection_that_is_refused_is_a_failure_that_names_it(world: World, wanted: bool) -> None:
    """What needs the stack is skipped, what does not goes on, and the next run protects. (X-13)"""
    stack = replace(NETWORK, protect=wanted)
    if not wanted:
        world.has(NETWORK, protected=True, tags={"old": "yes"})
    app = a_stack("app", parameters={"Vpc": OutputOf("network", "Id")})
    denied = CloudError("not authorized", code="AccessDenied", lasting=True)
    world.cloud.fault("protect", "network", error=denied)
    rollout = a_rollout(stack, app, a_stack("alone"))

    outcome = world.apply(rollout)

    assert endings(outcome) == {
        "network": Ending.FAILED,
        "app": Ending.SKIPPED,
        "alone": Ending.DONE,
    }
    assert outcome.exit_code == 1
    assert "termination protection" in causes(outcome)["network"]
    assert "not authorized" in causes(outcome)["network"]
    assert world.apply(rollout).exit_code == 0
    assert world.snapshot(rollout).stacks["network"].protected is wanted


# Updates that an interrupt cancels (X-35) ---------------------------------------------------------


def test_an_interrupt_cancels_running_updates_and_lets_creations_go_on(world: World) -> None:
    """The rollback is waited for as far as the last breath goes, and told."""
    world.has(NETWORK)
    world.cloud.takes("network", 5)
    world.clock.at(3, lambda: world.cloud.takes("network", 5))

    outcome = world.apply(
        a_rollout(CHANGED, a_stack("new")), interrupted=until(world.clock, 3), cancels=True
    )

    assert endings(outcome) == {"network": Ending.FAILED, "new": Ending.RUNNING}
    assert outcome.exit_code == 130
    assert causes(outcome)["network"] == (
        "cancelled, as the run was interrupted: UPDATE_ROLLBACK_COMPLETE"
    )
    assert causes(outcome)["new"] == "CloudFormation goes on"
    assert world.cloud.count("cancel") == world.cloud.count("cancel", "network") == 1
    said = [each.message for each in world.heard(Diagnosed)]
    assert "network: its update is cancelled; CloudFormation rolls it back" in said
    assert all(map(world.ledger.has_ended, world.ledger.tokens("cancel", "network")))


def test_a_rollback_that_takes_longer_than_the_last_breath_is_left_running(world: World) -> None:
    world.has(NETWORK)
    world.cloud.takes("network", 100)

    outcome = world.apply(a_rollout(CHANGED), interrupted=until(world.clock, 3), cancels=True)
    ended = world.clock.now()

    assert causes(outcome) == {"network": "CloudFormation rolls it back"}
    assert ended <= 3 + 10
    assert endings(world.apply(a_rollout(CHANGED))) == {"network": Ending.DONE}


def test_without_the_option_an_interrupt_cancels_nothing(world: World) -> None:
    world.has(NETWORK)

    outcome = world.apply(a_rollout(CHANGED), interrupted=until(world.clock, 3))

    assert endings(outcome) == {"network": Ending.RUNNING}
    assert world.cloud.count("cancel") == 0


def test_a_deadline_cancels_nothing(world: World) -> None:
    """It ends the waiting and not the operation, whatever was asked for on an interrupt."""
    world.has(NETWORK)
    world.cloud.takes("network", 100)

    outcome = world.apply(a_rollout(CHANGED), timeout=20.0, cancels=True)

    assert outcome.exit_code == 7
    assert world.cloud.count("cancel") == 0


def test_an_update_that_can_not_be_cancelled_goes_on(world: World) -> None:
    world.has(NETWORK)
    world.cloud.takes("network", 100)
    denied = CloudError("network: not authorized", code="AccessDenied", lasting=True)
    world.cloud.fault("cancel", "network", error=denied)

    outcome = world.apply(a_rollout(CHANGED), interrupted=until(world.clock, 3), cancels=True)

    assert causes(outcome) == {"network": "CloudFormation goes on"}
    said = [each.message for each in world.heard(Diagnosed)]
    assert "network: was not cancelled: network: not authorized" in said


# Credentials that end (X-11) ----------------------------------------------------------------------


@pytest.mark.parametrize("call", ["stage", "execute", "delete"])
def test_a_step_that_starts_with_expired_credentials_waits_for_new_ones(
    world: World, call: str
) -> None:
    """It has not failed: the same run goes on with other credentials, and exit 7 says how."""
    expired = CloudError("token expired", code="ExpiredToken", lasting=True)
    rollout = a_rollout(NETWORK)
    if call == "delete":
        world.has(NETWORK)
    run = world.destroy if call == "delete" else world.carry_out
    world.cloud.fault(call, "network", error=expired)

    outcome = run(rollout)

    assert (7, {"network": Ending.SKIPPED}) == (outcome.exit_code, endings(outcome))
    assert causes(outcome) == {"network": "not started: token expired"}
    assert {"network": Ending.DONE} == endings(run(rollout))
