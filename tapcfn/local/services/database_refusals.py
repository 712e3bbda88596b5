"""What RDS refuses and the emulator lets pass, in the service's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.local import calls, emulator
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Value

SMALLEST_GIB = 20  # gp2 and gp3 of MySQL, MariaDB and PostgreSQL

Record = Mapping[str, Any]


def refuse_creation(asked: Value) -> None:
    """Refuse a stand-alone instance that cannot be created so."""
    _refuse_half_a_user(asked)
    _refuse_both_passwords(asked)
    _refuse_size(asked)
    _refuse_key_of_nothing(asked)
    if asked.get("MonitoringInterval") and not asked.get("MonitoringRoleArn"):
        raise _no_role()
    _refuse_surroundings(asked)


def refuse_change(record: Record, asked: Value) -> None:
    """Refuse a change that an instance cannot take."""
    role = asked.get("MonitoringRoleArn") or record.get("MonitoringRoleArn")
    if asked.get("MonitoringInterval") and not role:
        raise _no_role()
    if asked.get("BackupRetentionPeriod") == 0 and record.get("ReadReplicaDBInstanceIdentifiers"):
        raise RefusedError(
            "InvalidParameterCombination",
            "You must set the backup retention period to a non-zero value while the DB instance "
            "has read replicas.",
        )
    as_is = {name: record[name] for name in ("Engine", "EngineVersion")}
    _refuse_groups(asked)
    _refuse_parameter_group(as_is | asked)
    _refuse_both_passwords(asked)


def refuse_replica(source: Record, asked: Value, *, cross_region: bool) -> None:
    """Refuse a read replica that an instance cannot have."""
    if not source.get("BackupRetentionPeriod"):
        raise RefusedError(
            "InvalidDBInstanceState",
            "Automated backups are not enabled for this database instance. To enable automated "
            "backups, use ModifyDBInstance to set the backup retention period to a non-zero value.",
        )
    if source.get("MasterUserSecret") and not source["Engine"].startswith("sqlserver"):
        raise RefusedError(
            "InvalidDBInstanceState",
            "Read replicas are not supported for a DB instance whose master user password is "
            "managed by RDS.",
        )
    key, encrypted = asked.get("KmsKeyId"), source.get("StorageEncrypted")
    if key and not encrypted:
        message = "You cannot create an encrypted Read Replica from an unencrypted DB instance."
        raise RefusedError("InvalidParameterCombination", message)
    if cross_region and encrypted and not key:
        message = "Cannot create a cross region unencrypted read replica from encrypted source. "
        raise RefusedError("InvalidParameterCombination", message + "KmsKeyId must be specified.")


# One refusal each ---------------------------------------------------------------------------------


def _refuse_half_a_user(asked: Value) -> None:
    if asked.get("DBClusterIdentifier"):
        return
    needed = ["MasterUsername"]
    if not asked.get("ManageMasterUserPassword"):
        needed.append("MasterUserPassword")
    for name in needed:
        if not asked.get(name):
            message = f"The parameter {name} must be provided and must not be blank."
            raise RefusedError("InvalidParameterValue", message)


def _refuse_both_passwords(asked: Value) -> None:
    if asked.get("ManageMasterUserPassword") and asked.get("MasterUserPassword"):
        message = "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled."
        raise RefusedError("InvalidParameterCombination", message)


def _refuse_size(asked: Value) -> None:
    size = asked.get("AllocatedStorage")
    if size is not None and size < SMALLEST_GIB and not asked.get("DBClusterIdentifier"):
        engine, kind = asked.get("Engine", ""), asked.get("StorageType", "")
        message = f"Invalid storage size for engine name {engine} and storage type {kind}: {size}"
        raise RefusedError("InvalidParameterValue", message)


def _no_role() -> RefusedError:
    message = "A MonitoringRoleARN value is required if you specify a MonitoringInterval value "
    return RefusedError("InvalidParameterCombination", message + "other than 0.")


def _refuse_key_of_nothing(asked: Value) -> None:
    """Refuse a key for what is not encrypted, that this Region lacks, or that is not enabled."""
    key = asked.get("KmsKeyId")
    if not key:
        return
    if not asked.get("StorageEncrypted"):
        message = "KmsKeyId can be specified only if StorageEncrypted is true."
        raise RefusedError("InvalidParameterCombination", message)
    try:
        if calls.client("kms").describe_key(KeyId=key)["KeyMetadata"]["Enabled"]:
            return
    except ClientError:
        pass
    message = f"The specified KMS key [{key}] does not exist, is not enabled or you do not have "
    raise RefusedError("KMSKeyNotAccessibleFault", message + "permissions to access it.")


def _refuse_surroundings(asked: Value) -> None:
    name = asked.get("DBSubnetGroupName")
    if name and name not in emulator.rds.store("_subnet_groups"):
        message = f"DB subnet group '{name}' does not exist."
        raise RefusedError("DBSubnetGroupNotFoundFault", message, 404)
    _refuse_groups(asked)
    _refuse_parameter_group(asked)


def _refuse_groups(asked: Value) -> None:
    """Refuse a security group that is not there."""
    there = emulator.ec2.store("_security_groups")
    for group in asked.get("VpcSecurityGroupIds") or ():
        if group not in there:
            message = f"Invalid security group , groupId= {group}, groupName=."
            raise RefusedError("InvalidParameterValue", message)


def _refuse_parameter_group(asked: Value) -> None:
    """Refuse a parameter group that is not there, or is of another family than the version."""
    name = asked.get("DBParameterGroupName", "")
    if not name or name.startswith("default."):
        return
    group = emulator.rds.store("_param_groups").get(name)
    if group is None:
        message = f"DBParameterGroup not found: {name}"
        raise RefusedError("DBParameterGroupNotFound", message, 404)
    engine, version = asked.get("Engine"), asked.get("EngineVersion")
    wanted = family_of(engine, version) if engine and version else ""
    if wanted and group["DBParameterGroupFamily"] != wanted:
        raise RefusedError(
            "InvalidParameterCombination",
            f"The parameter group {name} with DBParameterGroupFamily "
            f"{group['DBParameterGroupFamily']} cannot be used for this instance. Please use a "
            f"parameter group with DBParameterGroupFamily {wanted}",
        )


def family_of(engine: str, version: str) -> str:
    """Return the parameter-group family of a version; PostgreSQL's has one number, others two."""
    numbers = version.split(".")[: 1 if engine == "postgres" else 2]
    return f"{engine}{'.'.join(numbers)}" if engine in ("mysql", "mariadb", "postgres") else ""
