"""Whether two objects are the same, and by what that is known.

An ETag is made from the content unless the object is encrypted by a key of KMS: then it differs
under every other key, and a checksum that both objects have is compared instead. Objects from
before 2025 may have none; under such keys only their sizes can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.aws.actions.door import Door
from tapcfn.aws.calls import code_of
from tapcfn.model import Target


class Sameness(StrEnum):
    """What the comparison of two objects came to."""

    BY_ETAG = "same ETag"
    BY_CHECKSUM = "same checksum"
    BY_SIZE = "same size"
    EXTRA = "extra"
    ON_ITS_WAY = "on its way"
    MISSING = "missing"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, and where it is."""

    target: Target
    bucket: str


@dataclass(frozen=True, slots=True)
class Found:
    """An object as a list of its bucket tells it."""

    key: str
    size: int
    etag: str


def judge(
    door: Door, places: tuple[Place, Place], pair: tuple[Found | None, Found | None]
) -> Sameness:
    """Compare what two buckets have under one key. May raise botocore's errors."""
    ours, theirs = pair
    if ours is None:
        return Sameness.EXTRA
    if theirs is None or ours.size != theirs.size:
        wrong = Sameness.MISSING if theirs is None else Sameness.DIFFERENT
        return _unless_on_its_way(_head(door, places[0], ours.key), wrong)
    if ours.etag == theirs.etag:
        return Sameness.BY_ETAG
    return _closer(door, places, ours.key)


def _closer(door: Door, places: tuple[Place, Place], key: str) -> Sameness:
    """Look at two objects of one size whose ETags differ."""
    told = [_head(door, place, key) for place in places]
    if any(each is None for each in told):  # deleted since it was listed
        return Sameness.MISSING if told[1] is None else Sameness.EXTRA
    ours, theirs = (each or {} for each in told)
    sums = [
        (ours[name], theirs[name])
        for name in sorted(ours.keys() & theirs.keys())
        if name.startswith("Checksum") and name != "ChecksumType"
    ]
    if sums and ours.get("ChecksumType") == theirs.get("ChecksumType"):
        same = all(one == other for one, other in sums)
        return Sameness.BY_CHECKSUM if same else _unless_on_its_way(ours, Sameness.DIFFERENT)
    by_key = any("kms" in each.get("ServerSideEncryption", "") for each in (ours, theirs))
    return Sameness.BY_SIZE if by_key else _unless_on_its_way(ours, Sameness.DIFFERENT)


def _unless_on_its_way(ours: Mapping[str, Any] | None, wrong: Sameness) -> Sameness:
    """Return what is wrong, unless S3 is about to copy the object: one that was just written."""
    pending = ours is not None and ours.get("ReplicationStatus") == "PENDING"
    return Sameness.ON_ITS_WAY if pending else wrong


def _head(door: Door, place: Place, key: str) -> Mapping[str, Any] | None:
    """Return what S3 says of one object, its checksums too, or None if it is gone."""
    client, asked = door("s3", place.target), {"Bucket": place.bucket, "Key": key}
    try:
        told: Mapping[str, Any] = client.head_object(**asked, ChecksumMode="ENABLED")
    except ClientError as error:
        if code_of(error) in {"404", "NoSuchKey"}:
            return None
        raise
    return told
