"""Replicated storage with every option on the local cloud: deployed, asked, and gone."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.config import check
from tapcfn.model import Rollout
from templates.blueprints.replicated_storage import Settings, rollout
from tests.local_cloud import AWAY, HOME, Aws
from tests.systems.deployments import Deployment
from tests.templates.systems.replicated_storage import ALL_ON, OPTIONS


def wanted(aws: Aws, **keys: Any) -> Rollout:
    """Return the rollout of a stage of this account."""
    settings = {
        "backend": "local",
        "account": aws.account,
        "keep_data": False,
        "termination_protection": False,
        "allowed_cidr": "10.0.0.0/8",
    }
    return rollout(check("test.toml", settings | keys, Settings), "local")


def left(aws: Aws) -> dict[str, list[Any]]:
    """Return what is still there of what the system makes, asked service by service."""
    found: dict[str, list[Any]] = {
        "buckets": aws.client("s3").list_buckets()["Buckets"],
        "roles": aws.client("iam").list_roles()["Roles"],
    }
    for region in (HOME, AWAY):
        ec2 = aws.client("ec2", region)
        vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])
        groups = aws.client("logs", region).describe_log_groups()
        databases = aws.client("rds", region).describe_db_instances()
        found |= {
            f"alarms {region}": aws.client("cloudwatch", region).describe_alarms()["MetricAlarms"],
            f"databases {region}": databases["DBInstances"],
            f"groups {region}": groups["logGroups"],
            f"secrets {region}": aws.client("secretsmanager", region).list_secrets()["SecretList"],
            f"topics {region}": aws.client("sns", region).list_topics()["Topics"],
            f"trails {region}": aws.client("cloudtrail", region).list_trails()["Trails"],
            f"vpcs {region}": vpcs["Vpcs"],
        }
    return {what: each for what, each in found.items() if each}


@pytest.mark.drill
def test_every_option_at_once_stands_and_goes(aws: Aws, deployment: Deployment) -> None:
    """S0-X1, S0-X2, S0-X4, S0-X6 to S0-X10: the services say what the options promised."""
    up = deployment.apply(wanted(aws, **ALL_ON))

    _backs_up(aws, up["app_bucket_name"], up["backup_bucket_name"])
    _records(aws)
    _database_has_a_replica(aws)
    groups = {key: up[f"{key}_security_group_id"] for key in ("web", "app", "db", "ssh")}
    told = aws.client("ec2").describe_security_groups(GroupIds=list(groups.values()))
    assert len(told["SecurityGroups"]) == 4
    (alarm,) = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert (alarm["Namespace"], alarm["Threshold"]) == ("AWS/EC2", 80.0)
    # The password's reference has to be resolved to know that nothing changed.
    assert all(each.empty for each in deployment.changes(wanted(aws, **ALL_ON)).values())

    deployment.destroy(wanted(aws, **ALL_ON))
    assert left(aws) == {}


def _backs_up(aws: Aws, app: str, backup: str) -> None:
    """S0-X4."""
    told = aws.client("s3").get_bucket_replication(Bucket=app)["ReplicationConfiguration"]
    (rule,) = told["Rules"]
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{backup}"
    versioning = aws.client("s3", AWAY).get_bucket_versioning(Bucket=backup)
    assert versioning["Status"] == "Enabled"


def _records(aws: Aws) -> None:
    """S0-X8."""
    status = aws.client("cloudtrail").get_trail_status(Name="tap-trail")
    assert status["IsLogging"] is True
    (recorder,) = aws.client("config").describe_configuration_recorder_status()[
        "ConfigurationRecordersStatus"
    ]
    assert recorder["recording"] is True


def _database_has_a_replica(aws: Aws) -> None:
    """S0-X9."""
    (primary,) = aws.client("rds").describe_db_instances()["DBInstances"]
    (replica,) = aws.client("rds", AWAY).describe_db_instances()["DBInstances"]

    assert (primary["Engine"], primary["MultiAZ"]) == ("postgres", True)
    assert primary["BackupRetentionPeriod"] == 7
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == primary["DBInstanceArn"]
    assert replica["KmsKeyId"] != primary["KmsKeyId"]


@pytest.mark.drill
@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_alone_stands_and_goes(aws: Aws, deployment: Deployment, option: str) -> None:
    """Each switch by itself: deployed, nothing more to do, destroyed without remains."""
    keys = OPTIONS[option]
    deployment.apply(wanted(aws, **keys))
    assert all(each.empty for each in deployment.changes(wanted(aws, **keys)).values())
    deployment.destroy(wanted(aws, **keys))
    assert left(aws) == {}
