"""S3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack import app as _app
from ministack.services import s3 as _s3
from ministack.services.cloudformation import provisioners as _provisioners

from tapcfn.local.emulator.core import Answer, region, request_scope


def bucket_is_taken(name: str) -> bool:
    """Tell whether any account has a bucket of that name."""
    return _s3._bucket_owner_account(name) is not None


def bucket_is_empty(name: str) -> bool:
    """Tell whether a bucket of the current account holds no object and no version of one."""
    return not (_s3._buckets.get(name, {}).get("objects") or _s3._bucket_has_versions(name))


def put_bucket_notifications(name: str, wanted: Any) -> None:
    """Set or, with None, clear a bucket's notifications."""
    _provisioners._s3_apply_notification(name, wanted or {})


def replication_rules(bucket: str) -> list[dict[str, Any]]:
    """Return the replication rules of a bucket of the current account."""
    return list((_s3._bucket_replication.get(bucket) or {}).get("Rules") or ())


# Batch replication --------------------------------------------------------------------------------


def answer_control(answer: Callable[[str, str, bytes], Answer | None]) -> None:
    """Let `answer` have requests of S3 Control first, by verb, path and body; None is not its."""
    otherwise = _app._handle_s3_control_request

    async def handle(path: str, method: str, body: bytes, *rest: Any, **more: Any) -> Any:
        told = answer(method, path, body)
        return await otherwise(path, method, body, *rest, **more) if told is None else told

    _app._handle_s3_control_request = handle


def control_error(code: str, message: str, status: int) -> Answer:
    """Return a refusal of S3 Control's."""
    return _s3.s3control_error(code, message, status)  # type: ignore[no-any-return]


def unreplicated(bucket: str) -> list[str]:
    """Return the keys that a rule of a bucket is for and has not replicated; raise `KeyError`."""
    objects: dict[str, dict[str, Any]] = _s3._buckets[bucket]["objects"]
    return [
        key
        for key, each in objects.items()
        if each.get("replication_status") in (None, "FAILED")
        and _s3._replication_rule_for(bucket, key, _tags_of(bucket, key, each))[0] is not None
    ]


def replicate(bucket: str, key: str) -> bool:
    """Replicate an object as it is now; whether that could be done, or need not be any more."""
    found = _s3._buckets.get(bucket, {}).get("objects", {}).get(key)
    if found is None or found.get("replication_status") not in (None, "FAILED"):
        return True
    tags = _tags_of(bucket, key, found)
    found["body"] = _s3._read_body(bucket, key, found)  # which may be on disk alone
    _s3._maybe_replicate(bucket, key, found, found["body"], tags)
    if (made := found.pop("_replica", None)) and tags:
        there, version, account = made
        with request_scope(account, region()):
            _s3._object_tags[(there, key, version)] = dict(tags)
    for version in _s3._object_versions.get((bucket, key), ()):
        if version["version_id"] == found.get("version_id"):
            version["replication_status"] = found.get("replication_status")
    if _s3.S3_PERSIST:
        _s3._persist_object(bucket, key, found)
    return bool(found.get("replication_status") == "COMPLETED")


def _tags_of(bucket: str, key: str, found: dict[str, Any]) -> dict[str, str]:
    return dict(_s3._object_tags.get((bucket, key, found.get("version_id"))) or {})
