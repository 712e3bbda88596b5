"""Change sets for a plan: what CloudFormation itself says that it would do."""

from tapcfn.preview.answers import Deferred, Preview, Previewed, Refused, deferred
from tapcfn.preview.asking import preview, said_of
from tapcfn.preview.removing import discard_all, withdraw
from tapcfn.preview.snapshots import take_snapshot
from tapcfn.preview.staging import (
    Staged,
    as_judged,
    discard,
    intent_of,
    objections,
    stage,
    stage_as_allowed,
)

__all__ = [
    "Deferred",
    "Preview",
    "Previewed",
    "Refused",
    "Staged",
    "as_judged",
    "deferred",
    "discard",
    "discard_all",
    "intent_of",
    "objections",
    "preview",
    "said_of",
    "stage",
    "stage_as_allowed",
    "take_snapshot",
    "withdraw",
]
