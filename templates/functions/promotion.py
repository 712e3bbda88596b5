"""Promotes a read replica to a database of its own, with backups from then on."""

import os
from typing import Any

import boto3

rds = boto3.client("rds")


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Promote the replica `replica_identifier`, and return its state; RDS works on by itself."""
    promoted = rds.promote_read_replica(
        DBInstanceIdentifier=event["replica_identifier"],
        BackupRetentionPeriod=int(os.environ["BACKUP_DAYS"]),
        PreferredBackupWindow=os.environ["BACKUP_WINDOW"],
    )["DBInstance"]
    return {
        "replica_identifier": promoted["DBInstanceIdentifier"],
        "status": promoted["DBInstanceStatus"],
    }
