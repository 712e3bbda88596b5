"""How a change set is named, and which may be executed or deleted by itself."""

from __future__ import annotations

from tapcfn.local import emulator
from tapcfn.local.checks.asked import unfit
from tapcfn.local.checks.request import Refusal, Request


def name_fits(request: Request) -> Refusal | None:
    """Refuse a name that no change set may have."""
    return unfit("changeSetName", request["ChangeSetName"])


def is_no_nested_one(request: Request) -> Refusal | None:
    """Refuse to execute or delete a nested change set but with its root."""
    stack = request.stack["StackName"] if request.stack else ""
    found = emulator.engine.find_change_set(request["ChangeSetName"], stack)[1]
    if found is None or "RootChangeSetId" not in found or found.get("_by_root"):
        return None
    return Refusal(
        f"ChangeSet [{found['ChangeSetId']}] is nested and can only be executed or deleted with "
        f"its root [{found['RootChangeSetId']}]",
        "InvalidChangeSetStatus",
    )


def is_named_by_arn(request: Request) -> Refusal | None:
    """Refuse to tell the events of a change set by its bare name, as the service does."""
    name = request["ChangeSetName"]
    if not name:
        return None
    if not name.startswith("arn:"):
        return Refusal("One of ChangeSetName, OperationId or StackName must be specified")
    if emulator.engine.find_change_set(name)[1] is None:
        return Refusal(f"ChangeSet [{name}] does not exist", "ChangeSetNotFound")
    return None
