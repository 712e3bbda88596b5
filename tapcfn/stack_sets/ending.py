"""Say how one operation of a stack set ended, and why: failures by cause, the rest apart. (D-4)"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tapcfn.errors import CloudError
from tapcfn.events import Cause, Diagnosed, SetOperationEnded
from tapcfn.model import (
    Instance,
    ResultStatus,
    SetOperation,
    SetOperationStatus,
    SetResult,
    StackSet,
    Target,
)
from tapcfn.stack_sets.causes import cluster
from tapcfn.stack_sets.means import SetMeans
from tapcfn.stack_sets.pacing import operation as simulated
from tapcfn.stack_sets.root_causes import root_cause

# Seconds in which result lists may lag behind the end of their operation.
_LAG = 60.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one operation ended: whether the next may begin, and what went wrong in it."""

    goes_on: bool
    cause: str = ""


def tell_end(
    stack_set: StackSet,
    operation: SetOperation,
    instances: tuple[Instance, ...],
    pairs: frozenset[Target],
    means: SetMeans,
    started: float,
) -> Verdict:
    """Say how an operation ended, with its causes."""
    results = _results(stack_set, operation, means)
    failed = [each for each in results if each.status is ResultStatus.FAILED]
    cancelled = sum(each.status is ResultStatus.CANCELLED for each in results)
    done = sum(each.status is ResultStatus.SUCCEEDED for each in results)
    causes = _causes(failed, instances, means)
    seconds = means.clock.now() - started
    means.notify(
        SetOperationEnded(
            stack_set.name,
            stack_set.home,
            operation.action,
            operation.operation_id,
            operation.status,
            seconds,
            done,
            len(failed),
            cancelled,
            len(pairs) - len(results) if len(pairs) > len(results) else 0,
            causes,
        )
    )
    if operation.status is SetOperationStatus.SUCCEEDED:
        if done:
            means.ledger.took("instance", stack_set, seconds / _batches(stack_set, pairs))
        return Verdict(goes_on=True, cause=_text_of(causes, 0) if failed else "")
    said = _text_of(causes, cancelled) or operation.reason or "no reason given"
    return Verdict(
        goes_on=False,
        cause=f"operation {operation.operation_id} {operation.status}: {said}; {done} done",
    )


def _batches(stack_set: StackSet, pairs: frozenset[Target]) -> int:
    """Return how many instances had to follow one another: those beside them took the same time."""
    return simulated(pairs, stack_set.preferences).batches if pairs else 1


def _results(
    stack_set: StackSet, operation: SetOperation, means: SetMeans
) -> tuple[SetResult, ...]:
    """Return how the pairs ended, once as many have failed as the operation says. (X-24)"""
    limit = means.clock.now() + _LAG
    while True:
        try:
            found = means.sets.results(stack_set, operation.operation_id)
        except CloudError as error:
            text = f"{stack_set.name}: how its instances ended can't be read: {error}"
            means.notify(Diagnosed("warning", text))
            return ()
        failed = sum(each.status is ResultStatus.FAILED for each in found)
        moving = any(each.status in {ResultStatus.PENDING, ResultStatus.RUNNING} for each in found)
        agrees = operation.failed in {None, failed} and not moving
        if agrees or means.clock.now() >= limit or means.patience.is_over:
            return found
        means.clock.sleep(min(means.pace.cap, limit - means.clock.now()))


def _causes(
    failed: Iterable[SetResult], instances: Iterable[Instance], means: SetMeans
) -> tuple[Cause, ...]:
    """Return why instances failed, the commonest first; each with one stack's own root cause."""
    stacks = {each.target: each.stack_id for each in instances}
    clusters = cluster((each.target, _reason_of(each)) for each in failed)
    return tuple(
        Cause(
            root_cause(stacks.get(each.first, ""), each.first, each.example, means)
            or (each.reason if each.count > 1 else each.example),
            each.count,
            str(each.first),
        )
        for each in clusters
    )


def _reason_of(result: SetResult) -> str:
    if result.gate == "FAILED":
        return f"the account gate said no: {result.gate_reason or 'no reason given'}"
    return result.reason or "no reason given"


def _text_of(causes: Iterable[Cause], cancelled: int) -> str:
    told = [f"{each.count}x {each.reason} (first {each.first})" for each in causes]
    if cancelled:
        told.append(f"{cancelled} cancelled after that")
    return "; ".join(told)
