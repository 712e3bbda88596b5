"""Carry out operations: one at a time for each stack set, on the emulator's loop.

All changes to what is kept of a stack set while an operation runs are made here, and all on that
loop, so that a reader always finds a consistent state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from tapcfn.local import emulator, ledger
from tapcfn.local.stack_sets import deployment, preferences, roles, store
from tapcfn.local.stack_sets.model import (
    Action,
    Instance,
    InstanceStatus,
    Operation,
    OperationStatus,
    Result,
    ResultStatus,
    StackSet,
    Target,
    is_moving,
    moving_operation,
    new_instance,
    now,
    target_of,
    with_status,
)
from tapcfn.local.stack_sets.refusals import RefusedError
from tapcfn.local.stack_sets.schedule import Schedule, schedule

TOLERANCE_EXCEEDED = "Cancelled since failure tolerance has exceeded"
STOPPED_BY_USER = "Cancelled since the operation was stopped"

# Operations that this process works on. One that moves and is not among them was interrupted.
_working: set[tuple[str, str]] = set()
_tasks: set[asyncio.Task[None]] = set()


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation that a request asks for."""

    id: str
    action: Action
    targets: tuple[Target, ...]
    preferences: preferences.Preferences
    retain_stacks: bool = False


# Begin, stop, and find interrupted ----------------------------------------------------------------


def claim(stack_set: StackSet, operation_id: str) -> None:
    """Refuse an operation whose id is used or which finds another one at work.

    The id of the last operation is known (OperationIdAlreadyExists); an older one is stale, since
    other operations have changed the stack set after it.
    """
    known = list(stack_set["operations"])
    if operation_id in known and operation_id != known[-1]:
        message = f"Another operation was performed on {stack_set['arn']} after {operation_id}"
        raise RefusedError("StaleRequestException", message, 409)
    if operation_id in known:
        message = f"Operation id {operation_id} already exists for {stack_set['arn']}"
        raise RefusedError("OperationIdAlreadyExistsException", message, 409)
    refuse_if_busy(stack_set)


def refuse_if_busy(stack_set: StackSet) -> None:
    """Refuse what can't be done while an operation runs."""
    busy = moving_operation(stack_set)
    if busy is not None:
        message = f"Another Operation on StackSet {stack_set['arn']} is in progress: {busy['id']}"
        raise RefusedError("OperationInProgressException", message, 409)


def begin(stack_set: StackSet, asked: Asked) -> Operation:
    """Note an operation, mark its instances, and let it run."""
    operation = _noted(stack_set, asked)
    for target in asked.targets:
        instance = stack_set["instances"].setdefault(str(target), new_instance(target))
        instance["last_operation"] = operation["id"]
        _mark(instance, ResultStatus.PENDING, "")
    _working.add((stack_set["id"], operation["id"]))
    task = asyncio.get_running_loop().create_task(_run(stack_set, operation))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return operation


def _noted(stack_set: StackSet, asked: Asked) -> Operation:
    definition = stack_set["definition"]
    operation = Operation(
        id=asked.id,
        action=asked.action,
        status=OperationStatus.RUNNING,
        reason="",
        preferences=asked.preferences.to_wire(),
        retain_stacks=asked.retain_stacks,
        administration_role=definition["administration_role"],
        execution_role=definition["execution_role"],
        created=now(),
        ended="",
        results={
            str(each): Result(
                account=each.account, region=each.region, status=ResultStatus.PENDING, reason=""
            )
            for each in asked.targets
        },
    )
    stack_set["operations"][asked.id] = operation
    return operation


def stop(stack_set: StackSet, operation: Operation) -> None:
    """Cancel what has not begun, and let what runs come to its end."""
    if not is_moving(operation):
        message = f"Operation {operation['id']} is {operation['status']} and cannot be stopped"
        raise RefusedError("InvalidOperationException", message)
    operation["status"] = OperationStatus.STOPPING
    _cancel(stack_set, operation, _pending(operation), STOPPED_BY_USER)


def settle_interrupted(stack_set: StackSet) -> None:
    """End an operation that ran when the local cloud ended; nobody works on it any more."""
    operation = moving_operation(stack_set)
    if operation is None or (stack_set["id"], operation["id"]) in _working:
        return
    was_stopping = operation["status"] == OperationStatus.STOPPING
    for result in with_status(operation, ResultStatus.RUNNING):
        _record(stack_set, operation, result, ledger.INTERRUPTED)
    _cancel(stack_set, operation, _pending(operation), ledger.INTERRUPTED)
    _end(
        operation,
        OperationStatus.STOPPED if was_stopping else OperationStatus.FAILED,
        ledger.INTERRUPTED,
    )


# Run ----------------------------------------------------------------------------------------------


async def _run(stack_set: StackSet, operation: Operation) -> None:
    """See an operation through; should that break, the next reader finds it interrupted."""
    try:
        administrator = await asyncio.to_thread(
            roles.administration, operation["administration_role"], stack_set["arn"]
        )
        await _work(stack_set, operation, administrator)
    finally:
        _working.discard((stack_set["id"], operation["id"]))


async def _work(
    stack_set: StackSet, operation: Operation, administrator: roles.Administration
) -> None:
    """Start what may be started, whenever something has ended, until nothing is left."""
    plan = _schedule(operation)
    running: dict[asyncio.Task[bool], Target] = {}
    while store.holds(stack_set):
        for target in _startable(plan, operation):
            plan = plan.started(target)
            work = _carry_out(stack_set, operation, target, administrator)
            running[asyncio.create_task(work)] = target
        _cancel(stack_set, operation, plan.lost(), TOLERANCE_EXCEEDED)
        if not running:
            _conclude(operation, plan)
            return
        ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            plan = plan.ended(running.pop(task), task.result())


def _schedule(operation: Operation) -> Schedule:
    wanted = preferences.from_wire(operation["preferences"])
    return schedule(map(target_of, operation["results"].values()), wanted)


def _startable(plan: Schedule, operation: Operation) -> tuple[Target, ...]:
    return () if operation["status"] == OperationStatus.STOPPING else plan.startable()


async def _carry_out(
    stack_set: StackSet,
    operation: Operation,
    target: Target,
    administrator: roles.Administration,
) -> bool:
    """Do one target in its account and Region, record what came of it, say if it went well."""
    result, instance = operation["results"][str(target)], stack_set["instances"][str(target)]
    result["status"] = ResultStatus.RUNNING
    _mark(instance, ResultStatus.RUNNING, "")
    with emulator.request_scope(target.account, target.region):
        reason = await deployment.carry_out(stack_set, operation, instance, administrator)
    _record(stack_set, operation, result, reason)
    return not reason


def _conclude(operation: Operation, plan: Schedule) -> None:
    if operation["status"] == OperationStatus.STOPPING:
        _end(operation, OperationStatus.STOPPED, "The operation was stopped by the user")
    elif plan.exceeded:
        regions = ", ".join(queue.region for queue in plan.exceeded)
        reason = f"The failure tolerance was exceeded in {regions}"
        _end(operation, OperationStatus.FAILED, reason)
    else:
        _end(operation, OperationStatus.SUCCEEDED, "")


# Record -------------------------------------------------------------------------------------------


def _record(stack_set: StackSet, operation: Operation, result: Result, reason: str) -> None:
    """Write down how a target ended: well, unless there is a reason."""
    key = str(target_of(result))
    instance = stack_set["instances"][key]
    status = ResultStatus.FAILED if reason else ResultStatus.SUCCEEDED
    result["status"], result["reason"] = status, reason
    is_deletion = operation["action"] == Action.DELETE
    if is_deletion and not reason:
        del stack_set["instances"][key]
        return
    _mark(instance, status, reason)
    if is_deletion:
        instance["status"] = InstanceStatus.INOPERABLE
        instance["detailed_status"] = InstanceStatus.INOPERABLE


def _mark(instance: Instance, status: ResultStatus, reason: str) -> None:
    """Give an instance the status that a result implies: only success makes it CURRENT.

    One that is INOPERABLE stays so, until it is deleted.
    """
    instance["detailed_status"], instance["reason"] = status, reason
    if status == ResultStatus.SUCCEEDED:
        instance["status"] = InstanceStatus.CURRENT
    elif instance["status"] != InstanceStatus.INOPERABLE:
        instance["status"] = InstanceStatus.OUTDATED


def _pending(operation: Operation) -> list[Target]:
    return [target_of(each) for each in with_status(operation, ResultStatus.PENDING)]


def _cancel(
    stack_set: StackSet, operation: Operation, targets: Collection[Target], reason: str
) -> None:
    for target in targets:
        result = operation["results"][str(target)]
        if result["status"] == ResultStatus.PENDING:
            result["status"], result["reason"] = ResultStatus.CANCELLED, reason
            _mark(stack_set["instances"][str(target)], ResultStatus.CANCELLED, reason)


def _end(operation: Operation, status: OperationStatus, reason: str) -> None:
    operation["status"], operation["reason"], operation["ended"] = status, reason, now()
