"""Drift of stack sets: what a detection finds in one target, and what it all comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.stack_sets import stacks
from tapcfn.local.stack_sets.model import (
    Action,
    Drift,
    DriftStatus,
    Instance,
    Operation,
    OperationStatus,
    ResultStatus,
    StackSet,
    is_moving,
)
from tapcfn.local.stack_sets.wire import message

_TOLD = (
    *("StackId", "LogicalResourceId", "PhysicalResourceId", "ResourceType"),
    *("PropertyDifferences", "StackResourceDriftStatus", "Timestamp"),
)


def detect(instance: Instance) -> Drift:
    """Compare the stack of an instance, in the current account and Region, with its template."""
    stack = emulator.engine.resolve_stack(instance["stack_id"])
    if stack is None or not stacks.is_there(instance["stack_id"]):
        raise stacks.FailedError(f"Stack {instance['stack_id'] or 'of the instance'} is not there")
    answer = emulator.engine.ACTIONS["DetectStackDrift"]({"StackName": [instance["stack_id"]]})
    if not emulator.succeeded(answer):
        raise stacks.FailedError(message(answer))
    status = stack["DriftInformation"]["StackDriftStatus"]
    return Drift(status=status, resources=list(_resources(stack)))


def _resources(stack: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for record in stack.get("_resources", {}).values():
        found = record.get("_drift")
        if found:
            yield {name: found[name] for name in _TOLD if name in found}


def details(stack_set: StackSet, operation: Operation | None) -> dict[str, Any]:
    """Return what a detection has come to, or that there was none."""
    if operation is None:
        return {
            "DriftStatus": DriftStatus.NOT_CHECKED,
            "TotalStackInstancesCount": len(stack_set["instances"]),
            "DriftedStackInstancesCount": 0,
            "InSyncStackInstancesCount": 0,
            "InProgressStackInstancesCount": 0,
            "FailedStackInstancesCount": 0,
        }
    found = Counter(each["status"] for each in operation["drifts"].values())
    results = Counter(each["status"] for each in operation["results"].values())
    return {
        "DriftStatus": verdict(operation),
        "DriftDetectionStatus": _stage(operation, results[ResultStatus.FAILED]),
        "LastDriftCheckTimestamp": operation["ended"] or operation["created"],
        "TotalStackInstancesCount": len(operation["results"]),
        "DriftedStackInstancesCount": found[DriftStatus.DRIFTED],
        "InSyncStackInstancesCount": found[DriftStatus.IN_SYNC],
        "InProgressStackInstancesCount": results[ResultStatus.RUNNING]
        + results[ResultStatus.PENDING],
        "FailedStackInstancesCount": results[ResultStatus.FAILED] + found[DriftStatus.UNKNOWN],
    }


def last(stack_set: StackSet) -> Operation | None:
    """Return the last detection of a stack set, ended or not."""
    found = [
        each for each in stack_set["operations"].values() if each["action"] == Action.DETECT_DRIFT
    ]
    return found[-1] if found else None


def verdict(operation: Operation | None) -> str:
    """Return whether anything has drifted: one instance is enough."""
    found = {each["status"] for each in operation["drifts"].values()} if operation else set()
    if DriftStatus.DRIFTED in found:
        return DriftStatus.DRIFTED
    return DriftStatus.IN_SYNC if DriftStatus.IN_SYNC in found else DriftStatus.NOT_CHECKED


def _stage(operation: Operation, failed: int) -> str:
    if is_moving(operation):
        return "IN_PROGRESS"
    if operation["status"] == OperationStatus.SUCCEEDED:
        return "PARTIAL_SUCCESS" if failed else "COMPLETED"
    return str(operation["status"])
