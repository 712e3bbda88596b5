"""Where stack sets are kept: in a store of the emulator, saved, loaded and reset with its stacks.

Each account sees its own stack sets, each Region too, as the service has it.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import cast

from tapcfn.local import emulator
from tapcfn.local.stack_sets.model import Operation, SetStatus, StackSet
from tapcfn.local.stack_sets.refusals import RefusedError

# The only private names of the emulator that stack sets need; `emulator` has the modules.
_service = emulator._cloudformation  # type: ignore[attr-defined]
_sets = emulator._responses.AccountRegionScopedDict()  # type: ignore[attr-defined]


def install() -> None:
    """Let CloudFormation save, load and reset one more store."""
    forget = _service.reset

    def reset() -> None:
        forget()
        _sets.clear()

    _service.reset = reset
    _service._PERSISTED_STORES += ((lambda: _sets, "stack_sets"),)


def sets() -> MutableMapping[str, StackSet]:
    """Return the stack sets of the current account and Region, by id."""
    return cast(MutableMapping[str, StackSet], _sets)


def active(name: str) -> StackSet | None:
    """Return the stack set that has this name now."""
    return next((each for each in _active() if each["name"] == name), None)


def find(given: str, *, deleted: bool = False) -> StackSet:
    """Return the stack set of a name or id, a deleted one only by its id and when asked for."""
    found = sets().get(given) or active(given)
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
