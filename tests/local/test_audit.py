"""Trails, and AWS Config's recorder, channel, rules and remediations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    AWAY,
    HOME,
    Aws,
    deploy,
    destroy,
    events,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)

# Buckets that a trail and a channel may write into ------------------------------------------------

OBJECTS = {"Fn::Sub": "${Bucket.Arn}/AWSLogs/${AWS::AccountId}/*"}
TRAIL_ARN = {"Fn::Sub": "arn:aws:cloudtrail:${AWS::Region}:${AWS::AccountId}:trail/audit"}


def statement(action: str, where: Any, **condition: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": action,
        "Resource": where,
        "Condition": {"StringEquals": {"aws:SourceArn": TRAIL_ARN, **condition}},
    }


ACL = {"s3:x-amz-acl": "bucket-owner-full-control"}
TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": OBJECTS,
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
ADMITTED = [
    statement("s3:GetBucketAcl", {"Fn::GetAtt": ["Bucket", "Arn"]}),
    statement("s3:PutObject", OBJECTS, **ACL),
    TLS_ONLY,
]
KEY_ADMITS = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudtrail.amazonaws.com"},
    "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"],
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:SourceArn": TRAIL_ARN}},
}
ROOT_MAY = {
    "Effect": "Allow",
    "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
    "Action": "kms:*",
    "Resource": "*",
}


def policy(statements: list[Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def audited(
    trail: dict[str, Any], *, admits: list[Any] = ADMITTED, key: list[Any] | None = None
) -> str:
    """A trail with bucket, policy, key, log group and role, deployed in that order."""
    trust = {"Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "sts:AssumeRole"}
    keys = policy(key if key is not None else [ROOT_MAY, KEY_ADMITS])
    wanted = {"TrailName": "audit", "S3BucketName": {"Ref": "Bucket"}, "IsLogging": True}
    allowed = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": policy(admits)}
    made = {
        "Bucket": resource("S3::Bucket"),
        "Policy": resource("S3::BucketPolicy", allowed),
        "Key": resource("KMS::Key", {"KeyPolicy": keys}),
        "Logs": resource("Logs::LogGroup"),
        "Role": resource(
            "IAM::Role", {"AssumeRolePolicyDocument": policy([{"Effect": "Allow", **trust}])}
        ),
        "Trail": resource("CloudTrail::Trail", wanted | trail, DependsOn="Policy"),
    }
    return template(made, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Trail", "Arn"]}}})


FULL = {
    "CloudWatchLogsLogGroupArn": {"Fn::GetAtt": ["Logs", "Arn"]},
    "CloudWatchLogsRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
    "EnableLogFileValidation": "true",
    "EventSelectors": [
        {
            "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::"]}],
            "IncludeManagementEvents": True,
            "ReadWriteType": "WriteOnly",
        }
    ],
    "IncludeGlobalServiceEvents": True,
    "IsMultiRegionTrail": True,
    "KMSKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
    "Tags": [{"Key": "k", "Value": "v"}],
}


def refusal(aws: Aws, body: str) -> dict[str, str]:
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "refused", body)
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    return failures(cloudformation, "refused")


# Trails -------------------------------------------------------------------------------------------


def tags(aws: Aws, arn: str) -> dict[str, str]:
    found = aws.client("cloudtrail").list_tags(ResourceIdList=[arn])["ResourceTagList"]
    listed = found[0]["TagsList"]
    return {tag["Key"]: tag["Value"] for tag in listed if not tag["Key"].startswith("aws:")}


def test_trail(aws: Aws):
    """All of it is readable, changes in place, goes back to what is usual, and goes."""
    cloudformation, trails = aws.client("cloudformation"), aws.client("cloudtrail")
    made = deploy(cloudformation, "stack", audited(FULL))
    ids, arn = physical_ids(cloudformation, "stack"), outputs(made)["Arn"]
    told = trails.get_trail(Name="audit")["Trail"]
    (selector,) = trails.get_event_selectors(TrailName="audit")["EventSelectors"]

    assert (ids["Trail"], told["TrailARN"]) == ("audit", arn)
    assert told["S3BucketName"] == ids["Bucket"]
    assert told["KmsKeyId"].endswith(f":key/{ids['Key']}")
    assert told["CloudWatchLogsLogGroupArn"].endswith(f":log-group:{ids['Logs']}:*")
    assert told["CloudWatchLogsRoleArn"].endswith(f":role/{ids['Role']}")
    assert told["LogFileValidationEnabled"] is told["IsMultiRegionTrail"] is True
    assert selector["ReadWriteType"] == "WriteOnly"
    assert selector["DataResources"] == FULL["EventSelectors"][0]["DataResources"]
    assert trails.get_trail_status(Name="audit")["IsLogging"] is True
    assert tags(aws, arn) == {"k": "v"}
    seen = aws.client("cloudtrail", AWAY).describe_trails()["trailList"]
    assert [each["HomeRegion"] for each in seen] == [HOME]

    deploy(cloudformation, "stack", audited({"IsLogging": "false"}))
    told = trails.get_trail(Name="audit")["Trail"]
    (selector,) = trails.get_event_selectors(TrailName="audit")["EventSelectors"]

    assert "KmsKeyId" not in told
    assert "CloudWatchLogsLogGroupArn" not in told
    assert told["LogFileValidationEnabled"] is told["IsMultiRegionTrail"] is False
    assert (selector["ReadWriteType"], selector["DataResources"]) == ("All", [])
    assert trails.get_trail_status(Name="audit")["IsLogging"] is False
    assert tags(aws, arn) == {}
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert trails.describe_trails()["trailList"] == []


OTHER_TRAIL = [
    json.loads(json.dumps(each).replace("trail/audit", "trail/other")) for each in ADMITTED
]
SHUT = "Incorrect S3 bucket policy is detected for bucket"


@pytest.mark.parametrize(
    ("trail", "policies", "words"),
    [
        ({}, {"admits": ADMITTED[:1]}, SHUT),
        ({}, {"admits": OTHER_TRAIL}, SHUT),
        ({"S3KeyPrefix": "elsewhere"}, {}, SHUT),
        ({"S3BucketName": "nobody"}, {}, "S3 bucket nobody does not exist"),
        (FULL, {"key": [ROOT_MAY]}, "Insufficient permissions to access S3 bucket"),
        (FULL | {"IncludeGlobalServiceEvents": False}, {}, "must include global service events"),
        (FULL | {"CloudWatchLogsRoleArn": ""}, {}, "You must specify both"),
        ({"InsightSelectors": [{"InsightType": "ApiCallRateInsight"}]}, {}, "InsightSelectors"),
    ],
)
def test_trail_is_refused(aws: Aws, trail: dict[str, Any], policies: dict[str, Any], words: str):
    """CloudTrail looks at the bucket's and the key's policy first; no trail is left."""
    assert words in refusal(aws, audited(trail, **policies))["Trail"]
    assert aws.client("cloudtrail").describe_trails()["trailList"] == []


def test_trail_name_is_taken(aws: Aws):
    """A name that a trail of the account has is refused in CloudTrail's words."""
    aws.client("cloudtrail").create_trail(Name="audit", S3BucketName="theirs")

    assert "already exists" in refusal(aws, audited({}))["Trail"]


# Config -------------------------------------------------------------------------------------------

RECORDING = {
    "Name": "recorder",
    "RecordingGroup": {"AllSupported": "true", "IncludeGlobalResourceTypes": True},
    "RecordingMode": {"RecordingFrequency": "DAILY"},
    "RoleARN": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/config"},
}
DELIVERY = {
    "Name": "channel",
    "ConfigSnapshotDeliveryProperties": {"DeliveryFrequency": "Six_Hours"},
    "S3BucketName": {"Ref": "Bucket"},
    "S3KeyPrefix": "config",
}
RECORDER = resource("Config::ConfigurationRecorder", RECORDING)
CHANNEL = resource("Config::DeliveryChannel", DELIVERY)
RULE = {
    "ConfigRuleName": "no-public-read",
    "Description": "own",
    "InputParameters": {"maxAccessKeyAge": 90},
    "MaximumExecutionFrequency": "One_Hour",
    "Scope": {"ComplianceResourceTypes": ["AWS::S3::Bucket"]},
    "Source": {"Owner": "AWS", "SourceIdentifier": "S3_BUCKET_PUBLIC_READ_PROHIBITED"},
}
REMEDY = {
    "Automatic": "true",
    "ConfigRuleName": {"Ref": "Rule"},
    "MaximumAutomaticAttempts": "3",
    "Parameters": {
        "AutomationAssumeRole": {"StaticValue": {"Values": ["arn:aws:iam::1:role/fix"]}},
        "S3BucketName": {"ResourceValue": {"Value": "RESOURCE_ID"}},
    },
    "RetryAttemptSeconds": 60,
    "TargetId": "AWS-DisableS3BucketPublicReadWrite",
    "TargetType": "SSM_DOCUMENT",
    "TargetVersion": "1",
}


def recorded(recorder: str = "ARecorder", channel: str = "Channel", **more: Any) -> str:
    """Recorder and channel; of two that nothing orders, the first by its name is made first."""
    made = {"Bucket": resource("S3::Bucket"), recorder: RECORDER, channel: CHANNEL}
    return template(made | more)


def recording(aws: Aws) -> list[bool]:
    config = aws.client("config")
    found = config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    return [each["recording"] for each in found]


def created(cloudformation: Any) -> list[str]:
    return [
        event["LogicalResourceId"]
        for event in events(cloudformation, "stack")
        if event["ResourceStatus"] == "CREATE_COMPLETE"
    ]


@pytest.mark.parametrize("names", [("ARecorder", "Channel"), ("Recorder", "AChannel")])
def test_recorder_and_channel(aws: Aws, names: tuple[str, str]):
    """In any order a stack with both records, its settings are readable, and both go."""
    cloudformation, config = aws.client("cloudformation"), aws.client("config")
    body = recorded(*names)
    made = deploy(cloudformation, "stack", body)

    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert [name for name in created(cloudformation) if name in names] == sorted(names)
    assert recording(aws) == [True]
    (recorder,) = config.describe_configuration_recorders()["ConfigurationRecorders"]
    assert recorder["roleARN"] == f"arn:aws:iam::{aws.account}:role/config"
    assert recorder["recordingGroup"] == {
        "allSupported": True,
        "includeGlobalResourceTypes": True,
    }
    assert recorder["recordingMode"] == {"recordingFrequency": "DAILY"}
    (channel,) = config.describe_delivery_channels()["DeliveryChannels"]
    assert channel["s3BucketName"] == physical_ids(cloudformation, "stack")["Bucket"]
    assert channel["s3KeyPrefix"] == "config"
    assert channel["configSnapshotDeliveryProperties"] == {"deliveryFrequency": "Six_Hours"}

    changed = json.loads(body.replace("Six_Hours", "One_Hour").replace("DAILY", "CONTINUOUS"))
    deploy(cloudformation, "stack", json.dumps(changed))
    (recorder,) = config.describe_configuration_recorders()["ConfigurationRecorders"]

    assert recorder["recordingMode"] == {"recordingFrequency": "CONTINUOUS"}
    assert recording(aws) == [True]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert config.describe_configuration_recorders()["ConfigurationRecorders"] == []
    assert config.describe_delivery_channels()["DeliveryChannels"] == []


AFTER_RECORDER = CHANNEL | {"DependsOn": "Recorder"}
AFTER_CHANNEL = RECORDER | {"DependsOn": "Channel"}


@pytest.mark.parametrize(
    ("resources", "resource_id", "words"),
    [
        ({"Recorder": RECORDER}, "Recorder", "Delivery channel is not available"),
        ({"Channel": CHANNEL}, "Channel", "Configuration recorder is not available"),
        (
            {"Recorder": RECORDER, "Channel": AFTER_RECORDER},
            *("Recorder", "Delivery channel is not available"),
        ),
        (
            {"Recorder": AFTER_CHANNEL, "Channel": CHANNEL},
            *("Channel", "Configuration recorder is not available"),
        ),
        (
            {"Rule": resource("Config::ConfigRule", RULE)},
            *("Rule", "Configuration recorder is not available to put config rule"),
        ),
    ],
)
def test_one_without_the_other_is_refused(
    aws: Aws, resources: dict[str, Any], resource_id: str, words: str
):
    """One that nobody completes, or that waits for what waits for it, fails and leaves nothing."""
    body = template({"Bucket": resource("S3::Bucket"), **resources})

    assert words in refusal(aws, body)[resource_id]
    assert aws.client("config").describe_configuration_recorders()["ConfigurationRecorders"] == []


def test_one_recorder_for_each_region(aws: Aws):
    """A second recorder or channel is refused; another Region has its own."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", recorded())
    twins = recorded().replace('"recorder"', '"twin"').replace('"channel"', '"twin"')
    deploy(aws.client("cloudformation", AWAY), "stack", recorded())
    told = refusal(aws, twins)

    assert "maximum number of" in told["ARecorder"]
    assert recording(aws) == [True]
    away = aws.client("config", AWAY).describe_configuration_recorders()
    assert len(away["ConfigurationRecorders"]) == 1


def test_rule_and_remediation(aws: Aws):
    """They are readable, change in place, are replaced under another name, and go."""
    cloudformation, config = aws.client("cloudformation"), aws.client("config")

    def body(rule: dict[str, Any], **remedy: Any) -> str:
        made = {
            "Rule": resource("Config::ConfigRule", rule, DependsOn="ARecorder"),
            "Remedy": resource("Config::RemediationConfiguration", REMEDY | remedy),
        }
        arn = {"Arn": {"Value": {"Fn::GetAtt": ["Rule", "Arn"]}}}
        return json.dumps(json.loads(recorded(**made)) | {"Outputs": arn})

    made = deploy(cloudformation, "stack", body(RULE))
    (rule,) = config.describe_config_rules()["ConfigRules"]
    names = ["no-public-read"]
    remedies = config.describe_remediation_configurations(ConfigRuleNames=names)
    (remedy,) = remedies["RemediationConfigurations"]

    assert outputs(made)["Arn"] == rule["ConfigRuleArn"]
    assert (rule["ConfigRuleName"], rule["Description"]) == ("no-public-read", "own")
    assert json.loads(rule["InputParameters"]) == {"maxAccessKeyAge": "90"}
    assert (rule["Source"], rule["Scope"]) == (RULE["Source"], RULE["Scope"])
    assert rule["MaximumExecutionFrequency"] == "One_Hour"
    assert (remedy["Automatic"], remedy["MaximumAutomaticAttempts"]) == (True, 3)
    assert remedy["TargetId"] == "AWS-DisableS3BucketPublicReadWrite"
    assert remedy["Parameters"] == REMEDY["Parameters"]

    deploy(cloudformation, "stack", body(RULE | {"Description": "new"}, RetryAttemptSeconds=30))
    (rule,) = config.describe_config_rules()["ConfigRules"]
    remedies = config.describe_remediation_configurations(ConfigRuleNames=names)

    assert (rule["Description"], rule["ConfigRuleArn"]) == ("new", outputs(made)["Arn"])
    assert remedies["RemediationConfigurations"][0]["RetryAttemptSeconds"] == 30
    with pytest.raises(ClientError, match="remediation action"):
        config.delete_config_rule(ConfigRuleName="no-public-read")

    deploy(cloudformation, "stack", body(RULE | {"ConfigRuleName": "other"}))

    assert [each["ConfigRuleName"] for each in config.describe_config_rules()["ConfigRules"]] == [
        "other"
    ]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert config.describe_config_rules()["ConfigRules"] == []
    remedies = config.describe_remediation_configurations(ConfigRuleNames=["other"])
    assert remedies["RemediationConfigurations"] == []


def test_automatic_remediation_needs_a_role(aws: Aws):
    """Without a role, attempts and a pause it cannot run by itself."""
    made = {
        "Rule": resource("Config::ConfigRule", RULE, DependsOn="ARecorder"),
        "Remedy": resource("Config::RemediationConfiguration", REMEDY | {"Parameters": {}}),
    }

    assert "AutomationAssumeRole" in refusal(aws, recorded(**made))["Remedy"]
