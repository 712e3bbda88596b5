"""Unknown and missing properties are refused where the service refuses them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    Aws,
    deploy,
    failures,
    resource,
    settled,
    stage,
    template,
)

# One property that no topic has, and a parameter without its value.
WRONG = {
    "Topic": resource("SNS::Topic", {"DisplayName": "x", "Foo": 1}),
    "Parameter": resource("SSM::Parameter", {"Type": "String", "Name": "/one"}),
}
FOUND = {
    ("/Resources/Topic/Properties", "Unsupported property [Foo]"),
    ("/Resources/Parameter/Properties", "Required property [Value] not found"),
}


def found(cloudformation: Any, **named: Any) -> set[tuple[str, str]]:
    events = cloudformation.describe_events(**named)["OperationEvents"]
    return {
        (event["ValidationPath"], event["ValidationStatusReason"])
        for event in events
        if event["EventType"] == "VALIDATION_ERROR"
        and event["ValidationName"] == "PROPERTY_VALIDATION"
    }


def test_a_change_set_fails(aws: Aws):
    """It ends FAILED, and DescribeEvents names every property with its place."""
    cloudformation = aws.client("cloudformation")
    staged = stage(cloudformation, "stack", template(WRONG), ChangeSetType="CREATE")

    assert staged["Status"] == "FAILED"
    assert staged["ExecutionStatus"] == "UNAVAILABLE"
    assert "[AWS::EarlyValidation::PropertyValidation]" in staged["StatusReason"]
    assert found(cloudformation, ChangeSetName=staged["ChangeSetId"]) == FOUND


def test_a_stack_operation_fails_before_any_resource(aws: Aws):
    """CreateStack and UpdateStack are accepted; then the stack says why it did nothing."""
    cloudformation = aws.client("cloudformation")
    made = cloudformation.create_stack(StackName="stack", TemplateBody=template(WRONG))
    stack = settled(cloudformation, made["StackId"])

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert found(cloudformation, StackName=made["StackId"]) == FOUND
    assert found(cloudformation, OperationId=made["OperationId"]) == FOUND
    assert failures(cloudformation, made["StackId"]) == {}

    right = {"Topic": resource("SNS::Topic", {"DisplayName": "x"})}
    deploy(cloudformation, "other", template(right))
    updated = cloudformation.update_stack(StackName="other", TemplateBody=template(WRONG))

    assert settled(cloudformation, "other")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert found(cloudformation, OperationId=updated["OperationId"]) == FOUND


def test_without_validation_the_resource_fails(aws: Aws):
    """DisableValidation leaves it to the resource, which says it in other words."""
    cloudformation = aws.client("cloudformation")
    body = template({"Topic": resource("SNS::Topic", {"Foo": 1, "Bar": 2})})
    stack = deploy(cloudformation, "stack", body, DisableValidation=True)

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert failures(cloudformation, stack["StackId"])["Topic"] == (
        "Properties validation failed for resource Topic with message:\n"
        "#: 2 schema violations found\n"
        "#: extraneous key [Foo] is not permitted\n"
        "#: extraneous key [Bar] is not permitted"
    )


@pytest.mark.parametrize(("want", "status"), [("no", "CREATE_COMPLETE"), ("yes", "FAILED")])
def test_only_what_counts_is_looked_at(aws: Aws, want: str, status: str):
    """A resource without its condition and a branch not taken do no harm."""
    cloudformation = aws.client("cloudformation")
    label = {"Fn::If": ["Wanted", {"Ref": "AWS::NoValue"}, "value"]}
    body = template(
        {
            "Topic": resource("SNS::Topic", {"Foo": 1}, Condition="Wanted"),
            "Parameter": resource("SSM::Parameter", {"Type": "String", "Value": label}),
        },
        Parameters={"Want": {"Type": "String"}},
        Conditions={"Wanted": {"Fn::Equals": [{"Ref": "Want"}, "yes"]}},
    )
    staged = stage(cloudformation, "stack", body, Parameters={"Want": want}, ChangeSetType="CREATE")

    assert staged["Status"] == status
    if want == "yes":
        assert found(cloudformation, ChangeSetName=staged["ChangeSetId"]) == FOUND


def test_events_of_a_change_set_are_asked_for_by_arn(aws: Aws):
    """The bare name is refused, even beside the stack's name."""
    cloudformation = aws.client("cloudformation")
    staged = stage(
        cloudformation, "stack", template(WRONG), ChangeSetType="CREATE", ChangeSetName="bare"
    )
    for named in ({"ChangeSetName": "bare"}, {"ChangeSetName": "bare", "StackName": "stack"}):
        with pytest.raises(ClientError, match="must be specified") as error:
            cloudformation.describe_events(**named)
        assert error.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        cloudformation.describe_events(ChangeSetName=staged["ChangeSetId"] + "0")
