"""RDS: instances, replicas over Regions, promotion, snapshots, groups; read back by RDS itself."""

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
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)

ZONES = "ab"


def ground(region: str, zones: str = ZONES) -> dict[str, Any]:
    """A network, a key, a subnet group and a parameter group."""
    subnets = {
        f"Subnet{zone}": resource(
            "EC2::Subnet",
            {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": f"10.0.{number}.0/24",
                "AvailabilityZone": region + zone,
            },
        )
        for number, zone in enumerate(ZONES)
    }
    policy = {
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}
        ]
    }
    group = {
        "DBSubnetGroupDescription": "two zones",
        "SubnetIds": [{"Ref": f"Subnet{zone}"} for zone in zones],
    }
    return {
        "Vpc": resource("EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
        **subnets,
        "Sg": resource("EC2::SecurityGroup", {"GroupDescription": "db", "VpcId": {"Ref": "Vpc"}}),
        "Key": resource("KMS::Key", {"KeyPolicy": policy}),
        "Subnets": resource("RDS::DBSubnetGroup", group),
    }


PARAMETERS = resource(
    "RDS::DBParameterGroup",
    {
        "Family": "mysql8.4",
        "Description": "tuned",
        "Parameters": {"innodb_buffer_pool_size": "{DBInstanceClassMemory*3/4}", "read_only": 0},
    },
)
KEY = {"Fn::GetAtt": ["Key", "Arn"]}
BASE = {
    "Engine": "mysql",
    "EngineVersion": "8.4.8",
    "DBInstanceClass": "db.t3.micro",
    "AllocatedStorage": "20",
    "MasterUsername": "admin",
    "MasterUserPassword": "not-so-secret",
}
PLACED = {
    "StorageEncrypted": True,
    "KmsKeyId": KEY,
    "DBSubnetGroupName": {"Ref": "Subnets"},
    "VPCSecurityGroups": [{"Fn::GetAtt": ["Sg", "GroupId"]}],
}
FULL = {
    **BASE,
    **PLACED,
    "DBInstanceIdentifier": "tap-db",
    "StorageType": "gp3",
    "MaxAllocatedStorage": 100,
    "MultiAZ": True,
    "DBName": "appdb",
    "BackupRetentionPeriod": 7,
    "PreferredBackupWindow": "03:00-04:00",
    "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
    "DeletionProtection": True,
    "DBParameterGroupName": {"Ref": "Parameters"},
    "PubliclyAccessible": False,
    "CopyTagsToSnapshot": True,
    "EnablePerformanceInsights": True,
    "PerformanceInsightsRetentionPeriod": 31,
    "PerformanceInsightsKMSKeyId": KEY,
    "MonitoringInterval": 60,
    "MonitoringRoleArn": "arn:aws:iam::000000000000:role/monitoring",
    "AutoMinorVersionUpgrade": False,
    "EnableCloudwatchLogsExports": ["error", "slowquery"],
    "CACertificateIdentifier": "rds-ca-rsa4096-g1",
    "Tags": [{"Key": "kind", "Value": "db"}],
}


def with_db(properties: dict[str, Any], **more: Any) -> str:
    return template(
        {
            **ground(HOME),
            "Parameters": PARAMETERS,
            "Db": resource("RDS::DBInstance", properties, **more),
        },
        Outputs={
            name.replace(".", ""): {"Value": {"Fn::GetAtt": ["Db", name]}}
            for name in ("Endpoint.Address", "Endpoint.Port", "DBInstanceArn", "DbiResourceId")
        },
    )


def instance(aws: Aws, name: str, region: str = HOME) -> dict[str, Any]:
    found = aws.client("rds", region).describe_db_instances(DBInstanceIdentifier=name)
    return dict(found["DBInstances"][0])


def instances(aws: Aws, region: str = HOME) -> list[str]:
    found = aws.client("rds", region).describe_db_instances()["DBInstances"]
    return [each["DBInstanceIdentifier"] for each in found]


def snapshots(aws: Aws, region: str = HOME) -> list[dict[str, Any]]:
    return list(aws.client("rds", region).describe_db_snapshots()["DBSnapshots"])


def picked(seen: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: seen.get(name) for name in wanted}


# Instances ----------------------------------------------------------------------------------------


def test_instance(aws: Aws):
    """Every property is readable, most change in place, and the deletion leaves nothing."""
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "stack", with_db(FULL, DeletionPolicy="Delete"))
    ids, seen = physical_ids(cloudformation, "stack"), instance(aws, "tap-db")
    same = (
        *("Engine", "EngineVersion", "DBInstanceClass", "StorageEncrypted", "StorageType"),
        *("MaxAllocatedStorage", "MultiAZ", "DBName", "BackupRetentionPeriod", "MasterUsername"),
        *("PreferredBackupWindow", "PreferredMaintenanceWindow", "DeletionProtection"),
        *("PubliclyAccessible", "CopyTagsToSnapshot", "PerformanceInsightsRetentionPeriod"),
        *("MonitoringInterval", "MonitoringRoleArn", "AutoMinorVersionUpgrade"),
        "CACertificateIdentifier",
    )

    assert picked(seen, dict.fromkeys(same)) == {name: FULL[name] for name in same}
    assert seen["AllocatedStorage"] == 20
    assert seen["KmsKeyId"].endswith(ids["Key"])
    assert seen["PerformanceInsightsKMSKeyId"] == seen["KmsKeyId"]
    assert seen["PerformanceInsightsEnabled"] is True
    assert seen["EnabledCloudwatchLogsExports"] == ["error", "slowquery"]
    assert [each["VpcSecurityGroupId"] for each in seen["VpcSecurityGroups"]] == [ids["Sg"]]
    assert seen["DBSubnetGroup"]["DBSubnetGroupName"] == ids["Subnets"]
    assert seen["DBParameterGroups"] == [
        {"DBParameterGroupName": ids["Parameters"], "ParameterApplyStatus": "in-sync"}
    ]
    assert {"Key": "kind", "Value": "db"} in seen["TagList"]
    assert outputs(made) == {
        "EndpointAddress": seen["Endpoint"]["Address"],
        "EndpointPort": "3306",
        "DBInstanceArn": f"arn:aws:rds:{HOME}:{aws.account}:db:tap-db",
        "DbiResourceId": seen["DbiResourceId"],
    }
    assert seen["Endpoint"]["Address"].startswith("tap-db.")
    assert seen["Endpoint"]["Address"].endswith(f".{HOME}.rds.amazonaws.com")


def test_instance_changes(aws: Aws):
    """What a template changes or drops is changed in place; no snapshot is left by Delete."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", with_db(FULL))
    before = instance(aws, "tap-db")
    changed = FULL | {
        "DBInstanceClass": "db.t3.medium",
        "EngineVersion": "8.4.9",
        "AllocatedStorage": 40,
        "BackupRetentionPeriod": 14,
        "PreferredBackupWindow": "01:00-02:00",
        "EnableCloudwatchLogsExports": ["slowquery", "general"],
        "MonitoringInterval": 0,
        "AutoMinorVersionUpgrade": True,
        "PerformanceInsightsRetentionPeriod": 7,
        "DBParameterGroupName": "default.mysql8.4",
        "Tags": [{"Key": "kind", "Value": "other"}],
    }
    dropped = ("MonitoringRoleArn", "DeletionProtection", "MultiAZ", "MaxAllocatedStorage")
    for name in dropped:
        del changed[name]
    made = deploy(cloudformation, "stack", with_db(changed, DeletionPolicy="Delete"))
    seen = instance(aws, "tap-db")

    assert made["StackStatus"] == "UPDATE_COMPLETE"
    assert seen["DbiResourceId"] == before["DbiResourceId"]
    expected = {
        "DBInstanceClass": "db.t3.medium",
        "EngineVersion": "8.4.9",
        "AllocatedStorage": 40,
        "BackupRetentionPeriod": 14,
        "PreferredBackupWindow": "01:00-02:00",
        "EnabledCloudwatchLogsExports": ["slowquery", "general"],
        "MonitoringInterval": 0,
        "MonitoringRoleArn": "",
        "AutoMinorVersionUpgrade": True,
        "PerformanceInsightsRetentionPeriod": 7,
        "DeletionProtection": False,
        "MultiAZ": False,
        "MaxAllocatedStorage": None,
        "PendingModifiedValues": {},
        "DBParameterGroups": [
            {"DBParameterGroupName": "default.mysql8.4", "ParameterApplyStatus": "in-sync"}
        ],
    }
    assert picked(seen, expected) == expected
    assert [tag["Value"] for tag in seen["TagList"] if tag["Key"] == "kind"] == ["other"]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    rds = aws.client("rds")
    assert instances(aws) == snapshots(aws) == []
    assert rds.describe_db_subnet_groups()["DBSubnetGroups"] == []
    assert rds.describe_db_parameter_groups()["DBParameterGroups"] == []


def test_protection_and_the_final_snapshot(aws: Aws):
    """A protected instance stays and nothing is left of the try; then Snapshot leaves one."""
    cloudformation = aws.client("cloudformation")
    body = template({"Db": resource("RDS::DBInstance", BASE | {"DeletionProtection": True})})
    made = deploy(cloudformation, "stack", body)
    name = physical_ids(cloudformation, "stack")["Db"]
    gone = destroy(cloudformation, made["StackId"])

    assert gone["StackStatus"] == "DELETE_FAILED"
    assert "disable deletion protection" in failures(cloudformation, made["StackId"])["Db"]
    assert snapshots(aws) == []

    aws.client("rds").modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert instances(aws) == []
    assert [each["DBInstanceIdentifier"] for each in snapshots(aws)] == [name]
    assert snapshots(aws)[0]["SnapshotType"] == "manual"


def test_replacement(aws: Aws):
    """Another user replaces an unnamed instance and leaves a snapshot; a named one is refused."""
    cloudformation = aws.client("cloudformation")
    policies = {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Snapshot"}

    def body(**changed: Any) -> str:
        return template({"Db": resource("RDS::DBInstance", BASE | changed, **policies)})

    deploy(cloudformation, "stack", body())
    old = physical_ids(cloudformation, "stack")["Db"]
    deploy(cloudformation, "stack", body(MasterUsername="root"))
    new = physical_ids(cloudformation, "stack")["Db"]

    assert instances(aws) == [new] != [old]
    assert [each["DBInstanceIdentifier"] for each in snapshots(aws)] == [old]

    deploy(cloudformation, "named", body(DBInstanceIdentifier="mine"))
    refused = deploy(cloudformation, "named", body(DBInstanceIdentifier="mine", DBName="other"))

    assert refused["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "custom-named resource requires replacing" in failures(cloudformation, "named")["Db"]


# Replicas and their promotion ---------------------------------------------------------------------


def replica_stack(source: str, **changed: Any) -> str:
    properties = {
        **PLACED,
        "DBInstanceIdentifier": "standby",
        "Engine": "mysql",
        "DBInstanceClass": "db.t3.medium",
        "PubliclyAccessible": False,
        "AutoMinorVersionUpgrade": False,
        "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
        **({"SourceDBInstanceIdentifier": source} if source else {}),
        **changed,
    }
    return template({**ground(AWAY), "Db": resource("RDS::DBInstance", properties)})


def test_replica_and_promotion(aws: Aws):
    """A replica over Regions has the Region's key; dropping its source promotes it in place."""
    home, away = aws.client("cloudformation"), aws.client("cloudformation", AWAY)
    source = outputs(deploy(home, "stack", with_db(FULL)))["DBInstanceArn"]
    made = deploy(away, "stack", replica_stack(source))
    key = physical_ids(away, "stack")["Key"]
    seen, first = instance(aws, "standby", AWAY), instance(aws, "tap-db")

    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert seen["ReadReplicaSourceDBInstanceIdentifier"] == source
    assert seen["StatusInfos"] == [
        {"StatusType": "read replication", "Normal": True, "Status": "replicating"}
    ]
    assert seen["KmsKeyId"].startswith(f"arn:aws:kms:{AWAY}:")
    assert seen["KmsKeyId"].endswith(key)
    assert (seen["MasterUsername"], seen["DBName"], seen["EngineVersion"]) == (
        *("admin", "appdb", "8.4.8"),
    )
    assert (seen["BackupRetentionPeriod"], seen["AllocatedStorage"]) == (0, 20)
    assert seen["DBInstanceClass"] == "db.t3.medium"
    assert seen["PreferredMaintenanceWindow"] == "sun:04:00-sun:05:00"
    assert first["ReadReplicaDBInstanceIdentifiers"] == [seen["DBInstanceArn"]]

    window = "03:00-04:00"
    alone = replica_stack("", BackupRetentionPeriod=7, PreferredBackupWindow=window)
    made = deploy(away, "stack", alone)
    promoted = instance(aws, "standby", AWAY)

    assert made["StackStatus"] == "UPDATE_COMPLETE", failures(away, "stack")
    assert promoted["DbiResourceId"] == seen["DbiResourceId"]
    assert not promoted["ReadReplicaSourceDBInstanceIdentifier"]
    assert promoted["StatusInfos"] == []
    assert (promoted["BackupRetentionPeriod"], promoted["PreferredBackupWindow"]) == (7, window)
    assert instance(aws, "tap-db")["ReadReplicaDBInstanceIdentifiers"] == []

    again = deploy(away, "stack", replica_stack(source))
    assert "custom-named resource requires replacing" in failures(away, "stack")["Db"]
    assert again["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="not a read replica"):
        aws.client("rds", AWAY).promote_read_replica(DBInstanceIdentifier="standby")
    destroy(away, made["StackId"])
    assert [each["DBInstanceIdentifier"] for each in snapshots(aws, AWAY)] == ["standby"]


def test_a_replica_leaves_no_snapshot_and_outlives_its_source(aws: Aws):
    """Snapshot is passed over for a replica; deleting a source promotes what replicates it."""
    cloudformation, rds = aws.client("cloudformation"), aws.client("rds")
    policy = {"DeletionPolicy": "Snapshot"}
    replica = {"SourceDBInstanceIdentifier": {"Ref": "Db"}, "DBInstanceIdentifier": "reader"}
    both = template(
        {
            "Db": resource("RDS::DBInstance", BASE | {"DBInstanceIdentifier": "writer"}),
            "Replica": resource("RDS::DBInstance", replica, **policy),
        }
    )
    made = deploy(cloudformation, "stack", both)

    assert instance(aws, "reader")["ReadReplicaSourceDBInstanceIdentifier"] == "writer"
    assert instance(aws, "writer")["ReadReplicaDBInstanceIdentifiers"] == ["reader"]
    with pytest.raises(ClientError, match="read replicas"):
        rds.modify_db_instance(DBInstanceIdentifier="writer", BackupRetentionPeriod=0)

    rds.create_db_instance_read_replica(
        DBInstanceIdentifier="other", SourceDBInstanceIdentifier="writer"
    )
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert [each["DBInstanceIdentifier"] for each in snapshots(aws)] == ["writer"]
    assert not instance(aws, "other")["ReadReplicaSourceDBInstanceIdentifier"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"BackupRetentionPeriod": 0}, "Automated backups are not enabled"),
        ({}, "encrypted Read Replica from an unencrypted"),
        ({"ManageMasterUserPassword": True, "MasterUserPassword": None}, "managed by RDS"),
    ],
)
def test_sources_that_cannot_be_replicated(aws: Aws, source: dict[str, Any], reason: str):
    """Without backups, without encryption, or with a password that RDS manages."""
    home, away = aws.client("cloudformation"), aws.client("cloudformation", AWAY)
    wanted = {key: each for key, each in (BASE | source).items() if each is not None}
    deploy(home, "stack", template({"Db": resource("RDS::DBInstance", wanted)}))
    name = physical_ids(home, "stack")["Db"]
    arn = instance(aws, name)["DBInstanceArn"]
    made = deploy(away, "stack", replica_stack(arn))

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in failures(away, "stack")["Db"]
    assert instances(aws, AWAY) == []


# Passwords ----------------------------------------------------------------------------------------


def test_managed_password(aws: Aws):
    """It is a real secret under its own key, and goes when RDS no longer manages it."""
    cloudformation, secrets = aws.client("cloudformation"), aws.client("secretsmanager")
    managed = {**BASE, "ManageMasterUserPassword": True}
    del managed["MasterUserPassword"]
    found = {"Value": {"Fn::GetAtt": ["Db", "MasterUserSecret.SecretArn"]}}

    def body(properties: dict[str, Any], **more: Any) -> str:
        return template({**ground(HOME), "Db": resource("RDS::DBInstance", properties)}, **more)

    key = {"MasterUserSecret": {"KmsKeyId": KEY}}
    made = deploy(cloudformation, "stack", body(managed | key, Outputs={"Arn": found}))
    arn = outputs(made)["Arn"]
    seen = instance(aws, physical_ids(cloudformation, "stack")["Db"])
    value = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])

    assert seen["MasterUserSecret"]["SecretArn"] == arn
    assert seen["MasterUserSecret"]["SecretStatus"] == "active"
    assert secrets.describe_secret(SecretId=arn)["KmsKeyId"] == seen["MasterUserSecret"]["KmsKeyId"]
    assert (value["username"], len(value["password"])) == ("admin", 28)

    deploy(cloudformation, "stack", body(BASE))

    assert "MasterUserSecret" not in instance(aws, seen["DBInstanceIdentifier"])
    assert secrets.list_secrets()["SecretList"] == []


# Import -------------------------------------------------------------------------------------------


def test_imported(aws: Aws):
    """An instance promoted by hand is adopted as the stand-alone one that it is by now."""
    cloudformation, rds = aws.client("cloudformation"), aws.client("rds")
    asked = {**BASE, "AllocatedStorage": 20}
    rds.create_db_instance(DBInstanceIdentifier="first", **asked)
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier="second", SourceDBInstanceIdentifier="first"
    )
    rds.promote_read_replica(DBInstanceIdentifier="second", BackupRetentionPeriod=3)
    wanted = {"DBInstanceIdentifier": "second", "DBInstanceClass": "db.t3.micro", "Engine": "mysql"}
    got = {"Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Db", "DBInstanceArn"]}}}}
    made = deploy(
        cloudformation,
        "stack",
        template({"Db": resource("RDS::DBInstance", wanted, DeletionPolicy="Retain")}),
        ChangeSetType="IMPORT",
        ResourcesToImport=[
            {
                "ResourceType": "AWS::RDS::DBInstance",
                "LogicalResourceId": "Db",
                "ResourceIdentifier": {"DBInstanceIdentifier": "second"},
            }
        ],
    )

    assert made["StackStatus"] == "IMPORT_COMPLETE"
    larger = wanted | {"DBInstanceClass": "db.t3.medium"}
    body = template({"Db": resource("RDS::DBInstance", larger)}, **got)
    made = deploy(cloudformation, "stack", body)
    assert outputs(made)["Arn"] == instance(aws, "second")["DBInstanceArn"]
    assert instance(aws, "second")["DBInstanceClass"] == "db.t3.medium"
    assert instance(aws, "second")["BackupRetentionPeriod"] == 3


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"MonitoringInterval": 60}, "MonitoringRoleARN value is required"),
        ({"ManageMasterUserPassword": True}, "can't specify MasterUserPassword"),
        ({"MasterUserPassword": None}, "MasterUserPassword must be provided"),
        ({"AllocatedStorage": 5}, "Invalid storage size"),
        ({"DBSubnetGroupName": "none"}, "'none' does not exist"),
        ({"DBParameterGroupName": "none"}, "DBParameterGroup not found: none"),
        ({"VPCSecurityGroups": ["sg-0"]}, "groupId= sg-0"),
        ({"StorageEncrypted": True, "KmsKeyId": "none"}, "KMS key [none] does not exist"),
        ({"OptionGroupName": "mine"}, "does not model AWS::RDS::DBInstance properties: Option"),
        (
            {"SourceDBInstanceIdentifier": "tap", "MasterUserPassword": None},
            "MasterUsername cannot be specified",
        ),
    ],
)
def test_refused_instances(aws: Aws, changed: dict[str, Any], reason: str):
    """What RDS refuses fails the resource with its words, and nothing is left."""
    cloudformation = aws.client("cloudformation")
    wanted = {key: value for key, value in (BASE | changed).items() if value is not None}
    deploy(cloudformation, "stack", template({"Db": resource("RDS::DBInstance", wanted)}))

    assert reason in failures(cloudformation, "stack")["Db"]
    assert instances(aws) == []


# Groups -------------------------------------------------------------------------------------------


def test_groups(aws: Aws):
    """Parameters and subnets change in place; a family replaces; a used group stays."""
    cloudformation, rds = aws.client("cloudformation"), aws.client("rds")
    made = deploy(cloudformation, "stack", template({**ground(HOME), "Parameters": PARAMETERS}))
    ids = physical_ids(cloudformation, "stack")

    def parameters(group: str) -> dict[str, str]:
        found = rds.describe_db_parameters(DBParameterGroupName=group, Source="user")
        return {each["ParameterName"]: each["ParameterValue"] for each in found["Parameters"]}

    def group(group: str) -> dict[str, Any]:
        return dict(rds.describe_db_subnet_groups(DBSubnetGroupName=group)["DBSubnetGroups"][0])

    assert parameters(ids["Parameters"]) == {
        "innodb_buffer_pool_size": "{DBInstanceClassMemory*3/4}",
        "read_only": "0",
    }
    subnets = [each["SubnetIdentifier"] for each in group(ids["Subnets"])["Subnets"]]
    assert subnets == [ids["Subneta"], ids["Subnetb"]]

    changed = json.loads(json.dumps({**ground(HOME), "Parameters": PARAMETERS}))
    changed["Parameters"]["Properties"]["Parameters"] = {"read_only": 1}
    changed["Subnets"]["Properties"]["DBSubnetGroupDescription"] = "other"
    deploy(cloudformation, "stack", template(changed))

    assert physical_ids(cloudformation, "stack") == ids
    assert parameters(ids["Parameters"]) == {"read_only": "1"}
    assert group(ids["Subnets"])["DBSubnetGroupDescription"] == "other"

    changed["Parameters"]["Properties"]["Family"] = "mysql8.0"
    deploy(cloudformation, "stack", template(changed))
    found = rds.describe_db_parameter_groups()["DBParameterGroups"]

    assert [each["DBParameterGroupFamily"] for each in found] == ["mysql8.0"]
    assert found[0]["DBParameterGroupName"] != ids["Parameters"]

    rds.create_db_instance(
        DBInstanceIdentifier="user",
        DBInstanceClass="db.t3.micro",
        Engine="mysql",
        AllocatedStorage=20,
        MasterUsername="admin",
        MasterUserPassword="not-so-secret",
        DBSubnetGroupName=ids["Subnets"],
    )
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_FAILED"
    assert "user is still using it" in failures(cloudformation, made["StackId"])["Subnets"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("family", "ParameterGroupFamily mysql9 is not a valid"),
        ("version", "Please use a parameter group with DBParameterGroupFamily mysql8.0"),
        ("zones", "Add subnets to cover at least 2 AZs"),
    ],
)
def test_refused_groups(aws: Aws, change: str, reason: str):
    """A family that does not exist or fit the version, and subnets of one zone."""
    cloudformation = aws.client("cloudformation")
    parts = json.loads(json.dumps({**ground(HOME, "a" if change == "zones" else ZONES)}))
    parts["Parameters"] = json.loads(json.dumps(PARAMETERS))
    if change == "family":
        parts["Parameters"]["Properties"]["Family"] = "mysql9"
    version = "8.0.42" if change == "version" else "8.4.8"
    named = BASE | {"DBParameterGroupName": {"Ref": "Parameters"}, "EngineVersion": version}
    parts["Db"] = resource("RDS::DBInstance", named)
    deploy(cloudformation, "stack", template(parts))
    blamed = {"family": "Parameters", "version": "Db", "zones": "Subnets"}[change]

    assert reason in failures(cloudformation, "stack")[blamed]
