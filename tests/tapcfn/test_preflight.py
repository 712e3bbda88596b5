"""What would stop a rollout half way is found before anything is written. (D-17)"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tapcfn import obstacles
from tapcfn.errors import BlockedError, CloudError, UsageError
from tapcfn.model import Holder, Stack, StackStatus, Target
from tapcfn.plan import plan_destroy
from tapcfn.preflight import (
    FAIL,
    PASS,
    SKIPPED,
    UNKNOWN,
    Check,
    check_regions,
    explain,
    fields_of,
    places,
    refuse,
    skipped,
    standing,
    unasked,
)
from tapcfn.stack_options import StackOptions
from tests.fakes import AWAY, HOME, World, a_rollout, a_stack

NETWORK = a_stack()


def named(kind: str, key: str, name: Any, stack: str = "network", **more: Any) -> Stack:
    """Return a stack with one resource that it names itself."""
    resource = {"Type": kind, "Properties": {key: name}, **more.pop("extra", {})}
    return a_stack(stack, resources={"Thing": resource}, **more)


def bucket(name: Any, stack: str = "storage", **more: Any) -> Stack:
    """Return a stack with a named bucket."""
    return named("AWS::S3::Bucket", "BucketName", name, stack, **more)


def verdicts(checks: tuple[Check, ...], name: str = "") -> list[tuple[str, str]]:
    """Return name and verdict of checks, of one kind or of all."""
    return [(each.name, each.verdict) for each in checks if name in {"", each.name}]


def cheap(world: World, *stacks: Stack) -> tuple[Check, ...]:
    """Check what a plan checks."""
    return obstacles.cheap(world.plan(a_rollout(*stacks)), world.cloud, world.pool)


def thorough(world: World, *stacks: Stack) -> tuple[Check, ...]:
    """Check all."""
    return obstacles.thorough(world.plan(a_rollout(*stacks)), world.cloud, world.pool)


# Accounts and Regions -----------------------------------------------------------------------------


def test_every_account_and_region_is_looked_at() -> None:
    """Each Region, and the one account once; they are fine."""
    world = World()
    checks = places(a_rollout(NETWORK, a_stack("far", target=AWAY)), world.cloud, world.pool)

    assert [("region", PASS)] * 2 + [("credentials", PASS)] == verdicts(checks)
    assert [HOME, AWAY, HOME] == [each.target for each in checks]
    assert [] == world.cloud.writes


def test_a_region_that_there_is_not_is_no_region() -> None:
    """Exit 2, with those that there are; a call only for a name that is not known."""
    world = World()
    check_regions(a_rollout(NETWORK), world.cloud)
    assert 0 == world.cloud.count("regions")

    nowhere = a_stack(target=Target(HOME.account, "us-east-9"))
    with pytest.raises(UsageError, match=r"us-east-9.*no such Region \(there are: us-east-1, us-"):
        check_regions(a_rollout(nowhere), world.cloud)


def test_a_region_that_is_newer_than_we_are_is_asked_about() -> None:
    """AWS knows it."""
    world = World()
    world.cloud.region_names = {"us-east-1": True, "us-new-1": True}

    check_regions(a_rollout(a_stack(target=Target(HOME.account, "us-new-1"))), world.cloud)


def test_a_region_that_is_not_enabled_is_why() -> None:
    """Exit 4: the account may not use it, and here is how."""
    world = World()
    world.cloud.region_names = {"us-east-1": False}

    with pytest.raises(BlockedError, match="enable-region --region-name us-east-1"):
        explain(a_rollout(NETWORK), world.cloud, world.pool)


def test_a_role_that_cannot_be_assumed_is_why() -> None:
    """Exit 4, with the service's words. (X-14)"""
    world = World()
    world.cloud.fault("caller", error=CloudError("AssumeRole was refused", lasting=True))

    with pytest.raises(BlockedError, match="credentials .*AssumeRole was refused"):
        explain(a_rollout(NETWORK), world.cloud, world.pool)


def test_credentials_for_another_account_fail() -> None:
    """Nothing else is asked of that target then."""
    world = World()
    world.cloud.callers[HOME.account] = "999999999999"
    rollout = a_rollout(NETWORK)

    checks = places(rollout, world.cloud, world.pool)

    assert [("region", PASS), ("credentials", FAIL)] == verdicts(checks)
    assert [("stack", SKIPPED)] == verdicts(skipped(rollout, checks))


def test_what_may_not_be_read_is_unknown() -> None:
    """Only --strict takes it for a failure."""
    world = World()
    world.cloud.fault("regions", error=CloudError("denied"))
    checks = places(a_rollout(NETWORK), world.cloud, world.pool)

    assert [("region", UNKNOWN)] == verdicts(checks, "region")
    refuse(checks)
    with pytest.raises(BlockedError, match="denied"):
        refuse(checks, strict=True)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (StackStatus.CREATE_COMPLETE, PASS),
        (StackStatus.UPDATE_ROLLBACK_COMPLETE, PASS),
        (StackStatus.ROLLBACK_COMPLETE, PASS),
        (StackStatus.UPDATE_ROLLBACK_FAILED, FAIL),
        (StackStatus.DELETE_FAILED, FAIL),
        (StackStatus.UPDATE_IN_PROGRESS, UNKNOWN),
    ],
)
def test_a_stuck_stack_fails_with_what_to_do(status: StackStatus, verdict: str) -> None:
    """What heals by itself or by us passes."""
    world = World()
    world.has(NETWORK, status=status)
    rollout = a_rollout(NETWORK)

    (check,) = standing(rollout, world.snapshot(rollout))

    assert verdict == check.verdict
    assert verdict is not FAIL or f"is {status}; " in check.reason


# What keeps a stack from being made ---------------------------------------------------------------


def test_nothing_is_asked_where_nothing_is_made() -> None:
    """A plan without creations costs no call: not for updates, not for what stands."""
    world = World()
    world.has(bucket("mine"))
    world.cloud.calls.clear()
    planned = world.plan(a_rollout(bucket("mine")))
    before = len(world.cloud.calls)

    assert () == obstacles.cheap(planned, world.cloud, world.pool)
    assert before == len(world.cloud.calls)


@pytest.mark.parametrize(
    ("holder", "quick", "whole"),
    [
        (Holder.NOBODY, PASS, PASS),
        (Holder.ACCOUNT, PASS, FAIL),
        (Holder.OTHERS, FAIL, FAIL),
    ],
)
def test_a_bucket_name_may_be_taken(holder: Holder, quick: str, whole: str) -> None:
    """By another account: early validation does not see that."""
    world = World()
    world.cloud.holders["data-111111111111"] = holder
    stack = bucket({"Fn::Sub": "data-${AWS::AccountId}"})

    assert [("name", quick)] == verdicts(cheap(world, stack), "name")
    assert [("name", whole)] == verdicts(thorough(world, stack), "name")


def test_a_name_that_is_to_be_adopted_may_be_there() -> None:
    """An earlier destroy kept it."""
    world = World()
    world.cloud.holders["mine"] = Holder.ACCOUNT

    assert [("name", PASS)] == verdicts(thorough(world, bucket("mine", adopt=True)), "name")


def test_names_that_cannot_be_known_or_may_not_be_used_are_passed_over() -> None:
    """No guess."""
    world = World()
    odd = bucket({"Fn::GetAtt": ["X", "Y"]}, "odd")
    perhaps = bucket("mine", "perhaps", extra={"Condition": "Wanted"})

    assert () == cheap(world, odd, perhaps)


def test_two_stacks_that_want_one_name_are_found_without_a_call() -> None:
    """A bucket's name counts in all Regions, a log group's in its own."""
    world = World()
    group = ("AWS::Logs::LogGroup", "LogGroupName", "/logs")
    here, there = named(*group, stack="here"), named(*group, stack="there", target=AWAY)
    checks = cheap(world, bucket("mine", "a"), bucket("mine", "b", target=AWAY), here, there)

    twice = [each for each in checks if each.verdict is FAIL]
    assert ["b/Thing"] == [each.subject for each in twice]
    assert "AWS::S3::Bucket mine is wanted by a/Thing as well" == twice[0].reason


def role(name: Any, stack: str, **more: Any) -> Stack:
    """Return a stack with a named role."""
    return named("AWS::IAM::Role", "RoleName", name, stack, **more)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("GroupName", "AWS::IAM::Group"),
        ("InstanceProfileName", "AWS::IAM::InstanceProfile"),
        ("RoleName", "AWS::IAM::Role"),
        ("UserName", "AWS::IAM::User"),
    ],
)
def test_a_name_of_iam_may_be_taken_by_another_regions_stack(key: str, kind: str) -> None:
    """A plan asks for it: early validation looks into its own Region. (D-17)"""
    world = World()
    world.cloud.holders["worker"] = Holder.ACCOUNT
    stack = named(kind, key, "worker", "app")

    for checks in (cheap(world, stack), thorough(world, stack)):
        (check,) = (each for each in checks if each.name == "name")
        assert FAIL is check.verdict
        assert f"{kind} worker exists, in this account; IAM's names count in" in check.reason


@pytest.mark.parametrize(
    ("here", "there", "clash"),
    [
        ("worker", "worker", True),
        ("worker", {"Fn::Sub": "worker-${AWS::Region}"}, False),
    ],
)
def test_two_regions_of_one_stage_may_want_one_role(here: Any, there: Any, clash: bool) -> None:
    """Whether or not the first of them stands already; no call tells it."""
    for standing_already in (False, True):
        world, first = World(), role(here, "first")
        if standing_already:
            world.has(first)
        second = role(there, "second", target=AWAY)

        found = [each for each in cheap(world, first, second) if each.verdict is FAIL]

        assert (["second/Thing"] if clash else []) == [each.subject for each in found]
        assert (
            not clash or found[0].reason == "AWS::IAM::Role worker is wanted by first/Thing as well"
        )


def test_a_role_in_another_account_is_another_role() -> None:
    """So is a managed policy; that is not looked up."""
    policy = ("AWS::IAM::ManagedPolicy", "ManagedPolicyName", "worker")
    elsewhere = Target("222222222222", HOME.region)
    world = World()

    apart = cheap(world, named(*policy, stack="a"), named(*policy, stack="b", target=elsewhere))
    beside = cheap(world, named(*policy, stack="a"), named(*policy, stack="b", target=AWAY))

    assert [] == verdicts(apart)
    assert [("name", FAIL)] == verdicts(beside)
    assert 0 == world.cloud.count("holder")


@pytest.mark.parametrize(("used", "verdict"), [(1997, PASS), (1998, FAIL)])
def test_an_account_has_so_many_stacks_and_nested_ones_count(used: int, verdict: str) -> None:
    """Two stacks, one of them with a nested one."""
    world = World()
    world.cloud.quotas["AWS::CloudFormation::Stack"] = (used, 2000)
    outer = a_stack("outer", resources={"Inner": "AWS::CloudFormation::Stack"})

    (check,) = (each for each in thorough(world, NETWORK, outer) if each.name == "quota")

    assert verdict == check.verdict
    assert verdict is PASS or "1998 of 2000 are used, and 3 more are wanted" == check.reason


@pytest.mark.parametrize(
    ("trusted", "verdict", "reason"),
    [
        (frozenset({"cloudformation.amazonaws.com"}), PASS, ""),
        (frozenset({"ec2.amazonaws.com"}), FAIL, "its trust policy does not let cloudformation."),
        (None, FAIL, "there is no such role"),
    ],
)
def test_a_service_role_must_be_there_and_let_cloudformation_in(
    trusted: frozenset[str] | None, verdict: str, reason: str
) -> None:
    """Once for each account, however many stacks have it."""
    arn, world = "arn:aws:iam::111111111111:role/cfn", World()
    if trusted is not None:
        world.cloud.trusts[arn] = trusted
    options = StackOptions(service_role=arn)
    stacks = [
        replace(a_stack(name, target=target), options=options)
        for name, target in (("a", HOME), ("b", AWAY))
    ]

    (check,) = (each for each in thorough(world, *stacks) if each.name == "service role")

    assert (verdict, arn) == (check.verdict, check.subject)
    assert check.reason.startswith(reason)


def test_a_protected_shell_keeps_its_stack_from_being_made_again() -> None:
    """Its creation was rolled back, so it would have to be deleted first."""
    world = World()
    world.has(NETWORK, status=StackStatus.ROLLBACK_COMPLETE, protected=True)

    for checks in (cheap(world, NETWORK), thorough(world, NETWORK)):
        (check,) = (each for each in checks if each.name == "protection")
        assert FAIL is check.verdict
        assert check.reason.endswith("--no-enable-termination-protection --stack-name network")


def test_protection_is_asked_about_where_something_is_deleted() -> None:
    """An orphan that is not protected may go."""
    world = World()
    world.has(NETWORK)
    snapshot = world.snapshot(a_rollout(NETWORK))
    planned = plan_destroy(a_rollout(NETWORK), snapshot)

    checks = obstacles.thorough(planned, world.cloud, world.pool)

    assert [("protection", PASS)] == verdicts(checks, "protection")


def test_without_a_plan_the_stacks_are_skipped_with_the_reason() -> None:
    """Rather than left out."""
    (check,) = unasked(a_rollout(NETWORK), "too few zones")

    assert (SKIPPED, "network", "too few zones") == (check.verdict, check.subject, check.reason)


@pytest.mark.parametrize(("used", "verdict"), [(3, PASS), (4, FAIL)])
def test_a_quota_counts_all_that_is_wanted(used: int, verdict: str) -> None:
    """Two stacks want one each, in one account and Region."""
    world = World()
    world.cloud.quotas["AWS::EC2::VPC"] = (used, 5)
    stacks = [a_stack(name, resources={"Vpc": "AWS::EC2::VPC"}) for name in ("a", "b")]

    (check,) = cheap(world, *stacks)

    assert ("quota", verdict, "AWS::EC2::VPC") == (check.name, check.verdict, check.subject)
    assert verdict is PASS or "4 of 5 are used, and 2 more are wanted" == check.reason
    assert 1 == world.cloud.count("quota")


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("AWS::Config::ConfigurationRecorder", FAIL),
        ("AWS::Config::DeliveryChannel", FAIL),
        ("AWS::ApiGateway::Account", UNKNOWN),
    ],
)
def test_what_can_be_there_only_once_is_there_already(kind: str, verdict: str) -> None:
    """A recorder would be refused; an API account's role would be overwritten."""
    world = World()
    stack = a_stack(resources={"One": kind})
    assert [("singleton", PASS)] == verdicts(cheap(world, stack))

    world.cloud.singletons[kind] = "default"

    assert [("singleton", verdict)] == verdicts(cheap(world, stack))


def test_a_key_that_auto_scaling_uses_needs_its_role() -> None:
    """The key policy is refused without it. (L-8)"""
    world = World()
    stack = a_stack(Description="arn:aws:iam::1:role/AWSServiceRoleForAutoScaling")

    assert [("role", FAIL)] == verdicts(thorough(world, stack), "role")
    world.cloud.singletons["AWS::IAM::ServiceLinkedRole"] = "arn"
    assert [("role", PASS)] == verdicts(thorough(world, stack), "role")


def test_a_template_that_cannot_be_handed_over_fails() -> None:
    """No bucket, or none that may be read."""
    world = World()
    world.cloud.handover_faults["network"] = "the artifact bucket x does not exist"

    assert [("template", FAIL)] == verdicts(thorough(world, NETWORK), "template")


@pytest.mark.parametrize(
    ("kind", "region", "verdict"),
    [
        ("AWS::SNS::Topic", "us-east-1", PASS),
        ("AWS::AIOps::InvestigationGroup", "mx-central-1", FAIL),
        ("Odd::Own::Type", "us-east-1", UNKNOWN),
        ("AWS::SNS::Topic", "us-new-1", UNKNOWN),
    ],
)
def test_a_region_may_lack_a_type(kind: str, region: str, verdict: str) -> None:
    """As the provider schemas tell it."""
    stack = a_stack(target=Target(HOME.account, region), resources={"Thing": kind})

    assert [("types", verdict)] == verdicts(thorough(World(), stack), "types")


# What comes of it ---------------------------------------------------------------------------------


def a_check(verdict: Any, reason: str = "because") -> Check:
    """Return a check that came to this."""
    return Check("name", HOME, verdict, reason, "storage/Bucket")


@pytest.mark.parametrize(
    ("verdict", "strict", "stops"),
    [
        (PASS, True, False),
        (SKIPPED, True, False),
        (UNKNOWN, False, False),
        (UNKNOWN, True, True),
        (FAIL, False, True),
    ],
)
def test_only_a_failure_stops_or_with_strict_what_is_unknown(
    verdict: Any, strict: bool, stops: bool
) -> None:
    """Exit 4 names subject, place and reason."""
    call: Callable[[], None] = lambda: refuse([a_check(verdict)], strict=strict)  # noqa: E731

    if stops:
        with pytest.raises(BlockedError, match=r"name storage/Bucket \(1{12}/us-east-1\): because"):
            call()
    else:
        call()


def test_checks_are_told_to_programs() -> None:
    """Field by field."""
    assert {
        "checks": [
            {
                "name": "name",
                "account": HOME.account,
                "region": HOME.region,
                "subject": "storage/Bucket",
                "verdict": "fail",
                "reason": "because",
            }
        ]
    } == fields_of([a_check(FAIL)])
