"""Region migration on the local cloud: deployed, taken through its steps, asked, and gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tapcfn.config import check
from tapcfn.model import Replacement, Rollout
from templates.blueprints.region_migration import Settings, rollout
from tests.local_cloud import Aws
from tests.systems.deployments import Deployment
from tests.templates.systems.region_migration import ALL_ON, IMAGE, OPTIONS, SOURCE, TARGET

REHEARSAL: Mapping[str, Any] = {"source_bucket": "create", "small_db": True}
REPLICA = "tap-stack-target-replica"
REPLICA_STACK = "local-region-migration-replica"


def wanted(aws: Aws, balancer: str, **keys: Any) -> Rollout:
    """Return the rollout of a stage of this account."""
    settings = {
        "backend": "local",
        "account": aws.account,
        "keep_data": False,
        "termination_protection": False,
        "environment": "local",
        "ami_id": IMAGE,
        "source_alb_arn": balancer,
        **REHEARSAL,
    }
    return rollout(check("test.toml", settings | keys, Settings), "local")


@pytest.fixture
def balancer(aws: Aws) -> str:
    """Return the load balancer that visitors reach before the migration."""
    elb = aws.client("elbv2", SOURCE)
    subnets = aws.client("ec2", SOURCE).describe_subnets()["Subnets"][:2]
    made = elb.create_load_balancer(Name="old", Subnets=[each["SubnetId"] for each in subnets])
    arn: str = made["LoadBalancers"][0]["LoadBalancerArn"]
    return arn


def the(found: list[Any]) -> Any:
    """Return the only one."""
    (one,) = found
    return one


def database(aws: Aws, region: str = TARGET) -> dict[str, Any]:
    """Return the one database of a Region."""
    found: dict[str, Any] = the(aws.client("rds", region).describe_db_instances()["DBInstances"])
    return found


def dials(aws: Aws) -> dict[str, float]:
    """Return the percentage of each Region, as Global Accelerator has it."""
    api = aws.client("globalaccelerator", "us-west-2")
    accelerator = the(api.list_accelerators()["Accelerators"])
    listener = the(api.list_listeners(AcceleratorArn=accelerator["AcceleratorArn"])["Listeners"])
    groups = api.list_endpoint_groups(ListenerArn=listener["ListenerArn"])["EndpointGroups"]
    return {each["EndpointGroupRegion"]: each["TrafficDialPercentage"] for each in groups}


def left(aws: Aws) -> dict[str, list[Any]]:
    """Return what is still there of what the system makes, asked service by service."""
    api = aws.client("globalaccelerator", "us-west-2")
    found: dict[str, list[Any]] = {
        "accelerators": api.list_accelerators()["Accelerators"],
        "buckets": aws.client("s3").list_buckets()["Buckets"],
        "roles": aws.client("iam").list_roles()["Roles"],
        "profiles": aws.client("iam").list_instance_profiles()["InstanceProfiles"],
    }
    for region in (SOURCE, TARGET):
        ec2 = aws.client("ec2", region)
        vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])
        running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        rds = aws.client("rds", region)
        balancers = aws.client("elbv2", region).describe_load_balancers()["LoadBalancers"]
        keys = aws.client("kms", region)
        found |= {
            f"vpcs {region}": vpcs["Vpcs"],
            f"instances {region}": ec2.describe_instances(Filters=running)["Reservations"],
            f"templates {region}": ec2.describe_launch_templates()["LaunchTemplates"],
            f"databases {region}": rds.describe_db_instances()["DBInstances"],
            f"snapshots {region}": rds.describe_db_snapshots()["DBSnapshots"],
            f"secrets {region}": aws.client("secretsmanager", region).list_secrets()["SecretList"],
            f"groups {region}": aws.client("logs", region).describe_log_groups()["logGroups"],
            f"alarms {region}": aws.client("cloudwatch", region).describe_alarms()["MetricAlarms"],
            f"functions {region}": aws.client("lambda", region).list_functions()["Functions"],
            f"vaults {region}": aws.client("backup", region).list_backup_vaults()[
                "BackupVaultList"
            ],
            f"balancers {region}": [
                each for each in balancers if each["LoadBalancerName"] != "old"
            ],
            f"keys {region}": [
                each["KeyId"]
                for each in keys.list_keys()["Keys"]
                if keys.describe_key(KeyId=each["KeyId"])["KeyMetadata"]["Enabled"]
            ],
        }
    return {what: each for what, each in found.items() if each}


# The migration, step by step ----------------------------------------------------------------------


@pytest.mark.drill
def test_the_migration_goes_through_its_steps(
    aws: Aws, deployment: Deployment, balancer: str
) -> None:
    """S4-1, S4-10, S4-16, S4-23: each step does its one thing, and the next plan is empty."""
    outputs = deployment.apply(wanted(aws, balancer))
    _data_is_copied(aws, outputs)
    _visitors_have_somewhere_to_go(aws, outputs)
    again = deployment.changes(wanted(aws, balancer))
    assert [each for each in again.values() if not each.empty] == []

    _the_replica_is_promoted_in_place(aws, deployment, balancer)
    _the_password_is_reset(aws, deployment, balancer)
    _the_traffic_moves(aws, deployment, balancer)

    end = {"promoted": True, "password_reset": True, "dial_source": 0, "dial_target": 100}
    deployment.destroy(wanted(aws, "", **end))
    assert left(aws) == {}


def _data_is_copied(aws: Aws, outputs: Mapping[str, str]) -> None:
    """The bucket's rule and the replica's source lead from one Region to the other."""
    s3 = aws.client("s3", SOURCE)
    source = f"tap-stack-source-{aws.account}-{SOURCE}"
    rule = the(s3.get_bucket_replication(Bucket=source)["ReplicationConfiguration"]["Rules"])
    told = json.loads(outputs["replication_configuration"])
    original, replica = database(aws, SOURCE), database(aws)

    assert rule == the(told["Rules"])
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{outputs['target_s3_bucket']}"
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == original["DBInstanceArn"]
    assert original["DBInstanceArn"].split(":")[3] == SOURCE
    assert replica["KmsKeyId"].split(":")[3] == TARGET
    assert outputs["target_kms_key_id"] in replica["KmsKeyId"]
    assert replica["Endpoint"]["Address"] == outputs["target_rds_endpoint"]


def _visitors_have_somewhere_to_go(aws: Aws, outputs: Mapping[str, str]) -> None:
    """A fleet of two behind a balancer, and an accelerator that leads elsewhere as yet."""
    group = the(
        aws.client("autoscaling", TARGET).describe_auto_scaling_groups()["AutoScalingGroups"]
    )
    elb = aws.client("elbv2", TARGET)
    targets = the(elb.describe_target_groups()["TargetGroups"])

    assert group["AutoScalingGroupName"] == outputs["target_asg_name"]
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == (2, 4, 2)
    assert group["TargetGroupARNs"] == [targets["TargetGroupArn"]]
    assert targets["HealthCheckPath"] == "/health"
    assert dials(aws) == {SOURCE: 100.0, TARGET: 0.0}


def _the_replica_is_promoted_in_place(aws: Aws, deployment: Deployment, balancer: str) -> None:
    """S4-9, S4-10: the same database, without a source and with backups from then on."""
    before = database(aws)
    step = wanted(aws, balancer, promoted=True)
    found = {name: each for name, each in deployment.changes(step).items() if each.changes}
    change = the(list(found[REPLICA_STACK].changes))
    touched = {each.path.rpartition("/")[2] for each in change.details}

    assert list(found) == [REPLICA_STACK]
    assert (change.logical_id, change.action) == ("Database", "Modify")
    assert change.replacement is Replacement.CONDITIONAL
    assert touched <= {
        "BackupRetentionPeriod",
        "Metadata",
        "PreferredBackupWindow",
        "SourceDBInstanceIdentifier",
    }
    deployment.apply(step, f"{REPLICA_STACK}/Database")
    after = database(aws)
    assert after["DbiResourceId"] == before["DbiResourceId"]
    assert not after.get("ReadReplicaSourceDBInstanceIdentifier")
    assert (after["BackupRetentionPeriod"], after["PreferredBackupWindow"]) == (7, "03:00-04:00")
    assert database(aws, SOURCE)["ReadReplicaDBInstanceIdentifiers"] == []


def _the_password_is_reset(aws: Aws, deployment: Deployment, balancer: str) -> None:
    """S4-11: a step of its own, which replaces nothing; the secret then says all that it takes."""
    step = wanted(aws, balancer, promoted=True, password_reset=True)
    before = database(aws)
    outputs = deployment.apply(step)
    secrets = aws.client("secretsmanager", TARGET)
    value = json.loads(secrets.get_secret_value(SecretId=outputs["db_secret_arn"])["SecretString"])

    assert database(aws)["DbiResourceId"] == before["DbiResourceId"]
    assert len(value["password"]) == 32
    assert value["host"] == outputs["rds_endpoint"]


def _the_traffic_moves(aws: Aws, deployment: Deployment, balancer: str) -> None:
    """S4-16: over, back, and to the end, where the source's group goes."""
    moved = {"promoted": True, "password_reset": True}
    addresses = set()
    for source, target in ((0, 100), (100, 0)):
        step = wanted(aws, balancer, **moved, dial_source=source, dial_target=target)
        addresses.add(deployment.apply(step)["accelerator_ips"])
        assert dials(aws) == {SOURCE: float(source), TARGET: float(target)}
    retired = deployment.apply(wanted(aws, "", **moved, dial_source=0, dial_target=100))

    assert dials(aws) == {TARGET: 100.0}
    assert {*addresses, retired["accelerator_ips"]} == addresses
    assert len(addresses) == 1


# All options --------------------------------------------------------------------------------------


@pytest.mark.drill
def test_every_option_at_once_stands_and_goes(
    aws: Aws, deployment: Deployment, balancer: str
) -> None:
    """S4-X2, S4-X3, S4-X4, S4-X6: the services say what the options promised."""
    outputs = deployment.apply(wanted(aws, balancer, **ALL_ON))

    _the_vault_is_filled_daily(aws)
    _two_instances_stand_beside_the_fleet(aws, outputs)
    assert outputs["target_s3_key_id"] != outputs["target_kms_key_id"]
    assert outputs["target_kms_key_id"] not in database(aws)["KmsKeyId"]
    assert all(each.empty for each in deployment.changes(wanted(aws, balancer, **ALL_ON)).values())
    _the_function_promotes_this_replica_only(aws, outputs["promotion_lambda_arn"])

    deployment.destroy(wanted(aws, balancer, **ALL_ON))
    assert left(aws) == {}


def _the_vault_is_filled_daily(aws: Aws) -> None:
    backup = aws.client("backup", TARGET)
    plan = the(backup.list_backup_plans()["BackupPlansList"])["BackupPlanId"]
    rule = the(backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]["Rules"])
    selection = the(backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"])
    chosen = backup.get_backup_selection(BackupPlanId=plan, SelectionId=selection["SelectionId"])[
        "BackupSelection"
    ]

    assert rule["ScheduleExpression"] == "cron(0 5 ? * * *)"
    assert rule["TargetBackupVaultName"] == "tap-stack-vault"
    assert database(aws)["DBInstanceArn"] in chosen["Resources"]


def _two_instances_stand_beside_the_fleet(aws: Aws, outputs: Mapping[str, str]) -> None:
    elb = aws.client("elbv2", TARGET)
    group = the(elb.describe_target_groups()["TargetGroups"])["TargetGroupArn"]
    health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    fixed = outputs["instance_ids"].split(",")
    told = aws.client("ec2", TARGET).describe_instances(InstanceIds=fixed)["Reservations"]

    assert [each["Instances"][0]["InstanceType"] for each in told] == ["t3.micro"] * 2
    assert set(fixed) < {each["Target"]["Id"] for each in health}


def _the_function_promotes_this_replica_only(aws: Aws, function: str) -> None:
    """S4-X2: called by hand, it names what it promoted; of what is no replica it says so."""
    event = json.dumps({"replica_identifier": REPLICA}).encode()
    client = aws.client("lambda", TARGET)
    told = client.invoke(FunctionName=function, Payload=event)

    assert "FunctionError" not in told, told["Payload"].read()
    assert json.loads(told["Payload"].read())["replica_identifier"] == REPLICA
    promoted = database(aws)
    assert not promoted.get("ReadReplicaSourceDBInstanceIdentifier")
    assert (promoted["BackupRetentionPeriod"], promoted["PreferredBackupWindow"]) == (
        7,
        "03:00-04:00",
    )
    assert client.invoke(FunctionName=function, Payload=event)["FunctionError"]


# Options alone, and the import --------------------------------------------------------------------


ALONE = sorted(
    set(OPTIONS)
    # These name a key, a role, an image or a network that would have to be there before.
    - {"imported", "source_key", "source_role", "three_keys", "vpc_fallback", "no_image_yet"}
    # A replica is promoted once it is there: see the steps above.
    - {"promoted", "password_reset"}
)


@pytest.mark.drill
@pytest.mark.parametrize("option", ALONE)
def test_an_option_alone_stands_and_goes(
    aws: Aws, deployment: Deployment, balancer: str, option: str
) -> None:
    """Each switch by itself: deployed, nothing more to do, destroyed without remains."""
    made = wanted(aws, balancer, **OPTIONS[option])
    deployment.apply(made)
    assert all(each.empty for each in deployment.changes(made).values())
    deployment.destroy(made)
    assert left(aws) == {}


@pytest.mark.drill
def test_a_bucket_of_others_is_imported_and_then_copied(
    aws: Aws, deployment: Deployment, balancer: str
) -> None:
    """S4-5: imported as it is; the rule comes with the update after it, and nothing is lost."""
    s3 = aws.client("s3", SOURCE)
    s3.create_bucket(Bucket="photos", CreateBucketConfiguration={"LocationConstraint": SOURCE})
    s3.put_bucket_versioning(Bucket="photos", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="photos", Key="first", Body=b"x")
    keys = {"source_bucket": "import", "source_bucket_name": "photos", "keep_data": True}

    deployment.apply(wanted(aws, balancer, **keys, enable_replication=False))
    deployment.apply(wanted(aws, balancer, **keys))

    rules = s3.get_bucket_replication(Bucket="photos")["ReplicationConfiguration"]["Rules"]
    assert the(rules)["ID"] == "MigrateEverything"
    assert the(s3.list_objects_v2(Bucket="photos")["Contents"])["Key"] == "first"
