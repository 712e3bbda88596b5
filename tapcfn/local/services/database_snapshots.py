"""RDS: snapshots of databases that take their time, and copies of them under other keys.

They hold no data.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator, time
from tapcfn.local.services import wire
from tapcfn.local.services.records import Shelf
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.volumes import key_arn
from tapcfn.local.services.wire import Do, Front, Value

_tasks = Shelf("rds", "snapshot-task")


def _create(asked: Value, do: Do) -> Value:
    do(asked)
    return _begun("CreateDBSnapshot", asked["DBSnapshotIdentifier"])


def _copy(asked: Value, _: Do) -> Value:
    """Copy one of this Region, by its name, or of another, by its ARN."""
    name, target = asked["SourceDBSnapshotIdentifier"], asked["TargetDBSnapshotIdentifier"]
    region, source = _source(name)
    key = asked.get("KmsKeyId", "")
    if source is None:
        raise RefusedError("DBSnapshotNotFound", f"DBSnapshot not found: {name}", 404)
    if source["Status"] != "available":
        message = f"Source DB snapshot {name} is not in the available state."
        raise RefusedError("InvalidDBSnapshotState", message)
    if source["Encrypted"] and not key and region != emulator.region():
        message = "KmsKeyId must be specified to copy an encrypted snapshot to another Region."
        raise RefusedError("InvalidParameterCombination", message)
    if target in _known():
        message = f"Cannot create the snapshot because a snapshot with the identifier {target} "
        raise RefusedError("DBSnapshotAlreadyExists", message + "already exists.")
    _known()[target] = _like(source, asked, key)
    return _begun("CopyDBSnapshot", target)


def _source(name: str) -> tuple[str, dict[str, Any] | None]:
    """Return the Region and the record of the snapshot that is to be copied."""
    if not name.startswith("arn:"):
        _settle()
        return emulator.region(), _known().get(name)
    _, _, _, region, account, _, identifier = name.split(":", 6)
    with emulator.request_scope(account, region):
        _settle()
        return region, _known().get(identifier)


def _like(source: Mapping[str, Any], asked: Value, key: str) -> dict[str, Any]:
    name = asked["TargetDBSnapshotIdentifier"]
    place = f"{emulator.region()}:{emulator.account_id()}"
    encrypted = bool(key or source["Encrypted"])
    return copy.deepcopy(dict(source)) | {
        "DBSnapshotIdentifier": name,
        "DBSnapshotArn": f"arn:aws:rds:{place}:snapshot:{name}",
        "SourceDBSnapshotIdentifier": source["DBSnapshotArn"],
        "SourceRegion": str(source["DBSnapshotArn"]).split(":")[3],
        "KmsKeyId": key_arn(key) if key else source["KmsKeyId"],
        "Encrypted": encrypted,
        "StorageEncrypted": encrypted,
        "TagList": list(asked.get("Tags") or (source["TagList"] if asked.get("CopyTags") else ())),
    }


def _describe(asked: Value, do: Do) -> Value:
    _settle()
    told = do(asked)
    for each in told["DBSnapshots"]:
        record = _known()[each["DBSnapshotIdentifier"]]
        each |= {
            name: record[name]
            for name in ("SourceDBSnapshotIdentifier", "SourceRegion")
            if name in record
        }
    return told


# Time ---------------------------------------------------------------------------------------------


def _begun(task: str, name: str) -> Value:
    """Let a snapshot take its time, and return it as it is told."""
    began, ends = time.span(task, f"{emulator.place()}/{name}")
    _tasks.put(name, {"Name": name, "Began": began, "Ends": ends})
    do = emulator.rds.ACTIONS["DescribeDBSnapshots"]
    told = wire.call("rds", "DescribeDBSnapshots", do, {"DBSnapshotIdentifier": name})
    return {"DBSnapshot": told["DBSnapshots"][0]}


def _settle() -> None:
    """Let each snapshot that is on its way be as far as it is by now."""
    for task in _tasks.everything():
        share, record = time.share(task["Began"], task["Ends"]), _known().get(task["Name"])
        if record is not None:
            record["Status"] = "available" if share == 1.0 else "creating"
            record["PercentProgress"] = int(share * 100)
        if record is None or share == 1.0:
            _tasks.remove(task["Name"])


def _known() -> Any:
    return emulator.rds.store("_snapshots")


FRONTS: Mapping[str, Front] = {
    "CopyDBSnapshot": _copy,
    "CreateDBSnapshot": _create,
    "DescribeDBSnapshots": _describe,
}

install = partial(wire.install, "rds", FRONTS)
