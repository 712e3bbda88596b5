"""A set that would reach none of its targets is stopped before anything is written. (DS-8)"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tapcfn import set_obstacles
from tapcfn.errors import BlockedError, CloudError
from tapcfn.model import (
    ADMINISTRATION_ROLE,
    EXECUTION_ROLE,
    DeployedSet,
    DetailedStatus,
    FoundSet,
    Holder,
    Instance,
    InstanceStatus,
    Member,
    Organization,
    Phase,
    Rollout,
    ServiceManaged,
    Snapshot,
    Stack,
    StackSet,
    StackStatus,
    Target,
)
from tapcfn.plan import plan, plan_destroy
from tapcfn.preflight import FAIL, PASS, SKIPPED, UNKNOWN, Check, refuse
from tests.fakes import World, a_deployed, a_stack, a_template
from tests.fakes.set_cloud import FakeSetCloud

ADMIN, ONE, TWO = "111111111111", "222222222222", "333333333333"
HOME = Target(ADMIN, "us-east-1")
PAIRS = frozenset(Target(each, "eu-west-1") for each in (ONE, TWO))
ARN = f"arn:aws:iam::{ADMIN}:role/{ADMINISTRATION_ROLE}"
SET = StackSet("baseline", HOME, a_template("baseline"), PAIRS)
SERVICE = frozenset({"cloudformation.amazonaws.com"})


def found(*pairs: Target, text: str = SET.template.text) -> FoundSet:
    """Return the set with instances that are well."""
    well = (InstanceStatus.CURRENT, DetailedStatus.SUCCEEDED)
    deployed = DeployedSet("baseline", "id", text)
    return FoundSet(deployed, {pair: Instance(pair, *well) for pair in pairs})


def checked(world: World, snapshot: Snapshot | None = None, *stacks: Stack) -> tuple[Check, ...]:
    """Return the checks of a rollout with the set, and these stacks in an earlier phase."""
    wanted = Rollout("blue", "test", (Phase("first", stacks), Phase("all", (), (SET,))))
    return set_obstacles.roles(plan(wanted, snapshot or Snapshot()), world.cloud, world.pool)


def verdicts(checks: tuple[Check, ...]) -> list[tuple[str, str, str]]:
    """Return what was asked, where, and how it ended."""
    return [(each.name, each.target.account, each.verdict) for each in checks]


def test_missing_roles_stop_an_apply_and_name_the_command_that_makes_them():
    """One line for each account."""
    world = World()
    checks = checked(world)

    assert verdicts(checks) == [
        ("administration role", ADMIN, FAIL),
        ("execution role", ONE, FAIL),
        ("execution role", TWO, FAIL),
    ]
    with pytest.raises(BlockedError, match="`bootstrap` with the same arguments makes it"):
        refuse(checks)


def test_an_account_that_the_credentials_do_not_speak_for_is_not_asked():
    """What they find would be another account's: the role there is unknown, and stops nothing."""
    world = World()
    world.cloud.trusts[ARN] = SERVICE
    world.cloud.callers |= {ONE: ADMIN, TWO: ADMIN}

    assert verdicts(checked(world)) == [
        ("administration role", ADMIN, PASS),
        ("execution role", ONE, UNKNOWN),
        ("execution role", TWO, UNKNOWN),
    ]


def test_roles_that_are_there_pass():
    """The first must let CloudFormation in."""
    world = World()
    world.cloud.trusts[ARN] = SERVICE
    world.cloud.holders[EXECUTION_ROLE] = Holder.ACCOUNT

    assert {each.verdict for each in checked(world)} == {PASS}
    world.cloud.trusts[ARN] = frozenset({"ec2.amazonaws.com"})
    assert [each.name for each in checked(world) if each.verdict == FAIL] == ["administration role"]


def test_a_region_of_its_own_name_is_let_in_as_well():
    """Regions that must be enabled call so."""
    world = World()
    world.cloud.trusts[ARN] = frozenset({"cloudformation.ap-east-1.amazonaws.com"})

    assert ("administration role", ADMIN, PASS) in verdicts(checked(world))


def test_only_accounts_that_are_new_are_asked_about():
    """Where there are instances the roles have worked; without new ones there is no call."""
    world = World()
    first, second = sorted(PAIRS)
    some = Snapshot(sets={"baseline": found(first)})

    asked = [each.target.account for each in checked(world, some) if each.name == "execution role"]
    assert asked == [second.account]
    world.cloud.calls.clear()
    assert checked(world, Snapshot(sets={"baseline": found(*PAIRS)})) == ()
    assert checked(world, Snapshot(sets={"baseline": found(*PAIRS, text="{}")})) == ()
    assert world.cloud.calls == []


def test_another_region_of_a_known_account_asks_nobody():
    """Roles are the account's, and have worked in the first Region."""
    world = World()
    known, new = Target(ONE, "eu-west-1"), Target(ONE, "eu-west-2")
    wider = replace(SET, pairs=frozenset({known, new}))
    wanted = Rollout("blue", "test", (Phase("all", (), (wider,)),))
    planned = plan(wanted, Snapshot(sets={"baseline": found(known)}))

    assert planned.sets[0].spread is not None
    assert planned.sets[0].spread.add == {new}
    assert set_obstacles.roles(planned, world.cloud, world.pool) == ()


def test_roles_that_the_rollout_makes_itself_are_not_missed():
    """They are in an earlier phase, and there before the set is."""

    def named(stack: str, account: str, role: Any) -> Stack:
        resource = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": role}}
        return a_stack(stack, target=Target(account, "us-east-1"), resources={"Role": resource})

    checks = checked(
        World(),
        None,
        named("admin", ADMIN, ADMINISTRATION_ROLE),
        named("one", ONE, {"Fn::Sub": EXECUTION_ROLE}),
    )
    assert verdicts(checks) == [("execution role", TWO, FAIL)]


def test_a_removal_is_not_asked_about():
    """It has instances, or nothing to do."""
    world = World()
    wanted = Rollout("blue", "test", (Phase("all", (), (SET,)),))
    planned = plan_destroy(wanted, Snapshot(sets={"baseline": found(*PAIRS)}))

    assert set_obstacles.roles(planned, world.cloud, world.pool) == ()


# Stacks of instances ------------------------------------------------------------------------------


HERE, THERE = sorted(PAIRS)
CHANGED = replace(SET, template=a_template("baseline", version="2"))
FAILED = (InstanceStatus.OUTDATED, DetailedStatus.FAILED)


def with_stack(world: World, pair: Target, state: Any = None, **more: Any) -> Instance:
    """Return an instance whose stack stands so."""
    stack = a_stack("StackSet-x", target=pair)
    deployed = a_deployed(stack, **more)
    world.cloud.has(stack, deployed)
    well = (InstanceStatus.CURRENT, DetailedStatus.SUCCEEDED)
    return Instance(pair, *(state or well), stack_id=deployed.stack_id)


def stacks(world: World, wanted: StackSet, *there: Instance) -> tuple[Check, ...]:
    """Return the checks of a plan for the set, with these instances of it."""
    deployed = DeployedSet("baseline", "id", SET.template.text)
    snapshot = Snapshot(sets={"baseline": FoundSet(deployed, {e.target: e for e in there})})
    rollout = Rollout("blue", "test", (Phase("all", (), (wanted,)),))
    return set_obstacles.stacks(plan(rollout, snapshot), world.cloud, world.pool)


def test_a_protected_stack_of_an_instance_that_leaves_stops_an_apply():
    """With the call that takes it off; the stacks of those that stay are not asked. (X-33)"""
    world = World()
    stays, leaves = with_stack(world, HERE), with_stack(world, THERE, protected=True)
    smaller = replace(SET, pairs=frozenset({HERE}))

    (check,) = stacks(world, smaller, stays, leaves)

    assert (check.verdict, check.target) == (FAIL, THERE)
    assert "--no-enable-termination-protection --stack-name " + leaves.stack_id in check.reason
    assert check.reason.endswith("--region eu-west-1")
    assert stacks(world, replace(smaller, retain=True), stays, leaves) == ()


def test_a_stuck_stack_stops_an_apply_and_names_the_repair():
    """Only those are looked at that failed before: what is well takes an update. (X-30)"""
    world = World()
    well = with_stack(world, HERE)
    stuck = with_stack(world, THERE, FAILED, status=StackStatus.UPDATE_ROLLBACK_FAILED)

    (check,) = stacks(world, CHANGED, well, stuck)

    assert (check.verdict, check.target) == (FAIL, THERE)
    assert "continue-update-rollback` --stack-name " + stuck.stack_id in check.reason


@pytest.mark.parametrize(
    "status",
    [
        StackStatus.UPDATE_ROLLBACK_COMPLETE,
        StackStatus.UPDATE_IN_PROGRESS,
        StackStatus.ROLLBACK_COMPLETE,
    ],
)
def test_what_failed_and_can_be_updated_stops_nothing(status: StackStatus):
    """Nor what is at work; and an account that the credentials do not speak for is not asked."""
    world = World()
    failed = with_stack(world, THERE, FAILED, status=status)

    assert [each.verdict for each in stacks(world, CHANGED, failed)] == [PASS]
    world.cloud.callers |= {THERE.account: ADMIN}
    assert stacks(world, CHANGED, failed) == ()


# The organization ---------------------------------------------------------------------------------


class Shut(FakeSetCloud):
    """An organization that does not let StackSets in, or of which nobody may tell."""

    def __init__(self, answer: str | CloudError) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[bool] = []

    def access(self, home: Target, *, delegated: bool) -> str:
        self.asked.append(delegated)
        if isinstance(self.answer, CloudError):
            raise self.answer
        return self.answer


def access(sets: Shut, *, delegated: bool = False, own: bool = False) -> tuple[Check, ...]:
    """Return the checks of two service-managed sets, or of the self-managed one."""
    units = Organization(("ou-1",), ("eu-west-1",))
    one = StackSet(
        "one", HOME, a_template("one"), organization=units, permission=ServiceManaged(delegated)
    )
    wanted = (SET,) if own else (one, replace(one, name="two"))
    planned = plan(Rollout("blue", "test", (Phase("all", (), wanted),)), Snapshot())
    return set_obstacles.access(planned, sets, World().pool)


def test_an_account_that_is_suspended_is_named_and_stops_nothing():
    """Skipped, with the reason; nothing is asked for that. (R-25)"""
    units = Organization(("ou-1",), ("eu-west-1",))
    one = StackSet("one", HOME, a_template("one"), organization=units, permission=ServiceManaged())
    members = (Member("5" * 12, "ou-1"), Member("6" * 12, "ou-1", suspended=True, name="pay"))
    found = Snapshot(sets={"one": FoundSet(members=members)})
    planned = plan(Rollout("blue", "test", (Phase("all", (), (one,)),)), found)

    (told,) = set_obstacles.suspended(planned)

    refuse((told,), strict=True)
    assert (SKIPPED, "6" * 12) == (told.verdict, told.target.account)
    assert f"{'6' * 12} (pay) is suspended" in told.reason


def test_an_organization_that_lets_nobody_in_stops_an_apply_and_names_the_command():
    """One question for each home, exit 4."""
    sets = Shut("DISABLED")

    with pytest.raises(BlockedError) as caught:
        refuse(access(sets))
    assert sets.asked == [False]
    call = f"aws cloudformation activate-organizations-access --region {HOME.region}"
    assert str(caught.value).endswith(f"(DISABLED); in its management account: {call}")


def test_access_that_is_more_than_switched_off_says_what_it_rests_on():
    """Activating it may be refused then: the organization needs all its features."""
    with pytest.raises(BlockedError) as caught:
        refuse(access(Shut("DISABLED_PERMANENTLY")))

    assert "(DISABLED_PERMANENTLY)" in str(caught.value)
    assert "activate-organizations-access --region" in str(caught.value)
    assert str(caught.value).endswith("aws organizations enable-all-features")


def test_an_organization_that_lets_stack_sets_in_stops_nothing():
    """Nor one that may not be asked; a self-managed set asks for none."""
    assert [each.verdict for each in access(Shut("ENABLED"), delegated=True)] == [PASS]
    unknown = access(Shut(CloudError("no", code="AccessDenied", lasting=True)))
    assert [each.verdict for each in unknown] == [UNKNOWN]
    refuse(unknown)
    assert access(Shut("DISABLED"), own=True) == ()
