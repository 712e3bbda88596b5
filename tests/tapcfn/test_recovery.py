"""Stacks in a bad state: what helps in each, what it loses, and that only that is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest

from tapcfn.errors import BlockedError, UsageError
from tapcfn.model import Deployed, Ending, Snapshot, Stack, StackEvent, StackStatus
from tapcfn.operations import Means
from tapcfn.plan import plan
from tapcfn.recovery import CALLS, Cure, Diagnosis, cure, cure_of, diagnose
from tapcfn.report.recovery import diagnosis_fields, diagnosis_text
from tests.fakes import HOME, World, a_deployed, a_rollout, a_stack

BUCKETS = {
    "Bucket": "AWS::S3::Bucket",
    "Kept": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
    "Topic": "AWS::SNS::Topic",
}
STORE = a_stack("store", resources=BUCKETS)

MOVING = {
    StackStatus.CREATE_IN_PROGRESS,
    StackStatus.ROLLBACK_IN_PROGRESS,
    StackStatus.DELETE_IN_PROGRESS,
    StackStatus.UPDATE_IN_PROGRESS,
    StackStatus.UPDATE_COMPLETE_CLEANUP_IN_PROGRESS,
    StackStatus.UPDATE_ROLLBACK_IN_PROGRESS,
    StackStatus.UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS,
    StackStatus.IMPORT_IN_PROGRESS,
    StackStatus.IMPORT_ROLLBACK_IN_PROGRESS,
}
WELL = {
    StackStatus.CREATE_COMPLETE,
    StackStatus.UPDATE_COMPLETE,
    StackStatus.UPDATE_ROLLBACK_COMPLETE,
    StackStatus.IMPORT_COMPLETE,
    StackStatus.IMPORT_ROLLBACK_COMPLETE,
    StackStatus.DELETE_COMPLETE,
}
# (status, what helps, the call that is sent, where the stack is afterwards)
SICK = [
    (StackStatus.REVIEW_IN_PROGRESS, Cure.DISCARD, "delete", None),
    (StackStatus.ROLLBACK_COMPLETE, Cure.DELETE, "delete", None),
    (StackStatus.ROLLBACK_FAILED, Cure.DELETE, "delete", None),
    (StackStatus.CREATE_FAILED, Cure.ROLL_BACK, "rollback", StackStatus.ROLLBACK_COMPLETE),
    (StackStatus.UPDATE_FAILED, Cure.ROLL_BACK, "rollback", StackStatus.UPDATE_ROLLBACK_COMPLETE),
    (
        StackStatus.UPDATE_ROLLBACK_FAILED,
        Cure.CONTINUE,
        "continue_rollback",
        StackStatus.UPDATE_ROLLBACK_COMPLETE,
    ),
    (StackStatus.DELETE_FAILED, Cure.DESTROY, "", StackStatus.DELETE_FAILED),
    (StackStatus.IMPORT_ROLLBACK_FAILED, Cure.LOOK, "", StackStatus.IMPORT_ROLLBACK_FAILED),
]


@pytest.fixture
def world() -> World:
    return World()


def stands(
    world: World, status: StackStatus, history: Iterable[tuple[str, str]] = (), stack: Stack = STORE
) -> Deployed:
    """Let the stack stand in a state, with a history of (logical ID, status); itself by ""."""
    deployed = world.cloud.has(stack, a_deployed(stack, status))
    life = world.cloud.life(deployed.stack_id)
    for number, (logical_id, word) in enumerate(history):
        own = not logical_id
        life.events.append(
            StackEvent(
                f"e{number}",
                logical_id or stack.name,
                "" if own else stack.template.resources[logical_id],
                word,
                "because" if word.endswith("FAILED") else "",
                deployed.stack_id if own else f"physical-{logical_id}",
            )
        )
    return deployed


def found_in(world: World, status: StackStatus, *history: tuple[str, str]) -> Diagnosis:
    return diagnose(STORE, stands(world, status, history), world.cloud)


def means(world: World) -> Means:
    return Means(world.cloud, world.clock, world.ledger)


@pytest.mark.parametrize("status", StackStatus)
def test_every_state_has_its_cure(status: StackStatus) -> None:
    """A state that is forgotten here, or new, fails this."""
    sick = {each: helps for each, helps, _, _ in SICK}
    wanted = Cure.WAIT if status in MOVING else Cure.NOTHING if status in WELL else sick[status]

    assert wanted is cure_of(status)
    assert 1 == (status in MOVING) + (status in WELL) + (status in sick)


@pytest.mark.parametrize(("status", "helps", "call", "after"), SICK)
def test_only_what_helps_is_sent_and_once(
    world: World, status: StackStatus, helps: Cure, call: str, after: StackStatus | None
) -> None:
    """The token is noted first; what no call cures is refused before anything is written."""
    found = found_in(world, status, ("", "CREATE_IN_PROGRESS"))
    assert helps is found.cure

    if helps in CALLS:
        outcome = world.execution().follow([cure(found, means(world))])
        assert [Ending.DONE] == [each.ending for each in outcome.endings]
    else:
        with pytest.raises(BlockedError, match="store: is "):
            cure(found, means(world))

    assert [call][: bool(call)] == [each.name for each in world.cloud.writes]
    assert after is world.cloud.status("store")


@pytest.mark.parametrize("status", StackStatus)
def test_each_state_can_be_told(world: World, status: StackStatus) -> None:
    """As text and as fields that JSON takes."""
    found = found_in(world, status)

    assert f"store ({HOME}) is {status}" in diagnosis_text(found, "the call")
    fields = json.loads(json.dumps(diagnosis_fields(found, "the call")))
    assert (status, cure_of(status)) == (fields["status"], fields["cure"])


def test_the_first_failure_is_told_and_that_of_the_rollback(world: World) -> None:
    """Of the last operation only, with the line that asked for the resource."""
    found = found_in(
        world,
        StackStatus.UPDATE_ROLLBACK_FAILED,
        *[("", "CREATE_IN_PROGRESS"), ("Kept", "CREATE_FAILED"), ("", "CREATE_COMPLETE")],
        *[("", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_FAILED"), ("Bucket", "UPDATE_FAILED")],
        *[("", "UPDATE_ROLLBACK_IN_PROGRESS"), ("Bucket", "UPDATE_FAILED")],
        ("", "UPDATE_ROLLBACK_FAILED"),
    )

    text = diagnosis_text(found, "the call")

    assert "failed first: Topic (AWS::SNS::Topic) UPDATE_FAILED: because — layers/store.py" in text
    assert "rollback: Bucket (AWS::S3::Bucket) UPDATE_FAILED" in text


def test_what_goes_and_what_stays_behind_is_named(world: World) -> None:
    """By the policies of the template that is deployed."""
    found = found_in(world, StackStatus.ROLLBACK_FAILED, ("", "CREATE_IN_PROGRESS"))

    assert {("Bucket", False), ("Kept", True), ("Topic", False)} == {
        (each.logical_id, each.kept) for each in found.going
    }
    assert ["Bucket"] == [each.logical_id for each in found.lost]


@pytest.mark.parametrize(
    "history",
    [(), (("", "CREATE_IN_PROGRESS"), ("", "CREATE_COMPLETE"), ("", "DELETE_IN_PROGRESS"))],
    ids=["history is gone", "was complete"],
)
def test_a_stack_that_was_ever_in_use_loses_data_by_name_only(
    world: World, history: tuple[tuple[str, str], ...]
) -> None:
    """Exit 4 with the exact allowance. (D-18)"""
    found = found_in(world, StackStatus.ROLLBACK_FAILED, *history)

    with pytest.raises(BlockedError, match="--allow-loss store/Bucket:delete$"):
        cure(found, means(world))
    assert [] == world.cloud.writes
    cure(found, means(world), allowed=frozenset({"store/Bucket:delete"}))
    assert ["delete"] == [each.name for each in world.cloud.writes]


def test_a_rolled_back_update_loses_only_what_it_had_made(world: World) -> None:
    found = found_in(
        world,
        StackStatus.UPDATE_FAILED,
        *[("", "CREATE_IN_PROGRESS"), ("Bucket", "CREATE_COMPLETE"), ("", "CREATE_COMPLETE")],
        *[("", "UPDATE_IN_PROGRESS"), ("Topic", "CREATE_COMPLETE"), ("Kept", "UPDATE_FAILED")],
    )

    assert ["Topic"] == [each.logical_id for each in found.going]


ROLLED = (
    *(("", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_FAILED")),
    *(("", "UPDATE_ROLLBACK_IN_PROGRESS"), ("Bucket", "UPDATE_FAILED")),
    *(("Topic", "UPDATE_FAILED"), ("Topic", "UPDATE_COMPLETE"), ("", "UPDATE_ROLLBACK_FAILED")),
)


def test_only_what_failed_because_of_the_rollback_can_be_skipped(world: World) -> None:
    """Not what failed before it, and not what was mended in it."""
    found = found_in(world, StackStatus.UPDATE_ROLLBACK_FAILED, *ROLLED)

    assert {"Bucket": "Bucket"} == dict(found.skippable)
    with pytest.raises(BlockedError, match=r"--skip Topic: .*\(Bucket\)"):
        cure(found, means(world), skip=["Topic"])
    cure(found, means(world), skip=["Bucket"])
    assert ("Bucket",) == world.cloud.skipped


def test_within_a_nested_stack_it_goes_by_the_names_of_both(world: World) -> None:
    """People say `Nested.LogicalId`; the service takes the nested stack's own name."""
    nested = a_stack("store-Inner-XYZ", resources={"Queue": "AWS::SQS::Queue"})
    outer = a_stack("outer", resources={"Inner": "AWS::CloudFormation::Stack"})
    inner = stands(
        world,
        StackStatus.UPDATE_ROLLBACK_FAILED,
        [("", "UPDATE_ROLLBACK_IN_PROGRESS"), ("Queue", "UPDATE_FAILED")],
        nested,
    )
    deployed = stands(
        world, StackStatus.UPDATE_ROLLBACK_FAILED, [("", "UPDATE_ROLLBACK_IN_PROGRESS")], outer
    )
    kind = "AWS::CloudFormation::Stack"
    failed = StackEvent("e", "Inner", kind, "UPDATE_FAILED", "", inner.stack_id)
    world.cloud.life(deployed.stack_id).events.append(failed)

    found = diagnose(outer, deployed, world.cloud)

    assert {"Inner": "Inner", "Inner.Queue": "store-Inner-XYZ.Queue"} == dict(found.skippable)


@pytest.mark.parametrize(
    ("status", "how", "fault"),
    [
        (StackStatus.UPDATE_ROLLBACK_FAILED, {"skip": ["Bucket"], "force": True}, "one or the"),
        (StackStatus.UPDATE_FAILED, {"force": True}, "continue a failed rollback only"),
        (StackStatus.ROLLBACK_COMPLETE, {"skip": ["Bucket"]}, "continue a failed rollback only"),
    ],
)
def test_options_that_the_call_does_not_take_are_refused(
    world: World, status: StackStatus, how: dict[str, object], fault: str
) -> None:
    found = found_in(world, status, *ROLLED)

    with pytest.raises(UsageError, match=fault):
        cure(found, means(world), **how)
    assert [] == world.cloud.writes


def test_a_second_attempt_has_a_token_of_its_own_once_the_first_has_ended(world: World) -> None:
    """Until then it is the same: a lost answer is asked for again. (X-4)"""
    found = found_in(world, StackStatus.UPDATE_FAILED, ("", "UPDATE_IN_PROGRESS"))
    first = cure(found, means(world)).token

    again = cure(found, means(world)).token
    world.ledger.ended(first)

    assert first == again
    assert first != _token_of_another(world)


def _token_of_another(world: World) -> str:
    other = World(world.ledger)
    found = found_in(other, StackStatus.UPDATE_FAILED, ("", "UPDATE_IN_PROGRESS"))
    return cure(found, means(other)).token


@pytest.mark.parametrize("status", [StackStatus.UPDATE_FAILED, StackStatus.CREATE_FAILED])
def test_a_stack_in_express_mode_is_never_told_to_roll_back(
    world: World, status: StackStatus
) -> None:
    """The service refuses that: its last good template, under EXPRESS, by hand. (3.3)"""
    stuck = replace(stands(world, status), express=True)

    found = diagnose(STORE, stuck, world.cloud)

    assert Cure.REPLAY is found.cure
    assert "the last good template under EXPRESS, by hand: the call" in diagnosis_text(
        found, "the call"
    )
    with pytest.raises(BlockedError, match="no call that cures it"):
        cure(found, means(world))
    assert [] == world.cloud.writes
    with pytest.raises(BlockedError, match="takes no rollback-stack"):
        plan(a_rollout(STORE), Snapshot({"store": stuck}))
