"""Whether the stack is in a state in which it can be created, updated, executed or deleted."""

from __future__ import annotations

from tapcfn.local import emulator
from tapcfn.local.checks.request import REVIEW, Refusal, Request, Stack

# Statuses from which CloudFormation starts no update, besides those of a stack that moves.
NOT_UPDATABLE = frozenset(
    {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED", REVIEW}
)
# Statuses in which a name is free for a CREATE change set.
CREATABLE = frozenset({"DELETE_COMPLETE", REVIEW})


def may_be_updated(request: Request) -> Refusal | None:
    """Refuse to update a stack that moves or can only be deleted."""
    if request.stack is None or request["ChangeSetType"] in ("CREATE", "IMPORT"):
        return None
    status = str(request.stack["StackStatus"])
    if _moves(status) or status in NOT_UPDATABLE:
        return _in_state(request.stack, "can not be updated.")
    return None


def may_be_executed(request: Request) -> Refusal | None:
    """Refuse to execute another change set of a stack that moves."""
    if request.stack is None or not _moves(str(request.stack["StackStatus"])):
        return None
    found = emulator.engine.find_change_set(request["ChangeSetName"], request.stack["StackName"])[1]
    if found is None or found["ExecutionStatus"] != "AVAILABLE":
        return None
    return _in_state(request.stack, "can not be updated.")


def may_be_created(request: Request) -> Refusal | None:
    """Refuse a CREATE change set for a stack that is there."""
    stack = request.stack
    if stack is None or request["ChangeSetType"] != "CREATE" or stack["StackStatus"] in CREATABLE:
        return None
    return Refusal(
        f"Stack [{stack['StackName']}] already exists and cannot be created again "
        f"with the changeSet [{request['ChangeSetName']}]."
    )


def is_new(request: Request) -> Refusal | None:
    """Refuse to create a stack whose name is taken, even by one that was rolled back."""
    if request.stack is None:
        return None
    name = request.stack["StackName"]
    return Refusal(f"Stack [{name}] already exists", "AlreadyExistsException")


def may_be_deleted(request: Request) -> Refusal | None:
    """Refuse to delete a stack that is being updated."""
    stack = request.stack
    if stack is None or not str(stack["StackStatus"]).startswith(("UPDATE_", "IMPORT_")):
        return None
    if not _moves(str(stack["StackStatus"])):
        return None
    return Refusal(
        f"Stack [{stack['StackName']}] cannot be deleted while in status {stack['StackStatus']}"
    )


def _moves(status: str) -> bool:
    return status.endswith("_IN_PROGRESS") and status != REVIEW


def _in_state(stack: Stack, consequence: str) -> Refusal:
    return Refusal(f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and {consequence}")
