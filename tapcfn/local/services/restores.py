"""RDS: an instance as it was at a point in time, made beside the one that it is of.

It holds no data, as its source does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.databases import record_of, told
from tapcfn.local.services.occupations import Record, occupy
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

# What is as in the source unless the request says otherwise, and what always is.
_OFFERED = ("DBInstanceClass", "StorageType", "BackupRetentionPeriod", "MultiAZ")
_ALWAYS = ("Engine", "EngineVersion", "MasterUsername", "AllocatedStorage", "StorageEncrypted")


def _restore(asked: Value, _: Do) -> Value:
    name = asked.get("SourceDBInstanceIdentifier", "")
    source = record_of(name)
    if source is None:
        raise RefusedError("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
    _refuse(source, asked)
    copy = asked["TargetDBInstanceIdentifier"]
    make = emulator.rds.ACTIONS["CreateDBInstance"]
    wire.call("rds", "CreateDBInstance", make, _request(source, asked))
    record = record_of(copy)
    assert record is not None
    record["DBName"] = source["DBName"]
    occupy(record, "RestoreDBInstanceToPointInTime", "creating")
    return told(copy)


def _refuse(source: Record, asked: Value) -> None:
    if bool(asked.get("UseLatestRestorableTime")) == bool(asked.get("RestoreTime")):
        message = "Exactly one of RestoreTime and UseLatestRestorableTime must be specified."
        raise RefusedError("InvalidParameterCombination", message)
    if not source.get("BackupRetentionPeriod"):
        message = f"Point in time restore is not enabled for {source['DBInstanceIdentifier']}."
        raise RefusedError("PointInTimeRestoreNotEnabled", message)
    if record_of(asked["TargetDBInstanceIdentifier"]) is not None:
        raise RefusedError("DBInstanceAlreadyExists", "DB instance already exists")


def _request(source: Record, asked: Value) -> Value:
    """Return a request for an instance that is like its source where a restored one must be."""
    own = wire.model("rds", "CreateDBInstance").input_shape.members
    offered = {name: source[name] for name in _OFFERED} | {"Port": source["Endpoint"]["Port"]}
    told_here = {name: value for name, value in asked.items() if name in own}
    if told_here.get("DBSubnetGroupName") == "default":  # each account has one, which is no record
        del told_here["DBSubnetGroupName"]
    always = {name: source[name] for name in _ALWAYS}
    always |= {"MasterUserPassword": source["_MasterUserPassword"] or "kept-by-the-service"}
    always |= {"KmsKeyId": source["KmsKeyId"]} if source.get("KmsKeyId") else {}
    name = asked["TargetDBInstanceIdentifier"]
    return offered | told_here | always | {"DBInstanceIdentifier": name}


FRONTS: Mapping[str, Front] = {"RestoreDBInstanceToPointInTime": _restore}

install = partial(wire.install, "rds", FRONTS)
