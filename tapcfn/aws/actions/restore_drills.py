"""Restore a database to the latest point in time beside itself, look at it, delete it. (O-18)

Three steps: the copy is asked for, judged once it answers, and deleted. The copy carries a tag
with the drill's token; nothing without it is ever deleted. That the copy was good stands in a tag
of the database itself, since the copy is gone in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.acting import ActionState
from tapcfn.aws.actions import database_instances as databases
from tapcfn.aws.actions.door import Door, Facts, done, ready, running
from tapcfn.aws.calls import code_of
from tapcfn.errors import BlockedError, StackError
from tapcfn.model import EMPTY, RestoreDrill

TAG = "tapcfn:drill"
_DELETING = "deleting"
_THERE = frozenset({"DBInstanceAlreadyExists", "DBInstanceAlreadyExistsFault"})

# What a restored database must have in common with the one it is of.
_ALIKE = ("Engine", "AllocatedStorage", "StorageEncrypted", "KmsKeyId", "DBName")


def look(door: Door, action: RestoreDrill, token: str) -> ActionState:
    """Return DONE once this drill's copy was good and is gone."""
    source = databases.the(door, action.target, str(action.database_id))
    was_good = databases.tag_of(source, TAG) == token
    copy = _ours(door, action, token)
    if copy is None and was_good:
        return done(f"{action.copy_id} was good, and is gone", _facts(source, action))
    if copy is None:
        return ready()
    status = str(copy["DBInstanceStatus"])
    if status == _DELETING:
        return running(f"{action.copy_id} is being deleted")
    if was_good or status == databases.AVAILABLE or databases.breakage(copy):
        return ready(f"{action.copy_id} is {status}")
    return running(f"{action.copy_id} is {status}")


def begin(door: Door, action: RestoreDrill, token: str) -> Facts:
    """Begin the step that is next, which is known by what the one before has left."""
    source = databases.the(door, action.target, str(action.database_id))
    copy = _ours(door, action, token)
    if databases.tag_of(source, TAG) == token:
        _delete(door, action, copy)
    elif copy is None:
        _restore(door, action, token, source)
    else:
        _judge(door, action, token, source, copy)
    return EMPTY


def _restore(door: Door, action: RestoreDrill, token: str, source: databases.Instance) -> None:
    """Ask for the copy, in the same network, for nobody outside, and free to be deleted."""
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


def _judge(
    door: Door,
    action: RestoreDrill,
    token: str,
    source: databases.Instance,
    copy: databases.Instance,
) -> None:
    """Note that the copy is good and delete it; one that is not goes as well, and that is told."""
    broken = databases.breakage(copy)
    if not broken and copy["DBInstanceStatus"] != databases.AVAILABLE:
        return  # sent again while it is on its way
    wrong = broken.text if broken else _differences(source, copy)
    if wrong:
        _delete(door, action, copy)
        raise StackError(f"{action.name}: {action.copy_id} is not what it was to be: {wrong}")
    door("rds", action.target).add_tags_to_resource(
        ResourceName=source["DBInstanceArn"], Tags=[{"Key": TAG, "Value": token}]
    )
    _delete(door, action, copy)


def _differences(source: Mapping[str, Any], copy: Mapping[str, Any]) -> str:
    wrong = [
        f"{name} is {copy.get(name)}, not {source.get(name)}"
        for name in _ALIKE
        if copy.get(name) != source.get(name)
    ]
    if copy.get("PubliclyAccessible"):
        wrong.append("it can be reached from outside")
    return "; ".join(wrong)


def _delete(door: Door, action: RestoreDrill, copy: databases.Instance | None) -> None:
    """Delete our copy and its backups, without a last snapshot."""
    if copy is None or copy["DBInstanceStatus"] == _DELETING:
        return
    door("rds", action.target).delete_db_instance(
        DBInstanceIdentifier=action.copy_id, SkipFinalSnapshot=True, DeleteAutomatedBackups=True
    )


def _ours(door: Door, action: RestoreDrill, token: str) -> databases.Instance | None:
    """Return the copy; raise `BlockedError` where somebody else's database has its name."""
    copy = databases.find(door, action.target, action.copy_id)
    if copy is not None and databases.tag_of(copy, TAG) != token:
        raise BlockedError(
            f"{action.name}: database {action.copy_id} ({action.target}) is not this drill's copy; "
            "it is left alone"
        )
    return copy


def _facts(source: databases.Instance, action: RestoreDrill) -> Facts:
    told = {"copy": action.copy_id, "engine": source["Engine"], "version": source["EngineVersion"]}
    return told | {"GiB": str(source["AllocatedStorage"])}
