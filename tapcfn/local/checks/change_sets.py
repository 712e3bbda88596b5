"""How a change set is named, when it is made and when its events are asked for."""

from __future__ import annotations

from tapcfn.local import emulator
from tapcfn.local.checks.asked import unfit
from tapcfn.local.checks.request import Refusal, Request


def name_fits(request: Request) -> Refusal | None:
    """Refuse a name that no change set may have."""
    return unfit("changeSetName", request["ChangeSetName"])


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
