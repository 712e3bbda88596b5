"""What commands on stack sets answer: versions, simulations, reverts, stops, adoptions, drift."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tapcfn.model import EMPTY, Member, SetOperation, SetResult, StackSet, Target
from tapcfn.report.counted import counted
from tapcfn.report.stack_sets import places
from tapcfn.report.standings import inoperable_lines, members_fields, result_counts, values_text
from tapcfn.report.text import table
from tapcfn.stack_sets.calls import Act
from tapcfn.stack_sets.drifted import FleetDrift
from tapcfn.stack_sets.retrying import Retry
from tapcfn.stack_sets.reverting import Revert
from tapcfn.stack_sets.simulation import Simulation
from tapcfn.stack_sets.skew import Retained, Version
from tapcfn.stack_sets.spread import Spread

# Versions and what will be ------------------------------------------------------------------------


def skew_fields(
    name: str,
    versions: Iterable[Version],
    names: Mapping[str, str] = EMPTY,
    retained: Iterable[Retained] = (),
) -> dict[str, object]:
    """Return which instances run what, for programs."""
    return {
        "unit": name,
        "versions": [
            {
                "template": each.template or None,
                "name": names.get(each.template),
                "parameters": each.parameters or None,
                "status": each.status,
                "stack": each.stand,
                "instances": _names(each.pairs),
            }
            for each in versions
        ],
        "retained": [
            {
                "account": each.target.account,
                "region": each.target.region,
                "stack": each.stack,
                "stack_id": each.stack_id,
                "template": each.template or None,
                "name": names.get(each.template),
                "parameters": each.parameters or None,
            }
            for each in retained
        ],
    }


def simulation_fields(
    name: str, simulation: Simulation, left_out: Iterable[Member] = ()
) -> dict[str, object]:
    """Return how a rollout would go, for programs."""
    return {
        "unit": name,
        "pairs": simulation.pairs,
        "at_once": simulation.at_once,
        "batches": simulation.batches,
        "worst": simulation.worst,
        "minimum_ms": _milliseconds(simulation.minimum()),
        "likely_ms": _milliseconds(simulation.likely()),
        "warnings": list(simulation.warnings),
        "left_out": members_fields(left_out),
        "waves": [
            {
                "name": each.name,
                "pairs": each.pairs,
                "operations": len(each.operations),
                "at_once": each.at_once,
                "batches": each.batches,
                "worst": each.worst,
                "minimum_ms": _milliseconds(simulation.minimum(each)),
                "likely_ms": _milliseconds(simulation.likely(each)),
            }
            for each in simulation.waves
        ],
    }


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def retry_text(stack_set: StackSet, retry: Retry) -> str:
    """Return how much is done again, and what can't be."""
    lines = [f"{stack_set.name}: {counted(len(_touched(retry.spread)), 'instance')} to do again"]
    lines += inoperable_lines(stack_set.name, stack_set.home.region, retry.inoperable)
    lines += [f"! {pair} has no instance to update; apply makes it" for pair in retry.missing]
    return "\n".join(lines)


def retry_fields(stack_set: StackSet, retry: Retry) -> dict[str, object]:
    """Return what is done again, and what can't be, for programs."""
    return {
        "unit": stack_set.name,
        "instances": _names(sorted(_touched(retry.spread))),
        "inoperable": _names(each.target for each in retry.inoperable),
        "missing": _names(retry.missing),
    }


def _touched(spread: Spread) -> frozenset[Target]:
    return spread.update | spread.override | spread.remove


def revert_text(revert: Revert) -> str:
    """Return how much is brought back, and what taking an operation back leaves as it is."""
    name, touched = revert.spread.stack_set.name, _touched(revert.spread)
    lines = [f"{name}: {counted(len(touched), 'instance')} to bring back"]
    if revert.untouched:
        count = counted(len(revert.untouched), "instance")
        lines.append(f"{count} not touched since, as before: {places(revert.untouched)}")
    if revert.made:
        lines.append(f"{len(revert.made)} made since stay: {places(revert.made)}")
    if revert.gone:
        lines.append(f"{len(revert.gone)} gone since are not made again: {places(revert.gone)}")
    return "\n".join(lines)


def revert_fields(stack_set: StackSet, revert: Revert) -> dict[str, object]:
    """Return what is brought back, and what is left as it is, for programs."""
    return {
        "unit": stack_set.name,
        "instances": _names(sorted(_touched(revert.spread))),
        "untouched": _names(revert.untouched),
        "made": _names(revert.made),
        "gone": _names(revert.gone),
    }


def stopped_text(operation: SetOperation, results: Sequence[SetResult], not_begun: int) -> str:
    """Return how an operation ended that was asked to stop."""
    counts = {word.lower(): count for word, count in result_counts(results).items()}
    counts |= {"not started": not_begun} if not_begun else {}
    said = ", ".join(f"{count} {word}" for word, count in counts.items())
    return f"{operation.operation_id} {operation.action} is {operation.status}: {said or 'nothing'}"


def adoption_text(spread: Spread, names: Mapping[Target, str]) -> str:
    """Return the stacks that become instances, and what each keeps for itself."""
    rows = [
        (names[pair], str(pair), values_text(spread.wanted.overrides_of(pair)))
        for pair in sorted(spread.add)
    ]
    calls = sum(call.act is Act.IMPORT for wave in spread.waves for call in wave.calls)
    new = "" if spread.found.deployed else "the stack set is made, then "
    head = (
        f"{spread.stack_set.name}: {new}{counted(len(rows), 'stack')} in {counted(calls, 'call')}"
    )
    return "\n".join(
        [head, table(("stack", "pair", "its own parameters"), rows), *_overrides_to_write(spread)]
    )


def _overrides_to_write(spread: Spread) -> Iterator[str]:
    """Yield the settings that keep what the stacks have for themselves: the next apply asks them.

    What a plan wants otherwise is shown by it.
    """
    stack_set = spread.stack_set
    own = {pair: spread.wanted.overrides_of(pair) for pair in sorted(spread.add)}
    new = {pair: told for pair, told in own.items() if told != stack_set.overrides.get(pair, {})}
    if new:
        yield "To keep these parameters, the settings need:"
    for pair, told in new.items():
        values = ", ".join(f"{key} = {json.dumps(value)}" for key, value in told.items())
        yield f"  [[stack_sets.{stack_set.name}.overrides]]"
        yield f'  accounts = ["{pair.account}"]'
        yield f'  regions = ["{pair.region}"]'
        yield f"  parameters = {{ {values} }}"


def adoption_fields(spread: Spread, names: Mapping[Target, str]) -> dict[str, object]:
    """Return the stacks that become instances, for programs."""
    return {
        "unit": spread.stack_set.name,
        "creates": spread.found.deployed is None,
        "stacks": [
            {
                "stack": names[pair],
                "account": pair.account,
                "region": pair.region,
                "overrides": dict(spread.wanted.overrides_of(pair)),
            }
            for pair in sorted(spread.add)
        ],
    }


def drift_fields(name: str, status: str, drift: FleetDrift) -> dict[str, object]:
    """Return drift over all instances, for programs."""
    return {
        "unit": name,
        "status": status,
        "checked": drift.checked,
        "drifted": drift.drifted,
        "unsupported": drift.unsupported,
        "failed": {str(pair): why for pair, why in drift.failed.items()},
        "unchecked": [
            {
                "logical_id": each.logical_id,
                "resource_type": each.resource_type,
                "status": each.status,
                "instances": _names(each.pairs),
            }
            for each in drift.unchecked
        ],
        "groups": [
            {
                "logical_id": each.logical_id,
                "resource_type": each.resource_type,
                "status": each.status,
                "path": each.path or None,
                "expected": each.expected or None,
                "actual": each.actual or None,
                "instances": _names(each.pairs),
            }
            for each in drift.groups
        ],
    }


def _names(pairs: Iterable[Target]) -> list[str]:
    return [str(each) for each in pairs]
