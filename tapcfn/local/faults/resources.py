"""Resource operations that fail, get stuck, or meet a Hook that objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tapcfn.local import emulator, time
from tapcfn.local.faults import invocations
from tapcfn.local.faults.state import Faults, fits
from tapcfn.local.faults.table import Fault

# Where nothing waits, "stuck" has no length: until another table comes, but not for ever.
LONGEST_SECONDS = 300.0

# Where the engine's operations keep the stack and the logical id, after the type.
_PLACES = {"create": (2, 0), "update": (3, 4), "delete": (2, 3)}


class ResourceFailedError(Exception):
    """A resource operation that the table lets fail; its text is the reason."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What the stack engine is about to do to one resource."""

    account: str
    region: str
    type: str
    logical_id: str
    verb: str
    stack: str
    physical_id: str

    @property
    def during(self) -> str:
        """When it happens: what a rollback changes or deletes is part of the rollback."""
        going_back = any("ROLLBACK" in status for status in _statuses(self.stack))
        return "rollback" if going_back and self.verb != "create" else self.verb


def _statuses(stack: str) -> Iterator[str]:
    """Yield the status of a stack, and of those in which it is nested."""
    while found := emulator.engine.resolve_stack(stack):
        yield str(found["StackStatus"])
        stack = found.get("ParentId", "")


def around(running: Callable[[], Faults]) -> Callable[..., Callable[..., Any]]:
    """Return what lets the engine's operations meet the faults that are in force."""

    def wrap(verb: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def act(resource_type: str, *rest: Any) -> Any:
            if not (verb == "update" and rest[1] == rest[2]):  # else nothing would be done
                _meet(running(), _operation(verb, resource_type, rest))
            return do(resource_type, *rest)

        return act

    return wrap


def _meet(faults: Faults, operation: Operation) -> None:
    due = faults.every(lambda fault: _is_met(fault, operation))
    _ask_hooks([fault for fault in due if fault.do == "hook"], operation)
    for fault in due:
        if fault.do == "fail":
            raise ResourceFailedError(fault.reason)
        if fault.do == "stuck":
            _wait(faults, fault.seconds)


def _ask_hooks(hooks: list[Fault], operation: Operation) -> None:
    """Let every Hook have its say, and then fail if one of them may stop the operation."""
    stack = emulator.engine.stacks().get(operation.stack)
    if hooks and stack is not None:
        invocations.tell_of_resource(
            *(hooks, stack),
            logical_id=operation.logical_id,
            kind=operation.type,
            verb=operation.verb,
            physical_id=operation.physical_id,
        )
    if reason := invocations.failing(hooks):
        raise ResourceFailedError(reason)


def _wait(faults: Faults, seconds: float) -> None:
    speed = time.speed()
    faults.released.wait(seconds / speed if speed else LONGEST_SECONDS)
    if faults.is_abandoned:
        raise ResourceFailedError("The local cloud was reset")


def _operation(verb: str, resource_type: str, rest: tuple[Any, ...]) -> Operation:
    stack, logical_id = (str(rest[place]) for place in _PLACES[verb])
    return Operation(
        account=emulator.account_id(),
        region=emulator.region(),
        type=resource_type,
        logical_id=logical_id,
        verb=verb,
        stack=stack,
        physical_id="" if verb == "create" else str(rest[0]),
    )


def _is_met(fault: Fault, operation: Operation) -> bool:
    return (
        fault.do in ("fail", "stuck", "hook")
        and fault.target == "resource"
        and fits(
            (fault.account, operation.account),
            (fault.region, operation.region),
            (fault.type, operation.type),
            (fault.logical_id, operation.logical_id),
            (fault.during, operation.during),
        )
    )
