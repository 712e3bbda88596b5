"""RDS: read replicas, in the same Region or another, their promotion, and deletion."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import database_passwords as passwords
from tapcfn.local.services import wire
from tapcfn.local.services.database_refusals import refuse_replica
from tapcfn.local.services.databases import record_of, told
from tapcfn.local.services.occupations import occupy, refuse_busy
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

Record = dict[str, Any]

SOURCE = "ReadReplicaSourceDBInstanceIdentifier"
REPLICAS = "ReadReplicaDBInstanceIdentifiers"


def _create(asked: Value, _: Do) -> Value:
    """Make a replica as an instance of its own, and link it with its source."""
    name = asked.get("SourceDBInstanceIdentifier", "")
    source = _found(name)
    if source is None or not asked.get("DBInstanceIdentifier"):
        raise _missing(name)
    away = _region(source) != emulator.region()
    refuse_replica(source, asked, cross_region=away)
    make = emulator.rds.ACTIONS["CreateDBInstance"]
    wire.call("rds", "CreateDBInstance", make, _request(source, asked))
    replica = record_of(asked["DBInstanceIdentifier"])
    assert replica is not None
    _link(source, replica, away=away)
    return told(asked["DBInstanceIdentifier"])


def _request(source: Record, asked: Value) -> Value:
    """Return a request for an instance that is like its source where a replica must be."""
    own = wire.model("rds", "CreateDBInstance").input_shape.members
    like = {name: source[name] for name in ("Engine", "EngineVersion", "MasterUsername")}
    like |= {"MasterUserPassword": source["_MasterUserPassword"], "BackupRetentionPeriod": 0}
    like |= {"AllocatedStorage": int(source["AllocatedStorage"])}
    like |= {"StorageEncrypted": bool(source["StorageEncrypted"])}
    offered = {name: source[name] for name in ("DBInstanceClass", "StorageType")}
    offered |= {"Port": source["Endpoint"]["Port"], "KmsKeyId": source.get("KmsKeyId") or ""}
    return offered | {name: value for name, value in asked.items() if name in own} | like


def _link(source: Record, replica: Record, *, away: bool) -> None:
    """Let source and replica name each other: by ARN over Regions, else by identifier."""
    name = "DBInstanceArn" if away else "DBInstanceIdentifier"
    replica[SOURCE] = source[name]
    replica["DBName"] = source["DBName"]
    replica["PreferredBackupWindow"] = source["PreferredBackupWindow"]
    source[REPLICAS] = [*source.get(REPLICAS, ()), replica[name]]


def _promote(asked: Value, _: Do) -> Value:
    """Cut a replica off its source, with the backups that the request asks for."""
    name = asked["DBInstanceIdentifier"]
    replica = record_of(name)
    if replica is None:
        raise _missing(name)
    if not replica.get(SOURCE):
        raise RefusedError("InvalidDBInstanceState", "DB Instance is not a read replica.")
    refuse_busy(replica)
    _unlink(replica)
    occupy(replica, "PromoteReadReplica", "modifying")
    replica["BackupRetentionPeriod"] = asked.get("BackupRetentionPeriod") or 1
    window = asked.get("PreferredBackupWindow")
    replica["PreferredBackupWindow"] = window or replica["PreferredBackupWindow"]
    return told(name)


def _unlink(replica: Record) -> None:
    source = _found(replica[SOURCE])
    if source is not None:
        own = (replica["DBInstanceArn"], replica["DBInstanceIdentifier"])
        source[REPLICAS] = [
            each
            for each in source[REPLICAS]
            if each != own[0] and (each != own[1] or _region(source) != _region(replica))
        ]
    replica[SOURCE] = ""


# Deletion -----------------------------------------------------------------------------------------


def _delete(asked: Value, do: Do) -> Value:
    """Refuse what RDS refuses; what is left of a source are stand-alone instances."""
    record = record_of(asked["DBInstanceIdentifier"])
    if record is None:
        return do(asked)
    _refuse_deletion(record, asked)
    kept = copy.copy(record)
    deleted = do(asked)
    _clear_up(kept, asked.get("FinalDBSnapshotIdentifier", ""))
    return deleted


def _refuse_deletion(record: Record, asked: Value) -> None:
    final, skips = asked.get("FinalDBSnapshotIdentifier"), asked.get("SkipFinalSnapshot")
    message = ""
    if record.get("DeletionProtection"):
        message = "Cannot delete protected DB Instance, please disable deletion protection and "
        message += "try again."
    elif final and skips:
        message = "FinalDBSnapshotIdentifier can not be specified when skipping the snapshot"
    elif final and record.get(SOURCE):
        message = "FinalDBSnapshotIdentifier can not be specified when deleting a replica instance"
    elif not final and not skips and not record.get(SOURCE):
        message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
    if message:
        raise RefusedError("InvalidParameterCombination", message)
    if final in emulator.rds.store("_snapshots"):
        message = f"Cannot create the snapshot because a snapshot with the identifier {final} "
        raise RefusedError("DBSnapshotAlreadyExists", message + "already exists.")


def _clear_up(record: Record, final: str) -> None:
    if record.get(SOURCE):
        _unlink(record)
    for name in record.get(REPLICAS, ()):
        replica = _found(name)
        if replica is not None:
            replica[SOURCE] = ""
    passwords.forget(record)
    snapshot = emulator.rds.store("_snapshots").get(final)
    if snapshot is not None:
        snapshot["TagList"] = list(record["TagList"]) if record.get("CopyTagsToSnapshot") else []


def _found(name: str) -> Record | None:
    """Return an instance of this account by identifier or, in any Region, by ARN."""
    if not name.startswith("arn:"):
        return record_of(name)
    _, _, kind, region, account, _, identifier = (name + ":::").split(":", 6)
    if kind != "rds" or account != emulator.account_id():
        return None
    with emulator.request_scope(account, region):
        return record_of(identifier.rstrip(":"))


def _region(record: Record) -> str:
    return str(record["DBInstanceArn"]).split(":")[3]


def _missing(name: str) -> RefusedError:
    return RefusedError("DBInstanceNotFound", f"DBInstance {name} not found.", 404)


FRONTS: Mapping[str, Front] = {
    "CreateDBInstanceReadReplica": _create,
    "DeleteDBInstance": _delete,
    "PromoteReadReplica": _promote,
}

install = partial(wire.install, "rds", FRONTS)
