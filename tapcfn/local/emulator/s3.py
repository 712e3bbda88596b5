"""S3."""

from __future__ import annotations

from typing import Any

from ministack.services import s3 as _s3
from ministack.services.cloudformation import provisioners as _provisioners


def bucket_is_taken(name: str) -> bool:
    """Tell whether any account has a bucket of that name."""
    return _s3._bucket_owner_account(name) is not None


def bucket_is_empty(name: str) -> bool:
    """Tell whether a bucket of the current account holds no object and no version of one."""
    return not (_s3._buckets.get(name, {}).get("objects") or _s3._bucket_has_versions(name))


def put_bucket_notifications(name: str, wanted: Any) -> None:
    """Set or, with None, clear a bucket's notifications."""
    _provisioners._s3_apply_notification(name, wanted or {})
