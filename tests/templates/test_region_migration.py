"""Region migration as systems of this kind must be: each test names the row that it checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tapcfn.model import Rollout
from tests.templates.resolved import Seen, order, types
from tests.templates.systems import ACCOUNT
from tests.templates.systems.region_migration import (
    BACKUP_BUCKET,
    IMAGE,
    OPTIONS,
    SOURCE,
    SOURCE_BUCKET,
    TARGET,
    TARGET_BUCKET,
    balancer,
    layers,
    rollout,
)

KEY = f"arn:aws:kms:{TARGET}:{ACCOUNT}:key/Key-id"
ANYWHERE = "0.0.0.0/0"


@pytest.fixture(scope="module")
def wanted() -> Rollout:
    return rollout()


@pytest.fixture(scope="module")
def default() -> Mapping[str, Seen]:
    return layers()


# Order --------------------------------------------------------------------------------------------


def test_the_foundation_precedes_all(wanted: Rollout) -> None:
    """S4-1: nothing is copied before there is a place for it, and visitors come last."""
    names = [phase.name for phase in wanted.phases]
    first = {stack.template.layer for stack in wanted.phases[0].stacks}

    assert names == ["prepare", "replicate", "stand-by"]
    assert first == {"security", "return-key", "network", "storage", "logs", "roles"}
    assert {
        stack.target.region
        for stack in wanted.phases[0].stacks
        if stack.template.layer != "return-key"
    } == {TARGET}
    assert order(wanted).index("storage") < order(wanted).index("source")
    assert order(wanted)[-2:] in (["accelerator", "monitoring"], ["monitoring", "accelerator"])


def test_promotion_and_dial_are_steps_of_stacks_that_are_there(wanted: Rollout) -> None:
    """S4-1: each later step changes one stack, by a parameter or by one template."""
    steps: tuple[tuple[Mapping[str, Any], set[str]], ...] = (
        ({"promoted": True}, {"replica"}),
        ({"dial_source": 50, "dial_target": 50}, {"accelerator"}),
        ({"dial_source": 0, "dial_target": 100}, {"accelerator"}),
        ({"dial_source": 0, "dial_target": 100, "source_alb_arn": ""}, {"accelerator"}),
    )
    for keys, changed in steps:
        after = {stack.name: stack for stack in rollout(**keys).stacks}
        assert set(after) == {stack.name for stack in wanted.stacks}
        differing = {each.template.layer for each in wanted.stacks if after[each.name] != each}
        assert differing == changed, keys


def test_without_an_image_everything_but_the_fleet_is_there() -> None:
    """S4-13, Q-5: no placeholder stands where an image will be; the copy's id brings the fleet."""
    before = rollout(**OPTIONS["no_image_yet"])

    assert [phase.name for phase in before.phases] == ["prepare", "replicate"]
    assert "target_asg_name" not in before.outputs
    assert types(before)["EC2::LaunchTemplate"] == 0


# Keys ---------------------------------------------------------------------------------------------


def test_the_key_of_the_target(default: Mapping[str, Seen]) -> None:
    """S4-3: rotated, named for the migration; the account, Logs and Auto Scaling use it."""
    key = default["security"]["Key"]
    statements = {each["Sid"]: each for each in key["KeyPolicy"]["Statement"]}

    assert default["security"]["Alias"]["AliasName"] == "alias/tap-stack-migration-key"
    assert (key["EnableKeyRotation"], key["PendingWindowInDays"]) == (True, 30)
    assert set(statements) == {
        "AccountDecidesByIam",
        "LogsEncryptsItsGroups",
        "AutoScalingUsesVolumes",
        "AutoScalingGrantsVolumes",
    }
    logs = statements["LogsEncryptsItsGroups"]
    assert logs["Principal"] == {"Service": f"logs.{TARGET}.amazonaws.com"}
    assert logs["Condition"] == {
        "ArnEquals": {
            "kms:EncryptionContext:aws:logs:arn": [
                f"arn:aws:logs:{TARGET}:{ACCOUNT}:log-group:/aws/migration/tap-stack"
            ]
        }
    }


# Buckets ------------------------------------------------------------------------------------------


def test_the_target_bucket(default: Mapping[str, Seen]) -> None:
    """S4-4: encrypted by the key with a bucket key, and versioned."""
    bucket = default["storage"]["TargetBucket"]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert bucket["BucketName"] == TARGET_BUCKET
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert rule["BucketKeyEnabled"] is True
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": KEY,
    }


def test_the_backup_bucket_forgets(default: Mapping[str, Seen]) -> None:
    """S4-20: what is current goes after 90 days, what was replaced after 30."""
    bucket = default["storage"]["BackupBucket"]

    assert bucket["BucketName"] == BACKUP_BUCKET
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["LifecycleConfiguration"]["Rules"] == [
        {
            "Id": "backup-retention",
            "Status": "Enabled",
            "ExpirationInDays": 90,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        }
    ]


def rule_of(configuration: Mapping[str, Any]) -> Mapping[str, Any]:
    (rule,) = configuration["Rules"]
    return rule


def test_the_rule_of_a_bucket_of_others_is_told_and_not_put(default: Mapping[str, Seen]) -> None:
    """S4-5, S4-6: whole bucket, STANDARD, delete markers and KMS: for an operation to put."""
    source = default["source"]
    told = json.loads(source.outputs["ReplicationConfiguration"])
    rule = rule_of(told)

    assert source.of("S3::Bucket") == {}
    assert source.stack.target.region == SOURCE
    assert told["Role"] == source.outputs["ReplicationRoleArn"]
    assert rule["Filter"] == {"Prefix": ""}
    assert rule["DeleteMarkerReplication"] == {"Status": "Enabled"}
    assert rule["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    assert rule["Destination"] == {
        "Bucket": f"arn:aws:s3:::{TARGET_BUCKET}",
        "StorageClass": "STANDARD",
        "EncryptionConfiguration": {"ReplicaKmsKeyID": KEY},
        "Metrics": {"Status": "Enabled"},
    }


@pytest.mark.parametrize(
    ("how", "name"), [("imported", "photos"), ("created", SOURCE_BUCKET)], ids=["import", "create"]
)
def test_the_rule_of_a_bucket_of_ours_is_a_property(how: str, name: str) -> None:
    """S4-5, Q-5: the very configuration that the operation would put."""
    source = layers(**OPTIONS[how])["source"]
    bucket = source["SourceBucket"]
    (rule,) = bucket["ReplicationConfiguration"]["Rules"]
    told = rule_of(json.loads(source.outputs["ReplicationConfiguration"]))

    assert bucket["BucketName"] == name
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert {**rule, "ID": rule["Id"]} == {**told, "Id": told["ID"]}


def test_an_imported_bucket_keeps_what_others_decided() -> None:
    """S4-5: it is imported as it is, never deleted, and has no second policy or encryption."""
    first = rollout(**OPTIONS["imported"], enable_replication=False)
    (stack,) = [each for each in first.stacks if each.template.layer == "source"]
    bucket = stack.template.document["Resources"]["SourceBucket"]

    assert stack.adopt is True
    assert bucket["Properties"]["BucketName"] == "photos"
    assert set(bucket["Properties"]) == {"BucketName", "VersioningConfiguration", "Tags"}
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"
    assert "AWS::S3::BucketPolicy" not in stack.template.resources.values()


# Network ------------------------------------------------------------------------------------------


def test_the_network(default: Mapping[str, Seen]) -> None:
    """S4-7: four subnets in two zones, one public route table, no NAT gateway."""
    network = default["network"]
    blocks = {title: each["CidrBlock"] for title, each in network.of("EC2::Subnet").items()}
    zones = {title: each["AvailabilityZone"] for title, each in network.of("EC2::Subnet").items()}

    assert network["Vpc"]["CidrBlock"] == "10.0.0.0/16"
    assert blocks == {
        "PublicSubnet0": "10.0.1.0/24",
        "PublicSubnet1": "10.0.2.0/24",
        "PrivateSubnet0": "10.0.3.0/24",
        "PrivateSubnet1": "10.0.4.0/24",
    }
    assert zones["PrivateSubnet0"] == zones["PublicSubnet0"] != zones["PublicSubnet1"]
    assert list(network.of("EC2::Route")) == ["PublicDefaultRoute"]
    assert network.of("EC2::NatGateway") == {}
    assert default["replica"]["DatabaseSubnetGroup"]["SubnetIds"] == [
        "PrivateSubnet0-id",
        "PrivateSubnet1-id",
    ]


def test_a_vpc_that_is_there_takes_the_place_of_ours() -> None:
    """S4-7: its subnets, with our two groups in it."""
    found = layers(**OPTIONS["vpc_fallback"])
    network = found["network-existing"]

    assert set(network.of("EC2::SecurityGroup")) == {"WebGroup", "DatabaseGroup"}
    assert network.of("EC2::VPC") == {}
    assert found["replica"]["DatabaseSubnetGroup"]["SubnetIds"] == ["subnet-0b1", "subnet-0b2"]
    assert found["app"]["AutoScalingGroup"]["VPCZoneIdentifier"] == ["subnet-0a1", "subnet-0a2"]


def test_the_security_groups(default: Mapping[str, Seen]) -> None:
    """S4-12: web ports for all, ssh for the inside, MySQL for the instances alone."""
    network = default["network"]
    web, database = network["WebGroup"], network["DatabaseGroup"]
    opened = {(each["FromPort"], each["CidrIp"]) for each in web["SecurityGroupIngress"]}
    (mysql,) = database["SecurityGroupIngress"]

    assert opened == {(80, ANYWHERE), (443, ANYWHERE), (22, "10.0.0.0/8")}
    assert web["SecurityGroupEgress"][0]["CidrIp"] == ANYWHERE
    assert (mysql["FromPort"], mysql["SourceSecurityGroupId"]) == (3306, "WebGroup-GroupId")
    assert default["replica"]["Database"]["VPCSecurityGroups"] == ["DatabaseGroup-GroupId"]


def test_ssh_may_be_narrower() -> None:
    """S4-12: the block is a setting."""
    rules = layers(ssh_cidr="10.0.0.0/16")["network"]["WebGroup"]["SecurityGroupIngress"]

    assert [each["CidrIp"] for each in rules if each["FromPort"] == 22] == ["10.0.0.0/16"]


# Database -----------------------------------------------------------------------------------------


def test_the_replica(default: Mapping[str, Seen]) -> None:
    """S4-8, S4-9, Q-5: a copy of the other Region's database under a key of this one."""
    replica = default["replica"]["Database"]
    parameters = default["replica"]["DatabaseParametersMysql84"]

    assert replica["DBInstanceIdentifier"] == "tap-stack-target-replica"
    assert replica["SourceDBInstanceIdentifier"] == (
        f"arn:aws:rds:{SOURCE}:{ACCOUNT}:db:tap-stack-source-db"
    )
    assert (replica["KmsKeyId"], replica["StorageEncrypted"]) == (KEY, True)
    assert (replica["Engine"], replica["DBInstanceClass"]) == ("mysql", "db.t3.medium")
    assert replica["PreferredMaintenanceWindow"] == "sun:04:00-sun:05:00"
    assert (replica["PubliclyAccessible"], replica["AutoMinorVersionUpgrade"]) == (False, False)
    assert replica["DeletionProtection"] is True
    assert parameters["Family"] == "mysql8.4"
    assert parameters["Parameters"]["innodb_buffer_pool_size"] == "{DBInstanceClassMemory*3/4}"
    assert not set(replica) & {
        "AllocatedStorage",
        "BackupRetentionPeriod",
        "DBName",
        "MasterUserPassword",
        "MasterUsername",
        "PreferredBackupWindow",
        "SourceRegion",
        "StorageType",
    }


def test_the_parameters_follow_an_older_source() -> None:
    """S4-8: a source of 8.0 has a replica of 8.0."""
    replica = layers(db_engine_version="8.0.42")["replica"]

    assert replica["DatabaseParametersMysql80"]["Family"] == "mysql8.0"
    assert replica["Database"]["DBParameterGroupName"] == "DatabaseParametersMysql80-id"


def test_there_is_no_second_database(wanted: Rollout) -> None:
    """S4-10, Q-5: the target's primary is the promoted replica, never an empty one beside it."""
    assert types(wanted)["RDS::DBInstance"] == 1
    assert types(rollout(promoted=True))["RDS::DBInstance"] == 1


def test_the_promotion_takes_the_source_away_and_adds_backups(default: Mapping[str, Seen]) -> None:
    """S4-10: whatever else changed might make CloudFormation replace the database."""
    before, after = default["replica"], layers(promoted=True)["replica"]

    assert set(before.resources) == set(after.resources)
    for title in before.resources:
        if title != "Database":
            assert before.resources[title] == after.resources[title]
    old, new = dict(before["Database"]), dict(after["Database"])
    assert old.pop("SourceDBInstanceIdentifier")
    assert new.pop("BackupRetentionPeriod") == 7
    assert new.pop("PreferredBackupWindow") == "03:00-04:00"
    assert old == new
    policies = ("DeletionPolicy", "UpdateReplacePolicy")
    assert [before.resources["Database"][each] for each in policies] == ["Snapshot"] * 2
    assert [after.resources["Database"][each] for each in policies] == ["Snapshot"] * 2


def test_the_password_comes_in_a_later_step() -> None:
    """S4-11: 32 characters under our key, and a reference that nobody can read."""
    promoted = layers(promoted=True)["replica"]
    reset = layers(promoted=True, password_reset=True)["replica"]
    secret = promoted["Secret"]

    assert secret["Name"] == "tap-db-password-production"
    assert secret["KmsKeyId"] == KEY
    assert secret["GenerateSecretString"]["PasswordLength"] == 32
    password = "{{resolve:secretsmanager:Secret-id:SecretString:password}}"
    assert reset["Database"] == {**promoted["Database"], "MasterUserPassword": password}
    assert set(reset.resources) - set(promoted.resources) == {"SecretAttachment"}


# Fleet --------------------------------------------------------------------------------------------


def test_the_launch_template(default: Mapping[str, Seen]) -> None:
    """S4-13, Q-5: a copied image, an encrypted disk, a page, and the access log in its group."""
    app = default["app"]
    data = app["LaunchTemplate"]["LaunchTemplateData"]
    (device,) = data["BlockDeviceMappings"]
    script = data["UserData"]

    assert app["KeyPair"]["KeyName"] == "migration-key"
    assert data["KeyName"] == "KeyPair-id"
    assert (data["InstanceType"], data["ImageId"]) == ("t3.medium", IMAGE)
    assert device["DeviceName"] == "/dev/xvda"
    assert device["Ebs"] == {
        "VolumeType": "gp3",
        "VolumeSize": 20,
        "Encrypted": True,
        "KmsKeyId": KEY,
        "DeleteOnTermination": True,
    }
    assert data["IamInstanceProfile"] == {"Arn": "InstanceRoleProfile-Arn"}
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert "dnf install -y httpd" in script
    assert "/var/www/html/health" in script
    assert '"log_group_name": "/aws/migration/tap-stack"' in script
    assert "/var/log/httpd/access_log" in script
    assert {each["ResourceType"] for each in data["TagSpecifications"]} == {"instance", "volume"}


def test_the_fleet(default: Mapping[str, Seen]) -> None:
    """S4-14, S4-15, Q-5: two to four instances behind a balancer that asks for /health."""
    app = default["app"]
    group, targets = app["AutoScalingGroup"], app["TargetGroup"]
    (listener,) = app.of("ElasticLoadBalancingV2::Listener").values()

    assert (group["MinSize"], group["MaxSize"]) == ("2", "4")
    assert group.get("DesiredCapacity", group["MinSize"]) == "2"
    assert (group["HealthCheckType"], group["HealthCheckGracePeriod"]) == ("ELB", 300)
    assert group["VPCZoneIdentifier"] == ["PublicSubnet0-id", "PublicSubnet1-id"]
    assert group["TargetGroupARNs"] == ["TargetGroup-id"]
    assert app.resources["AutoScalingGroup"]["DependsOn"] == ["HttpListener"]
    assert (targets["Port"], targets["Protocol"]) == (80, "HTTP")
    assert (targets["HealthCheckPath"], targets["Matcher"]) == ("/health", {"HttpCode": "200"})
    assert [targets[f"HealthCheck{each}Seconds"] for each in ("Interval", "Timeout")] == [30, 5]
    assert [targets[f"{each}ThresholdCount"] for each in ("Healthy", "Unhealthy")] == [2, 2]
    assert (listener["Port"], listener["LoadBalancerArn"]) == (80, "LoadBalancer-id")
    assert listener["DefaultActions"] == [{"Type": "forward", "TargetGroupArn": "TargetGroup-id"}]
    assert app["LoadBalancer"]["Subnets"] == ["PublicSubnet0-id", "PublicSubnet1-id"]


# Addresses ----------------------------------------------------------------------------------------


def test_the_addresses_stay(default: Mapping[str, Seen]) -> None:
    """S4-16: two groups behind one listener; all traffic goes to the source at first."""
    accelerator = default["accelerator"]
    groups = accelerator.of("GlobalAccelerator::EndpointGroup")

    assert accelerator["Accelerator"]["IpAddressType"] == "IPV4"
    assert accelerator["Listener"]["Protocol"] == "TCP"
    assert accelerator["Listener"]["PortRanges"] == [{"FromPort": 80, "ToPort": 80}]
    assert {
        title: (each["EndpointGroupRegion"], each["TrafficDialPercentage"])
        for title, each in groups.items()
    } == {"SourceEndpoints": (SOURCE, "100"), "TargetEndpoints": (TARGET, "0")}
    assert [each["EndpointConfigurations"][0]["EndpointId"] for each in groups.values()] == [
        balancer(SOURCE),
        "LoadBalancer-id",
    ]
    assert {each["EndpointConfigurations"][0]["Weight"] for each in groups.values()} == {100}


def test_the_dials_are_parameters(wanted: Rollout) -> None:
    """S4-16: from 100/0 to 0/100 and back, with the same template; then one group is left."""

    def stack(**keys: Any) -> Any:
        (found,) = [each for each in rollout(**keys).stacks if each.template.layer == "accelerator"]
        return found

    start, end = stack(), stack(dial_source=0, dial_target=100)
    retired = stack(source_alb_arn="", dial_source=0, dial_target=100)

    assert start.template == end.template
    assert (start.parameters["SourceDial"], start.parameters["TargetDial"]) == ("100", "0")
    assert (end.parameters["SourceDial"], end.parameters["TargetDial"]) == ("0", "100")
    assert retired.parameters["TargetDial"] == "100"
    assert "SourceEndpoints" not in retired.template.resources
    declared = start.template.parameters["SourceDial"]
    assert (declared["MinValue"], declared["MaxValue"]) == (0, 100)


# Watching -----------------------------------------------------------------------------------------


def test_the_dashboard(default: Mapping[str, Seen]) -> None:
    """S4-17: bucket size once a day, processors of database and fleet every five minutes."""
    dashboard = default["monitoring"]["Dashboard"]
    charts = [each["properties"] for each in json.loads(dashboard["DashboardBody"])["widgets"]]
    shown = {each["metrics"][0][1] + each["metrics"][0][0]: each for each in charts}

    assert dashboard["DashboardName"] == "tap-stack-migration-dashboard"
    assert {each["region"] for each in charts} == {TARGET}
    assert {each["stat"] for each in charts} == {"Average"}
    size = shown["BucketSizeBytesAWS/S3"]
    assert size["period"] == 86_400
    assert size["metrics"][0][2:6] == [
        "BucketName",
        TARGET_BUCKET,
        "StorageType",
        "StandardStorage",
    ]
    database, fleet = shown["CPUUtilizationAWS/RDS"], shown["CPUUtilizationAWS/EC2"]
    assert (database["period"], fleet["period"]) == (300, 300)
    assert database["metrics"][0][2:4] == ["DBInstanceIdentifier", "Database-id"]
    assert fleet["metrics"][0][2:4] == ["AutoScalingGroupName", "AutoScalingGroup-id"]


def test_the_alarms(default: Mapping[str, Seen]) -> None:
    """S4-18: 80, 80, below 1, each for two periods of five minutes."""
    alarms = default["monitoring"].of("CloudWatch::Alarm")
    figures = {
        each["MetricName"] + each["Namespace"]: (each["ComparisonOperator"], each["Threshold"])
        for each in alarms.values()
    }

    assert figures == {
        "CPUUtilizationAWS/RDS": ("GreaterThanThreshold", 80),
        "CPUUtilizationAWS/EC2": ("GreaterThanThreshold", 80),
        "HealthyHostCountAWS/ApplicationELB": ("LessThanThreshold", 1),
    }
    assert {(each["EvaluationPeriods"], each["Period"]) for each in alarms.values()} == {(2, 300)}
    assert alarms["NoHealthyHost"]["TreatMissingData"] == "breaching"
    busy = layers(rds_cpu_threshold=75)["monitoring"].of("CloudWatch::Alarm")
    assert busy["DatabaseCpu"]["Threshold"] == 75


def test_the_log_group(default: Mapping[str, Seen]) -> None:
    """S4-19, Q-5: 30 days under the key; the instances may write to it."""
    group = default["logs"]["LogGroup"]

    assert group["LogGroupName"] == "/aws/migration/tap-stack"
    assert (group["RetentionInDays"], group["KmsKeyId"]) == (30, KEY)
    assert default["app"]["InstanceRole"]["ManagedPolicyArns"] == [
        "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"
    ]


# Outputs ------------------------------------------------------------------------------------------


def outputs(wanted: Rollout, found: Mapping[str, Seen]) -> dict[str, str]:
    named = {each.stack.name: each.outputs for each in found.values()}
    return {key: named[value.stack][value.key] for key, value in wanted.outputs.items()}


def test_the_outputs(wanted: Rollout, default: Mapping[str, Seen]) -> None:
    """S4-22: what people ask for, each from the stack that knows it."""
    found = outputs(wanted, default)

    assert found["target_s3_bucket"] == TARGET_BUCKET
    assert found["target_rds_endpoint"] == found["replica_endpoint"] == "Database-Endpoint.Address"
    assert found["target_asg_name"] == "AutoScalingGroup-id"
    assert found["target_kms_key_id"] == "Key-id"
    assert found["dashboard_arn"] == (
        f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/tap-stack-migration-dashboard"
    )
    assert set(found) >= {
        "accelerator_dns",
        "db_secret_arn",
        "load_balancer_dns",
        "target_s3_key_id",
        "vpc_id",
    }


def test_the_outputs_follow_the_steps() -> None:
    """S4-22: where data is written changes with the promotion."""
    before, after = rollout(small_db=True).outputs, rollout(small_db=True, promoted=True).outputs

    assert before["rds_endpoint"].stack == "prod-region-migration-source-data"
    assert after["rds_endpoint"] == after["target_rds_endpoint"]
    assert "replica_endpoint" not in after


def test_what_follows_what_is_said_by_the_stacks_themselves(wanted: Rollout) -> None:
    """S4-23: every link between buckets, database, fleet and charts is a value that travels."""
    links = {stack.template.layer: stack.needs for stack in wanted.stacks}
    name = "prod-region-migration"

    assert links["source"] == {f"{name}-security", f"{name}-storage"}
    assert links["replica"] == {f"{name}-security", f"{name}-network"}
    assert links["app"] == {f"{name}-security", f"{name}-network"}
    assert links["accelerator"] == {f"{name}-app"}
    assert links["monitoring"] == {f"{name}-app", f"{name}-replica", f"{name}-storage"}
