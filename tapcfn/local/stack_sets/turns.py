"""When operations begin: one at a time, or, where a set's execution is managed, in their turn.

Without managed execution another operation is refused while one moves, and only the service's own
automatic deployments wait. With it all wait that share a target with one before them or change the
set itself, and the others run beside each other.
"""

from __future__ import annotations

import asyncio

from tapcfn.local import emulator, ledger
from tapcfn.local.stack_sets import engine, marks, store, trials
from tapcfn.local.stack_sets.engine import Asked
from tapcfn.local.stack_sets.model import (
    Action,
    Operation,
    OperationStatus,
    ResultStatus,
    StackSet,
    home_of,
    is_moving,
    moving_operation,
    with_status,
)
from tapcfn.local.stack_sets.refusals import RefusedError

CANCELLED_BY_USER = "Cancelled since the operation was stopped"

Key = tuple[str, str]

# Operations that this process works on, and those that wait for it. One that moves and is neither
# was interrupted.
_working: set[Key] = set()
_waiting: dict[Key, Asked] = {}
_tasks: set[asyncio.Task[None]] = set()


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
    trials.let_others_in(stack_set, lambda: advance(stack_set))
    if not stack_set["is_managed"]:
        refuse_if_busy(stack_set)


def refuse_if_busy(stack_set: StackSet) -> None:
    """Refuse what can't be done while an operation runs or waits."""
    busy = moving_operation(stack_set)
    if busy is not None:
        message = f"Another Operation on StackSet {stack_set['arn']} is in progress: {busy['id']}"
        raise RefusedError("OperationInProgressException", message, 409)


def submit(stack_set: StackSet, asked: Asked) -> Operation:
    """Let an operation begin, or wait for its turn; what is wrong with it is refused at once."""
    plan = asked.plan()
    is_first = moving_operation(stack_set) is None
    operation = engine.noted(stack_set, asked, plan)
    key = _key(stack_set, operation)
    if is_first:
        engine.begin(stack_set, operation, plan)
        _start(stack_set, operation, asked)
    else:
        _waiting[key] = asked
        advance(stack_set)
    return operation


def advance(stack_set: StackSet) -> None:
    """Let every operation begin whose turn has come."""
    before: list[Operation] = []
    for operation in list(stack_set["operations"].values()):
        if not is_moving(operation):
            continue
        key = _key(stack_set, operation)
        if key in _waiting and not any(_conflict(operation, each) for each in before):
            _start(stack_set, operation, _waiting.pop(key))
        before.append(operation)


def _conflict(one: Operation, other: Operation) -> bool:
    changing = {one["action"], other["action"]} & {Action.UPDATE, Action.IMPORT}
    return bool(changing) or not one["results"].keys().isdisjoint(other["results"])


def stop(stack_set: StackSet, operation: Operation) -> None:
    """Cancel what has not begun, and let what runs come to its end."""
    if not is_moving(operation):
        message = f"Operation {operation['id']} is {operation['status']} and cannot be stopped"
        raise RefusedError("InvalidOperationException", message)
    marks.cancel(stack_set, operation, marks.pending(operation), CANCELLED_BY_USER)
    if _waiting.pop(_key(stack_set, operation), None) is not None:
        marks.end(operation, OperationStatus.STOPPED, marks.STOPPED_BY_USER)
    else:
        operation["status"] = OperationStatus.STOPPING


def settle_interrupted(stack_set: StackSet) -> None:
    """End operations that ran when the local cloud ended; nobody works on them any more."""
    for operation in stack_set["operations"].values():
        key = _key(stack_set, operation)
        is_ours = key in _working or key in _waiting or trials.is_foreign(operation)
        if is_moving(operation) and not is_ours:
            _settle(stack_set, operation)


def _settle(stack_set: StackSet, operation: Operation) -> None:
    was_stopping = operation["status"] == OperationStatus.STOPPING
    interrupted = marks.failed(ledger.INTERRUPTED)
    for result in with_status(operation, ResultStatus.RUNNING):
        marks.record(stack_set, operation, result, interrupted)
    marks.cancel(stack_set, operation, marks.pending(operation), ledger.INTERRUPTED)
    ending = OperationStatus.STOPPED if was_stopping else OperationStatus.FAILED
    marks.end(operation, ending, ledger.INTERRUPTED)


# Run ----------------------------------------------------------------------------------------------


def _start(stack_set: StackSet, operation: Operation, asked: Asked) -> None:
    """Work on an operation from now on, in the account and Region of its set."""
    _working.add(_key(stack_set, operation))
    with emulator.request_scope(*home_of(stack_set)):
        task = asyncio.get_running_loop().create_task(_run(stack_set, operation, asked))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _run(stack_set: StackSet, operation: Operation, asked: Asked) -> None:
    """See an operation through; should that break, the next reader finds it interrupted."""
    try:
        if operation["status"] == OperationStatus.QUEUED:
            await trials.hold(stack_set, operation)
            _begin_late(stack_set, operation, asked)
        if is_moving(operation):
            await engine.work(stack_set, operation)
    finally:
        _working.discard(_key(stack_set, operation))
    if store.holds(stack_set):
        advance(stack_set)


def _begin_late(stack_set: StackSet, operation: Operation, asked: Asked) -> None:
    """Look again at what the operation comes to, now that those before it are over."""
    if operation["status"] == OperationStatus.STOPPING:
        marks.end(operation, OperationStatus.STOPPED, marks.STOPPED_BY_USER)
        return
    try:
        engine.begin(stack_set, operation, asked.plan())
    except RefusedError as refused:
        marks.cancel(stack_set, operation, marks.pending(operation), refused.message)
        marks.end(operation, OperationStatus.FAILED, refused.message)


def _key(stack_set: StackSet, operation: Operation) -> Key:
    return stack_set["id"], operation["id"]
