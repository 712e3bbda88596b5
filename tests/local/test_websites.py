"""Buckets that serve a website, and what else S3 keeps of a bucket; topics and parameters."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    AWAY,
    HOME,
    Aws,
    deploy,
    destroy,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)

OPEN = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}
SITE = {
    "WebsiteConfiguration": {"IndexDocument": "index.html", "ErrorDocument": "error.html"},
    "CorsConfiguration": {
        "CorsRules": [
            {
                "Id": "all",
                "AllowedMethods": ["GET"],
                "AllowedOrigins": ["*"],
                "AllowedHeaders": ["*"],
                "ExposedHeaders": ["ETag"],
                "MaxAge": "3000",
            }
        ]
    },
    "PublicAccessBlockConfiguration": OPEN,
}


def site(name: str, bucket: dict[str, Any]) -> str:
    """Return a bucket that everybody may read."""
    readable = {
        "Sid": "PublicReadGetObject",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
    }
    policy = {"Version": "2012-10-17", "Statement": [readable]}
    body = {
        "Bucket": resource("S3::Bucket", {"BucketName": name, **bucket}),
        "Policy": resource(
            "S3::BucketPolicy", {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": policy}
        ),
    }
    told = {"Url": {"Value": {"Fn::GetAtt": ["Bucket", "WebsiteURL"]}}}
    return template(body, Outputs=told)


def test_a_website(aws: Aws):
    """Documents, cross-origin rules and the public policy are S3's; the site can be taken away."""
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")
    name = f"site-{aws.account}"
    made = deploy(cloudformation, "web", site(name, SITE))
    website = s3.get_bucket_website(Bucket=name)
    rule = s3.get_bucket_cors(Bucket=name)["CORSRules"][0]

    assert outputs(made)["Url"] == f"http://{name}.s3-website-us-east-1.amazonaws.com"
    assert website["IndexDocument"] == {"Suffix": "index.html"}
    assert website["ErrorDocument"] == {"Key": "error.html"}
    assert (rule["ID"], rule["MaxAgeSeconds"], rule["ExposeHeaders"]) == ("all", 3000, ["ETag"])
    assert "PublicReadGetObject" in s3.get_bucket_policy(Bucket=name)["Policy"]
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"] == OPEN

    deploy(cloudformation, "web", site(name, {"PublicAccessBlockConfiguration": OPEN}))

    with pytest.raises(ClientError, match="NoSuchWebsiteConfiguration"):
        s3.get_bucket_website(Bucket=name)
    with pytest.raises(ClientError, match="NoSuchCORSConfiguration"):
        s3.get_bucket_cors(Bucket=name)

    destroy(cloudformation, made["StackId"])

    assert s3.list_buckets()["Buckets"] == []


@pytest.mark.parametrize("region", ["us-east-2", "eu-central-1"])
def test_a_newer_region_has_a_dot_in_its_address(aws: Aws, region: str):
    """Website addresses have a dash before the Region in the oldest Regions only."""
    name = f"site-{aws.account}"
    made = deploy(aws.client("cloudformation", region), "web", site(name, SITE))

    assert outputs(made)["Url"] == f"http://{name}.s3-website.{region}.amazonaws.com"


@pytest.mark.parametrize(
    "block", [{}, {"PublicAccessBlockConfiguration": OPEN | {"BlockPublicPolicy": True}}]
)
def test_a_public_policy_needs_an_open_bucket(aws: Aws, block: dict[str, Any]):
    """A new bucket blocks public policies unless it is told not to."""
    cloudformation = aws.client("cloudformation")
    stack = deploy(cloudformation, "web", site(f"site-{aws.account}", block))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "BlockPublicPolicy" in failures(cloudformation, "web")["Policy"]
    assert aws.client("s3").list_buckets()["Buckets"] == []


KEPT = {
    "VersioningConfiguration": {"Status": "Enabled"},
    "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
    "ObjectLockEnabled": True,
    "ObjectLockConfiguration": {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": "7"}},
    },
    "LifecycleConfiguration": {
        "Rules": [
            {
                "Id": "cool",
                "Status": "Enabled",
                "Transitions": [
                    {"StorageClass": "STANDARD_IA", "TransitionInDays": "30"},
                    {"StorageClass": "GLACIER", "TransitionInDays": 60},
                ],
                "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            }
        ],
    },
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [
            {
                "ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
            }
        ]
    },
}


def test_what_a_bucket_keeps(aws: Aws):
    """Life cycle, lock, encryption and notifications, each by its own call."""
    cloudformation, s3 = aws.client("cloudformation", AWAY), aws.client("s3", AWAY)
    name = f"kept-{aws.account}"
    body = {"Bucket": resource("S3::Bucket", {"BucketName": name, **KEPT})}
    deploy(cloudformation, "web", template(body))
    rule = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"][0]
    lock = s3.get_object_lock_configuration(Bucket=name)
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]

    assert rule["Transitions"] == [
        {"Days": 30, "StorageClass": "STANDARD_IA"},
        {"Days": 60, "StorageClass": "GLACIER"},
    ]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert lock["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {
        "Mode": "GOVERNANCE",
        "Days": 7,
    }
    assert encryption["Rules"][0]["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    assert s3.get_bucket_notification_configuration(Bucket=name)["EventBridgeConfiguration"] == {}
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())


@pytest.mark.parametrize(
    ("prop", "value"),
    [
        (
            "InventoryConfigurations",
            [
                {
                    "Id": "all",
                    "Enabled": True,
                    "IncludedObjectVersions": "All",
                    "ScheduleFrequency": "Daily",
                    "Destination": {"BucketArn": "arn:aws:s3:::x", "Format": "CSV"},
                }
            ],
        ),
        (
            "IntelligentTieringConfigurations",
            [
                {
                    "Id": "cold",
                    "Status": "Enabled",
                    "Tierings": [{"AccessTier": "ARCHIVE_ACCESS", "Days": 90}],
                }
            ],
        ),
    ],
)
def test_what_a_bucket_does_not_keep(aws: Aws, prop: str, value: Any):
    """What could not be read back is refused by its name."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "web", template({"Bucket": resource("S3::Bucket", {prop: value})}))

    assert prop in failures(cloudformation, "web")["Bucket"]


def test_a_least_size_that_s3_cannot_be_told(aws: Aws):
    """The size from which objects change class is the usual one, and no other."""
    cloudformation, least = aws.client("cloudformation"), "TransitionDefaultMinimumObjectSize"
    cycle = KEPT["LifecycleConfiguration"] | {least: "varies_by_storage_class"}  # type: ignore[operator]
    body = {"Bucket": resource("S3::Bucket", {"LifecycleConfiguration": cycle})}
    deploy(cloudformation, "web", template(body))

    assert least in failures(cloudformation, "web")["Bucket"]


# Topics and parameters ----------------------------------------------------------------------------


def topic(**properties: Any) -> str:
    return template({"Topic": resource("SNS::Topic", properties)})


def test_an_encrypted_topic(aws: Aws):
    """Key, display name, signature, tracing, subscription and tags are SNS's."""
    cloudformation, sns = aws.client("cloudformation"), aws.client("sns")
    wanted: dict[str, Any] = {
        "TopicName": "alarms",
        "DisplayName": "Alarms",
        "KmsMasterKeyId": "alias/tap",
        "SignatureVersion": "2",
        "TracingConfig": "Active",
        "Subscription": [{"Protocol": "email", "Endpoint": "ops@example.com"}],
        "Tags": [{"Key": "k", "Value": "v"}],
    }
    deploy(cloudformation, "web", topic(**wanted))
    arn = physical_ids(cloudformation, "web")["Topic"]
    found = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    subscribed = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]

    assert arn == f"arn:aws:sns:{HOME}:{aws.account}:alarms"
    names = ("DisplayName", "KmsMasterKeyId", "SignatureVersion", "TracingConfig")
    assert {name: found[name] for name in names} == {name: wanted[name] for name in names}
    assert [each["Endpoint"] for each in subscribed] == ["ops@example.com"]
    assert {"Key": "k", "Value": "v"} in sns.list_tags_for_resource(ResourceArn=arn)["Tags"]

    deploy(cloudformation, "web", topic(TopicName="alarms", KmsMasterKeyId="alias/other"))
    found = sns.get_topic_attributes(TopicArn=arn)["Attributes"]

    assert found["KmsMasterKeyId"] == "alias/other"
    assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        ("SNS::Topic", {"ContentBasedDeduplication": True}, "for FIFO topics only"),
        ("SNS::Topic", {"DataProtectionPolicy": {"Name": "p"}}, "DataProtectionPolicy"),
        (
            "SSM::Parameter",
            {"Type": "String", "Value": "abc", "AllowedPattern": "^[0-9]$"},
            "cannot be validated against allowedPattern",
        ),
        ("SSM::Parameter", {"Type": "String", "Value": "a" * 4097}, "maximum parameter value"),
        ("SSM::Parameter", {"Type": "String", "Value": "a", "Policies": "[]"}, "policies"),
    ],
)
def test_what_is_refused(aws: Aws, kind: str, properties: dict[str, Any], reason: str):
    """A topic and a parameter are not made without what they were told."""
    cloudformation = aws.client("cloudformation")
    stack = deploy(cloudformation, "web", template({"One": resource(kind, properties)}))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in failures(cloudformation, "web")["One"]


def test_a_parameter(aws: Aws):
    """Tier, pattern and description are readable."""
    cloudformation, ssm = aws.client("cloudformation"), aws.client("ssm")
    wanted = {
        "Name": "/tap/size",
        "Type": "String",
        "Value": "4",
        "Tier": "Advanced",
        "Description": "how many",
        "AllowedPattern": "^[0-9]$",
    }
    deploy(cloudformation, "web", template({"One": resource("SSM::Parameter", wanted)}))
    found = ssm.describe_parameters()["Parameters"][0]

    assert {name: found[name] for name in wanted if name != "Value"} == {
        name: value for name, value in wanted.items() if name != "Value"
    }
