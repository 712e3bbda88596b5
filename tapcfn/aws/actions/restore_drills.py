"""Restore a database to the latest point in time beside itself, look at it, delete it. (O-18)

The copy carries a tag with the drill's token; nothing without it is ever deleted. That the copy
was good stands in a tag of the database itself, since the copy is gone in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.acting import ActionState
from tapcfn.aws.actions import database_instances as databases
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done, running
from tapcfn.aws.calls import code_of
from tapcfn.aws.firmly import patiently
from tapcfn.errors import BlockedError, StackError, StillRunningError
from tapcfn.model import RestoreDrill

TAG = "tapcfn:drill"
_PAUSE = 15.0
_THERE = frozenset({"DBInstanceAlreadyExists", "DBInstanceAlreadyExistsFault"})

# What a restored database must have in common with the one it is of.
_ALIKE = ("Engine", "AllocatedStorage", "StorageEncrypted", "KmsKeyId", "DBName")


def look(door: Door, action: RestoreDrill, token: str) -> ActionState:
    """Return DONE once this drill's copy was good and is gone. What is between, `begin` goes on."""
    found = databases.the(door, action.target, str(action.database_id))
    copy = databases.find(door, action.target, action.copy_id)
    if databases.tag_of(found, TAG) != token:
        return ABSENT
    if copy is not None and databases.tag_of(copy, TAG) == token:
        if copy["DBInstanceStatus"] == "deleting":
            return running(f"{action.copy_id} was good; it is being deleted")
        return ABSENT
    return done(f"{action.copy_id} was good, and is gone")


def begin(door: Door, action: RestoreDrill, token: str) -> Facts:
    """Do what is left of the drill; each step is known by what it leaves, so nothing is twice.

    It takes as long as a restore takes, which nobody could wait for in a look: that only reads.
    """
    source = databases.the(door, action.target, str(action.database_id))
    if databases.tag_of(source, TAG) != token:
        _restore(door, action, token, source)
        copy = _restored(door, action, token)
        wrong = _differences(source, copy)
        if wrong:
            _delete(door, action, token)
            raise StackError(f"{action.name}: {action.copy_id} is not what it was to be: {wrong}")
        door("rds", action.target).add_tags_to_resource(
            ResourceName=source["DBInstanceArn"], Tags=[{"Key": TAG, "Value": token}]
        )
    _delete(door, action, token)
    told = {"copy": action.copy_id, "engine": source["Engine"], "version": source["EngineVersion"]}
    return told | {"GiB": str(source["AllocatedStorage"])}


def _restore(door: Door, action: RestoreDrill, token: str, source: databases.Instance) -> None:
    """Ask for the copy, in the same network, for nobody outside, and free to be deleted."""
    while (copy := _ours(door, action, token)) is not None:
        if copy["DBInstanceStatus"] != "deleting":
            return
        _pause(door, action, "is still being deleted")
    groups = [each["VpcSecurityGroupId"] for each in source.get("VpcSecurityGroups", ())]
    try:
        door("rds", action.target).restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier=str(action.database_id),
            TargetDBInstanceIdentifier=action.copy_id,
            UseLatestRestorableTime=True,
            PubliclyAccessible=False,
            MultiAZ=False,
            DeletionProtection=False,
            DBSubnetGroupName=source["DBSubnetGroup"]["DBSubnetGroupName"],
            VpcSecurityGroupIds=groups,
            Tags=[{"Key": TAG, "Value": token}],
        )
    except ClientError as error:
        if code_of(error) not in _THERE:  # else it was sent before
            raise


def _restored(door: Door, action: RestoreDrill, token: str) -> databases.Instance:
    """Wait until our copy answers."""
    while True:
        copy = _ours(door, action, token)
        if copy is not None and copy["DBInstanceStatus"] == databases.AVAILABLE:
            return copy
        broken = databases.breakage(copy) if copy is not None else None
        if broken:
            raise StackError(f"{action.name}: {broken.text}")
        _pause(door, action, "is being restored")


def _ours(door: Door, action: RestoreDrill, token: str) -> databases.Instance | None:
    """Return the copy; raise `BlockedError` where somebody else's database has its name."""
    copy = patiently(door.patience, lambda: databases.find(door, action.target, action.copy_id))
    if copy is not None and databases.tag_of(copy, TAG) != token:
        raise BlockedError(
            f"{action.name}: database {action.copy_id} ({action.target}) is not this drill's copy; "
            "it is left alone"
        )
    return copy


def _differences(source: Mapping[str, Any], copy: Mapping[str, Any]) -> str:
    wrong = [
        f"{name} is {copy.get(name)}, not {source.get(name)}"
        for name in _ALIKE
        if copy.get(name) != source.get(name)
    ]
    if copy.get("PubliclyAccessible"):
        wrong.append("it can be reached from outside")
    return "; ".join(wrong)


def _delete(door: Door, action: RestoreDrill, token: str) -> None:
    """Delete our copy and its backups, without a last snapshot."""
    copy = _ours(door, action, token)
    if copy is None or copy["DBInstanceStatus"] == "deleting":
        return
    door("rds", action.target).delete_db_instance(
        DBInstanceIdentifier=action.copy_id, SkipFinalSnapshot=True, DeleteAutomatedBackups=True
    )


def _pause(door: Door, action: RestoreDrill, how: str) -> None:
    if door.patience.left < _PAUSE:
        raise StillRunningError(f"{action.name}: {action.copy_id} {how}; the next run goes on")
    door.patience.clock.sleep(_PAUSE)
