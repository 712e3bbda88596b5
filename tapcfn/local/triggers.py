"""Rollback triggers: alarms that are watched while a stack is created or updated, and for a while
after its last resource.

One that rings, or that is not there, sends the whole operation back before anything is cleaned up.
It is looked at before each resource and all through the monitoring time, which passes at the speed
of everything else; the rollback begins once the resources are done.
"""

from __future__ import annotations

import time as _clock
from collections.abc import Callable, MutableMapping
from typing import Any

from tapcfn.local import calls, emulator, options, time

STACK = "AWS::CloudFormation::Stack"
GLANCE_SECONDS = 0.05
_RUNG, _LAST = "_rung", "_last_resource"

# Where the engine's operations keep the stack and the logical id, after the type.
_PLACES = {"create": (2, 0), "update": (3, 4)}

Stack = MutableMapping[str, Any]


def install() -> None:
    """Watch operations, and send those back in which an alarm rang."""
    emulator.steps.wrap_deployments(_beginning)
    emulator.steps.wrap_operations(_watching)
    emulator.steps.wrap_outputs(_stopping)
    emulator.steps.wrap_events(_worded)


def _beginning(name: str, order: list[str]) -> None:
    stack = emulator.engine.stacks()[name]
    stack[_RUNG], stack[_LAST] = "", order[-1] if order else ""


def _watching(operation: str, do: Callable[..., Any]) -> Callable[..., Any]:
    if operation not in _PLACES:
        return do

    def act(kind: str, *rest: Any) -> Any:
        name, logical_id = (str(rest[place]) for place in _PLACES[operation])
        stack = emulator.engine.stacks().get(name, {})
        watched = "ROLLBACK" not in stack.get("StackStatus", "ROLLBACK")
        if watched:
            _look(stack)
        made = do(kind, *rest)
        if watched and logical_id == stack.get(_LAST):
            _monitor(stack)
        return made

    return act


def _monitor(stack: Stack) -> None:
    """Watch for as long as the stack asks for, with or without alarms."""
    _, minutes = options.rollback_of(stack)
    seconds = minutes * 60 / time.speed() if time.speed() else 0
    deadline = _clock.monotonic() + seconds
    _look(stack)
    while not stack[_RUNG] and (left := deadline - _clock.monotonic()) > 0:
        _clock.sleep(min(left, GLANCE_SECONDS))
        _look(stack)


def _look(stack: Stack) -> None:
    arns, _ = options.rollback_of(stack)
    if arns and not stack.get(_RUNG):
        stack[_RUNG] = next(filter(None, (_fault(arn) for arn in arns)), "")


def _fault(arn: str) -> str:
    """Say why an alarm sends an operation back, or nothing."""
    name = arn.partition(":alarm:")[2]
    found = calls.client("cloudwatch").describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    states = [
        each["StateValue"]
        for each in (*found.get("MetricAlarms", ()), *found.get("CompositeAlarms", ()))
        if each["AlarmArn"] == arn
    ]
    if not states:
        return f"Rollback trigger {arn} does not exist"
    return f"Rollback trigger {arn} is in ALARM state" if "ALARM" in states else ""


def _stopping(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Fail an operation when its resources are done, before anything is deleted."""

    def outputs(*given: Any) -> Any:
        stack = emulator.engine.stacks().get(str(given[5])) or {}
        if stack.get(_RUNG):
            raise ValueError(stack[_RUNG])
        return resolve(*given)

    return outputs


def _worded(write: Callable[..., None]) -> Callable[..., None]:
    """Give the rollback its reason; no resource has failed, and neither has the stack so far."""

    def add(
        stack_id: str, name: str, logical_id: str, kind: str, status: str, *more: Any, **named: Any
    ) -> None:
        stack = emulator.engine.stacks().get(name) or {}
        rung = stack.get(_RUNG) if kind == STACK and logical_id == name else ""
        if rung and status.endswith("_FAILED") and stack["StackStatus"] != status:
            return
        if rung and status.endswith("ROLLBACK_IN_PROGRESS"):
            stack["StackStatusReason"], more = rung, (rung, *more[1:])
        elif rung:
            stack[_RUNG] = ""
        write(stack_id, name, logical_id, kind, status, *more, **named)

    return add
