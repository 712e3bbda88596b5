"""What becomes of data when its stack goes, or when its resource is replaced. (C-6)"""

from __future__ import annotations

from typing import TypeVar

from troposphere import AWSObject

R = TypeVar("R", bound=AWSObject)


def retained(resource: R, keep_data: bool) -> R:
    """Give a resource that holds data its two policies, and return it.

    Kept data outlives its stack, but a resource whose very creation was rolled back holds none:
    left behind, it would only block its own name for the next attempt.
    """
    resource.DeletionPolicy = "RetainExceptOnCreate" if keep_data else "Delete"
    resource.UpdateReplacePolicy = "Retain" if keep_data else "Delete"
    return resource


def snapshotted(resource: R, keep_data: bool) -> R:
    """Give a database its two policies, and return it: kept data is left as a last snapshot."""
    policy = "Snapshot" if keep_data else "Delete"
    resource.DeletionPolicy = policy
    resource.UpdateReplacePolicy = policy
    return resource
