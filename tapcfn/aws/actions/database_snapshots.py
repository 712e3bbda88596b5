"""Take a snapshot of a database, and copy one into a Region under a key of that Region. (O-14)"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done, failed, running
from tapcfn.aws.actions.keys import is_another
from tapcfn.aws.calls import code_of
from tapcfn.model import EMPTY, CopyDatabaseSnapshot, SnapshotDatabase, Target

_GONE = frozenset({"DBSnapshotNotFound", "DBSnapshotNotFoundFault"})
_TAKEN = frozenset({"DBSnapshotAlreadyExists", "DBSnapshotAlreadyExistsFault"})
_BAD = frozenset({"failed", "incompatible-restore", "incompatible-parameters", "deleting"})


def look(door: Door, action: SnapshotDatabase, _token: str) -> ActionState:
    """Return where the snapshot stands; one of another database is not the one wanted."""
    found = _snapshot(door, action.target, action.snapshot_id)
    of = "" if found is None else found["DBInstanceIdentifier"]
    wrong = "" if of in {"", action.database_id} else f"is one of database {of}"
    return _state(found, wrong)


def take(door: Door, action: SnapshotDatabase, _token: str) -> Facts:
    """Begin the snapshot, which its name finds again."""
    client = door("rds", action.target)
    return _unless_there(
        lambda: client.create_db_snapshot(
            DBInstanceIdentifier=str(action.database_id), DBSnapshotIdentifier=action.snapshot_id
        )
    )


def look_at_copy(door: Door, action: CopyDatabaseSnapshot, _token: str) -> ActionState:
    """Return where the copy stands; one of another snapshot or key is not the one wanted."""
    found = _snapshot(door, action.target, action.copy_id)
    return _state(found, "" if found is None else _fault(door, action, found))


def copy(door: Door, action: CopyDatabaseSnapshot, _token: str) -> Facts:
    """Begin the copy; botocore signs the request to the source's Region that goes with it."""
    client = door("rds", action.target)
    return _unless_there(
        lambda: client.copy_db_snapshot(
            SourceDBSnapshotIdentifier=_source(client, action),
            TargetDBSnapshotIdentifier=action.copy_id,
            KmsKeyId=str(action.key_arn),
            SourceRegion=action.source_region,
            CopyTags=True,
        )
    )


def _fault(door: Door, action: CopyDatabaseSnapshot, found: Mapping[str, Any]) -> str:
    """Return why a snapshot is not the copy that is wanted, or nothing."""
    source = _source(door("rds", action.target), action)
    origin, key = found.get("SourceDBSnapshotIdentifier") or source, found.get("KmsKeyId", "")
    if origin != source:
        return f"is a copy of {origin}"
    if found["Status"] == "available" and not key:
        return "is not encrypted"
    return f"is encrypted with {key}" if is_another(key, str(action.key_arn)) else ""


def _source(client: Any, action: CopyDatabaseSnapshot) -> str:
    """Return the ARN of the snapshot that is copied: another Region knows it by no other name."""
    place = f"{action.source_region}:{action.target.account}"
    return f"arn:{client.meta.partition}:rds:{place}:snapshot:{action.snapshot_id}"


def _snapshot(door: Door, target: Target, name: str) -> Mapping[str, Any] | None:
    try:
        told = door("rds", target).describe_db_snapshots(DBSnapshotIdentifier=name)
    except ClientError as error:
        if code_of(error) in _GONE:
            return None
        raise
    return next(iter(told["DBSnapshots"]), None)


def _state(found: Mapping[str, Any] | None, wrong: str) -> ActionState:
    if found is None:
        return ABSENT
    name, status = found["DBSnapshotIdentifier"], found["Status"]
    facts = {"snapshot_id": name, "snapshot_arn": found.get("DBSnapshotArn", "")}
    if wrong:
        return failed(f"{name} {wrong}", facts)
    if status == "available":
        return done("available", facts)
    if status in _BAD:
        return failed(f"{name}: {status}", facts)
    return running(f"{status}, {found.get('PercentProgress', 0)} %", facts)


def _unless_there(make: Callable[[], Any]) -> Facts:
    """Make something that has a name of its own; what is there already is looked at next."""
    try:
        make()
    except ClientError as error:
        if code_of(error) not in _TAKEN:
            raise
    return EMPTY
