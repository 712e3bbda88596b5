"""Promote a read replica through the API, for the detach-and-import plan alone. (O-15, S4-10)"""

from __future__ import annotations

from typing import Any

from tapcfn.acting import ActionState
from tapcfn.aws.actions import database_instances as databases
from tapcfn.aws.actions.door import Door, Facts, done, ready, running
from tapcfn.model import EMPTY, PromoteDatabase


def look(door: Door, action: PromoteDatabase, _token: str) -> ActionState:
    """Return DONE for a database that replicates nothing, answers and keeps backups.

    One that is busy, with a backup for instance, can't be promoted before it is available.
    """
    found = databases.the(door, action.target, str(action.database_id))
    if broken := databases.breakage(found):
        return broken
    status = str(found["DBInstanceStatus"])
    days = int(found.get("BackupRetentionPeriod", 0))
    facts = {"database": str(found["DBInstanceIdentifier"]), "backup days": str(days)}
    if status != databases.AVAILABLE:
        return running(f"{action.database_id} is {status}", facts)
    if found.get(databases.SOURCE) or not days:
        return ready(f"{action.database_id} is {status}")
    return done(f"stands alone, keeps backups for {days} days", facts)


def begin(door: Door, action: PromoteDatabase, _token: str) -> Facts:
    """Promote the replica; one without a source just gets its backups."""
    rds = door("rds", action.target)
    found = databases.the(door, action.target, str(action.database_id))
    if source := str(found.get(databases.SOURCE, "")):
        rds.promote_read_replica(**_asked(action))
        return {"source before": source}
    if not found.get("BackupRetentionPeriod"):
        rds.modify_db_instance(**_asked(action), ApplyImmediately=True)
    return EMPTY


def _asked(action: PromoteDatabase) -> dict[str, Any]:
    window = {"PreferredBackupWindow": action.backup_window} if action.backup_window else {}
    backups = {"BackupRetentionPeriod": action.backup_days, **window}
    return {"DBInstanceIdentifier": str(action.database_id), **backups}
