"""S3: bucket policies."""

from __future__ import annotations

from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    document,
    gone_is_fine,
)


def _s3() -> Any:
    return calls.client("s3")


def _create(wanted: Wanted) -> Made:
    name = wanted["Bucket"]
    if _has_policy(name):
        raise ResourceRefusedError(
            f"The bucket policy already exists on bucket {name}.", "AlreadyExists"
        )
    _s3().put_bucket_policy(Bucket=name, Policy=document(wanted["PolicyDocument"]))
    return Made(name)


def _has_policy(name: str) -> bool:
    with gone_is_fine():
        _s3().get_bucket_policy(Bucket=name)
        return True
    return False


def _update(wanted: Wanted) -> Made:
    policy = document(wanted["PolicyDocument"])
    _s3().put_bucket_policy(Bucket=wanted.physical_id, Policy=policy)
    return Made(wanted.physical_id)


def _delete(wanted: Wanted) -> None:
    with gone_is_fine():
        _s3().delete_bucket_policy(Bucket=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        "AWS::S3::BucketPolicy",
        create=_create,
        update=_update,
        delete=_delete,
        create_only=("Bucket",),
    ),
)
