"""Do again what failed in one operation of a stack set, and nothing else. (D-5)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tapcfn.errors import StaleError, UsageError
from tapcfn.model import (
    EMPTY,
    DeployedSet,
    DetailedStatus,
    FoundSet,
    Instance,
    InstanceStatus,
    Preferences,
    ResultStatus,
    SetOperation,
    SetResult,
    StackSet,
    Target,
    TemplateBody,
    digest_of,
)
from tapcfn.stack_sets.calls import Act, SetCall
from tapcfn.stack_sets.carving import covered, in_waves
from tapcfn.stack_sets.recording import Record
from tapcfn.stack_sets.spread import Cover, Spread, SpreadReason, Wanted
from tapcfn.stack_sets.waves import Part

# The service's words for what an operation did to instances; a drift detection changes nothing.
CHANGING = frozenset({"CREATE", "UPDATE", "DELETE"})
_REMOVING = "DELETE"

_FAILED = frozenset({ResultStatus.FAILED, ResultStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Retry:
    """What is done again. `inoperable` needs a person; `missing` has no instance to update."""

    spread: Spread
    inoperable: tuple[Instance, ...] = ()
    missing: tuple[Target, ...] = ()


def chosen(
    operations: Sequence[SetOperation],
    stack_set: StackSet,
    operation_id: str = "",
    records: Mapping[str, Record] = EMPTY,
) -> SetOperation | None:
    """Return the operation of this id, or the last one that changed instances, if there is one.

    A retry that did not come to its end is gone on with: what it did again is meant, not its own
    part. `operations` are the newest first. Raises `UsageError` for an id that there is not.
    """
    changing = [each for each in operations if each.action in CHANGING]
    if not operation_id:
        return _first(changing, records) if changing else None
    found = next((each for each in operations if each.operation_id == operation_id), None)
    if found is None:
        raise UsageError(f"{operation_id}: {stack_set.name} has no such operation")
    if found not in changing:
        raise UsageError(f"{operation_id}: is a {found.action}, which changes no instances")
    return found


def _first(changing: Sequence[SetOperation], records: Mapping[str, Record]) -> SetOperation:
    """Return what the newest operation is a retry of, and that of another; or that itself."""
    known = {each.operation_id: each for each in changing}
    found = changing[0]
    while (record := records.get(found.operation_id)) and record.retries in known:
        found = known[record.retries]
    return found


def check_same_template(
    operation: SetOperation,
    operations: Iterable[SetOperation],
    records: Mapping[str, Record],
    deployed: DeployedSet,
) -> None:
    """Raise `StaleError` where the set may have another template than the operation worked with.

    Only an update changes it: one that came later, and that this folder does not know, may have.
    """
    mine = records.get(operation.operation_id)
    if mine and mine.aimed.template != digest_of(deployed.template):
        raise StaleError(
            f"{deployed.name}: its template has changed since {operation.operation_id}; apply"
        )
    for later in operations:
        if later.operation_id == operation.operation_id:
            return
        if later.action == "UPDATE" and not _keeps(records.get(later.operation_id), mine):
            raise StaleError(
                f"{deployed.name}: {later.operation_id} came after {operation.operation_id} and "
                "may have changed the template; apply, or retry the later one"
            )


def _keeps(later: Record | None, mine: Record | None) -> bool:
    """Whether a later operation is known to have left the template as it was."""
    if later is None:
        return False
    before = mine.aimed.template if mine else digest_of(later.template)
    return later.aimed.template == before


def as_deployed(stack_set: StackSet, deployed: DeployedSet, preferences: Preferences) -> StackSet:
    """Return the set as it stands, whatever the settings say by now."""
    body = TemplateBody(stack_set.template.layer, deployed.template, stack_set.template.source)
    return replace(
        stack_set,
        template=body,
        parameters=dict(deployed.parameters),
        tags=dict(deployed.tags),
        overrides={},
        preferences=preferences,
        waves=(),
    )


def plan_retry(
    stack_set: StackSet,
    operation: SetOperation,
    results: Iterable[SetResult],
    found: FoundSet,
    cover: Cover,
    *,
    everything: bool = False,
    parts: tuple[Part, ...] = (),
) -> Retry:
    """Return the calls for what the operation left FAILED, CANCELLED or OUTDATED, by cover.

    They go in the waves of `parts`, if there are any. What has become well since is left alone,
    unless `everything` of it is to be done again.
    """
    told = {each.target: each.status for each in results}
    there = found.instances
    touched = told.keys() | {
        pair for pair, each in there.items() if each.operation == operation.operation_id
    }
    failed = {pair for pair in touched if everything or _has_failed(pair, told, there)}
    inoperable = tuple(
        there[pair] for pair in sorted(failed & there.keys()) if _is_stuck(there[pair])
    )
    again = frozenset(failed & there.keys()) - {each.target for each in inoperable}
    removes = operation.action == _REMOVING
    missing = () if removes else tuple(sorted(failed - there.keys()))
    stuck = frozenset(each.target for each in inoperable)
    spread = _spread(stack_set, operation, found, again, stuck)
    calls = partial(_calls, spread, operation, cover)
    waves = in_waves(() if removes else parts, again, "retry", calls)
    spread = replace(spread, waves=waves)
    return Retry(spread, inoperable, missing)


def _is_stuck(instance: Instance) -> bool:
    """Whether no update touches it, or a failed import has left it in a state of its own."""
    return (
        instance.status is InstanceStatus.INOPERABLE
        or instance.detailed is DetailedStatus.FAILED_IMPORT
    )


def _has_failed(
    pair: Target, told: Mapping[Target, ResultStatus], there: Mapping[Target, Instance]
) -> bool:
    instance = there.get(pair)
    if instance is None or instance.is_well:
        return instance is None and told.get(pair) in _FAILED
    return told.get(pair) in _FAILED or instance.status is not InstanceStatus.CURRENT


def _spread(
    stack_set: StackSet,
    operation: SetOperation,
    found: FoundSet,
    pairs: frozenset[Target],
    stuck: frozenset[Target],
) -> Spread:
    """Return what is done; what is stuck stays wanted, so that its part is no success."""
    removes = operation.action == _REMOVING
    overrides = {pair: dict(found.instances[pair].overrides or {}) for pair in sorted(pairs)}
    kept = replace(stack_set, retain=operation.retain) if removes else stack_set
    wanted = frozenset() if removes else pairs | stuck
    return Spread(
        Wanted(replace(kept, pairs=wanted), wanted, kept_values(kept), overrides),
        found,
        SpreadReason.RETRIED if pairs else SpreadReason.AS_WANTED,
        update=frozenset() if removes else pairs,
        remove=pairs if removes else frozenset(),
        passed_over=stuck,
        retries=operation.operation_id,
    )


def _calls(
    spread: Spread, operation: SetOperation, cover: Cover, pairs: frozenset[Target]
) -> list[SetCall]:
    """Return the calls for some pairs: an update without a change, or the removal again."""
    removes = operation.action == _REMOVING
    deployed = spread.found.deployed
    act = Act.REMOVE if removes else Act.UPDATE
    known = deployed.capabilities if deployed and not removes else ()
    return [
        SetCall(act, each, retain=removes and operation.retain, capabilities=known)
        for each in covered(pairs, cover)
    ]


def kept_values(stack_set: StackSet) -> dict[str, str]:
    """Return the parameters of a set whose values are all known."""
    return {key: str(value) for key, value in sorted(stack_set.parameters.items())}
