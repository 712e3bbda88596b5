"""Early validation of change sets: names that are taken, and buckets that are not empty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.local_cloud import Aws, deploy, resource, settled, stage, template

ASSUMED = {"Version": "2012-10-17", "Statement": []}
KEYS = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}

# Type, what names it and the rest of its properties, and how to make one by hand.
TAKEN: dict[str, tuple[dict[str, Any], Callable[[Aws, str], Any]]] = {
    "Logs::LogGroup": (
        {"LogGroupName": "NAME"},
        lambda aws, name: aws.client("logs").create_log_group(logGroupName=name),
    ),
    "S3::Bucket": (
        {"BucketName": "NAME"},
        lambda aws, name: aws.client("s3").create_bucket(Bucket=name),
    ),
    "SSM::Parameter": (
        {"Name": "NAME", "Type": "String", "Value": "x"},
        lambda aws, name: aws.client("ssm").put_parameter(Name=name, Type="String", Value="x"),
    ),
    "IAM::Role": (
        {"RoleName": "NAME", "AssumeRolePolicyDocument": ASSUMED},
        lambda aws, name: aws.client("iam").create_role(
            RoleName=name, AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}'
        ),
    ),
    "DynamoDB::Table": (
        {"TableName": "NAME", **KEYS},
        lambda aws, name: aws.client("dynamodb").create_table(TableName=name, **KEYS),
    ),
}


def found(aws: Aws, change_set: str) -> list[dict[str, Any]]:
    """Return what DescribeEvents tells of a change set."""
    told = aws.client("cloudformation").describe_events(ChangeSetName=change_set)
    return list(told["OperationEvents"])


def named(kind: str, name: str) -> str:
    """Return a template with one resource of this name, which a parameter gives."""
    given = {
        key: {"Fn::Sub": "${Name}"} if value == "NAME" else value
        for key, value in TAKEN[kind][0].items()
    }
    return template(
        {"It": resource(kind, given)}, Parameters={"Name": {"Type": "String", "Default": name}}
    )


@pytest.mark.parametrize("kind", TAKEN)
def test_a_name_that_is_taken_fails_the_change_set(aws: Aws, kind: str):
    """The events say which, and where in the template; nothing can be executed."""
    name = f"taken-{aws.account}"
    TAKEN[kind][1](aws, name)

    staged = stage(aws.client("cloudformation"), "shop", named(kind, name), ChangeSetType="CREATE")

    assert ("FAILED", "UNAVAILABLE") == (staged["Status"], staged["ExecutionStatus"])
    assert "[AWS::EarlyValidation::ResourceExistenceCheck]" in staged["StatusReason"]
    (event,) = found(aws, staged["ChangeSetId"])
    assert {
        "ValidationName": "NAME_CONFLICT_VALIDATION",
        "ValidationFailureMode": "FAIL",
        "ValidationStatus": "FAILED",
        "ValidationPath": "/Resources/It",
        "LogicalResourceId": "It",
        "ResourceType": f"AWS::{kind}",
        "ValidationStatusReason": (
            f"Resource of type 'AWS::{kind}' with identifier '{name}' already exists."
        ),
    }.items() <= event.items()


@pytest.mark.parametrize("kind", TAKEN)
def test_a_name_that_is_free_passes(aws: Aws, kind: str):
    """Another resource of the type is no conflict, and neither is one's own at the next update."""
    cloudformation, name = aws.client("cloudformation"), f"free-{aws.account}"
    TAKEN[kind][1](aws, f"other-{aws.account}")

    made = deploy(cloudformation, "shop", named(kind, name))
    again = stage(
        *(cloudformation, "shop", named(kind, name)),
        ChangeSetType="UPDATE",
        Tags=[{"Key": "a", "Value": "b"}],
    )

    assert "CREATE_COMPLETE" == made["StackStatus"]
    assert "CREATE_COMPLETE" == again["Status"]


def test_nothing_is_looked_at_when_it_is_not_wanted(aws: Aws):
    """The resource then fails by itself."""
    cloudformation = aws.client("cloudformation")
    aws.client("logs").create_log_group(logGroupName="taken")

    ended = deploy(cloudformation, "shop", named("Logs::LogGroup", "taken"), DisableValidation=True)

    assert "ROLLBACK_COMPLETE" == ended["StackStatus"]


def test_what_is_imported_may_exist(aws: Aws):
    """By ImportExistingResources a literal name is adopted, and is no conflict."""
    aws.client("logs").create_log_group(logGroupName="kept")
    kept = resource("Logs::LogGroup", {"LogGroupName": "kept"}, DeletionPolicy="Retain")

    staged = stage(
        *(aws.client("cloudformation"), "shop", template({"It": kept})),
        ChangeSetType="CREATE",
        ImportExistingResources=True,
    )

    assert ("CREATE_COMPLETE", []) == (staged["Status"], found(aws, staged["ChangeSetId"]))


def test_a_name_that_is_not_known_yet_is_not_looked_at(aws: Aws):
    """Whatever depends on another resource has a name only when that has."""
    aws.client("logs").create_log_group(logGroupName="taken")
    body = template(
        {
            "Topic": resource("SNS::Topic", {"TopicName": "taken"}),
            "It": resource(
                "Logs::LogGroup", {"LogGroupName": {"Fn::GetAtt": ["Topic", "TopicName"]}}
            ),
        }
    )

    staged = stage(aws.client("cloudformation"), "shop", body, ChangeSetType="CREATE")

    assert "CREATE_COMPLETE" == staged["Status"]


def test_a_new_name_in_an_update_may_be_taken_too(aws: Aws):
    """The replacement could not be made."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "shop", named("Logs::LogGroup", "mine"))
    aws.client("logs").create_log_group(logGroupName="taken")

    staged = stage(cloudformation, "shop", named("Logs::LogGroup", "taken"), ChangeSetType="UPDATE")

    assert "FAILED" == staged["Status"]


# Buckets ------------------------------------------------------------------------------------------


def buckets(aws: Aws, name: str = "old", **more: Any) -> str:
    """Return a template with a topic and one bucket."""
    return template(
        {
            "Topic": resource("SNS::Topic"),
            "Bucket": resource("S3::Bucket", {"BucketName": f"{name}-{aws.account}"}, **more),
        }
    )


def filled(aws: Aws, **more: Any) -> str:
    """Deploy a bucket, put something into it, and return its name."""
    deploy(aws.client("cloudformation"), "shop", buckets(aws, **more))
    name = f"old-{aws.account}"
    aws.client("s3").put_object(Bucket=name, Key="k", Body=b"x")
    return name


GONE = template({"Topic": resource("SNS::Topic")})


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_bucket_that_is_not_empty_is_warned_of(aws: Aws, how: str):
    """The change set can be executed all the same."""
    cloudformation, name = aws.client("cloudformation"), filled(aws)
    body = GONE if how == "removed" else buckets(aws, "new")

    staged = stage(cloudformation, "shop", body, ChangeSetType="UPDATE")

    assert ("CREATE_COMPLETE", "AVAILABLE") == (staged["Status"], staged["ExecutionStatus"])
    (event,) = found(aws, staged["ChangeSetId"])
    assert {
        "ValidationName": "BUCKET_EMPTINESS_VALIDATION",
        "ValidationFailureMode": "WARN",
        "OperationStatus": "SUCCEEDED",
        "ValidationPath": "/Resources/Bucket",
    }.items() <= event.items()
    assert event["ValidationStatusReason"].startswith(f"The bucket '{name}' is not empty. ")
    cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
    assert "UPDATE_COMPLETE" == settled(cloudformation, "shop")["StackStatus"]


def test_versions_alone_keep_a_bucket_from_being_empty(aws: Aws):
    """A deleted object leaves its versions, and a marker."""
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")
    body = template(
        {
            "Topic": resource("SNS::Topic"),
            "Bucket": resource(
                "S3::Bucket",
                {
                    "BucketName": f"old-{aws.account}",
                    "VersioningConfiguration": {"Status": "Enabled"},
                },
            ),
        }
    )
    deploy(cloudformation, "shop", body)
    s3.put_object(Bucket=f"old-{aws.account}", Key="k", Body=b"x")
    s3.delete_object(Bucket=f"old-{aws.account}", Key="k")

    staged = stage(cloudformation, "shop", GONE, ChangeSetType="UPDATE")

    assert 1 == len(found(aws, staged["ChangeSetId"]))


@pytest.mark.parametrize("how", ["emptied", "retained", "untouched", "not wanted"])
def test_no_warning_where_nothing_is_lost(aws: Aws, how: str):
    """An empty bucket, one that the stack lets go, one that stays, or validation that is off."""
    policy = {"DeletionPolicy": "Retain"} if how == "retained" else {}
    name = filled(aws, **policy)
    if how == "emptied":
        aws.client("s3").delete_object(Bucket=name, Key="k")
    body = buckets(aws, Metadata={"a": 1}) if how == "untouched" else GONE

    staged = stage(
        *(aws.client("cloudformation"), "shop", body),
        ChangeSetType="UPDATE",
        DisableValidation=how == "not wanted",
    )

    assert ("CREATE_COMPLETE", []) == (staged["Status"], found(aws, staged["ChangeSetId"]))
