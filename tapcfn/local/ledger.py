"""What CloudFormation keeps of stacks that move, are gone, or were interrupted.

The emulator knows a stack by its name alone. Here an earlier stack of the same name stays readable
by its id, a stack in review keeps its id when it is staged again, every stack lists its last
operations with the tokens that asked for them, and one that was moving when the local cloud ended
is found settled at the next start.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, MutableMapping
from typing import Any
from xml.sax.saxutils import unescape

from tapcfn.local import change_sets, emulator, nested_sets, time
from tapcfn.local.emulator import Action, Answer, Params

REVIEW = "REVIEW_IN_PROGRESS"
OPERATIONS_KEPT = 10
TOKENS_KEPT = 100
INTERRUPTED = "The local cloud was ended while this operation was running"

# How long CloudFormation takes to make a change set, in seconds, and how much of it waiting.
STAGING_SECONDS = 6.0
PENDING_SHARE = 0.2

Stack = MutableMapping[str, Any]


def moving() -> list[Stack]:
    """Return every stack that an operation is changing now, in every account and Region."""
    return [stack for _, _, stack in emulator.engine.every_stack() if is_moving(stack)]


def is_moving(stack: Stack) -> bool:
    """Tell whether an operation is changing the stack."""
    status = str(stack.get("StackStatus", ""))
    return status.endswith("_IN_PROGRESS") and status != REVIEW


def tokens(stack: Stack) -> list[str]:
    """Return the tokens of the operations that the stack accepted."""
    return list(stack.get("_tokens", ()))


def install() -> None:
    """Put the ledger around the actions that make and describe stacks."""
    wrap: dict[str, Callable[[Action], Action]] = {
        "CreateStack": lambda do: _noting("CREATE_STACK", _keeping(do)),
        "UpdateStack": lambda do: _noting("UPDATE_STACK", _outdating(do)),
        "DeleteStack": lambda do: _noting("DELETE_STACK", _in_turn(do)),
        "RollbackStack": lambda do: _noting("ROLLBACK", _outdating(do)),
        "ContinueUpdateRollback": lambda do: _noting("CONTINUE_ROLLBACK", do),
        "CreateChangeSet": lambda do: _by_name(_staging(nested_sets.including(_keeping(do)))),
        "ExecuteChangeSet": lambda do: _by_name(_noting("", do)),
        "DescribeChangeSet": _by_name,
        "DeleteChangeSet": _by_name,
        "ListChangeSets": _by_name,
        "DescribeStacks": lambda do: _by_name(_with_operations(do)),
    }
    for name, around in wrap.items():
        emulator.engine.wrap_action(name, around)
    emulator.engine.find_stacks_faster()
    emulator.engine.know_the_place_in_conditions()
    emulator.steps.name_operations(_current_operation)


def settle_interrupted() -> None:
    """Settle what was moving when the local cloud ended; nobody is working on it any more."""
    for account, region, stack in emulator.engine.every_stack():
        with emulator.request_scope(account, region):
            if is_moving(stack):
                _settle(stack)
            for change_set in list(emulator.engine.change_sets().values()):
                _finish_staging(change_set)


def _settle(stack: Stack) -> None:
    verb = str(stack["StackStatus"]).partition("_")[0]
    status = {
        "CREATE": "CREATE_FAILED",
        "DELETE": "DELETE_FAILED",
        "ROLLBACK": "ROLLBACK_FAILED",
        "IMPORT": "IMPORT_ROLLBACK_FAILED",
    }.get(verb, "UPDATE_FAILED")
    if "UPDATE_ROLLBACK" in stack["StackStatus"]:
        status = "UPDATE_ROLLBACK_FAILED"
    stack["StackStatus"], stack["StackStatusReason"] = status, INTERRUPTED
    emulator.engine.add_event(stack, status, INTERRUPTED)


# Earlier stacks of the same name ------------------------------------------------------------------


def _keeping(do: Action) -> Action:
    """Keep what stood under the name before, when a new stack takes its place."""

    def act(params: Params) -> Answer:
        name = emulator.parameter(params, "StackName")
        earlier = emulator.engine.stacks().get(name)
        answer = do(params)
        current = emulator.engine.stacks().get(name)
        if earlier is None or current is earlier:
            return answer
        if earlier["StackStatus"] != REVIEW:
            emulator.engine.stacks()[earlier["StackId"]] = earlier
            return answer
        return _same_review(name, earlier, answer)

    return act


def _same_review(name: str, earlier: Stack, answer: Answer) -> Answer:
    """Let a stack in review that was staged again be the same stack, under the same id."""
    current = emulator.engine.stacks().get(name)
    if current is None:
        emulator.engine.stacks()[name] = dict(earlier)
        return answer
    new, old = current["StackId"], earlier["StackId"]
    current["StackId"] = old
    emulator.engine.stack_events().pop(new, None)
    for change_set in emulator.engine.change_sets().values():
        if change_set["StackId"] == new:
            change_set["StackId"] = old
    status, headers, body = answer
    return status, headers, body.replace(new.encode(), old.encode())


def _by_name(do: Action) -> Action:
    """Let a change-set action take a stack's id where the emulator knows only its name."""

    def act(params: Params) -> Answer:
        given = emulator.parameter(params, "StackName")
        stack = emulator.engine.resolve_stack(given) if given.startswith("arn:") else None
        if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
            return do(params)
        return do({**params, "StackName": [stack["StackName"]]})

    return act


# Operations ---------------------------------------------------------------------------------------


def _noting(kind: str, do: Action) -> Action:
    """Note the operation that the action began; an executed change set creates or updates."""

    def act(params: Params) -> Answer:
        before = stack_of(params)
        created = before is None or before["StackStatus"] == REVIEW
        answer = do(params)
        stack = stack_of(params) or before
        if not emulator.succeeded(answer) or stack is None:
            return answer
        _keep_token(stack, emulator.parameter(params, "ClientRequestToken"))
        _note(stack, kind or ("CREATE_STACK" if created else "UPDATE_STACK"))
        return _telling(answer, stack)

    return act


def stack_of(params: Params) -> Stack | None:
    """Return the stack that a request names, directly or through a change set."""
    name = emulator.parameter(params, "StackName")
    change_set = emulator.parameter(params, "ChangeSetName")
    if change_set and not name:
        found = emulator.engine.find_change_set(change_set)[1]
        name = str(found["StackId"]) if found else ""
    return emulator.engine.resolve_stack(name) if name else None


def _note(stack: Stack, kind: str) -> None:
    operations = stack.setdefault("_operations", [])
    operations.insert(0, {"OperationType": kind, "OperationId": emulator.new_id()})
    del operations[OPERATIONS_KEPT:]


def _keep_token(stack: Stack, token: str) -> None:
    if token:
        known = stack.setdefault("_tokens", [])
        known.append(token)
        del known[:-TOKENS_KEPT]


def _telling(answer: Answer, stack: Stack) -> Answer:
    """Add the operation to those answers that tell it."""
    status, headers, body = answer
    operation = f"<OperationId>{stack['_operations'][0]['OperationId']}</OperationId>"
    told = re.sub(
        rb"</(Create|Update|Rollback)StackResult>",
        lambda found: operation.encode() + found.group(0),
        body,
    )
    return status, headers, told


def _current_operation(stack_id: str) -> str:
    stack = emulator.engine.resolve_stack(stack_id) or {}
    return next((str(each["OperationId"]) for each in stack.get("_operations", ())), "")


def _with_operations(do: Action) -> Action:
    """Add each stack's last operations to the answer of DescribeStacks."""

    def act(params: Params) -> Answer:
        status, headers, body = do(params)
        told = re.sub(r"<StackId>(.*?)</StackId>", _operations_after, body.decode())
        return status, headers, told.encode()

    return act


def _operations_after(found: re.Match[str]) -> str:
    stack = emulator.engine.resolve_stack(unescape(found.group(1))) or {}
    members = "".join(
        f"<member><OperationType>{operation['OperationType']}</OperationType>"
        f"<OperationId>{operation['OperationId']}</OperationId></member>"
        for operation in stack.get("_operations", ())
    )
    return found.group(0) + (f"<LastOperations>{members}</LastOperations>" if members else "")


# Deleting a stack that moves ----------------------------------------------------------------------


def _in_turn(do: Action) -> Action:
    """Begin to delete a stack that is being created once its creation has settled.

    CloudFormation stops the creation at once; the emulator's engine cannot be stopped.
    """

    def act(params: Params) -> Answer:
        stack = stack_of(params)
        if stack is None or not is_moving(stack):
            return do(params)
        if stack["StackStatus"] != "DELETE_IN_PROGRESS" and not stack.get("_to_delete"):
            stack["_to_delete"] = True
            emulator.steps.create_stack_task(_delete_later(stack, do, params), stack)
        return 200, {"Content-Type": "application/xml"}, b"<DeleteStackResponse/>"

    return act


async def _delete_later(stack: Stack, do: Action, params: Params) -> None:
    while is_moving(stack):
        await asyncio.sleep(0.02)
    stack.pop("_to_delete", None)
    do(params)


# Change sets in the making ------------------------------------------------------------------------


def _staging(do: Action) -> Action:
    """Let a change set be pending, then in progress, for as long as CloudFormation takes."""

    def act(params: Params) -> Answer:
        answer = do(params)
        found = change_sets.made(answer)
        if time.speed() and found is not None:
            _stage_slowly(found)
        return answer

    return act


def _stage_slowly(change_set: Stack) -> None:
    change_set["_staged"] = [change_set["Status"], change_set["ExecutionStatus"]]
    change_set["Status"], change_set["ExecutionStatus"] = "CREATE_PENDING", "UNAVAILABLE"
    total = STAGING_SECONDS / time.speed()
    _later(total * PENDING_SHARE, lambda: _begin_staging(change_set))
    _later(total, lambda: _finish_staging(change_set))


def _begin_staging(change_set: Stack) -> None:
    if "_staged" in change_set:
        change_set["Status"] = "CREATE_IN_PROGRESS"


def _finish_staging(change_set: Stack) -> None:
    if "_staged" in change_set:
        change_set["Status"], change_set["ExecutionStatus"] = change_set.pop("_staged")


def _outdating(do: Action) -> Action:
    """Let an update by another route make obsolete what it changes the ground under.

    That is every change set of the stack, in the making or made, with its root and all of its kin.
    """

    def act(params: Params) -> Answer:
        answer = do(params)
        stack = stack_of(params)
        if emulator.succeeded(answer) and stack is not None:
            known = list(emulator.engine.change_sets().values())
            mine = (each for each in known if each["StackId"] == stack["StackId"])
            roots = {change_sets.root_of(each) for each in mine}
            for change_set in known:
                if change_sets.root_of(change_set) in roots:
                    _outdate(change_set)
        return answer

    return act


def _outdate(change_set: Stack) -> None:
    status, execution = change_set.get("_staged", ("", change_set["ExecutionStatus"]))
    if execution == "AVAILABLE" and status:
        change_set["_staged"] = [status, "OBSOLETE"]
    elif execution == "AVAILABLE":
        change_set["ExecutionStatus"] = "OBSOLETE"


def _later(seconds: float, do: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, do)
