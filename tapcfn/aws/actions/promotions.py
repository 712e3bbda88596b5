"""Promote a read replica through the API, for the detach-and-import plan alone. (O-15, S4-10)"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tapcfn.acting import ActionState
from tapcfn.aws.actions import database_instances as databases
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done, running
from tapcfn.aws.firmly import patiently
from tapcfn.model import EMPTY, PromoteDatabase

# What is at work on the replica, such as a backup, must end first; seconds between two tries.
_PAUSE = 15.0


def look(door: Door, action: PromoteDatabase, _token: str) -> ActionState:
    """Return DONE for a database that replicates nothing, answers and keeps backups."""
    found = databases.the(door, action.target, str(action.database_id))
    if broken := databases.breakage(found):
        return broken
    source, status = found.get(databases.SOURCE, ""), found["DBInstanceStatus"]
    days, facts = int(found.get("BackupRetentionPeriod", 0)), _facts(found)
    if source or (status == databases.AVAILABLE and not days):
        return ABSENT
    if status != databases.AVAILABLE:
        return running(f"{action.database_id} is {status}", facts)
    return done(f"stands alone, keeps backups for {days} days", facts)


def begin(door: Door, action: PromoteDatabase, _token: str) -> Facts:
    """Promote the replica as soon as it can be; one without a source just gets its backups."""
    client, patience = door("rds", action.target), door.patience
    while True:
        found = patiently(patience, lambda: databases.the(door, action.target, _id(action)))
        source = str(found.get(databases.SOURCE, ""))
        if not source:
            if not found.get("BackupRetentionPeriod"):
                client.modify_db_instance(**_asked(action), ApplyImmediately=True)
            return EMPTY
        try:
            client.promote_read_replica(**_asked(action))
            return {"source before": source}
        except ClientError as error:
            is_idle = found["DBInstanceStatus"] == databases.AVAILABLE
            if not databases.is_in_wrong_state(error) or is_idle or patience.left < _PAUSE:
                raise
        patience.clock.sleep(_PAUSE)


def _id(action: PromoteDatabase) -> str:
    return str(action.database_id)


def _asked(action: PromoteDatabase) -> dict[str, Any]:
    window = {"PreferredBackupWindow": action.backup_window} if action.backup_window else {}
    backups = {"BackupRetentionPeriod": action.backup_days, **window}
    return {"DBInstanceIdentifier": _id(action), **backups}


def _facts(found: databases.Instance) -> dict[str, str]:
    return {
        "database": str(found["DBInstanceIdentifier"]),
        "backup days": str(found.get("BackupRetentionPeriod", 0)),
    }
