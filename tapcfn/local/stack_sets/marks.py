"""What is written down of results, instances and operations as an operation goes on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tapcfn.local.stack_sets.model import (
    FAILED_IMPORT,
    Action,
    Drift,
    Gate,
    Instance,
    InstanceStatus,
    Operation,
    OperationStatus,
    Result,
    ResultStatus,
    StackSet,
    Target,
    now,
    target_of,
    with_status,
)

STOPPED_BY_USER = "The operation was stopped by the user"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one target ended; `detailed` is the instance's status where it is not the result's."""

    status: ResultStatus = ResultStatus.SUCCEEDED
    reason: str = ""
    gate: Gate | None = None
    detailed: str = ""
    drift: Drift | None = None


def failed(reason: str, gate: Gate | None = None) -> Outcome:
    """Return the outcome of a target that failed."""
    return Outcome(ResultStatus.FAILED, reason, gate)


def record(stack_set: StackSet, operation: Operation, result: Result, outcome: Outcome) -> None:
    """Write down how a target ended."""
    key = str(target_of(result))
    instance, action = stack_set["instances"][key], operation["action"]
    result["status"], result["reason"] = outcome.status, outcome.reason
    result["gate"] = outcome.gate
    if action == Action.DETECT_DRIFT:
        _record_drift(operation, instance, outcome)
    elif action == Action.DELETE and outcome.status == ResultStatus.SUCCEEDED:
        del stack_set["instances"][key]
    else:
        mark(instance, outcome.status, outcome.reason)
        instance["detailed_status"] = outcome.detailed or instance["detailed_status"]
        _mark_failure(instance, action, outcome)


def _mark_failure(instance: Instance, action: str, outcome: Outcome) -> None:
    if outcome.status != ResultStatus.FAILED:
        return
    if action == Action.DELETE:
        instance["status"] = InstanceStatus.INOPERABLE
        instance["detailed_status"] = InstanceStatus.INOPERABLE
    if action == Action.IMPORT:
        instance["detailed_status"] = FAILED_IMPORT


def _record_drift(operation: Operation, instance: Instance, outcome: Outcome) -> None:
    if outcome.drift is not None:
        instance["drift"], instance["drift_checked"] = outcome.drift["status"], now()
        operation["drifts"][str(target_of(instance))] = outcome.drift


def mark(instance: Instance, status: ResultStatus, reason: str) -> None:
    """Give an instance the status that a result implies: only success makes it CURRENT.

    One that is INOPERABLE stays so, until it is deleted.
    """
    instance["detailed_status"], instance["reason"] = status, reason
    if status == ResultStatus.SUCCEEDED:
        instance["status"] = InstanceStatus.CURRENT
    elif instance["status"] != InstanceStatus.INOPERABLE:
        instance["status"] = InstanceStatus.OUTDATED


def cancel(
    stack_set: StackSet, operation: Operation, targets: Collection[Target], reason: str
) -> None:
    """Give up targets that have not begun."""
    for target in targets:
        result = operation["results"][str(target)]
        if result["status"] != ResultStatus.PENDING:
            continue
        result["status"], result["reason"] = ResultStatus.CANCELLED, reason
        instance = stack_set["instances"].get(str(target))
        is_begun = operation["status"] != OperationStatus.QUEUED
        if instance is not None and is_begun and operation["action"] != Action.DETECT_DRIFT:
            mark(instance, ResultStatus.CANCELLED, reason)


def pending(operation: Operation) -> list[Target]:
    """Return the targets that have not begun."""
    return [target_of(each) for each in with_status(operation, ResultStatus.PENDING)]


def end(operation: Operation, status: OperationStatus, reason: str) -> None:
    """Write down that an operation is over."""
    operation["status"], operation["reason"], operation["ended"] = status, reason, now()
