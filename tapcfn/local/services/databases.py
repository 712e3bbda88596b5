"""RDS: DB instances with everything that a template can set, and what the service refuses.

Nothing is started: a database is a record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import database_passwords as passwords
from tapcfn.local.services import database_refusals as refusals
from tapcfn.local.services import occupations, wire
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

# Request parameter and the record's name for it, for what the emulator forgets.
_ALWAYS: Mapping[str, str] = {
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "CACertificateIdentifier": "CACertificateIdentifier",
    "DatabaseInsightsMode": "DatabaseInsightsMode",
    "DedicatedLogVolume": "DedicatedLogVolume",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "NetworkType": "NetworkType",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "StorageThroughput": "StorageThroughput",
}
_AT_BIRTH: Mapping[str, str] = {
    "EngineLifecycleSupport": "EngineLifecycleSupport",
    "LicenseModel": "LicenseModel",
    "PreferredBackupWindow": "PreferredBackupWindow",
    **_ALWAYS,
}
# What the emulator keeps on a record and does not tell.
_UNTOLD = (
    *("DatabaseInsightsMode", "DedicatedLogVolume", "EngineLifecycleSupport", "MasterUserSecret"),
    *("PerformanceInsightsKMSKeyId", "EnabledCloudwatchLogsExports"),
)
_REPLICATING = {"StatusType": "read replication", "Normal": True, "Status": "replicating"}


def install() -> None:
    """Put the fronts before RDS, which starts nothing even where a container engine is at hand."""
    emulator.rds.start_no_databases()
    wire.install("rds", FRONTS)


def record_of(identifier: str) -> dict[str, Any] | None:
    """Return a DB instance of this account and Region."""
    return emulator.rds.store("_instances").get(identifier)


def told(identifier: str) -> Value:
    """Return what an action tells of the DB instance that it has made or changed."""
    asked = {"DBInstanceIdentifier": identifier}
    do = emulator.rds.ACTIONS["DescribeDBInstances"]
    return {"DBInstance": wire.call("rds", "DescribeDBInstances", do, asked)["DBInstances"][0]}


def address(identifier: str) -> str:
    """Return the host name of a DB instance: each account and Region has a label of its own."""
    label = hashlib.sha256(emulator.place().encode()).hexdigest()[:12]
    return f"{identifier}.{label}.{emulator.region()}.rds.amazonaws.com"


# Actions ------------------------------------------------------------------------------------------


def create(asked: Value, do: Do) -> Value:
    """Create an instance, a replica among them; the request is one for an instance of its own."""
    refusals.refuse_creation(asked)
    do(asked)
    record = record_of(asked["DBInstanceIdentifier"])
    assert record is not None
    _keep(record, asked, _AT_BIRTH)
    record["EnabledCloudwatchLogsExports"] = asked.get("EnableCloudwatchLogsExports", [])
    record["DBName"] = asked.get("DBName", "")
    record["Endpoint"]["Address"] = address(record["DBInstanceIdentifier"])
    if asked.get("ManageMasterUserPassword"):
        passwords.manage(record, asked.get("MasterUserSecretKmsKeyId", ""))
    return told(record["DBInstanceIdentifier"])


def _modify(asked: Value, do: Do) -> Value:
    record = record_of(asked["DBInstanceIdentifier"])
    if record is None:
        return do(asked)
    refusals.refuse_change(record, asked)
    do(asked)
    _keep(record, asked, _ALWAYS)
    _change_logs(record, asked.get("CloudwatchLogsExportConfiguration") or {})
    if not record.get("MonitoringInterval"):
        record["MonitoringRoleArn"] = ""
    if asked.get("DBParameterGroupName"):  # waits for a reboot, however soon the change is to apply
        record["DBParameterGroups"][0]["ParameterApplyStatus"] = "pending-reboot"
    passwords.change(record, asked)
    if asked.get("MasterUserPassword"):
        ends = occupations.occupy(record, "ResetMasterPassword", "resetting-master-credentials")
        occupations.note(record, "Reset master credentials", "configuration change", ends)
    return told(record["DBInstanceIdentifier"])


def _keep(record: dict[str, Any], asked: Value, names: Mapping[str, str]) -> None:
    """Keep on the record what the request says and the emulator passes over."""
    record |= {key: asked[name] for name, key in names.items() if asked.get(name) is not None}
    record["CertificateDetails"] |= {"CAIdentifier": record["CACertificateIdentifier"]}


def _change_logs(record: dict[str, Any], change: Value) -> None:
    off, before = change.get("DisableLogTypes", []), record.get("EnabledCloudwatchLogsExports", ())
    kept = [name for name in before if name not in off]
    on = [name for name in change.get("EnableLogTypes", []) if name not in kept]
    record["EnabledCloudwatchLogsExports"] = kept + on


def _reboot(asked: Value, do: Do) -> Value:
    """Reboot at once: there is no server to wait for, only a parameter group to take over."""
    record = record_of(asked["DBInstanceIdentifier"])
    if record is None or record["DBInstanceStatus"] != "available":
        return do(asked)
    record["DBParameterGroups"][0]["ParameterApplyStatus"] = "in-sync"
    return told(record["DBInstanceIdentifier"])


def _snapshot(asked: Value, do: Do) -> Value:
    """Refuse to take one of a read replica that keeps no backups."""
    record = record_of(asked["DBInstanceIdentifier"])
    if record is not None and record.get("ReadReplicaSourceDBInstanceIdentifier"):
        name = record["DBInstanceIdentifier"]
        message = f"Cannot create a snapshot of the read replica {name}."
        raise RefusedError("InvalidDBInstanceState", message)
    return do(asked)


def _describe(asked: Value, do: Do) -> Value:
    found = do(asked)
    for each in found["DBInstances"]:
        record = record_of(each["DBInstanceIdentifier"]) or {}
        each |= {name: record[name] for name in _UNTOLD if record.get(name)}
        if record:
            each["DBInstanceStatus"] = occupations.status_of(record)
        if record.get("ReadReplicaSourceDBInstanceIdentifier"):
            each["StatusInfos"] = [_REPLICATING]
    return found


FRONTS: Mapping[str, Front] = {
    "CreateDBInstance": create,
    "CreateDBSnapshot": _snapshot,
    "DescribeDBInstances": _describe,
    "ModifyDBInstance": _modify,
    "RebootDBInstance": _reboot,
}
