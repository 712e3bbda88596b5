"""Carry one operation out, target by target, on the emulator's loop.

All changes to what is kept of a stack set while an operation runs are made here and in `marks`, and
all on that loop, so that a reader always finds a consistent state. `turns` says when one begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tapcfn.local import emulator
from tapcfn.local.stack_sets import deployment, marks, preferences, roles, store, trials
from tapcfn.local.stack_sets.model import (
    Action,
    Named,
    Operation,
    OperationStatus,
    Result,
    ResultStatus,
    StackSet,
    Target,
    is_service_managed,
    new_instance,
    now,
    target_of,
)
from tapcfn.local.stack_sets.schedule import Schedule, schedule

TOLERANCE_EXCEEDED = "Cancelled since failure tolerance has exceeded"

_NOTHING: Mapping[Target, dict[str, str]] = MappingProxyType({})
_NO_TEXT: Mapping[str, str] = MappingProxyType({})
_NO_STACKS: Mapping[Target, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Plan:
    """What an operation comes to, as things are: found again when one that waited begins.

    `change` is what becomes of the stack set itself, whatever becomes of the targets.
    """

    targets: tuple[Target, ...]
    overrides: Mapping[Target, dict[str, str]] = field(default_factory=lambda: _NOTHING)
    units: Mapping[str, str] = field(default_factory=lambda: _NO_TEXT)
    named: Named | None = None
    stacks: Mapping[Target, str] = field(default_factory=lambda: _NO_STACKS)
    change: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation that a request asks for."""

    id: str
    action: Action
    plan: Callable[[], Plan]
    preferences: preferences.Preferences
    retain_stacks: bool = False


def noted(stack_set: StackSet, asked: Asked, plan: Plan) -> Operation:
    """Write an operation down that waits for its turn."""
    definition = stack_set["definition"]
    operation = Operation(
        id=asked.id,
        action=asked.action,
        status=OperationStatus.QUEUED,
        reason="",
        preferences=asked.preferences.to_wire(),
        retain_stacks=asked.retain_stacks,
        administration_role=definition["administration_role"],
        execution_role=definition["execution_role"],
        created=now(),
        ended="",
        results=_results(plan),
        named=plan.named,
        stacks={str(target): stack for target, stack in plan.stacks.items()},
        drifts={},
    )
    stack_set["operations"][asked.id] = operation
    return operation


def _results(plan: Plan) -> dict[str, Result]:
    return {
        str(each): Result(
            account=each.account,
            region=each.region,
            status=ResultStatus.PENDING,
            reason="",
            unit=plan.units.get(each.account, ""),
            gate=None,
        )
        for each in plan.targets
    }


def begin(stack_set: StackSet, operation: Operation, plan: Plan) -> None:
    """Change the set itself and mark the instances that are to be worked on."""
    if plan.change is not None:
        plan.change()
    definition = stack_set["definition"]
    operation["administration_role"] = definition["administration_role"]
    operation["execution_role"] = definition["execution_role"]
    operation["status"] = OperationStatus.RUNNING
    operation["results"] = _results(plan)
    for target in plan.targets:
        instance = stack_set["instances"].setdefault(str(target), new_instance(target))
        instance["last_operation"] = operation["id"]
        instance["unit"] = plan.units.get(target.account, "") or instance["unit"]
        operation["results"][str(target)]["unit"] = instance["unit"]
        instance["overrides"] = plan.overrides.get(target, instance["overrides"])
        if operation["action"] != Action.DETECT_DRIFT:
            marks.mark(instance, ResultStatus.PENDING, "")


async def work(stack_set: StackSet, operation: Operation) -> None:
    """Start what may be started, whenever something has ended, until nothing is left."""
    administrator = await _administrator(stack_set, operation)
    plan = _schedule(operation)
    running: dict[asyncio.Task[bool], Target] = {}
    while store.holds(stack_set):
        for target in _startable(plan, operation):
            plan = plan.started(target)
            one = _carry_out(stack_set, operation, target, administrator)
            running[asyncio.create_task(one)] = target
        marks.cancel(stack_set, operation, plan.lost(), TOLERANCE_EXCEEDED)
        if not running:
            await trials.hold(stack_set, operation)
            _conclude(operation, plan)
            return
        ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            plan = plan.ended(running.pop(task), task.result())


async def _administrator(stack_set: StackSet, operation: Operation) -> roles.Administration | None:
    """Become the administration role, unless Organizations does without."""
    if is_service_managed(stack_set):
        return None
    return await asyncio.to_thread(
        roles.administration, operation["administration_role"], stack_set["arn"]
    )


def _schedule(operation: Operation) -> Schedule:
    wanted = preferences.from_wire(operation["preferences"])
    return schedule(map(target_of, operation["results"].values()), wanted)


def _startable(plan: Schedule, operation: Operation) -> tuple[Target, ...]:
    return () if operation["status"] == OperationStatus.STOPPING else plan.startable()


async def _carry_out(
    stack_set: StackSet,
    operation: Operation,
    target: Target,
    administrator: roles.Administration | None,
) -> bool:
    """Do one target in its account and Region, record what came of it, say if it went well."""
    result, instance = operation["results"][str(target)], stack_set["instances"][str(target)]
    result["status"] = ResultStatus.RUNNING
    if operation["action"] != Action.DETECT_DRIFT:
        marks.mark(instance, ResultStatus.RUNNING, "")
    job = deployment.Job(stack_set, operation, instance, administrator)
    with emulator.request_scope(target.account, target.region):
        outcome = await deployment.carry_out(job)
    marks.record(stack_set, operation, result, outcome)
    return outcome.status != ResultStatus.FAILED


def _conclude(operation: Operation, plan: Schedule) -> None:
    if operation["status"] == OperationStatus.STOPPING:
        marks.end(operation, OperationStatus.STOPPED, marks.STOPPED_BY_USER)
    elif plan.exceeded:
        regions = ", ".join(queue.region for queue in plan.exceeded)
        reason = f"The failure tolerance was exceeded in {regions}"
        marks.end(operation, OperationStatus.FAILED, reason)
    else:
        marks.end(operation, OperationStatus.SUCCEEDED, "")
