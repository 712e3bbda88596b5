"""Write an object into a bucket, and see that another bucket gets it. (S4-23)

That it can be read there proves role, rule and keys at once. The object stays: it has a few bytes
and one name, and says in its metadata which proof it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done, failed, running
from tapcfn.aws.calls import code_of
from tapcfn.model import EMPTY, PROOF_KEY, ProveReplication, Target

_TOKEN = "tapcfn-token"  # noqa: S105 - the name of an entry
_GONE = frozenset({"404", "NoSuchKey"})


def look(door: Door, action: ProveReplication, token: str) -> ActionState:
    """Return DONE once S3 says that the object is replicated, and it can be read there."""
    ours = _read(door, action.target, str(action.bucket))
    if _token_of(ours) != token:
        return ABSENT
    status = str((ours or EMPTY).get("ReplicationStatus", ""))
    if status == "FAILED":
        return failed(f"S3 could not replicate {PROOF_KEY} to {action.other_bucket}")
    if not status:
        return failed(f"no enabled rule of bucket {action.bucket} is for {PROOF_KEY}")
    if _token_of(_read(door, action.other, str(action.other_bucket))) != token:
        return running(f"{PROOF_KEY}: {status}")
    return done(f"{PROOF_KEY} is in {action.other_bucket}, and can be read", {"key": PROOF_KEY})


def begin(door: Door, action: ProveReplication, token: str) -> Facts:
    """Write the object; one of an earlier proof becomes an older version of it."""
    door("s3", action.target).put_object(
        Bucket=str(action.bucket),
        Key=PROOF_KEY,
        Body=f"{token}\n".encode(),
        ContentType="text/plain",
        Metadata={_TOKEN: token},
    )
    return EMPTY


def _token_of(found: Mapping[str, Any] | None) -> str:
    return str((found or EMPTY).get("Metadata", EMPTY).get(_TOKEN, ""))


def _read(door: Door, target: Target, bucket: str) -> Mapping[str, Any] | None:
    """Return what S3 says of the object and read it, which asks for its key; None for no object."""
    try:
        told: Mapping[str, Any] = door("s3", target).get_object(Bucket=bucket, Key=PROOF_KEY)
    except ClientError as error:
        if code_of(error) in _GONE:
            return None
        raise
    told["Body"].read()
    return told
