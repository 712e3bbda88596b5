"""What a table of faults makes of operations and their targets.

Faults of calls and of resources reach stack sets like everything else; these are the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial

from tapcfn.local import emulator, time
from tapcfn.local.faults import Fault, hooks
from tapcfn.local.faults.resources import LONGEST_SECONDS
from tapcfn.local.faults.state import Faults, fits
from tapcfn.local.stack_sets.model import (
    Operation,
    OperationStatus,
    Result,
    ResultStatus,
    StackSet,
    home_of,
    now,
)

FOREIGN = "foreign-"
GLANCE_SECONDS = 0.02
_VERBS = {"CREATE": "create", "UPDATE": "update", "IMPORT": "create", "DELETE": "delete"}

_tasks: set[asyncio.Task[None]] = set()


async def meet(stack_set: StackSet, operation: Operation) -> str:
    """Let the target that is the current account and Region be slow, or say why it fails."""
    faults, during = hooks.running(), _VERBS.get(operation["action"], "")

    def is_met(fault: Fault) -> bool:
        return (
            fault.do in ("fail_instance", "slow_instance")
            and fits((fault.account, emulator.account_id()), (fault.region, emulator.region()))
            and fits((fault.stack_set, stack_set["name"]), (fault.during, during))
            and fnmatchcase(emulator.place(), fault.instance or "*")
        )

    for fault in faults.every(is_met):
        if fault.do == "fail_instance":
            return fault.reason
        await _wait(faults, fault.seconds)
    return ""


async def hold(stack_set: StackSet, operation: Operation) -> None:
    """Keep an operation in the status in which it is, and in the one that a stop leads to."""
    faults, status = hooks.running(), ""
    while operation["status"] != status:
        status = operation["status"]
        fault = faults.first(lambda fault: _holds(fault, stack_set, operation))
        if fault is not None:
            await _wait(faults, fault.seconds, partial(_has_left, operation, status))


def _has_left(operation: Operation, status: str) -> bool:
    return operation["status"] != status


def _holds(fault: Fault, stack_set: StackSet, operation: Operation) -> bool:
    is_meant = fault.do == "slow_operation" and fault.state == operation["status"]
    return is_meant and _is_of(fault, stack_set)


def lagging(stack_set: StackSet, results: list[Result]) -> list[Result]:
    """Return results as a reader sees them who is late: the second half seems to be at work."""
    fault = hooks.running().first(
        lambda fault: fault.do == "late_results" and _is_of(fault, stack_set)
    )
    if fault is None:
        return results
    seen = len(results) // 2
    late = [{**each, "status": ResultStatus.RUNNING, "reason": ""} for each in results[seen:]]
    return [*results[:seen], *late]  # type: ignore[list-item]


# Operations of others -----------------------------------------------------------------------------


def let_others_in(stack_set: StackSet, then: Callable[[], None]) -> None:
    """Let somebody else's operation be at work first, if a fault says so, and then go on."""
    faults = hooks.running()
    fault = faults.first(lambda fault: fault.do == "foreign_operation" and _is_of(fault, stack_set))
    if fault is None:
        return
    operation = _foreign(stack_set)
    stack_set["operations"][operation["id"]] = operation
    task = asyncio.get_running_loop().create_task(_end(faults, operation, fault.seconds, then))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def is_foreign(operation: Operation) -> bool:
    """Tell whether an operation is one of those, and still at work here."""
    return operation["id"].startswith(FOREIGN) and bool(_tasks)


def _foreign(stack_set: StackSet) -> Operation:
    definition = stack_set["definition"]
    return Operation(
        id=f"{FOREIGN}{emulator.new_id()}",
        action="UPDATE",
        status=OperationStatus.RUNNING,
        reason="",
        preferences={},
        retain_stacks=False,
        administration_role=definition["administration_role"],
        execution_role=definition["execution_role"],
        created=now(),
        ended="",
        results={},
        named=None,
        stacks={},
        drifts={},
    )


async def _end(
    faults: Faults, operation: Operation, seconds: float, then: Callable[[], None]
) -> None:
    await _wait(faults, seconds, lambda: operation["status"] != OperationStatus.RUNNING)
    was_stopped = operation["status"] == OperationStatus.STOPPING
    operation["status"] = OperationStatus.STOPPED if was_stopped else OperationStatus.SUCCEEDED
    operation["ended"] = now()
    then()


# Time ---------------------------------------------------------------------------------------------


async def _wait(
    faults: Faults, seconds: float, is_over: Callable[[], bool] = lambda: False
) -> None:
    """Wait so long on AWS; where nothing waits, until another table comes, but not for ever."""
    speed, loop = time.speed(), asyncio.get_running_loop()
    due = loop.time() + (seconds / speed if speed else LONGEST_SECONDS)
    while (left := due - loop.time()) > 0 and not faults.released.is_set() and not is_over():
        await asyncio.sleep(min(left, GLANCE_SECONDS))


def _is_of(fault: Fault, stack_set: StackSet) -> bool:
    account, region = home_of(stack_set)
    return fits(
        (fault.account, account), (fault.region, region), (fault.stack_set, stack_set["name"])
    )
