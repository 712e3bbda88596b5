"""What actions on a database look at first: the DB instance, its state and its tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import Door, failed
from tapcfn.aws.calls import code_of
from tapcfn.errors import BlockedError
from tapcfn.model import Target

Instance = Mapping[str, Any]

SOURCE = "ReadReplicaSourceDBInstanceIdentifier"
AVAILABLE = "available"

_GONE = frozenset({"DBInstanceNotFound", "DBInstanceNotFoundFault"})
_WRONG_STATE = frozenset({"InvalidDBInstanceState", "InvalidDBInstanceStateFault"})

# No state that passes by itself. (RDS user guide, viewing DB instance status)
_BROKEN = (
    *(
        "deleting",
        "failed",
        "inaccessible-encryption-credentials",
        "incompatible-",
        "restore-error",
    ),
    *("stopped", "stopping", "storage-full", "insufficient-capacity"),
)


def find(door: Door, target: Target, name: str) -> Instance | None:
    """Return a DB instance, or None where there is none of that name."""
    try:
        told = door("rds", target).describe_db_instances(DBInstanceIdentifier=name)
    except ClientError as error:
        if code_of(error) in _GONE:
            return None
        raise
    return next(iter(told["DBInstances"]), None)


def the(door: Door, target: Target, name: str) -> Instance:
    """Return a DB instance; raise `BlockedError` where there is none of that name."""
    found = find(door, target, name)
    if found is None:
        raise BlockedError(f"database {name} ({target}) is not there")
    return found


def breakage(found: Instance) -> ActionState | None:
    """Return FAILED for an instance in a state that does not pass by itself."""
    status = str(found["DBInstanceStatus"])
    if status.startswith(_BROKEN):
        return failed(f"{found['DBInstanceIdentifier']} is {status}")
    return None


def tag_of(found: Instance, key: str) -> str:
    """Return the value of a tag, or nothing."""
    return next((str(tag["Value"]) for tag in found.get("TagList", ()) if tag["Key"] == key), "")


def is_in_wrong_state(error: ClientError) -> bool:
    """Whether RDS refused a call for the state of the instance, which may pass."""
    return code_of(error) in _WRONG_STATE
