"""Buckets that stand in the way of a deletion: look into them, and empty them when told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.aws.calls import code_of, told
from tapcfn.errors import CloudError, StillRunningError
from tapcfn.model import Target

# DeleteObjects takes at most this many keys.
_BATCH = 1000


def holds_objects(client: Any, bucket: str, target: Target) -> bool:
    """Whether there is any version or delete marker; a bucket that is gone has none."""
    with told(bucket, target):
        try:
            page = client.list_object_versions(Bucket=bucket, MaxKeys=1)
        except ClientError as error:
            if code_of(error) == "NoSuchBucket":
                return False
            raise
        return bool(page.get("Versions") or page.get("DeleteMarkers") or page.get("IsTruncated"))


def empty(
    client: Any, bucket: str, target: Target, stops: Callable[[], bool] = lambda: False
) -> int:
    """Delete all versions, delete markers and unfinished uploads; return how many.

    A bucket that is gone is empty. Raises `CloudError` where something stays, after all else in
    the same batch has gone, and `StillRunningError` as soon as the run `stops`.
    """
    with told(bucket, target):
        count = 0
        try:
            for batch in _versions(client, bucket):
                if stops():
                    raise StillRunningError(f"{bucket}: {count} versions deleted, not yet all")
                count += _delete(client, bucket, batch)
            return count + _abort_uploads(client, bucket)
        except ClientError as error:
            if code_of(error) == "NoSuchBucket":
                return count
            raise


def _versions(client: Any, bucket: str) -> Iterator[list[dict[str, str]]]:
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        batch = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        for start in range(0, len(batch), _BATCH):
            yield batch[start : start + _BATCH]


def _delete(client: Any, bucket: str, batch: list[dict[str, str]]) -> int:
    answer = client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
    if refused := answer.get("Errors"):
        first = refused[0]
        why = first.get("Message", "no reason given")
        raise CloudError(
            f"{bucket}: {len(refused)} of {len(batch)} objects can't be deleted, the first of "
            f"them {first.get('Key', '')}: {why} [{first.get('Code', '')}]",
            code=first.get("Code", ""),
        )
    return len(batch)


def _abort_uploads(client: Any, bucket: str) -> int:
    count = 0
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for each in page.get("Uploads", ()):
            _abort(client, bucket, each)
            count += 1
    return count


def _abort(client: Any, bucket: str, upload: dict[str, Any]) -> None:
    try:
        client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    except ClientError as error:
        if code_of(error) != "NoSuchUpload":  # it has ended meanwhile
            raise
