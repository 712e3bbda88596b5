"""KMS, CloudWatch Logs, CloudWatch, IAM and SNS: readable, changed in place, and gone."""

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
    template,
)


def policy(
    principal: Any, action: str, target: str | None = None, sid: str = "One"
) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action}
    if target:
        statement["Resource"] = target
    return {"Version": "2012-10-17", "Statement": [statement]}


def without_principal(document: dict[str, Any]) -> dict[str, Any]:
    statement = {k: v for k, v in document["Statement"][0].items() if k != "Principal"}
    return document | {"Statement": [statement]}


KEY_POLICY = policy({"AWS": "*"}, "kms:*", "*")


def tags(**pairs: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


# KMS ----------------------------------------------------------------------------------------------


def key(**more: Any) -> dict[str, Any]:
    return resource("KMS::Key", {"KeyPolicy": KEY_POLICY, **more})


def alias(name: str = "alias/data") -> dict[str, Any]:
    return resource("KMS::Alias", {"AliasName": name, "TargetKeyId": {"Ref": "Key"}})


def test_a_key_and_its_alias(aws: Aws):
    """Policy, rotation and tags are KMS's; a deleted key waits as long as the template says."""
    kms, cloudformation = aws.client("kms"), aws.client("cloudformation")
    told = {"Arn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}, "Id": {"Value": {"Ref": "Key"}}}
    wanted = key(EnableKeyRotation=True, PendingWindowInDays=7, Tags=tags(a="b"))
    made = deploy(cloudformation, "keys", template({"Key": wanted, "Alias": alias()}, Outputs=told))
    key_id = outputs(made)["Id"]
    about = kms.describe_key(KeyId="alias/data")["KeyMetadata"]

    assert (about["Arn"], about["KeyId"]) == (outputs(made)["Arn"], key_id)
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is True
    assert json.loads(kms.get_key_policy(KeyId=key_id)["Policy"]) == KEY_POLICY
    assert {"TagKey": "a", "TagValue": "b"} in kms.list_resource_tags(KeyId=key_id)["Tags"]

    changed = key(EnableKeyRotation=False, PendingWindowInDays=7, Description="new")
    deploy(cloudformation, "keys", template({"Key": changed, "Alias": alias("alias/other")}))

    assert kms.describe_key(KeyId="alias/other")["KeyMetadata"]["KeyId"] == key_id
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["Description"] == "new"
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is False
    with pytest.raises(ClientError, match="NotFound"):
        kms.describe_key(KeyId="alias/data")

    destroy(cloudformation, made["StackId"])

    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert kms.list_aliases(KeyId=key_id)["Aliases"] == []


def test_an_alias_that_is_taken(aws: Aws):
    """A second alias of the same name fails, and the first goes on pointing to its key."""
    kms, cloudformation = aws.client("kms"), aws.client("cloudformation")
    both = template({"Key": key(), "Alias": alias()})
    deploy(cloudformation, "first", both)
    mine = physical_ids(cloudformation, "first")["Key"]
    second = deploy(cloudformation, "second", both, DisableValidation=True)

    assert second["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "AlreadyExists" in failures(cloudformation, "second")["Alias"]
    assert kms.describe_key(KeyId="alias/data")["KeyMetadata"]["KeyId"] == mine


def test_a_replica_key(aws: Aws):
    """The replica has the primary's id in another Region, with a policy and tags of its own."""
    here, away = aws.client("cloudformation"), aws.client("cloudformation", AWAY)
    told = {"Arn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}}
    primary = deploy(here, "keys", template({"Key": key(MultiRegion=True)}, Outputs=told))
    arn = outputs(primary)["Arn"]
    made = deploy(away, "keys", replica_template(arn, "one", first="x"))
    key_id = physical_ids(away, "keys")["Key"]
    kms = aws.client("kms", AWAY)
    about = kms.describe_key(KeyId=key_id)["KeyMetadata"]

    assert arn.endswith(key_id)
    assert outputs(made) == {"Arn": arn.replace("us-east-1", AWAY), "Id": key_id}
    assert about["MultiRegionConfiguration"]["MultiRegionKeyType"] == "REPLICA"
    assert about["MultiRegionConfiguration"]["PrimaryKey"]["Arn"] == arn
    assert about["Description"] == "one"

    deploy(away, "keys", replica_template(arn, "two", second="y"))
    found = {tag["TagKey"] for tag in kms.list_resource_tags(KeyId=key_id)["Tags"]}

    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["Description"] == "two"
    assert "second" in found
    assert "first" not in found

    destroy(away, made["StackId"])

    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def replica_template(arn: str, description: str, **own: str) -> str:
    replica = {
        "PrimaryKeyArn": arn,
        "KeyPolicy": KEY_POLICY,
        "Description": description,
        "PendingWindowInDays": 7,
        "Tags": tags(**own),
    }
    told = {
        "Arn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}},
        "Id": {"Value": {"Fn::GetAtt": ["Key", "KeyId"]}},
    }
    return template({"Key": resource("KMS::ReplicaKey", replica)}, Outputs=told)


def test_a_plain_key_has_no_replicas(aws: Aws):
    """Only a multi-Region key can be replicated."""
    here, away = aws.client("cloudformation"), aws.client("cloudformation", AWAY)
    told = {"Arn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}}
    primary = deploy(here, "keys", template({"Key": key()}, Outputs=told))
    made = deploy(away, "keys", replica_template(outputs(primary)["Arn"], "one"))

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "is not a multi-Region key" in failures(away, "keys")["Key"]


# Logs ---------------------------------------------------------------------------------------------

GROUP = "/aws/tap-stack/application"
KEY_ARN = "arn:aws:kms:us-east-1:000000000000:key/one"


def log_group(**more: Any) -> dict[str, Any]:
    return resource("Logs::LogGroup", {"LogGroupName": GROUP, **more})


def test_a_log_group(aws: Aws):
    """Retention, key and tags are Logs'; an update keeps the group and what it holds."""
    logs, cloudformation = aws.client("logs"), aws.client("cloudformation")
    told = {"Arn": {"Value": {"Fn::GetAtt": ["Group", "Arn"]}}}
    wanted = log_group(RetentionInDays=14, KmsKeyId=KEY_ARN, Tags=tags(a="b"))
    made = deploy(cloudformation, "logs", template({"Group": wanted}, Outputs=told))
    group = logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]
    logs.create_log_stream(logGroupName=GROUP, logStreamName="stream")

    assert outputs(made)["Arn"] == group["arn"]
    assert group["arn"].endswith(f":log-group:{GROUP}:*")
    assert (group["retentionInDays"], group["kmsKeyId"]) == (14, KEY_ARN)
    assert own_tags(logs, group)["a"] == "b"

    deploy(cloudformation, "logs", template({"Group": log_group(RetentionInDays=30)}))
    group = logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]

    assert (group["retentionInDays"], group.get("kmsKeyId")) == (30, None)
    assert "a" not in own_tags(logs, group)
    assert len(logs.describe_log_streams(logGroupName=GROUP)["logStreams"]) == 1

    destroy(cloudformation, made["StackId"])

    assert logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"] == []


def own_tags(logs: Any, group: Any) -> dict[str, str]:
    found = logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
    return {key: value for key, value in found.items() if not key.startswith("aws:")}


def test_a_log_group_that_is_there(aws: Aws):
    """An existing group is not taken over in silence."""
    cloudformation = aws.client("cloudformation")
    aws.client("logs").create_log_group(logGroupName=GROUP)
    body = template({"Group": log_group()})
    made = deploy(cloudformation, "logs", body, DisableValidation=True)

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "already exists" in failures(cloudformation, "logs")["Group"]


def test_a_metric_filter(aws: Aws):
    """The filter is readable, changes in place, and goes."""
    logs, cloudformation = aws.client("logs"), aws.client("cloudformation")
    made = deploy(cloudformation, "logs", filter_template("REJECT"))
    found = logs.describe_metric_filters(logGroupName=GROUP)["metricFilters"]
    metric = found[0]["metricTransformations"][0]

    assert [one["filterPattern"] for one in found] == ["REJECT"]
    assert (metric["metricNamespace"], metric["metricName"]) == ("Tap/Network", "Rejected")

    deploy(cloudformation, "logs", filter_template("ACCEPT"))
    found = logs.describe_metric_filters(logGroupName=GROUP)["metricFilters"]

    assert [one["filterPattern"] for one in found] == ["ACCEPT"]

    destroy(cloudformation, made["StackId"])

    assert logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"] == []


def filter_template(pattern: str) -> str:
    metric = {"MetricNamespace": "Tap/Network", "MetricName": "Rejected", "MetricValue": "1"}
    wanted = {
        "LogGroupName": {"Ref": "Group"},
        "FilterPattern": pattern,
        "MetricTransformations": [metric],
    }
    return template({"Group": log_group(), "Filter": resource("Logs::MetricFilter", wanted)})


# CloudWatch ---------------------------------------------------------------------------------------


def test_a_dashboard_and_an_alarm(aws: Aws):
    """Both are readable, change in place, and go."""
    cloudwatch, cloudformation = aws.client("cloudwatch"), aws.client("cloudformation")
    made = deploy(cloudformation, "watch", watch_template(80))
    name = physical_ids(cloudformation, "watch")["Alarm"]
    body = cloudwatch.get_dashboard(DashboardName="tap-stack-monitoring")["DashboardBody"]
    alarm = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]

    assert json.loads(body)["widgets"][0]["properties"]["period"] == 80
    assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"]) == (80, 2, 300)
    assert alarm["Dimensions"] == [{"Name": "InstanceId", "Value": "i-1"}]
    assert outputs(made)["Arn"] == alarm["AlarmArn"]

    deploy(cloudformation, "watch", watch_template(90))
    body = cloudwatch.get_dashboard(DashboardName="tap-stack-monitoring")["DashboardBody"]
    alarm = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]

    assert json.loads(body)["widgets"][0]["properties"]["period"] == 90
    assert alarm["Threshold"] == 90

    destroy(cloudformation, made["StackId"])

    assert cloudwatch.list_dashboards()["DashboardEntries"] == []
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def watch_template(number: int) -> str:
    dashboard = {
        "DashboardName": "tap-stack-monitoring",
        "DashboardBody": {
            "Fn::Sub": json.dumps(
                {
                    "widgets": [
                        {
                            "type": "metric",
                            "properties": {"region": "${AWS::Region}", "period": number},
                        }
                    ]
                }
            )
        },
    }
    alarm = {
        "Namespace": "AWS/EC2",
        "MetricName": "CPUUtilization",
        "Statistic": "Average",
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": number,
        "EvaluationPeriods": 2,
        "Period": 300,
        "TreatMissingData": "notBreaching",
        "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}],
    }
    resources = {
        "Dashboard": resource("CloudWatch::Dashboard", dashboard),
        "Alarm": resource("CloudWatch::Alarm", alarm),
    }
    return template(resources, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Alarm", "Arn"]}}})


# IAM and SNS --------------------------------------------------------------------------------------

TRUST = policy({"Service": "s3.amazonaws.com"}, "sts:AssumeRole")
READ = without_principal(policy({}, "s3:GetObject", "*", sid="Read"))
WRITE = without_principal(policy({}, "s3:PutObject", "*", sid="Write"))


def test_roles_and_policies(aws: Aws):
    """Inline, attached and managed policies, description and tags are IAM's."""
    iam, cloudformation = aws.client("iam"), aws.client("cloudformation")
    made = deploy(cloudformation, "roles", role_template(READ, "one"))
    ids = physical_ids(cloudformation, "roles")
    role = iam.get_role(RoleName=ids["Role"])["Role"]
    managed = iam.get_policy(PolicyArn=ids["Managed"])["Policy"]

    assert outputs(made) == {"Arn": role["Arn"], "Id": role["RoleId"]}
    assert role["AssumeRolePolicyDocument"] == TRUST
    assert role["Description"] == "one"
    assert {"Key": "a", "Value": "b"} in role["Tags"]
    assert inline(iam, ids["Role"]) == {"own": READ, "added": READ}
    assert managed["AttachmentCount"] == 1

    deploy(cloudformation, "roles", role_template(WRITE, "two"))
    role = iam.get_role(RoleName=ids["Role"])["Role"]

    assert role["Description"] == "two"
    assert inline(iam, ids["Role"]) == {"own": WRITE, "added": WRITE}
    assert outputs(made)["Id"] == role["RoleId"]

    destroy(cloudformation, made["StackId"])

    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName=ids["Role"])
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_policy(PolicyArn=ids["Managed"])


def inline(iam: Any, role: str) -> dict[str, Any]:
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in names
    }


def role_template(document: dict[str, Any], description: str) -> str:
    role = {
        "AssumeRolePolicyDocument": TRUST,
        "Description": description,
        "Policies": [{"PolicyName": "own", "PolicyDocument": document}],
        "Tags": tags(a="b"),
    }
    roles = [{"Ref": "Role"}]
    added = {"PolicyName": "added", "PolicyDocument": document, "Roles": roles}
    resources = {
        "Role": resource("IAM::Role", role),
        "Added": resource("IAM::Policy", added),
        "Managed": resource("IAM::ManagedPolicy", {"PolicyDocument": document, "Roles": roles}),
    }
    told = {
        "Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}},
        "Id": {"Value": {"Fn::GetAtt": ["Role", "RoleId"]}},
    }
    return template(resources, Outputs=told)


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("IAM::Role", {"RoleName": "taken", "AssumeRolePolicyDocument": TRUST}),
        ("IAM::ManagedPolicy", {"ManagedPolicyName": "taken", "PolicyDocument": READ}),
        ("CloudWatch::Dashboard", {"DashboardName": "taken", "DashboardBody": '{"widgets":[]}'}),
        (
            "CloudWatch::Alarm",
            {"AlarmName": "taken", "ComparisonOperator": "GreaterThanThreshold"}
            | {"EvaluationPeriods": 1, "Namespace": "n", "MetricName": "m", "Threshold": 1}
            | {"Period": 60, "Statistic": "Sum"},
        ),
    ],
)
def test_a_name_that_is_taken(aws: Aws, kind, properties):
    """A second stack with the same physical name fails instead of taking the resource over."""
    cloudformation = aws.client("cloudformation")
    body = template({"Thing": resource(kind, properties)})
    first, second = (
        deploy(cloudformation, name, body, DisableValidation=True) for name in ("first", "second")
    )

    assert first["StackStatus"] == "CREATE_COMPLETE"
    assert second["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "already exists" in failures(cloudformation, "second")["Thing"]


def test_an_encrypted_topic(aws: Aws):
    """The key of a topic is SNS's, changes in place, and goes."""
    sns, cloudformation = aws.client("sns"), aws.client("cloudformation")
    topic = lambda **more: template({"Topic": resource("SNS::Topic", more)})  # noqa: E731
    made = deploy(cloudformation, "topics", topic(KmsMasterKeyId="alias/one", DisplayName="one"))
    arn = physical_ids(cloudformation, "topics")["Topic"]
    found = sns.get_topic_attributes(TopicArn=arn)["Attributes"]

    assert (found["KmsMasterKeyId"], found["DisplayName"]) == ("alias/one", "one")

    deploy(cloudformation, "topics", topic(KmsMasterKeyId="alias/two"))

    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["KmsMasterKeyId"] == "alias/two"

    destroy(cloudformation, made["StackId"])

    assert sns.list_topics()["Topics"] == []
