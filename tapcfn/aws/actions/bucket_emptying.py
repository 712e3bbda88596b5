"""Empty a bucket: every version, every delete marker, every unfinished upload. (O-6)"""

from __future__ import annotations

from tapcfn.acting import ActionState
from tapcfn.aws import buckets
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done
from tapcfn.model import EmptyBucket


def look(door: Door, action: EmptyBucket, _token: str) -> ActionState:
    """Return DONE for a bucket that holds nothing, or is gone."""
    client, bucket = door("s3", action.target), str(action.bucket)
    if buckets.holds_objects(client, bucket, action.target):
        return ABSENT
    return done("it holds nothing")


def begin(door: Door, action: EmptyBucket, _token: str) -> Facts:
    """Delete what is there, 1,000 versions with each call, and return when all are gone."""
    count = buckets.empty(door("s3", action.target), str(action.bucket), action.target)
    return {"deleted": str(count)}
