"""What a stack set's instances and operations are, as text and as fields for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tapcfn.model import (
    EMPTY,
    Instance,
    Member,
    ResultStatus,
    SetOperation,
    SetResult,
    Target,
)
from tapcfn.report.counted import counted
from tapcfn.report.spreads import preferences_text
from tapcfn.report.stack_sets import causes_text, members_text, places
from tapcfn.report.text import table
from tapcfn.stack_sets.causes import Cancelled, Cluster
from tapcfn.stack_sets.standing import Standing, Told


def standing_text(standing: Standing) -> str:
    """Return where one set stands."""
    stack_set = standing.stack_set
    lines = [f"{stack_set.name}  stack set in {stack_set.home}"]
    if standing.deployed is None:
        return f"{lines[0]}\n  not deployed; {counted(len(standing.pairs), 'pair')} wanted"
    word = "as wanted" if standing.has_template else "not that of the settings"
    lines.append(f"  template   {word}")
    states = ", ".join(f"{count} {state}" for state, count in standing.states.items())
    lines.append(f"  instances  {states or 'none'}")
    if standing.missing:
        lines.append(f"  missing    {len(standing.missing)}: {places(standing.missing)}")
    if standing.unwanted:
        lines.append(f"  unwanted   {len(standing.unwanted)}: {places(standing.unwanted)}")
    if standing.left_out:
        lines.append(f"  left out   {members_text(standing.left_out)}: suspended")
    for each in standing.moving:
        done, touched = standing.done(each)
        lines.append(f"  at work    {_operation(each)}, {done} of {touched} done")
    lines.append(f"  last       {_operation(standing.last) if standing.last else 'no operation'}")
    return "\n".join(lines)


def _operation(operation: SetOperation) -> str:
    when = f"ended {operation.ended}" if operation.ended else f"since {operation.created}"
    reason = f": {operation.reason}" if operation.reason else ""
    return f"{operation.operation_id} {operation.action} {operation.status}, {when}{reason}"


def standing_fields(standing: Standing) -> dict[str, object]:
    """Return where one set stands, for programs."""
    stack_set, last = standing.stack_set, standing.last
    return {
        "unit": stack_set.name,
        "account": stack_set.home.account,
        "region": stack_set.home.region,
        "deployed": standing.deployed is not None,
        "template_as_wanted": standing.has_template,
        "instances": dict(standing.states),
        "missing": _names(standing.missing),
        "unwanted": _names(standing.unwanted),
        "left_out": members_fields(standing.left_out),
        "moving": [operation_fields(each) for each in standing.moving],
        "last": operation_fields(last) if last else None,
    }


def members_fields(members: Iterable[Member]) -> list[dict[str, object]]:
    """Return accounts by id and name, for programs."""
    return [{"account": each.account, "name": each.name or None} for each in members]


def _names(pairs: Iterable[Target]) -> list[str]:
    return [str(each) for each in pairs]


# Instances ----------------------------------------------------------------------------------------


def instances_text(instances: Iterable[Instance], parameters: Mapping[Target, Told] = EMPTY) -> str:
    """Return a row for each instance; with what it is told where that was asked for."""
    heads: tuple[str, ...] = ("account", "Region", "status", "detailed", "last operation")
    if parameters:
        heads += ("overrides", "all parameters")
    rows = [(*_row(each), *_told(parameters.get(each.target)), each.reason) for each in instances]
    heads += ("reason",)
    return table(heads, rows) if rows else "No instances."


def _row(each: Instance) -> tuple[str, ...]:
    pair = each.target
    return (pair.account, pair.region, each.status, each.detailed, each.operation)


def _told(told: Told | None) -> tuple[str, ...]:
    return () if told is None else (values_text(told.overrides), values_text(told.effective))


def values_text(values: Mapping[str, str]) -> str:
    """Return parameters in one line."""
    return ", ".join(f"{key}={value}" for key, value in sorted(values.items())) or "-"


def instance_fields(name: str, each: Instance, told: Told | None = None) -> dict[str, object]:
    """Return one instance, for programs."""
    more: dict[str, object] = {}
    if told is not None:
        more = {"overrides": dict(told.overrides), "parameters": dict(told.effective)}
    return {
        "unit": name,
        "account": each.target.account,
        "region": each.target.region,
        "status": each.status,
        "detailed_status": each.detailed,
        "reason": each.reason,
        "stack_id": each.stack_id,
        "operation_id": each.operation,
        "organizational_unit": each.unit,
        **more,
    }


# Operations ---------------------------------------------------------------------------------------


def operations_text(operations: Iterable[SetOperation]) -> str:
    """Return the history, newest first."""
    heads = ("operation", "action", "status", "created", "ended", "reason")
    rows = [
        (each.operation_id, each.action, each.status, each.created, each.ended, each.reason)
        for each in operations
    ]
    return table(heads, rows) if rows else "No operations."


def operation_text(
    operation: SetOperation,
    results: Sequence[SetResult],
    clusters: Sequence[Cluster],
    cancelled: Cancelled,
) -> str:
    """Return one operation: how its pairs ended, why some failed, and what that led to."""
    lines = [_operation(operation), f"  {preferences_text(operation.preferences)}"]
    counts = result_counts(results)
    lines.append(
        f"  {', '.join(f'{count} {word}' for word, count in counts.items()) or 'no pairs'}"
    )
    if why := causes_text(clusters, cancelled):
        lines += [f"  {line}" for line in why.splitlines()]
    rows = [(str(each.target), each.status, _reason(each)) for each in results]
    return "\n".join([*lines, "", table(("pair", "result", "reason"), rows)] if rows else lines)


def _reason(result: SetResult) -> str:
    gate = f"account gate {result.gate}: {result.gate_reason}" if result.gate == "FAILED" else ""
    return "; ".join(each for each in (gate, result.reason) if each)


def result_counts(results: Iterable[SetResult]) -> dict[str, int]:
    """Return how many pairs ended each way, in the order of the service's words."""
    told = [each.status for each in results]
    return {str(each): told.count(each) for each in ResultStatus if each in told}


def operation_fields(operation: SetOperation) -> dict[str, object]:
    """Return one operation, for programs."""
    return {
        "operation_id": operation.operation_id,
        "action": operation.action,
        "status": operation.status,
        "reason": operation.reason,
        "created": operation.created,
        "ended": operation.ended,
        "failed": operation.failed,
    }


def results_fields(
    name: str,
    operation: SetOperation,
    results: Sequence[SetResult],
    clusters: Iterable[Cluster],
    cancelled: Cancelled,
) -> dict[str, object]:
    """Return one operation with how its pairs ended, for programs."""
    return {
        "unit": name,
        **operation_fields(operation),
        "counts": result_counts(results),
        "results": [
            {
                "account": each.target.account,
                "region": each.target.region,
                "status": each.status,
                "reason": _reason(each),
            }
            for each in results
        ],
        "causes": [
            {"reason": each.reason, "count": each.count, "first": str(each.first)}
            for each in clusters
        ],
        "cancelled": _names(cancelled.pairs),
        "tripped": _names(cancelled.tripped),
    }


def inoperable_lines(name: str, region: str, instances: Iterable[Instance]) -> Iterator[str]:
    """Yield what a person has to do about instances that no update touches, with the exact calls.

    Deleting with the stack retained takes the instance out of the set and leaves the stack alone.
    """
    for each in instances:
        pair = each.target
        yield f"! {pair} is INOPERABLE: {each.reason or 'no reason given'}"
        yield "    settle the cause (often termination protection), then take it out of the set:"
        yield (
            f"    aws cloudformation delete-stack-instances --stack-set-name {name} --accounts "
            f"{pair.account} --regions {pair.region} --retain-stacks --region {region}"
        )
        yield "    then delete its stack, or bring it back with `stackset adopt`:"
        yield f"    {each.stack_id or 'it has no stack'}"
