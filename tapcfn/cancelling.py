"""Cancel updates that are under way, for whoever asked for that on an interrupt. (X-35)"""

from __future__ import annotations

from tapcfn.model import canonical, digest_of
from tapcfn.operations import Means, Operation


def may_be_cancelled(operation: Operation) -> bool:
    """Whether the service cancels such an operation: an update, and one that this run began."""
    return operation.action == "update" and not operation.adopted


def cancel(operation: Operation, means: Means) -> None:
    """Ask for an update to be rolled back; its token is in the ledger before it is sent."""
    token = "tapcfn-" + digest_of(canonical(["cancel", operation.token]))[:40]
    means.ledger.intend("cancel", operation.stack, token)
    means.cloud.cancel(operation.stack_id, operation.stack.target, token)
