"""What the service refuses before it does anything is refused here too, in its words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import Aws, deploy, destroy, exists, resource, stage, template

GROUP = resource("Logs::LogGroup", {"RetentionInDays": 7})
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def named(value: Any) -> dict[str, Any]:
    return resource("Logs::LogGroup", {"LogGroupName": value})


UNRESOLVED = "Unresolved resource dependencies [Nowhere] in the Resources block of the template"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"Group": named({"Ref": "Nowhere"})}, UNRESOLVED),
        ({"Group": named({"Fn::GetAtt": ["Nowhere", "Arn"]})}, UNRESOLVED),
        ({"Group": named({"Fn::GetAtt": "Nowhere.Arn"})}, UNRESOLVED),
        ({"Group": named({"Fn::Sub": "/${Nowhere}/x"})}, UNRESOLVED),
        ({"Group": named({"Fn::Sub": ["/${Given}${Nowhere.Arn}", {"Given": "x"}]})}, UNRESOLVED),
        ({"Group": GROUP | {"DependsOn": ["Nowhere"]}}, UNRESOLVED),
        (
            {"Group": GROUP | {"Condition": "Nowhere"}},
            "Unresolved condition dependency Nowhere in the Resources block of the template",
        ),
        (
            {"Group": named({"Fn::If": ["Nowhere", "a", "b"]})},
            "Unresolved condition dependency Nowhere in the Resources block of the template",
        ),
        (
            {"A": GROUP | {"DependsOn": "B"}, "B": named({"Ref": "A"})},
            "Circular dependency between resources: [A, B]",
        ),
        (
            {"One": resource("Redshift::Cluster"), "Group": GROUP},
            "Unrecognized resource types: [AWS::Redshift::Cluster]. The local cloud does not "
            "provide what these resources ask for: One (AWS::Redshift::Cluster)",
        ),
        ({"One": resource("CloudFormation::Publisher")}, "One (AWS::CloudFormation::Publisher)"),
    ],
)
def test_a_wrong_template_is_refused(aws: Aws, body, message):
    """Nothing is created: no resource, and no stack."""
    cloudformation = aws.client("cloudformation")
    with pytest.raises(ClientError) as refused:
        stage(cloudformation, "stack", template(body), ChangeSetType="CREATE")
    with pytest.raises(ClientError, match="ValidationError"):
        cloudformation.create_stack(StackName="stack", TemplateBody=template(body))

    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert message in refused.value.response["Error"]["Message"]
    assert not exists(cloudformation, "stack")


def test_outputs_are_checked_too(aws: Aws):
    """An output that refers to nothing is refused before anything is made."""
    cloudformation = aws.client("cloudformation")
    body = template({"Group": GROUP}, Outputs={"Out": {"Value": {"Ref": "Nowhere"}}})

    with pytest.raises(ClientError, match=r"\[Nowhere\] in the Outputs block"):
        stage(cloudformation, "stack", body, ChangeSetType="CREATE")


def test_right_references_pass(aws: Aws):
    """Pseudo parameters, parameters, literals and local variables of a Sub are no mistakes."""
    text = "/${AWS::Region}/${Stage}/${!Literal}/${Own}"
    body = template(
        {"Group": named({"Fn::Sub": [text, {"Own": {"Ref": "AWS::StackName"}}]})},
        Parameters={"Stage": {"Type": "String", "Default": "test"}},
    )
    made = deploy(aws.client("cloudformation"), "stack", body.replace("${!Literal}", "x"))

    assert made["StackStatus"] == "CREATE_COMPLETE"


# Parameters and capabilities ----------------------------------------------------------------------


def test_parameters(aws: Aws):
    """Unknown parameters, and those without a value, are refused by name."""
    cloudformation = aws.client("cloudformation")
    body = template(
        {"Group": named({"Ref": "Name"})},
        Parameters={"Name": {"Type": "String"}, "Other": {"Type": "String", "Default": "x"}},
    )
    create = {"ChangeSetType": "CREATE"}

    with pytest.raises(ClientError, match=r"Parameters: \[Name\] must have values"):
        stage(cloudformation, "stack", body, **create)
    with pytest.raises(ClientError, match=r"Parameters: \[More\] do not exist in the template"):
        stage(cloudformation, "stack", body, Parameters={"Name": "/a", "More": "x"}, **create)
    made = deploy(cloudformation, "stack", body, Parameters={"Name": "/a"})
    assert made["StackStatus"] == "CREATE_COMPLETE"


def test_a_previous_value_is_a_value(aws: Aws):
    """UsePreviousValue counts if the stack has one."""
    cloudformation = aws.client("cloudformation")
    text = lambda days: template(  # noqa: E731
        {"Group": named({"Ref": "Name"}) | {"Metadata": {"Days": days}}},
        Parameters={"Name": {"Type": "String"}},
    )
    deploy(cloudformation, "stack", text(1), Parameters={"Name": "/a"})
    made = cloudformation.create_change_set(
        StackName="stack",
        ChangeSetName="previous",
        TemplateBody=text(2),
        Parameters=[{"ParameterKey": "Name", "UsePreviousValue": True}],
    )
    found = cloudformation.describe_change_set(ChangeSetName=made["Id"])

    assert found["Status"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("properties", "given", "needed"),
    [
        ({}, [], "CAPABILITY_IAM"),
        ({"RoleName": "mine"}, ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"),
        ({}, ["CAPABILITY_NAMED_IAM"], None),
        ({"RoleName": "mine"}, ["CAPABILITY_NAMED_IAM"], None),
    ],
)
def test_capabilities(aws: Aws, properties, given, needed):
    """IAM resources must be acknowledged, those with names by name."""
    cloudformation = aws.client("cloudformation")
    role = resource("IAM::Role", {"AssumeRolePolicyDocument": TRUST, **properties})
    request = {
        "StackName": "stack",
        "TemplateBody": template({"Role": role}),
        "Capabilities": given,
    }
    if needed is None:
        assert cloudformation.create_stack(**request)["StackId"]
        return
    with pytest.raises(ClientError) as refused:
        cloudformation.create_stack(**request)

    assert refused.value.response["Error"]["Code"] == "InsufficientCapabilitiesException"
    assert refused.value.response["Error"]["Message"] == f"Requires capabilities : [{needed}]"


def test_a_body_that_is_too_long(aws: Aws):
    """51,200 bytes fit, one more does not."""
    cloudformation = aws.client("cloudformation")
    empty = template({"Group": GROUP}, Description="")
    room = 51_200 - len(empty)
    fits, too_long = (
        json.dumps(json.loads(empty) | {"Metadata": "x" * (room - len(', "Metadata": ""') + more)})
        for more in (0, 1)
    )

    with pytest.raises(ClientError, match="length less than or equal to 51200"):
        stage(cloudformation, "stack", too_long, ChangeSetType="CREATE")
    assert len(fits) == 51_200
    assert (
        stage(cloudformation, "stack", fits, ChangeSetType="CREATE")["Status"] == "CREATE_COMPLETE"
    )


# The stack ----------------------------------------------------------------------------------------


def test_a_stack_that_is_there_is_not_created_again(aws: Aws):
    """Neither by a CREATE change set nor by CreateStack, even when it was rolled back."""
    cloudformation = aws.client("cloudformation")
    metric = {"MetricName": "m", "MetricNamespace": "n", "MetricValue": "1"}
    broken = resource(
        "Logs::MetricFilter",
        {"LogGroupName": "/none", "FilterPattern": "", "MetricTransformations": [metric]},
    )
    body = template({"Filter": broken})
    made = deploy(cloudformation, "stack", body)

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="already exists and cannot be created again"):
        stage(cloudformation, "stack", body, ChangeSetType="CREATE")
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        cloudformation.create_stack(StackName="stack", TemplateBody=body)
    with pytest.raises(ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        stage(cloudformation, "stack", body)

    destroy(cloudformation, made["StackId"])
    again = deploy(cloudformation, "stack", template({"Group": GROUP}))
    assert again["StackStatus"] == "CREATE_COMPLETE"


def test_a_stack_in_review_cannot_be_updated(aws: Aws):
    """It counts as absent: the next change set must be CREATE again."""
    cloudformation = aws.client("cloudformation")
    body = template({"Group": GROUP})
    stage(cloudformation, "stack", body, ChangeSetType="CREATE")

    with pytest.raises(ClientError, match="is in REVIEW_IN_PROGRESS state"):
        stage(cloudformation, "stack", body, ChangeSetType="UPDATE")


@pytest.mark.parametrize(("wanted", "refused"), [("no", False), ("yes", True)])
def test_a_type_behind_a_condition(aws: Aws, wanted, refused):
    """A type that the local cloud lacks does no harm where its condition does not hold."""
    cloudformation = aws.client("cloudformation")
    body = template(
        {"Group": GROUP, "One": resource("Redshift::Cluster", Condition="Wanted")},
        Parameters={"Want": {"Type": "String"}},
        Conditions={"Wanted": {"Fn::Equals": [{"Ref": "Want"}, "yes"]}},
    )
    if refused:
        with pytest.raises(ClientError, match=r"One \(AWS::Redshift::Cluster\)"):
            deploy(cloudformation, "stack", body, Parameters={"Want": wanted})
        return
    made = deploy(cloudformation, "stack", body, Parameters={"Want": wanted})

    assert made["StackStatus"] == "CREATE_COMPLETE"
