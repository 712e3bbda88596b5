"""CloudFormation Hooks that object: to a resource before it is provisioned, or to a change set.

What a Hook says stands in fields of its own. A stack's events have them from DescribeStackEvents
and, as HOOK_INVOCATION_ERROR, from DescribeEvents; a change set's only from DescribeEvents. Of a
resource that fails by it, the event says just the name of the Hook.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any
from xml.sax.saxutils import escape

from tapcfn.local import change_sets, emulator
from tapcfn.local.emulator import Action, Answer, Params
from tapcfn.local.faults import notes
from tapcfn.local.faults.table import Fault

FAILED = "The following hook(s) failed: [{}]"
UNSAID = "the table of faults says so"
FIELDS = (
    *("HookType", "HookStatus", "HookStatusReason", "HookInvocationPoint", "HookFailureMode"),
    "HookInvocationId",
)

Event = MutableMapping[str, Any]
Stack = MutableMapping[str, Any]


def install() -> None:
    """Let events tell what Hooks said."""
    for name in ("DescribeStackEvents", "DescribeEvents"):
        emulator.engine.wrap_action(name, _telling)
    notes.install()


def failing(hooks: Iterable[Fault]) -> str:
    """Return what is said of an operation to which these Hooks objected; empty if all only warn."""
    names = [hook.hook for hook in hooks if hook.mode == "FAIL"]
    return FAILED.format(", ".join(names)) if names else ""


def tell_of_resource(
    hooks: Iterable[Fault], stack: Stack, *, logical_id: str, kind: str, verb: str, physical_id: str
) -> None:
    """Write the events of a resource's Hooks: each begins, and each finds fault."""
    status = f"{verb.upper()}_IN_PROGRESS"
    for hook in hooks:
        invocation = emulator.new_id()
        for fields in (_begun(hook), _ended(hook)):
            emulator.engine.write_event(stack, logical_id, kind, status, physical_id)
            event = emulator.engine.stack_events()[stack["StackId"]][-1]
            event.update(fields, HookInvocationId=invocation)
        found = {**event, **_operation(stack), "EventId": emulator.new_id()}
        found["OperationStatus"] = "FAILED" if hook.mode == "FAIL" else "IN_PROGRESS"
        stack["_operation_events"] = [*stack.get("_operation_events", ()), found]


def object_to(made: Stack, hooks: list[Fault]) -> None:
    """Keep what Hooks say of a change set with it, and fail it unless all of them only warn."""
    if not hooks:
        return
    reason = failing(hooks)
    told = [
        {
            "EventId": emulator.new_id(),
            "StackId": made["StackId"],
            "OperationId": emulator.new_id(),
            "OperationType": "CREATE_CHANGESET",
            "OperationStatus": "FAILED" if reason else "SUCCEEDED",
            "EventType": "HOOK_INVOCATION_ERROR",
            "Timestamp": made["CreationTime"],
            **_ended(hook),
        }
        for hook in hooks
    ]
    made["_findings"] = [*made.get("_findings", ()), *told]
    notes.keep(made, hooks, [event["HookStatusReason"] for event in told])
    if reason and made["Status"] != "FAILED":
        change_sets.fail(made, reason)


def _begun(hook: Fault) -> dict[str, str]:
    return {
        "HookType": hook.hook,
        "HookStatus": "HOOK_IN_PROGRESS",
        "HookInvocationPoint": "PRE_PROVISION",
        "HookFailureMode": hook.mode,
    }


def _ended(hook: Fault) -> dict[str, str]:
    return _begun(hook) | {
        "HookStatus": "HOOK_COMPLETE_FAILED",
        "HookStatusReason": f"Hook failed with message: {hook.reason or UNSAID}",
    }


def _operation(stack: Stack) -> dict[str, str]:
    """Return the operation that the stack is in, as its findings name it."""
    current: dict[str, str] = next(iter(stack.get("_operations", ())), {})
    return {**current, "EventType": "HOOK_INVOCATION_ERROR"}


# Telling ------------------------------------------------------------------------------------------


def _telling(do: Action) -> Action:
    """Add to each event what a Hook said; the emulator's own answers leave it out."""

    def act(params: Params) -> Answer:
        status, headers, body = do(params)
        known = {event["EventId"]: event for event in _events(params) if "HookType" in event}
        if known:
            told = re.sub(
                r"<EventId>([^<]+)</EventId>",
                lambda found: found.group(0) + _written(known.get(found.group(1), {})),
                body.decode(),
            )
            body = told.encode()
        return status, headers, body

    return act


def _events(params: Params) -> list[Event]:
    """Return the events that an answer may be about: those of one stack, or of all."""
    if emulator.parameter(params, "ChangeSetName"):
        return []
    stack = emulator.engine.resolve_stack(emulator.parameter(params, "StackName"))
    stacks = [stack] if stack else list(emulator.engine.stacks().values())
    return [
        event
        for each in stacks
        for events in (
            emulator.engine.stack_events().get(each["StackId"]),
            each.get("_operation_events"),
        )
        for event in events or ()
    ]


def _written(event: Mapping[str, Any]) -> str:
    return "".join(f"<{name}>{escape(event[name])}</{name}>" for name in FIELDS if event.get(name))
