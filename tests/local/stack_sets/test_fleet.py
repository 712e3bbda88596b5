"""One story over twelve accounts and five Regions, checked step by step."""

from __future__ import annotations

import time

import pytest

from tests.local.stack_sets.fleet import (
    NAME,
    Fleet,
    begin,
    counted,
    create_set,
    ended,
    ending,
    fleet,
    free_group,
    groups,
    instance,
    instances,
    operate,
    outcome,
    state,
    states,
    take_group,
)
from tests.local_cloud import resource, template, until

REGIONS = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2"]
ORDER = ["eu-west-1", "us-east-1", "us-west-2", "eu-central-1", "ap-southeast-2"]
CAREFUL = {"RegionOrder": ORDER[:2], "MaxConcurrentCount": 4, "FailureToleranceCount": 1}
TOLERANT = CAREFUL | {"FailureToleranceCount": 2}
FAST = {
    "RegionConcurrencyType": "PARALLEL",
    "MaxConcurrentPercentage": 50,
    "FailureTolerancePercentage": 50,
}
GOOD = ("CURRENT", "SUCCEEDED")


@pytest.fixture
def twelve(local_cloud) -> Fleet:
    """Return twelve accounts and their administrator."""
    return fleet(local_cloud, 12)


def test_a_fleet_with_failures_a_stop_and_retries(twelve):
    """Create with too many failures, retry with tolerance, mend, update, stop, resume, delete."""
    bad = twelve.accounts[2], twelve.accounts[5]
    for account in bad:
        take_group(twelve, account, "us-east-1")
    create_set(twelve, groups(7))

    one_failure_too_many(twelve, bad)
    enough_tolerance(twelve)
    only_what_is_mended(twelve, bad)
    done = a_stop_on_the_way(twelve)
    the_rest_follows(twelve, done)
    one_stack_stays(twelve, bad[0])


def one_failure_too_many(twelve: Fleet, bad: tuple[str, str]) -> None:
    """The second Region of the order has it: the later three are never begun."""
    first = operate(twelve, "create_stack_instances", Regions=REGIONS, preferences=CAREFUL)
    seen = {region: counted(twelve, first["OperationId"], region) for region in ORDER}
    places = outcome(twelve, first["OperationId"]).items()
    good = seen["us-east-1"]["SUCCEEDED"]

    assert ("FAILED", 2) == ending(first)
    assert {(account, "us-east-1") for account in bad} == {
        place for place, status in places if status == "FAILED"
    }
    assert {
        "eu-west-1": {"SUCCEEDED": 12},
        "us-east-1": {"SUCCEEDED": good, "FAILED": 2, "CANCELLED": 10 - good},
        **{region: {"CANCELLED": 12} for region in ORDER[2:]},
    } == seen
    assert 0 < good < 10
    assert {
        GOOD: 12 + good,
        ("OUTDATED", "FAILED"): 2,
        ("OUTDATED", "CANCELLED"): 46 - good,
    } == states(twelve)


def enough_tolerance(twelve: Fleet) -> None:
    """The operation succeeds and hides both failures; stacks that were good stay."""
    kept = {each["StackId"] for each in instances(twelve) if each["Status"] == "CURRENT"}
    second = operate(twelve, "create_stack_instances", Regions=REGIONS, preferences=TOLERANT)

    assert ("SUCCEEDED", 2) == ending(second)
    assert {GOOD: 58, ("OUTDATED", "FAILED"): 2} == states(twelve)
    assert kept <= {each["StackId"] for each in instances(twelve)}


def only_what_is_mended(twelve: Fleet, bad: tuple[str, str]) -> None:
    """One cause goes away, and only that pair is tried again."""
    free_group(twelve, bad[0], "us-east-1")
    third = operate(twelve, "create_stack_instances", Accounts=[bad[0]], Regions=["us-east-1"])
    begun = third["OperationId"]
    free_group(twelve, bad[1], "us-east-1")

    assert {(bad[0], "us-east-1"): "SUCCEEDED"} == outcome(twelve, begun)
    assert {GOOD: 59, ("OUTDATED", "FAILED"): 1} == states(twelve)
    assert 1 == len(instances(twelve, Filters=[{"Name": "LAST_OPERATION_ID", "Values": begun}]))


def a_stop_on_the_way(twelve: Fleet) -> list[tuple[str, str]]:
    """An update that is stopped leaves the rest OUTDATED; returns where it was done."""
    update = begin(twelve, "update_stack_set", TemplateBody=groups(30))
    until(lambda: counted(twelve, update)["SUCCEEDED"] >= 3)
    twelve.cfn.stop_stack_set_operation(StackSetName=NAME, OperationId=update)
    stopped = ended(twelve, update)
    done = [place for place, status in outcome(twelve, update).items() if status == "SUCCEEDED"]

    assert ("STOPPED", 0) == ending(stopped)
    assert {"SUCCEEDED": len(done), "CANCELLED": 60 - len(done)} == counted(twelve, update)
    assert 3 <= len(done) < 60
    assert {GOOD: len(done), ("OUTDATED", "CANCELLED"): 60 - len(done)} == states(twelve)
    for place in done:
        assert GOOD == state(twelve, *place)
    return done


def the_rest_follows(twelve: Fleet, done: list[tuple[str, str]]) -> None:
    """With the previous template, Regions side by side, all become CURRENT."""
    resumed = operate(twelve, "update_stack_set", UsePreviousTemplate=True, preferences=FAST)
    rest = [place for place in outcome(twelve, resumed["OperationId"]) if place not in done]

    assert ("SUCCEEDED", 0) == ending(resumed)
    assert {GOOD: 60} == states(twelve)
    for account, region in (rest[0], rest[-1], done[0]):
        logs = twelve.of(account).client("logs", region).describe_log_groups()["logGroups"]
        assert [30] == [group["retentionInDays"] for group in logs]


def one_stack_stays(twelve: Fleet, account: str) -> None:
    """It is protected, so that its instance alone is left, INOPERABLE."""
    stack = instance(twelve, account, "eu-west-1")["StackId"]
    twelve.of(account).client("cloudformation", "eu-west-1").update_termination_protection(
        StackName=stack, EnableTerminationProtection=True
    )
    deletion = operate(twelve, "delete_stack_instances", Regions=REGIONS, preferences=TOLERANT)

    assert ("SUCCEEDED", 1) == ending(deletion)
    assert {("INOPERABLE", "INOPERABLE"): 1} == states(twelve)
    assert [stack] == [each["StackId"] for each in instances(twelve)]


def test_a_large_set_is_instant(twelve):
    """Sixty stacks of three resources, one after the other, in at most five seconds."""
    create_set(
        twelve,
        template(
            {
                "Topic": resource("SNS::Topic"),
                "Group": resource("Logs::LogGroup", {"RetentionInDays": 7}),
                "Alarm": resource(
                    "CloudWatch::Alarm",
                    {
                        "ComparisonOperator": "GreaterThanThreshold",
                        "EvaluationPeriods": 1,
                        "Threshold": 1,
                        "MetricName": "Errors",
                        "Namespace": "tapcfn",
                        "Period": 60,
                        "Statistic": "Sum",
                    },
                ),
            }
        ),
    )
    began = time.monotonic()
    done = operate(twelve, "create_stack_instances", Regions=REGIONS)
    took = time.monotonic() - began

    assert ("SUCCEEDED", 60) == (done["Status"], len(instances(twelve)))
    assert took <= 5
