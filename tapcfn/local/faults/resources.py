"""Resource operations that fail or get stuck."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tapcfn.local import emulator, time
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
    during: str


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
    for fault in faults.every(lambda fault: _is_met(fault, operation)):
        if fault.do == "fail":
            raise ResourceFailedError(fault.reason)
        speed = time.speed()
        faults.released.wait(fault.seconds / speed if speed else LONGEST_SECONDS)
        if faults.is_abandoned:
            raise ResourceFailedError("The local cloud was reset")


def _operation(verb: str, resource_type: str, rest: tuple[Any, ...]) -> Operation:
    stack, logical_id = (str(rest[place]) for place in _PLACES[verb])
    status = str((emulator.stacks().get(stack) or {}).get("StackStatus", ""))
    return Operation(
        account=emulator.account_id(),
        region=emulator.region(),
        type=resource_type,
        logical_id=logical_id,
        during="rollback" if "ROLLBACK" in status and verb != "create" else verb,
    )


def _is_met(fault: Fault, operation: Operation) -> bool:
    return fault.do in ("fail", "stuck") and fits(
        (fault.account, operation.account),
        (fault.region, operation.region),
        (fault.type, operation.type),
        (fault.logical_id, operation.logical_id),
        (fault.during, operation.during),
    )
