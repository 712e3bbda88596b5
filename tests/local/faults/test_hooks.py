"""CloudFormation Hooks that object, to a resource or a change set; firmly, or as advice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.faults.conftest import Put
from tests.local.faults.stories import TOPIC, said, status, topic
from tests.local_cloud import (
    Aws,
    deploy,
    destroy,
    events,
    failures,
    resource,
    settled,
    stage,
    template,
)

GUARD = "Private::Guard::Tags"
FAILED = f"The following hook(s) failed: [{GUARD}]"
HOOK = f"""
[[fault]]
do = "hook"
hook = "{GUARD}"
reason = "tag <owner> is missing"
"""
WORDS = ("HookType", "HookStatus", "HookStatusReason", "HookInvocationPoint", "HookFailureMode")
BEGUN = {
    "HookType": GUARD,
    "HookStatus": "HOOK_IN_PROGRESS",
    "HookInvocationPoint": "PRE_PROVISION",
    "HookFailureMode": "FAIL",
}
ENDED = BEGUN | {
    "HookStatus": "HOOK_COMPLETE_FAILED",
    "HookStatusReason": "Hook failed with message: tag <owner> is missing",
}


def told(aws: Aws, stack: str, logical_id: str = "Topic") -> list[tuple[str, dict[str, str]]]:
    """Return each event of a resource: its status, and what it says of a Hook."""
    return [
        (each["ResourceStatus"], {word: each[word] for word in WORDS if word in each})
        for each in events(aws.client("cloudformation"), stack)
        if each["LogicalResourceId"] == logical_id
    ]


def found(aws: Aws, **subject: str) -> list[dict[str, Any]]:
    """Return what DescribeEvents calls failed."""
    client = aws.client("cloudformation")
    return list(
        client.describe_events(Filters={"FailedEvents": True}, **subject)["OperationEvents"]
    )


def test_a_hook_stops_a_resource_before_it_is_made(aws: Aws, put: Put) -> None:
    """Two events tell what it said, and the failure names the Hook alone."""
    put(HOOK)

    stack = deploy(aws.client("cloudformation"), "shop", TOPIC)

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert {"Topic": FAILED} == failures(aws.client("cloudformation"), stack["StackId"])
    assert [
        ("CREATE_IN_PROGRESS", {}),
        ("CREATE_IN_PROGRESS", BEGUN),
        ("CREATE_IN_PROGRESS", ENDED),
        ("CREATE_FAILED", {}),
    ] == told(aws, stack["StackId"])[:4]
    assert not aws.client("sns").list_topics().get("Topics")


def test_the_events_of_the_operation_have_it_too(aws: Aws, put: Put) -> None:
    """DescribeEvents tells it of the stack and of the operation, as an event of its own kind."""
    put(HOOK)
    stack = deploy(aws.client("cloudformation"), "shop", TOPIC)
    operation = stack["LastOperations"][0]

    (event,) = found(aws, StackName=stack["StackId"])

    assert [event] == found(aws, OperationId=operation["OperationId"])
    wanted = {
        **ENDED,
        **operation,
        "EventType": "HOOK_INVOCATION_ERROR",
        "OperationStatus": "FAILED",
        "LogicalResourceId": "Topic",
        "ResourceType": "AWS::SNS::Topic",
    }
    assert wanted.items() <= event.items()


def test_a_hook_that_warns_stops_nothing(aws: Aws, put: Put) -> None:
    """The events say what it found, and the resource is made."""
    put(HOOK + 'mode = "WARN"')

    stack = deploy(aws.client("cloudformation"), "shop", TOPIC)

    warned = ENDED | {"HookFailureMode": "WARN"}
    assert "CREATE_COMPLETE" == stack["StackStatus"]
    assert ("CREATE_IN_PROGRESS", warned) in told(aws, stack["StackId"])
    assert [] == found(aws, StackName=stack["StackId"])
    assert 1 == len(aws.client("sns").list_topics()["Topics"])


def test_every_hook_has_its_say_and_those_that_may_fail_are_named(aws: Aws, put: Put) -> None:
    """One failure names them all, in the order of the table."""
    other = HOOK.replace(GUARD, "Private::Guard::Names")
    put(HOOK + other + HOOK.replace(GUARD, "Private::Guard::Advice") + 'mode = "WARN"')

    stack = deploy(aws.client("cloudformation"), "shop", TOPIC)

    assert {"Topic": f"The following hook(s) failed: [{GUARD}, Private::Guard::Names]"} == failures(
        aws.client("cloudformation"), stack["StackId"]
    )
    assert 6 == sum(bool(hook) for _, hook in told(aws, stack["StackId"]))


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ('type = "AWS::SQS::Queue"', "Second"),
        ('logical_id = "First"', "First"),
        ("nth = 2", "Second"),
    ],
)
def test_a_hook_looks_at_what_it_names(selector: str, expected: str, aws: Aws, put: Put) -> None:
    """A type, a logical id, or the number of the operation."""
    put(HOOK + selector)
    body = template(
        {"First": resource("SNS::Topic"), "Second": resource("SQS::Queue", {}, DependsOn="First")}
    )

    stack = deploy(aws.client("cloudformation"), "shop", body)

    assert [expected] == list(failures(aws.client("cloudformation"), stack["StackId"]))


def test_updates_and_deletions_meet_hooks(aws: Aws, put: Put) -> None:
    """The failed update goes back without them; the failed deletion leaves the stack."""
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "shop", topic("old"))
    put(HOOK + 'during = "update"\n' + HOOK + 'during = "delete"\n')

    updated = deploy(cloudformation, "shop", topic("new"))
    deleted = destroy(cloudformation, made["StackId"])

    assert ("UPDATE_ROLLBACK_COMPLETE", "DELETE_FAILED") == (
        updated["StackStatus"],
        deleted["StackStatus"],
    )
    met = [each for each, hook in told(aws, made["StackId"]) if hook]
    assert [*["UPDATE_IN_PROGRESS"] * 2, *["DELETE_IN_PROGRESS"] * 2] == met


# Change sets --------------------------------------------------------------------------------------


def test_a_hook_fails_a_change_set(aws: Aws, put: Put) -> None:
    """Its reason names the Hook; what that said is told by DescribeEvents."""
    cloudformation = aws.client("cloudformation")
    put(HOOK + 'target = "change_set"')

    staged = stage(cloudformation, "shop", TOPIC, ChangeSetType="CREATE")

    assert ("FAILED", "UNAVAILABLE", FAILED) == tuple(
        staged[key] for key in ("Status", "ExecutionStatus", "StatusReason")
    )
    (event,) = found(aws, ChangeSetName=staged["ChangeSetId"])
    kind = {"EventType": "HOOK_INVOCATION_ERROR", "OperationType": "CREATE_CHANGESET"}
    assert (ENDED | kind).items() <= event.items()
    assert "InvalidChangeSetStatus" == said(
        lambda: cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
    )
    assert "REVIEW_IN_PROGRESS" == status(cloudformation, "shop")


def test_a_warning_lets_the_change_set_be_executed(aws: Aws, put: Put) -> None:
    """It is told all the same, and the resources meet no Hook of change sets."""
    cloudformation = aws.client("cloudformation")
    put(HOOK + 'target = "change_set"\nmode = "WARN"')

    staged = stage(cloudformation, "shop", TOPIC, ChangeSetType="CREATE")

    assert ("CREATE_COMPLETE", "AVAILABLE") == (staged["Status"], staged["ExecutionStatus"])
    (event,) = found(aws, ChangeSetName=staged["ChangeSetId"])
    assert ("WARN", "SUCCEEDED") == (event["HookFailureMode"], event["OperationStatus"])
    cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
    stack = settled(cloudformation, staged["StackId"])
    assert "CREATE_COMPLETE" == stack["StackStatus"]
    assert not any(hook for _, hook in told(aws, stack["StackId"]))


def test_validation_and_hooks_object_together(aws: Aws, put: Put) -> None:
    """DescribeEvents has the findings of both."""
    put(
        HOOK
        + 'target = "change_set"\n[[fault]]\ndo = "early_validation"\n'
        + '[[fault.findings]]\nname = "NAME_CONFLICT_VALIDATION"\nreason = "taken"\nmode = "WARN"'
    )

    staged = stage(aws.client("cloudformation"), "shop", TOPIC, ChangeSetType="CREATE")

    assert FAILED == staged["StatusReason"]
    assert ["VALIDATION_ERROR", "HOOK_INVOCATION_ERROR"] == [
        event["EventType"] for event in found(aws, ChangeSetName=staged["ChangeSetId"])
    ]


def test_a_hook_of_a_change_set_notes_what_it_found(aws: Aws, put: Put) -> None:
    """By the change set's ARN, then by the result's id."""
    cloudformation = aws.client("cloudformation")
    put(
        HOOK
        + 'target = "change_set"\n[[fault.annotations]]\nname = "Owner"\nmessage = "no owner"\n'
        + 'severity = "HIGH"\nremedy = "add a tag"\nlink = "https://guard.example"'
    )
    staged = stage(cloudformation, "shop", TOPIC, ChangeSetType="CREATE")
    arn = staged["ChangeSetId"]

    (listed,) = cloudformation.list_hook_results(TargetType="CHANGE_SET", TargetId=arn)[
        "HookResults"
    ]
    told = cloudformation.get_hook_result(HookResultId=listed["HookResultId"])

    assert (GUARD, "HOOK_COMPLETE_FAILED") == (listed["TypeName"], listed["Status"])
    assert [
        {
            "AnnotationName": "Owner",
            "Status": "FAILED",
            "StatusMessage": "no owner",
            "SeverityLevel": "HIGH",
            "RemediationMessage": "add a tag",
            "RemediationLink": "https://guard.example",
        }
    ] == told["Annotations"]
    assert [] == cloudformation.describe_change_set_hooks(ChangeSetName=arn)["Hooks"]
