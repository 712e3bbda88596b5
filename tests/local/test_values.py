"""Change sets with values: what each property was and what it will be."""

from __future__ import annotations

import json
from typing import Any

from tests.local_cloud import Aws, deploy, physical_ids, resource, settled, stage, template


def valued(cloudformation: Any, staged: Any) -> dict[str, Any]:
    found = cloudformation.describe_change_set(
        ChangeSetName=staged["ChangeSetId"], IncludePropertyValues=True
    )["Changes"]
    return {each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"] for each in found}


def targets(change: Any) -> dict[str, tuple[Any, ...]]:
    return {
        target["Path"]: (
            target["AttributeChangeType"],
            target.get("BeforeValue"),
            target.get("AfterValue"),
        )
        for target in (detail["Target"] for detail in change["Details"])
    }


def bucket(**properties: Any) -> dict[str, Any]:
    return resource("S3::Bucket", properties)


def test_values_are_resolved(aws: Aws):
    """Texts stand as they are, structures as JSON; parameters and references are worked out."""
    cloudformation = aws.client("cloudformation")
    parameters = {"Shown": {"Type": "String", "Default": "old"}}
    topic = resource("SNS::Topic", {"DisplayName": {"Ref": "Shown"}, "SignatureVersion": "2"})
    deploy(cloudformation, "stack", template({"Topic": topic}, Parameters=parameters))
    tags = [{"Key": "stack", "Value": {"Ref": "AWS::StackName"}}]
    changed = resource("SNS::Topic", {"DisplayName": {"Ref": "Shown"}, "Tags": tags})
    staged = stage(
        cloudformation,
        "stack",
        template({"Topic": changed}, Parameters=parameters),
        Parameters={"Shown": "new"},
    )
    change = valued(cloudformation, staged)["Topic"]

    assert targets(change) == {
        "/Properties/DisplayName": ("Modify", "old", "new"),
        "/Properties/SignatureVersion": ("Remove", "2", None),
        "/Properties/Tags": ("Add", None, '[{"Key":"stack","Value":"stack"}]'),
    }
    assert json.loads(change["BeforeContext"]) == {
        "Properties": {"DisplayName": "old", "SignatureVersion": "2"}
    }
    assert json.loads(change["AfterContext"])["Properties"]["DisplayName"] == "new"
    plain = cloudformation.describe_change_set(ChangeSetName=staged["ChangeSetId"])
    details = plain["Changes"][0]["ResourceChange"]["Details"]
    assert not any("Path" in detail["Target"] for detail in details)


def test_attributes_have_values_too(aws: Aws):
    """A deletion policy and metadata are told like properties."""
    cloudformation = aws.client("cloudformation")
    topic = resource("SNS::Topic", {"DisplayName": "x"})
    deploy(cloudformation, "stack", template({"Topic": topic | {"Metadata": {"A": 1}}}))
    changed = topic | {"Metadata": {"A": 2}, "DeletionPolicy": "Retain"}
    staged = stage(cloudformation, "stack", template({"Topic": changed}))

    assert targets(valued(cloudformation, staged)["Topic"]) == {
        "/DeletionPolicy": ("Add", None, "Retain"),
        "/Metadata": ("Modify", '{"A":1}', '{"A":2}'),
    }


def test_what_only_the_operation_will_know(aws: Aws):
    """A reference to a resource that is new or replaced has no value yet."""
    cloudformation = aws.client("cloudformation")

    def body(name: str, days: int) -> str:
        value = {"Fn::Sub": "${Topic} ${AWS::StackName}"}
        return template(
            {
                "Topic": resource("SNS::Topic", {"TopicName": name}),
                "Parameter": resource("SSM::Parameter", {"Type": "String", "Value": value}),
                "Same": resource("Logs::LogGroup", {"RetentionInDays": days}),
            }
        )

    deploy(cloudformation, "stack", body("one", 7))
    arn = physical_ids(cloudformation, "stack")["Topic"]
    changes = valued(cloudformation, stage(cloudformation, "stack", body("two", 14)))

    assert targets(changes["Topic"]) == {"/Properties/TopicName": ("Modify", "one", "two")}
    assert targets(changes["Same"]) == {"/Properties/RetentionInDays": ("Modify", "7", "14")}
    assert targets(changes["Parameter"])["/Properties/Value"] == (
        *("Modify", f"{arn} stack", "{{changeSet:KNOWN_AFTER_APPLY}}"),
    )


def test_secrets_are_not_told(aws: Aws):
    """What a NoEcho parameter decides is masked on both sides."""
    cloudformation = aws.client("cloudformation")
    body = template(
        {
            "Parameter": resource(
                "SSM::Parameter", {"Type": "String", "Value": {"Fn::Sub": "key=${Key}"}}
            )
        },
        Parameters={"Key": {"Type": "String", "NoEcho": True}},
    )
    deploy(cloudformation, "stack", body, Parameters={"Key": "hidden-1"})
    staged = stage(cloudformation, "stack", body, Parameters={"Key": "hidden-2"})
    change = valued(cloudformation, staged)["Parameter"]

    assert targets(change)["/Properties/Value"] == ("Modify", "key=****", "key=****")
    assert "hidden" not in repr(change)
    assert staged["Parameters"] == [{"ParameterKey": "Key", "ParameterValue": "****"}]
    cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
    settled(cloudformation, "stack")
    name = physical_ids(cloudformation, "stack")["Parameter"]
    assert aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "key=hidden-2"


def test_additions_and_removals_have_contexts(aws: Aws):
    """A new resource shows what it will be, one that goes what it was."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", template({"Old": resource("SNS::Topic", {"TopicName": "o"})}))
    new = template({"New": resource("SNS::Topic", {"TopicName": "n"})})
    staged = stage(cloudformation, "stack", new)
    changes = valued(cloudformation, staged)

    assert json.loads(changes["Old"]["BeforeContext"]) == {"Properties": {"TopicName": "o"}}
    assert json.loads(changes["New"]["AfterContext"]) == {"Properties": {"TopicName": "n"}}
    assert "AfterContext" not in changes["Old"]
    assert "BeforeContext" not in changes["New"]
    cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
    settled(cloudformation, staged["StackId"])
    assert "AfterContext" not in valued(cloudformation, staged)["New"]


def test_stack_tags(aws: Aws):
    """Tags of the stack reach every resource, and are told as one attribute."""
    cloudformation = aws.client("cloudformation")
    body = template({"Topic": resource("SNS::Topic", {"DisplayName": "x"})})
    deploy(cloudformation, "stack", body, Tags=[{"Key": "a", "Value": "1"}])
    staged = stage(cloudformation, "stack", body, Tags=[{"Key": "a", "Value": "2"}])

    assert targets(valued(cloudformation, staged)["Topic"]) == {
        "/Tags": ("Modify", '[{"Key":"a","Value":"1"}]', '[{"Key":"a","Value":"2"}]')
    }


def test_conditions_know_the_region(aws: Aws):
    """A condition may compare with where the stack is, as with a parameter."""
    body = template(
        {
            "Here": resource("SNS::Topic", Condition="AtHome"),
            "There": resource("SNS::Topic", Condition="Away"),
        },
        Conditions={
            "AtHome": {"Fn::Equals": [{"Ref": "AWS::Region"}, {"Ref": "Home"}]},
            "Away": {"Fn::Not": [{"Condition": "AtHome"}]},
        },
        Parameters={"Home": {"Type": "String", "Default": "us-east-1"}},
    )
    for region, made in (("us-east-1", "Here"), ("us-west-2", "There")):
        cloudformation = aws.client("cloudformation", region)
        deploy(cloudformation, "stack", body)
        assert list(physical_ids(cloudformation, "stack")) == [made]
