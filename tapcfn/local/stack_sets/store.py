"""Where stack sets are kept: in a store of the emulator, saved, loaded and reset with its stacks.

Each account sees its own stack sets, each Region too, as the service has it.
"""

from __future__ import annotations

from collections.abc import MutableMapping

from tapcfn.local import emulator
from tapcfn.local.stack_sets.model import (
    Operation,
    OperationStatus,
    SetStatus,
    StackSet,
    is_service_managed,
)
from tapcfn.local.stack_sets.refusals import RefusedError

_sets: MutableMapping[str, StackSet] = emulator.add_store("stack_sets")
_BUSY = (OperationStatus.QUEUED, OperationStatus.RUNNING, OperationStatus.STOPPING)


def moving() -> int:
    """Return how many operations are at work, in every account and Region."""
    return sum(
        operation["status"] in _BUSY
        for stack_set in emulator.everything_in(_sets)
        for operation in stack_set["operations"].values()
    )


def sets() -> MutableMapping[str, StackSet]:
    """Return the stack sets of the current account and Region, by id."""
    return _sets


def active(name: str) -> StackSet | None:
    """Return the stack set that has this name now."""
    return next((each for each in _active() if each["name"] == name), None)


def every_active() -> list[StackSet]:
    """Return the stack sets that are there, in every account and Region."""
    found: list[StackSet] = emulator.everything_in(_sets)
    return [each for each in found if each["status"] == SetStatus.ACTIVE]


def find(given: str, *, deleted: bool = False, delegated: bool = False) -> StackSet:
    """Return the stack set of a name, id or ARN, a deleted one only by its id and when asked for.

    A delegated administrator finds service-managed sets only.
    """
    given = given.rpartition(":stackset/")[2]
    found = sets().get(given) or active(given)
    if found is not None and delegated and not is_service_managed(found):
        found = None
    if found is None or (found["status"] == SetStatus.DELETED and not deleted):
        raise RefusedError("StackSetNotFoundException", f"StackSet {given} not found", 404)
    return found


def find_operation(stack_set: StackSet, operation_id: str) -> Operation:
    """Return one of the operations of a stack set."""
    found = stack_set["operations"].get(operation_id)
    if found is None:
        message = f"Operation {operation_id} not found for StackSet {stack_set['name']}"
        raise RefusedError("OperationNotFoundException", message, 404)
    return found


def holds(stack_set: StackSet) -> bool:
    """Tell whether this very record is still kept, and not reset."""
    return sets().get(stack_set["id"]) is stack_set


def _active() -> list[StackSet]:
    return [each for each in sets().values() if each["status"] == SetStatus.ACTIVE]
