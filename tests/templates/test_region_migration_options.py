"""The options of region migration: each alone, and what it must be then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from templates.layers.functions import inline
from tests.templates.resolved import seen, types
from tests.templates.systems import ACCOUNT
from tests.templates.systems.region_migration import (
    ALL_ON,
    BACKUP_BUCKET,
    REPLICA_ARN,
    SOURCE,
    SOURCE_KEY,
    TARGET,
    TARGET_BUCKET,
    layers,
    rollout,
)


def key(name: str, region: str = TARGET) -> str:
    return f"arn:aws:kms:{region}:{ACCOUNT}:key/{name}-id"


def test_everything_off_is_the_plain_migration() -> None:
    """S4-X2, S4-X3, S4-X4, S4-X5, S4-X6: nothing of an option is there unless it is asked for."""
    found = types(rollout(reverse_replication=False))

    assert found["KMS::Key"] == 1
    assert found["RDS::DBInstance"] == 1
    assert found["S3::Bucket"] == 2
    assert not set(found) & {"Backup::BackupVault", "EC2::Instance", "Lambda::Function"}


def test_a_rehearsal_has_no_accelerator() -> None:
    """S4-X1: on by default; off, nothing else changes."""
    on, off = rollout(), rollout(global_accelerator=False, source_alb_arn="")

    assert types(on)["GlobalAccelerator::EndpointGroup"] == 2
    assert [each for each in on.stacks if each.template.layer != "accelerator"] == list(off.stacks)
    assert "accelerator_dns" not in off.outputs


def test_the_promotion_function() -> None:
    """S4-X2: 300 seconds, the newest Python, and the right to promote this one replica."""
    found = layers(promotion_function=True)
    stack = found["promotion"]
    function = stack["Promotion"]
    sids = {
        each["Sid"]: each
        for each in stack["PromotionRole"]["Policies"][0]["PolicyDocument"]["Statement"]
    }
    logs = [
        arn
        for each in found["security"]["Key"]["KeyPolicy"]["Statement"]
        if each["Sid"] == "LogsEncryptsItsGroups"
        for arn in each["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
    ]

    assert (function["Timeout"], function["Runtime"]) == (300, "python3.14")
    assert function["Environment"]["Variables"] == {
        "BACKUP_DAYS": "7",
        "BACKUP_WINDOW": "03:00-04:00",
    }
    assert sids["PromoteReplica"]["Resource"] == [REPLICA_ARN]
    assert sids["PromoteReplica"]["Action"] == ["rds:PromoteReadReplica"]
    assert 'event["replica_identifier"]' in inline("promotion")
    assert f"arn:aws:logs:{TARGET}:{ACCOUNT}:log-group:/aws/lambda/tap-stack-promotion" in logs
    assert rollout(promotion_function=True).outputs["promotion_lambda_arn"].key == "FunctionArn"
    older = layers(promotion_function=True, runtime="python3.12")["promotion"]
    assert older["Promotion"]["Runtime"] == "python3.12"


def test_the_vault() -> None:
    """S4-21, S4-X3, Q-5: daily at five, cold after 30 days, gone after 365, and never empty."""
    found = layers(aws_backup=True)
    stack = found["backup"]
    (rule,) = stack["Plan"]["BackupPlan"]["BackupPlanRule"]
    selection = stack["Selection"]["BackupSelection"]

    assert stack["Vault"]["EncryptionKeyArn"] == key("Key")
    assert rule["ScheduleExpression"] == "cron(0 5 ? * * *)"
    assert rule["Lifecycle"] == {"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 365}
    assert rule["TargetBackupVault"] == "Vault-id"
    assert selection["Resources"] == [
        REPLICA_ARN,
        f"arn:aws:ec2:{TARGET}:{ACCOUNT}:volume/*",
        f"arn:aws:s3:::{TARGET_BUCKET}",
        f"arn:aws:s3:::{BACKUP_BUCKET}",
    ]
    assert selection["Conditions"] == {
        "StringEquals": [
            {"ConditionKey": "aws:ResourceTag/Migration", "ConditionValue": "cross-region"}
        ]
    }
    assert selection["IamRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/BackupRole"
    assert "service-role/AWSBackupServiceRolePolicyForBackup" in str(
        stack["BackupRole"]["ManagedPolicyArns"]
    )


def test_old_versions_of_the_target_get_cold() -> None:
    """S4-21: STANDARD_IA after 30 days, GLACIER after 60."""
    (rule,) = layers(aws_backup=True)["storage"]["TargetBucket"]["LifecycleConfiguration"]["Rules"]

    assert rule["NoncurrentVersionTransitions"] == [
        {"StorageClass": "STANDARD_IA", "TransitionInDays": 30},
        {"StorageClass": "GLACIER", "TransitionInDays": 60},
    ]


@pytest.mark.parametrize("source", [{"source_key_arn": SOURCE_KEY}, {"source_bucket": "create"}])
def test_three_keys(source: dict[str, Any]) -> None:
    """S4-X4: one for the source's objects, one for the target's, one for the database."""
    found = layers(three_keys=True, **source)
    (encryption,) = found["storage"]["TargetBucket"]["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    target = encryption["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    database = found["replica"]["Database"]["KmsKeyId"]
    told = json.loads(found["source"].outputs["ReplicationConfiguration"])["Rules"][0]

    assert (target, database) == (key("BucketKey"), key("DatabaseKey"))
    assert told["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"] == target
    decrypt = found["source"]["ReplicationRole"]["Policies"][0]["PolicyDocument"]["Statement"][2]
    own = key("Key", SOURCE)
    assert decrypt["Resource"] == [source.get("source_key_arn", own)]
    assert {each["AliasName"] for each in found["security"].of("KMS::Alias").values()} == {
        "alias/tap-stack-migration-key",
        "alias/tap-stack-bucket-key",
        "alias/tap-stack-database-key",
    }


def test_a_small_source_to_rehearse_with() -> None:
    """S4-X5, S4-11: db.t3.micro, 20 to 100 GB, 7 days of backups, a password of our own secret."""
    found = layers(small_db=True)
    source, replica = found["source-data"], found["replica"]["Database"]
    database = source["Database"]

    assert source.stack.target.region == SOURCE
    assert database["DBInstanceIdentifier"] == "tap-db-production"
    assert (database["DBInstanceClass"], database["BackupRetentionPeriod"]) == ("db.t3.micro", 7)
    assert (database["AllocatedStorage"], database["MaxAllocatedStorage"]) == ("20", 100)
    assert (database["DBName"], database["MasterUsername"]) == ("migrationdb", "admin")
    assert (database["StorageType"], database["PubliclyAccessible"]) == ("gp2", False)
    assert database["MasterUserPassword"].startswith("{{resolve:secretsmanager:")
    assert "ManageMasterUserPassword" not in database
    assert database["KmsKeyId"] == key("Key", SOURCE)
    # A database's Ref is its identifier; here it is the logical ID.
    assert replica["SourceDBInstanceIdentifier"].startswith(f"arn:aws:rds:{SOURCE}:{ACCOUNT}:db:")
    assert "prod-region-migration-source-data" in found["replica"].stack.needs
    assert source.of("EC2::InternetGateway")
    assert source.of("EC2::Route") == {}


def test_two_single_instances() -> None:
    """S4-X6: two t3.micro in two zones, behind the same load balancer as the fleet."""
    app = layers(fixed_instances=True)["app"]
    instances = app.of("EC2::Instance")
    data = app["FixedLaunchTemplate"]["LaunchTemplateData"]
    script = data["UserData"]

    assert [each["SubnetId"] for each in instances.values()] == [
        "PublicSubnet0-id",
        "PublicSubnet1-id",
    ]
    assert data["InstanceType"] == "t3.micro"
    assert app["TargetGroup"]["Targets"] == [{"Id": f"{title}-id"} for title in instances]
    # A signal of theirs would count as one of the fleet's.
    assert "cfn-signal" not in script
    assert "/var/www/html/health" in script
    assert app.outputs["InstanceIds"] == "Instance0-id,Instance1-id"
    assert {"instance_ids", "instance_ips"} <= set(rollout(fixed_instances=True).outputs)


def test_a_rich_dashboard() -> None:
    """S4-X7: the database's connections and memory, the balancer's requests, answers and times."""
    body = layers(rich_dashboard=True)["monitoring"]["Dashboard"]["DashboardBody"]
    charts = [each["properties"] for each in json.loads(body)["widgets"]]
    names = {line[1] for chart in charts for line in chart["metrics"]}

    assert names == {
        "BucketSizeBytes",
        "CPUUtilization",
        "DatabaseConnections",
        "FreeableMemory",
        "HTTPCode_Target_2XX_Count",
        "RequestCount",
        "TargetResponseTime",
    }
    assert {chart["period"] for chart in charts} == {300, 86_400}


def test_copies_within_fifteen_minutes() -> None:
    """S4-6: time control and its metrics come together, in the property and for the operation."""
    for keys in ({}, {"source_bucket": "create"}):
        source = layers(rtc=True, **keys)["source"]
        rule = json.loads(source.outputs["ReplicationConfiguration"])["Rules"][0]
        assert rule["Destination"]["ReplicationTime"] == {
            "Status": "Enabled",
            "Time": {"Minutes": 15},
        }
        assert rule["Destination"]["Metrics"] == {
            "Status": "Enabled",
            "EventThreshold": {"Minutes": 15},
        }
    property_of = source["SourceBucket"]["ReplicationConfiguration"]["Rules"][0]
    assert property_of["Destination"] == rule["Destination"]


def test_the_log_group_may_be_exported() -> None:
    """S4-19: a private bucket under the key that Logs may write this one group to."""
    found = layers(log_export=True)
    logs, policy = found["logs"], found["logs"]["ExportBucketPolicy"]["PolicyDocument"]
    statements = {each["Sid"]: each for each in policy["Statement"]}
    group = f"arn:aws:logs:{TARGET}:{ACCOUNT}:log-group:/aws/migration/tap-stack:*"
    (rule,) = logs["ExportBucket"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key("Key")
    for sid, action in (("LogsExports", "s3:PutObject"), ("LogsLooksAtBucket", "s3:GetBucketAcl")):
        assert statements[sid]["Action"] == [action]
        assert statements[sid]["Principal"] == {"Service": f"logs.{TARGET}.amazonaws.com"}
        assert statements[sid]["Condition"] == {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": group},
        }
    grants = {each["Sid"] for each in found["security"]["Key"]["KeyPolicy"]["Statement"]}
    assert "LogsExports" in grants


def test_everything_at_once_is_one_rollout() -> None:
    """S4-1: no two options are in each other's way."""
    found = seen(rollout(**ALL_ON))

    assert set(found) == {
        *("accelerator", "app", "backup", "logs", "monitoring", "network", "promotion"),
        *("replica", "return-key", "roles", "security", "source", "source-data", "storage"),
    }
