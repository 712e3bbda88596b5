"""S3 buckets: every configuration that a template gives is S3's, and what S3 refuses is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    AWAY,
    Aws,
    deploy,
    destroy,
    failures,
    outputs,
    physical_ids,
    resource,
    settled,
    stage,
    template,
)

KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
VERSIONED = {"VersioningConfiguration": {"Status": "Enabled"}}
PRIVATE = {
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    },
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
}


def kms_encryption(key: str) -> dict[str, Any]:
    rule = {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
    }
    return {"BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]}}


AES = {
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        ]
    }
}


def bucket(name: str | None = None, *configurations: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {"BucketName": name} if name else {}
    for configuration in configurations:
        properties |= configuration
    return resource("S3::Bucket", properties, **more)


def named(aws: Aws, what: str) -> str:
    """Return a bucket name that no other test takes; names are shared by all accounts."""
    return f"{what}-{aws.account}"


def test_a_private_encrypted_bucket(aws: Aws):
    """Encryption, versioning, blocks, ownership and tags are readable through S3."""
    s3, cloudformation, name = aws.client("s3"), aws.client("cloudformation"), named(aws, "plain")
    told = {"Arn": {"Value": {"Fn::GetAtt": ["Bucket", "Arn"]}}}
    wanted = bucket(
        name,
        kms_encryption("alias/data"),
        VERSIONED,
        PRIVATE,
        {"Tags": [{"Key": "a", "Value": "b"}]},
    )
    made = deploy(cloudformation, "data", template({"Bucket": wanted}, Outputs=told))
    rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]

    assert outputs(made)["Arn"] == f"arn:aws:s3:::{name}"
    assert physical_ids(cloudformation, "data")["Bucket"] == name
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": "alias/data",
    }
    assert rule["BucketKeyEnabled"] is True
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    blocks = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert blocks == PRIVATE["PublicAccessBlockConfiguration"]
    ownership = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    assert ownership == PRIVATE["OwnershipControls"]
    assert bucket_tags(s3, name)["a"] == "b"
    assert bucket_tags(s3, name)["aws:cloudformation:logical-id"] == "Bucket"


def bucket_tags(s3: Any, name: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]}


def test_a_bucket_is_changed_in_place(aws: Aws):
    """Other encryption, suspended versioning and no blocks: the same bucket, its objects kept."""
    s3, cloudformation, name = aws.client("s3"), aws.client("cloudformation"), named(aws, "same")
    deploy(
        cloudformation,
        "data",
        template({"Bucket": bucket(name, kms_encryption("alias/data"), VERSIONED, PRIVATE)}),
    )
    s3.put_object(Bucket=name, Key="object", Body=b"kept")
    made = deploy(cloudformation, "data", template({"Bucket": bucket(name, AES)}))
    rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]

    assert made["StackStatus"] == "UPDATE_COMPLETE"
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"
    assert s3.get_object(Bucket=name, Key="object")["Body"].read() == b"kept"
    with pytest.raises(ClientError, match="NoSuchPublicAccessBlockConfiguration"):
        s3.get_public_access_block(Bucket=name)


def test_life_cycle_and_logging(aws: Aws):
    """Rules and access logs are readable, and go when the template drops them."""
    s3, cloudformation, name = aws.client("s3"), aws.client("cloudformation"), named(aws, "logged")
    rules = [
        {"Id": "old", "Status": "Enabled", "ExpirationInDays": 90},
        {
            "Id": "noncurrent",
            "Status": "Enabled",
            "Prefix": "data/",
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            "Transitions": [{"StorageClass": "STANDARD_IA", "TransitionInDays": 30}],
        },
    ]
    more = {
        "LifecycleConfiguration": {"Rules": rules},
        "LoggingConfiguration": {
            "DestinationBucketName": {"Ref": "Logs"},
            "LogFilePrefix": "access/",
        },
    }
    both = {"Logs": bucket(), "Bucket": bucket(name, more)}
    deploy(cloudformation, "data", template(both))
    logs = physical_ids(cloudformation, "data")["Logs"]
    found = {r["ID"]: r for r in s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]}
    logging = s3.get_bucket_logging(Bucket=name)["LoggingEnabled"]

    assert found["old"]["Expiration"] == {"Days": 90}
    assert found["noncurrent"]["Filter"] == {"Prefix": "data/"}
    assert found["noncurrent"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert found["noncurrent"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert found["noncurrent"]["Transitions"] == [{"Days": 30, "StorageClass": "STANDARD_IA"}]
    assert (logging["TargetBucket"], logging["TargetPrefix"]) == (logs, "access/")

    deploy(cloudformation, "data", template({"Logs": bucket(), "Bucket": bucket(name)}))

    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=name)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=name)


# Replication --------------------------------------------------------------------------------------


def replication(destination: str) -> dict[str, Any]:
    rule = {
        "Id": "ReplicateEverything",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        "Destination": {
            "Bucket": f"arn:aws:s3:::{destination}",
            "StorageClass": "STANDARD_IA",
            "EncryptionConfiguration": {"ReplicaKmsKeyID": "arn:aws:kms:us-west-2:1:key/k"},
            "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
            "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
        },
    }
    role = "arn:aws:iam::000000000000:role/replication"
    return {"ReplicationConfiguration": {"Role": role, "Rules": [rule]}}


def test_replication_to_another_region(aws: Aws):
    """The rule is readable as written, and goes when the template drops it."""
    s3, name, there = aws.client("s3"), named(aws, "source"), named(aws, "replica")
    here, away = aws.client("cloudformation"), aws.client("cloudformation", AWAY)
    deploy(away, "replica", template({"Bucket": bucket(there, VERSIONED)}))
    deploy(here, "source", template({"Bucket": bucket(name, VERSIONED, replication(there))}))
    found = s3.get_bucket_replication(Bucket=name)["ReplicationConfiguration"]
    rule = found["Rules"][0]
    wanted = replication(there)["ReplicationConfiguration"]["Rules"][0]

    assert aws.client("s3", AWAY).get_bucket_location(Bucket=there)["LocationConstraint"] == AWAY
    assert found["Role"].endswith("role/replication")
    assert (rule["ID"], rule["Priority"], rule["Status"]) == ("ReplicateEverything", 1, "Enabled")
    assert rule["Filter"] == {"Prefix": ""}
    for part in ("DeleteMarkerReplication", "SourceSelectionCriteria", "Destination"):
        assert rule[part] == wanted[part]

    deploy(here, "source", template({"Bucket": bucket(name, VERSIONED)}))

    with pytest.raises(ClientError, match="ReplicationConfigurationNotFound"):
        s3.get_bucket_replication(Bucket=name)


@pytest.mark.parametrize(
    ("source", "destination", "reason"),
    [
        (VERSIONED, None, "Destination bucket must exist."),
        (VERSIONED, {}, "Destination bucket must have versioning enabled."),
        ({}, VERSIONED, "Versioning must be 'Enabled' on the bucket"),
    ],
)
def test_replication_is_refused(aws: Aws, source, destination, reason):
    """Both buckets must be there and versioned; the failed creation leaves no bucket behind."""
    s3, cloudformation = aws.client("s3"), aws.client("cloudformation")
    name, there = named(aws, "source"), named(aws, "replica")
    if destination is not None:
        deploy(cloudformation, "replica", template({"Bucket": bucket(there, destination)}))
    made = deploy(
        cloudformation, "source", template({"Bucket": bucket(name, source, replication(there))})
    )

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in failures(cloudformation, "source")["Bucket"]
    assert name not in [found["Name"] for found in s3.list_buckets()["Buckets"]]


# Names, policies and deletion ---------------------------------------------------------------------


@pytest.mark.parametrize("pinned", [True, False])
def test_a_name_that_is_taken(aws: Aws, local_cloud, pinned):
    """A bucket name is taken for every account, with and without pre-deployment validation."""
    name = named(aws, "taken")
    Aws(local_cloud.url, "999999999999").client("s3").create_bucket(Bucket=name)
    cloudformation = aws.client("cloudformation")
    made = deploy(
        cloudformation, "data", template({"Bucket": bucket(name)}), DisableValidation=pinned
    )

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    if pinned:
        assert "already exists" in failures(cloudformation, "data")["Bucket"]


def test_a_bucket_policy(aws: Aws):
    """The policy is S3's, changes in place, is made once only, and goes before its bucket."""
    s3, cloudformation, name = aws.client("s3"), aws.client("cloudformation"), named(aws, "policy")
    made = deploy(cloudformation, "data", policy_template(name, "TlsOnly"))
    sid = lambda: json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"][0]["Sid"]  # noqa: E731

    assert sid() == "TlsOnly"

    deploy(cloudformation, "data", policy_template(name, "NewName"))

    assert sid() == "NewName"

    second = deploy(cloudformation, "second", policy_template(name, "Other", make_bucket=False))

    assert second["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "already exists on bucket" in failures(cloudformation, "second")["Policy"]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert name not in [found["Name"] for found in s3.list_buckets()["Buckets"]]


def policy_template(name: str, sid: str, make_bucket: bool = True) -> str:
    statement = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    target = {"Ref": "Bucket"} if make_bucket else name
    policy = resource("S3::BucketPolicy", {"Bucket": target, "PolicyDocument": document})
    return template({"Policy": policy} | ({"Bucket": bucket(name)} if make_bucket else {}))


def test_a_bucket_that_holds_something_is_not_deleted(aws: Aws):
    """The delete fails and says why; emptied, the bucket goes with the next try."""
    s3, cloudformation, name = aws.client("s3"), aws.client("cloudformation"), named(aws, "full")
    made = deploy(cloudformation, "data", template({"Bucket": bucket(name)}))
    s3.put_object(Bucket=name, Key="object", Body=b"data")
    first = destroy(cloudformation, made["StackId"])

    assert first["StackStatus"] == "DELETE_FAILED"
    assert (
        "The bucket you tried to delete is not empty" in failures(cloudformation, "data")["Bucket"]
    )

    s3.delete_object(Bucket=name, Key="object")
    cloudformation.delete_stack(StackName="data")

    assert settled(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_property_without_a_model_is_refused(aws: Aws):
    """What would have no effect here fails by name, rather than being passed over."""
    cloudformation = aws.client("cloudformation")
    more = {"AccelerateConfiguration": {"AccelerationStatus": "Enabled"}}
    deploy(cloudformation, "data", template({"Bucket": bucket(None, more)}))

    assert "AccelerateConfiguration" in failures(cloudformation, "data")["Bucket"]


def test_kept_buckets_are_imported(aws: Aws):
    """Create, destroy with Retain, create again: the bucket is imported with what it holds."""
    s3, cloudformation, name = aws.client("s3"), aws.client("cloudformation"), named(aws, "kept")
    group = resource("Logs::LogGroup", {"LogGroupName": "/kept", "RetentionInDays": 14}, **KEPT)
    body = template({"Bucket": bucket(name, VERSIONED, **KEPT), "Group": group})
    first = deploy(cloudformation, "data", body)
    s3.put_object(Bucket=name, Key="object", Body=b"kept")
    gone = destroy(cloudformation, first["StackId"])
    staged = stage(
        cloudformation, "data", body, ChangeSetType="CREATE", ImportExistingResources=True
    )
    actions = {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"]["Action"]
        for change in staged["Changes"]
    }
    cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
    second = settled(cloudformation, staged["StackId"])

    assert gone["StackStatus"] == "DELETE_COMPLETE"
    assert actions == {"Bucket": "Import", "Group": "Import"}
    assert second["StackStatus"] == "CREATE_COMPLETE"
    assert second["StackId"] != first["StackId"]
    assert s3.get_object(Bucket=name, Key="object")["Body"].read() == b"kept"
