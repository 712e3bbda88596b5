"""RDS: DB instances, stand-alone and as read replicas, promoted in place, with final snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners import rds_groups
from tapcfn.local.provisioners import rds_properties as properties
from tapcfn.local.provisioners.rds_properties import INSTANCE, SOURCE
from tapcfn.local.provisioners.resource import (
    Adoption,
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    already_exists,
    flag,
    gone_is_fine,
    key_values,
    tag_map,
)
from tapcfn.local.services.databases import record_of
from tapcfn.local.services.replicas import SOURCE as REPLICATES

LONGEST = 63


def _takes_a_source(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tell whether an instance is to replicate another source than before, or one at last."""
    return bool(after.get(SOURCE)) and after.get(SOURCE) != before.get(SOURCE)


def _rds() -> Any:
    return calls.client("rds")


# Create -------------------------------------------------------------------------------------------


def _create(wanted: Wanted) -> Made:
    properties.refuse_unknown(wanted)
    name = wanted.name("DBInstanceIdentifier", lowercase=True, longest=LONGEST).lower()
    if calls.on_loop(record_of, name) is not None:
        raise already_exists(INSTANCE, name)
    asked = properties.asked(wanted) | _secret_key(wanted)
    asked |= {"DBInstanceIdentifier": name, "Tags": key_values(tag_map(wanted.get("Tags")))}
    if not wanted.get(SOURCE):
        return _made(_rds().create_db_instance(**asked)["DBInstance"])
    for prop in properties.NOT_SENT_FOR_A_REPLICA:
        asked.pop(prop, None)
    asked[SOURCE] = wanted[SOURCE]
    return _made(_replicate(name, asked))


def _replicate(name: str, asked: dict[str, Any]) -> Any:
    """Make a replica, and then change what the service takes only for an instance that is there."""
    after = {prop: asked.pop(prop) for prop in properties.SENT_AFTER_A_REPLICA if prop in asked}
    told = _rds().create_db_instance_read_replica(**asked)
    if after:
        told = _rds().modify_db_instance(DBInstanceIdentifier=name, ApplyImmediately=True, **after)
    return told["DBInstance"]


def _secret_key(wanted: Wanted) -> dict[str, str]:
    key = (wanted.get("MasterUserSecret") or {}).get("KmsKeyId")
    return {"MasterUserSecretKmsKeyId": str(key)} if key else {}


# Update -------------------------------------------------------------------------------------------


def _update(wanted: Wanted) -> Made:
    """Promote if the source is gone from the template; then change what else differs."""
    properties.refuse_unknown(wanted)
    _refuse_move(wanted)
    name = wanted.physical_id
    if wanted.before.get(SOURCE) and not wanted.get(SOURCE):
        _promote(wanted)
    changed = _changed(wanted)
    if changed:
        told = _rds().modify_db_instance(
            DBInstanceIdentifier=name,
            ApplyImmediately=flag(wanted.get("ApplyImmediately", True)),
            **changed,
        )["DBInstance"]
        if any(g["ParameterApplyStatus"] == "pending-reboot" for g in told["DBParameterGroups"]):
            _rds().reboot_db_instance(DBInstanceIdentifier=name)
    told = _rds().describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    rds_groups.retag(told["DBInstanceArn"], wanted)
    return _made(told)


def _refuse_move(wanted: Wanted) -> None:
    """Refuse another source, or a source for what has none, and another engine or place."""
    fixed = [
        *([SOURCE] if _takes_a_source(wanted.before, wanted.properties) else []),
        *(prop for prop in ("AvailabilityZone", "Engine", "Port") if wanted.changed(prop)),
    ]
    if fixed:
        paths = ", ".join(f"/properties/{prop}" for prop in fixed)
        raise ResourceRefusedError(
            f"Property {paths} of {INSTANCE} cannot be updated in place", "NotUpdatable"
        )


def _promote(wanted: Wanted) -> None:
    kinds = {"BackupRetentionPeriod": int, "PreferredBackupWindow": str}
    asked = {name: kind(wanted[name]) for name, kind in kinds.items() if wanted.get(name)}
    _rds().promote_read_replica(DBInstanceIdentifier=wanted.physical_id, **asked)


def _changed(wanted: Wanted) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for prop, (name, kind) in properties.CHANGEABLE.items():
        value = wanted.get(prop, _default(prop, wanted))
        if wanted.changed(prop) and value is not None:
            made[name] = kind(value)
    made |= _logs(wanted)
    if wanted.changed("MasterUserSecret"):
        made |= _secret_key(wanted)
    if "EngineVersion" in made:
        made["AllowMajorVersionUpgrade"] = flag(wanted.get("AllowMajorVersionUpgrade"))
    if "MonitoringInterval" in made and wanted.get("MonitoringRoleArn"):
        made["MonitoringRoleArn"] = wanted["MonitoringRoleArn"]
    return made


def _default(prop: str, wanted: Wanted) -> Any:
    """Return what a dropped property goes back to; autoscaling ends at the allocated size."""
    if prop == "MaxAllocatedStorage":
        return wanted.get("AllocatedStorage")
    if prop == "BackupRetentionPeriod" and wanted.get(SOURCE):
        return None
    return properties.DEFAULTS.get(prop)


def _logs(wanted: Wanted) -> dict[str, Any]:
    if not wanted.changed("EnableCloudwatchLogsExports"):
        return {}
    prop, sides = "EnableCloudwatchLogsExports", (wanted, wanted.before)
    now, before = (properties.texts(side.get(prop)) for side in sides)
    change = {
        "EnableLogTypes": [name for name in now if name not in before],
        "DisableLogTypes": [name for name in before if name not in now],
    }
    return {"CloudwatchLogsExportConfiguration": {key: on for key, on in change.items() if on}}


# Import -------------------------------------------------------------------------------------------


def _adopt(identifier: Mapping[str, str]) -> Made:
    return _made(_record(identifier["DBInstanceIdentifier"]))


def _record(name: str) -> dict[str, Any]:
    return record_of(name.lower()) or {}


# Delete -------------------------------------------------------------------------------------------


def _snapshot(physical_id: str, _: Any) -> None:
    """Note that the deletion that follows must leave a snapshot; a replica leaves none."""
    record = record_of(physical_id)
    if record is not None and not record.get(REPLICATES):
        record["_FinalSnapshot"] = f"{physical_id}-snapshot-{emulator.new_id()[:8]}"


def _delete(wanted: Wanted) -> None:
    name = wanted.physical_id
    record = calls.on_loop(record_of, name) or {}
    final = record.pop("_FinalSnapshot", "")
    how = {"FinalDBSnapshotIdentifier": final} if final else {"SkipFinalSnapshot": True}
    with gone_is_fine():
        _rds().delete_db_instance(
            DBInstanceIdentifier=name,
            DeleteAutomatedBackups=flag(wanted.get("DeleteAutomatedBackups", True)),
            **how,
        )


# Attributes ---------------------------------------------------------------------------------------


def _made(told: Mapping[str, Any]) -> Made:
    attributes: dict[str, Any] = {
        "DBInstanceArn": told["DBInstanceArn"],
        "DBInstanceStatus": told["DBInstanceStatus"],
        "DbiResourceId": told["DbiResourceId"],
        "Endpoint.Address": told["Endpoint"]["Address"],
        "Endpoint.HostedZoneId": told["Endpoint"]["HostedZoneId"],
        "Endpoint.Port": str(told["Endpoint"]["Port"]),
        "ReadReplicaDBInstanceIdentifiers": list(told["ReadReplicaDBInstanceIdentifiers"]),
    }
    if told.get("MasterUserSecret"):
        attributes["MasterUserSecret.SecretArn"] = told["MasterUserSecret"]["SecretArn"]
    if told.get("CertificateDetails"):
        attributes["CertificateDetails.CAIdentifier"] = told["CertificateDetails"]["CAIdentifier"]
    return Made(told["DBInstanceIdentifier"], attributes)


PROVISIONERS = (
    Provisioner(
        INSTANCE,
        create=_create,
        update=_update,
        delete=_delete,
        snapshot=_snapshot,
        adoption=Adoption("DBInstanceIdentifier", lambda name: bool(_record(name)), _adopt),
        replacing=_takes_a_source,
        create_only=properties.CREATE_ONLY,
        conditional=properties.CONDITIONAL,
        tags="Tags",
    ),
    *rds_groups.PROVISIONERS,
)
