"""What the roles of region migration may do and, more to the point, what they may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.templates.resolved import allows, statements
from tests.templates.systems import ACCOUNT
from tests.templates.systems.region_migration import (
    ALL_ON,
    BACKUP_BUCKET,
    OPTIONS,
    REPLICA_ARN,
    SOURCE,
    SOURCE_BUCKET,
    SOURCE_KEY,
    TARGET,
    TARGET_BUCKET,
    layers,
)

SOURCE_DB = f"arn:aws:rds:{SOURCE}:{ACCOUNT}:db:tap-stack-source-db"
KEY = f"arn:aws:kms:{TARGET}:{ACCOUNT}:key/Key-id"
BUCKETS = (SOURCE_BUCKET, TARGET_BUCKET, BACKUP_BUCKET)
OURS = {"aws:ResourceTag/Migration": "cross-region"}
TAGGED = {"aws:RequestTag/Migration": "cross-region"}


@pytest.fixture(scope="module")
def operator() -> Mapping[str, Any]:
    role: Mapping[str, Any] = layers()["roles"]["OperatorRole"]
    return role


def roles(**keys: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for layer in layers(**keys).values():
        yield from layer.of("IAM::Role").items()


def ec2(kind: str, region: str = TARGET, account: str = ACCOUNT) -> str:
    return f"arn:aws:ec2:{region}:{account}:{kind}/x"


def through_s3(region: str, arn: str) -> dict[str, str]:
    return {
        "kms:ViaService": f"s3.{region}.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": arn,
    }


@pytest.mark.parametrize("keys", [{}, OPTIONS["imported"], ALL_ON], ids=["off", "import", "all"])
def test_no_role_has_a_wildcard(keys: Mapping[str, Any]) -> None:
    """S4-2, Q-5: no action and no resource is a star, and each resource names its service."""
    found = dict(roles(**keys))
    for title, role in found.items():
        for statement in statements(role) if "Policies" in role else ():
            assert not [each for each in statement["Action"] if "*" in each], title
            assert all(each.split(":")[2] in SERVICES for each in statement["Resource"]), title


SERVICES = {"ec2", "kms", "logs", "rds", "s3"}


def test_operator_and_instances_are_two(operator: Mapping[str, Any]) -> None:
    """S4-2: what may promote a database does not run on every web server."""
    instances = layers()["app"]["InstanceRole"]
    trusted = {
        each["Principal"]["Service"]: each.get("Condition")
        for each in operator["AssumeRolePolicyDocument"]["Statement"]
    }

    assert "Policies" not in instances
    assert trusted == {
        "ec2.amazonaws.com": None,
        "rds.amazonaws.com": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    assert layers()["roles"]["OperatorProfile"]["Roles"] == ["OperatorRole-id"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_the_operator_moves_objects(operator: Mapping[str, Any], bucket: str) -> None:
    """S4-2: get, put, delete, list and versioning, in three buckets."""
    arn = f"arn:aws:s3:::{bucket}"
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        assert allows(operator, action, f"{arn}/photo")
    for action in ("s3:ListBucket", "s3:GetBucketVersioning", "s3:PutBucketVersioning"):
        assert allows(operator, action, arn)
    assert not allows(operator, "s3:DeleteBucket", arn)
    assert not allows(operator, "s3:PutBucketPolicy", arn)


def test_the_operator_touches_no_other_bucket(operator: Mapping[str, Any]) -> None:
    """S4-2: not even one whose name starts alike."""
    for bucket in ("else", f"{TARGET_BUCKET}-2"):
        assert not allows(operator, "s3:GetObject", f"arn:aws:s3:::{bucket}/photo")
        assert not allows(operator, "s3:ListBucket", f"arn:aws:s3:::{bucket}")


def test_the_operator_moves_the_database(operator: Mapping[str, Any]) -> None:
    """S4-2, S4-10: snapshots of both, a restored one beside, a replica, and its promotion."""
    snapshot = f"arn:aws:rds:{SOURCE}:{ACCOUNT}:snapshot:tap-stack-final-snapshot"
    restored = f"arn:aws:rds:{TARGET}:{ACCOUNT}:db:tap-stack-restored-1"

    assert allows(operator, "rds:CreateDBSnapshot", SOURCE_DB)
    assert allows(operator, "rds:CreateDBSnapshot", snapshot)
    assert allows(operator, "rds:RestoreDBInstanceFromDBSnapshot", restored)
    assert allows(operator, "rds:CreateDBInstanceReadReplica", SOURCE_DB)
    assert allows(operator, "rds:CreateDBInstanceReadReplica", REPLICA_ARN)
    assert allows(operator, "rds:PromoteReadReplica", REPLICA_ARN)
    assert allows(
        operator, "kms:CreateGrant", KEY, {"kms:ViaService": f"rds.{TARGET}.amazonaws.com"}
    )


def test_the_operator_harms_no_database(operator: Mapping[str, Any]) -> None:
    """S4-2: it deletes none, promotes no other, and uses the key for RDS and S3 only."""
    other = f"arn:aws:rds:{TARGET}:{ACCOUNT}:db:payroll"

    assert not allows(operator, "rds:DeleteDBInstance", REPLICA_ARN)
    assert not allows(operator, "rds:PromoteReadReplica", other)
    assert not allows(operator, "rds:CreateDBSnapshot", other)
    assert not allows(operator, "rds:RestoreDBInstanceFromDBSnapshot", REPLICA_ARN)
    assert not allows(operator, "kms:CreateGrant", KEY)
    assert not allows(operator, "kms:Decrypt", KEY)


def test_a_snapshot_by_hand_has_a_name_of_its_own(operator: Mapping[str, Any]) -> None:
    """S4-X8: with the option the operator may take this snapshot, and without it not."""
    snapshot = f"arn:aws:rds:{SOURCE}:{ACCOUNT}:snapshot:tap-migration-snapshot-production"
    asked = layers(manual_snapshot=True)["roles"]["OperatorRole"]

    assert allows(asked, "rds:CreateDBSnapshot", snapshot)
    assert not allows(operator, "rds:CreateDBSnapshot", snapshot)


@pytest.mark.parametrize("region", [SOURCE, TARGET])
def test_the_operator_copies_what_is_tagged(operator: Mapping[str, Any], region: str) -> None:
    """S4-2: volumes and instances of the migration, into tagged copies."""
    for action, source, copy in (
        ("ec2:CreateSnapshot", "volume", "snapshot"),
        ("ec2:CreateImage", "instance", "image"),
    ):
        assert allows(operator, action, ec2(source, region), OURS)
        assert not allows(operator, action, ec2(source, region))
        assert allows(operator, action, ec2(copy, region, ""), TAGGED)
        assert not allows(operator, action, ec2(copy, region, ""))


def test_the_operator_launches_and_ends_what_is_tagged(operator: Mapping[str, Any]) -> None:
    """S4-2: in the target Region alone; nothing that exists is tagged into the migration."""
    for kind in ("subnet", "security-group", "launch-template"):
        assert allows(operator, "ec2:RunInstances", ec2(kind), OURS)
        assert not allows(operator, "ec2:RunInstances", ec2(kind))
    assert allows(operator, "ec2:RunInstances", ec2("instance"), TAGGED)
    assert allows(operator, "ec2:TerminateInstances", ec2("instance"), OURS)
    assert not allows(operator, "ec2:TerminateInstances", ec2("instance"))
    assert not allows(operator, "ec2:TerminateInstances", ec2("instance", SOURCE), OURS)
    made = {"ec2:CreateAction": "RunInstances"}
    assert allows(operator, "ec2:CreateTags", ec2("instance"), made)
    assert not allows(operator, "ec2:CreateTags", ec2("instance"))
    assert not allows(operator, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/InstanceRole")


def test_the_operator_reads_the_source_under_its_key() -> None:
    """S4-2: a key that is named, or one with the tag of the migration; through S3 alone."""
    given = layers(source_key_arn=SOURCE_KEY)["roles"]["OperatorRole"]
    made = layers(source_bucket="create")["roles"]["OperatorRole"]
    s3 = {"kms:ViaService": f"s3.{SOURCE}.amazonaws.com"}

    assert allows(given, "kms:Decrypt", SOURCE_KEY, s3)
    assert not allows(given, "kms:Decrypt", SOURCE_KEY)
    assert not allows(given, "kms:Decrypt", f"{SOURCE_KEY}-2", s3)
    assert allows(made, "kms:Decrypt", SOURCE_KEY, {**s3, **OURS})
    assert not allows(made, "kms:Decrypt", SOURCE_KEY, s3)


# Replication --------------------------------------------------------------------------------------


def test_the_replication_role_reads_one_bucket_and_writes_one() -> None:
    """S4-5: versions and tags of the source, under its key, to the target under that of its own."""
    role = layers(source_key_arn=SOURCE_KEY)["source"]["ReplicationRole"]
    source, target = f"arn:aws:s3:::{SOURCE_BUCKET}", f"arn:aws:s3:::{TARGET_BUCKET}"

    assert allows(role, "s3:GetReplicationConfiguration", source)
    assert allows(role, "s3:GetObjectVersionForReplication", f"{source}/photo")
    assert allows(role, "s3:GetObjectVersionTagging", f"{source}/photo")
    for action in ("s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"):
        assert allows(role, action, f"{target}/photo")
        assert not allows(role, action, f"{source}/photo")
    assert allows(role, "kms:Decrypt", SOURCE_KEY, through_s3(SOURCE, f"{source}/photo"))
    for action in ("kms:GenerateDataKey", "kms:Encrypt"):
        assert allows(role, action, KEY, through_s3(TARGET, target))
        assert not allows(role, action, KEY, through_s3(SOURCE, target))
    assert not allows(role, "s3:GetObjectVersionForReplication", "arn:aws:s3:::else/photo")


def test_without_a_source_key_nothing_is_decrypted_there() -> None:
    """S4-5: a source under S3's own keys needs none; the copies are under a key all the same."""
    role = layers()["source"]["ReplicationRole"]
    target = f"arn:aws:s3:::{TARGET_BUCKET}"

    assert [each["Sid"] for each in statements(role)] == [
        "ReadSourceBucket",
        "ReadSourceVersions",
        "WriteDestination",
        "EncryptDestination",
    ]
    assert allows(role, "kms:GenerateDataKey", KEY, through_s3(TARGET, target))


def test_the_functions_role_promotes_one_replica() -> None:
    """S4-X2: it writes its own log and promotes, and that is all."""
    role = layers(promotion_function=True)["promotion"]["PromotionRole"]

    assert allows(role, "rds:PromoteReadReplica", REPLICA_ARN)
    assert not allows(role, "rds:PromoteReadReplica", SOURCE_DB)
    assert {each["Sid"] for each in statements(role)} == {"WriteOwnLogs", "PromoteReplica"}
