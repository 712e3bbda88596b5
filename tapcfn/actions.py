"""What actions say of themselves, how each is taken back, and what they need to be told first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from tapcfn.errors import BlockedError
from tapcfn.model import (
    Action,
    AwaitCertificate,
    CompareDatabases,
    CompareItems,
    CompareObjects,
    CopyDatabaseSnapshot,
    CopyImage,
    FailoverDrill,
    LockDownDefaultGroup,
    OutputOf,
    PromoteCanary,
    PromoteDatabase,
    ProveReplication,
    PutReplicationRule,
    RemoveCanary,
    RemoveReplicationRule,
    ReplicateObjects,
    ReplicateSecret,
    ResetPassword,
    RestoreDrill,
    RestoreReadOnly,
    SetReadOnly,
    SnapshotDatabase,
    SnapshotVolumes,
)

Outputs = Mapping[str, Mapping[str, str]]


_SAYS: Mapping[type[Action], str] = {
    ReplicateObjects: "replicate what was in bucket {bucket} before its rule",
    PutReplicationRule: "put replication rule {rule_id} beside those of bucket {bucket}",
    RemoveReplicationRule: "take replication rule {rule_id} off bucket {bucket}",
    ProveReplication: "write an object into bucket {bucket}, and see it arrive in {other_bucket}",
    CompareDatabases: "compare database {database_id} with {other_database_id}, but for rows",
    CompareItems: "count the items of table {table} in both Regions, by reading them",
    CompareObjects: "compare bucket {bucket} with {other_bucket}, key by key",
    CopyImage: "copy image {image_id} from {source_region}, encrypted with the key here",
    SnapshotDatabase: "take snapshot {snapshot_id} of database {database_id}",
    CopyDatabaseSnapshot: "copy snapshot {snapshot_id} from {source_region} as {copy_id}",
    SnapshotVolumes: "take a snapshot of each volume of instances with {tag[0]}={tag[1]}",
    SetReadOnly: "set read_only=1 in parameter group {parameter_group}",
    RestoreReadOnly: "set read_only in parameter group {parameter_group} back to what it was",
    PromoteDatabase: "promote replica {database_id}",
    ResetPassword: "give database {database_id} the password of its secret",
    LockDownDefaultGroup: "take every rule off the default security group of {vpc_id}",
    PromoteCanary: "let stage {stage} of API {api_id} serve its canary {deployment_id} alone",
    RemoveCanary: "take the canary off stage {stage} of API {api_id}",
    AwaitCertificate: "wait until certificate {certificate_arn} is issued",
    ReplicateSecret: "replicate secret {secret_arn} into {region}",
    RestoreDrill: "restore {database_id} as {copy_id}, and delete the copy",
    FailoverDrill: "fail database {database_id} over to its standby",
}


def says(action: Action) -> str:
    """Return the sentence by which a person knows an action before it is done."""
    told = {each.name: getattr(action, each.name) for each in fields(action)}
    return _SAYS[type(action)].format_map(told)


# What is there once more and does no harm: copies and snapshots stay until somebody deletes them.
_STAYS = (
    CopyDatabaseSnapshot,
    CopyImage,
    ProveReplication,
    ReplicateObjects,
    ReplicateSecret,
    SnapshotDatabase,
    SnapshotVolumes,
)

_FOREVER: Mapping[type[Action], str] = {
    LockDownDefaultGroup: "the rules are gone; they stand in the run's report",
    PromoteCanary: "the stage serves the new deployment; deploy the old one again",
    PromoteDatabase: "a promoted database is no replica any more",
    ResetPassword: "the password before is not known here",
}


def inverse(action: Action) -> Action | None:
    """Return the action that takes another back; None where there is nothing to take back."""
    match action:
        case SetReadOnly():
            return RestoreReadOnly(f"{action.name}-back", action.target, action.parameter_group)
        case PutReplicationRule():
            name = f"{action.name}-back"
            return RemoveReplicationRule(name, action.target, action.bucket, action.rule_id)
        case RemoveCanary():
            return replace(action, name=f"{action.name}-back")
        case _:
            return None


def forever(action: Action) -> str:
    """Say why an action can't be taken back, or nothing where it can, or need not be."""
    return _FOREVER.get(type(action), "")


def leaves(action: Action) -> str:
    """Say what a taken back action leaves, or nothing."""
    return f"stays: {says(action)}" if isinstance(action, _STAYS) else ""


def inputs(action: Action) -> tuple[OutputOf, ...]:
    """Return the outputs that an action must be told."""
    values = (getattr(action, each.name) for each in fields(action))
    return tuple(value for value in values if isinstance(value, OutputOf))


def resolved(action: Action, outputs: Outputs) -> Action:
    """Return an action with every output filled in; raise `BlockedError` for what is not there."""
    known: dict[str, Any] = {}
    for each in fields(action):
        value = getattr(action, each.name)
        if isinstance(value, OutputOf):
            told = outputs.get(value.stack, {}).get(value.key)
            if told is None:
                raise BlockedError(f"{action.name}: {value} is not there")
            known[each.name] = told
    return replace(action, **known)
