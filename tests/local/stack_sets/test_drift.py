"""Drift of stack sets: detection as an operation, its counts, and what has drifted."""

from __future__ import annotations

from typing import Any

from tests.local.stack_sets.fleet import (
    GROUP,
    NAME,
    Fleet,
    begin,
    create_set,
    ended,
    groups,
    instance,
    instances,
    make_execution_role,
    operate,
    operation,
    outcome,
    state,
    topics,
)
from tests.local.stack_sets.test_stack_sets import refused
from tests.local_cloud import HOME, fresh_account

COUNTS = ("Total", "Drifted", "InSync", "InProgress", "Failed")


def detect(fleet: Fleet, **preferences: Any) -> dict[str, Any]:
    """Look for drift and return the operation."""
    begun = fleet.cfn.detect_stack_set_drift(StackSetName=NAME, OperationPreferences=preferences)
    return ended(fleet, begun["OperationId"])


def counts(details: dict[str, Any]) -> list[int]:
    """Return the five counts."""
    return [details[f"{each}StackInstancesCount"] for each in COUNTS]


def drifts(fleet: Fleet, account: str, operation_id: str, **more: Any) -> list[dict[str, Any]]:
    """Return what a detection found of the resources of an instance."""
    told = fleet.cfn.list_stack_instance_resource_drifts(
        StackSetName=NAME,
        StackInstanceAccount=account,
        StackInstanceRegion=HOME,
        OperationId=operation_id,
        **more,
    )
    return list(told["Summaries"])


def test_one_drifted_instance(pair):
    """It makes the set DRIFTED; the others are IN_SYNC."""
    one, two = pair.accounts
    create_set(pair, groups(7))
    operate(pair, "create_stack_instances", Regions=[HOME])
    logs = pair.of(one).client("logs")
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=30)
    done = detect(pair)
    details = done["StackSetDriftDetectionDetails"]
    told = pair.cfn.describe_stack_set(StackSetName=NAME)["StackSet"]

    assert ("DETECT_DRIFT", "SUCCEEDED") == (done["Action"], done["Status"])
    assert ("DRIFTED", "COMPLETED") == (details["DriftStatus"], details["DriftDetectionStatus"])
    assert [2, 1, 1, 0, 0] == counts(details)
    assert details == told["StackSetDriftDetectionDetails"]
    assert {one: "DRIFTED", two: "IN_SYNC"} == {
        each["Account"]: each["DriftStatus"] for each in instances(pair)
    }
    assert [one] == [
        each["Account"]
        for each in instances(pair, Filters=[{"Name": "DRIFT_STATUS", "Values": "DRIFTED"}])
    ]
    assert "LastDriftCheckTimestamp" in instance(pair, one)
    (summary,) = pair.cfn.list_stack_sets()["Summaries"]
    assert "DRIFTED" == summary["DriftStatus"]


def test_what_has_drifted(pair):
    """Property by property, for the operation that found it."""
    one, two = pair.accounts
    create_set(pair, groups(7))
    operate(pair, "create_stack_instances", Regions=[HOME])
    first = detect(pair)["OperationId"]
    pair.of(one).client("logs").put_retention_policy(logGroupName=GROUP, retentionInDays=30)
    second = detect(pair)["OperationId"]
    (found,) = drifts(pair, one, second)
    (difference,) = found["PropertyDifferences"]

    assert ("Group", "MODIFIED") == (found["LogicalResourceId"], found["StackResourceDriftStatus"])
    assert ("/RetentionInDays", "7", "30") == (
        difference["PropertyPath"],
        difference["ExpectedValue"],
        difference["ActualValue"],
    )
    assert ["IN_SYNC"] == [each["StackResourceDriftStatus"] for each in drifts(pair, one, first)]
    only = {"StackInstanceResourceDriftStatuses": ["MODIFIED"]}
    assert [] == drifts(pair, two, second, **only)
    assert 1 == len(drifts(pair, one, second, **only))
    with refused("StackInstanceNotFoundException", ""):
        drifts(pair, fresh_account(), second)
    with refused("OperationNotFoundException", ""):
        drifts(pair, one, "none")


def test_a_detection_changes_no_status(pair):
    """OUTDATED stays OUTDATED, and a direct update of a stack is no drift."""
    one, two = pair.accounts
    create_set(pair, groups(7))
    operate(pair, "create_stack_instances", Regions=[HOME])
    operate(pair, "update_stack_set", TemplateBody=groups(30), Accounts=[one], Regions=[HOME])
    stack = instance(pair, one)["StackId"]
    cloudformation = pair.of(one).client("cloudformation")
    cloudformation.update_stack(StackName=stack, TemplateBody=groups(90))
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500}
    )
    done = detect(pair)

    assert ("CURRENT", "SUCCEEDED") == state(pair, one)
    assert ("OUTDATED", "SUCCEEDED") == state(pair, two)
    assert "IN_SYNC" == done["StackSetDriftDetectionDetails"]["DriftStatus"]


def test_a_detection_that_fails_in_part(pair):
    """Within the tolerance it is a PARTIAL_SUCCESS, above it FAILED."""
    one, two = pair.accounts
    create_set(pair, topics())
    operate(pair, "create_stack_instances", Regions=[HOME])
    iam = pair.of(one).client("iam")
    iam.delete_role(RoleName="AWSCloudFormationStackSetExecutionRole")
    done = detect(pair, FailureToleranceCount=1)["StackSetDriftDetectionDetails"]
    failed = detect(pair)

    assert ("PARTIAL_SUCCESS", [2, 0, 1, 0, 1]) == (done["DriftDetectionStatus"], counts(done))
    assert "FAILED" == failed["StackSetDriftDetectionDetails"]["DriftDetectionStatus"]
    assert {(one, HOME): "FAILED", (two, HOME): "CANCELLED"} == outcome(pair, failed["OperationId"])
    make_execution_role(pair, one)
    assert [2, 0, 2, 0, 0] == counts(detect(pair)["StackSetDriftDetectionDetails"])


def test_a_detection_is_an_operation(slow):
    """One at a time, like all others."""
    create_set(slow, topics())
    begun = begin(slow, "create_stack_instances", Accounts=slow.accounts[:1], Regions=[HOME])
    with refused("OperationInProgressException", begun):
        slow.cfn.detect_stack_set_drift(StackSetName=NAME)
    ended(slow, begun)
    done = slow.cfn.detect_stack_set_drift(StackSetName=NAME, OperationId="look")["OperationId"]

    assert "look" == done
    assert "DETECT_DRIFT" == operation(slow, "look")["Action"]
