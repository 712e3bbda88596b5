"""Replicate a secret into another Region, under a key of that Region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done, failed, running
from tapcfn.aws.actions.keys import is_another
from tapcfn.model import EMPTY, ReplicateSecret


def look(door: Door, action: ReplicateSecret, _token: str) -> ActionState:
    """Return DONE for a replica in sync; one under another key is not the one that is wanted."""
    replica = _replica(door, action)
    if replica is None:
        return ABSENT
    key, status = replica.get("KmsKeyId", ""), replica.get("Status", "")
    facts = {"region": action.region, "key": key}
    if is_another(key, str(action.key_arn)):
        return failed(f"the replica in {action.region} is encrypted with {key}", facts)
    if status == "InSync":
        return done("in sync", facts)
    if status == "Failed":
        return failed(replica.get("StatusMessage") or "no reason given", facts)
    return running(f"{action.region}: {status or 'begun'}", facts)


def begin(door: Door, action: ReplicateSecret, _token: str) -> Facts:
    """Add the Region; a secret of that name there, which is no replica, is never overwritten."""
    region = {"Region": action.region, "KmsKeyId": str(action.key_arn)}
    try:
        door("secretsmanager", action.target).replicate_secret_to_regions(
            SecretId=str(action.secret_arn), AddReplicaRegions=[region]
        )
    except ClientError:
        if _replica(door, action) is None:  # else it was sent before
            raise
    return EMPTY


def _replica(door: Door, action: ReplicateSecret) -> Mapping[str, Any] | None:
    client = door("secretsmanager", action.target)
    told = client.describe_secret(SecretId=str(action.secret_arn))
    found = (each for each in told.get("ReplicationStatus", ()) if each["Region"] == action.region)
    return next(found, None)
