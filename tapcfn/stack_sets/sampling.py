"""Which instances are asked about where not all are: some of each kind, so that none is unseen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tapcfn.intrinsics import walk
from tapcfn.model import EMPTY, InstanceStatus, Target, TemplateBody
from tapcfn.stack_sets.spread import Spread, value_of

# What instances have in common that are alike: hashable, and of no meaning but that.
Kind = tuple[object, ...]


def sampled(spread: Spread, pairs: Iterable[Target], sample: int | None) -> list[Target]:
    """Return the first few pairs of each kind in each Region, or all; in their order."""
    pairs = list(pairs)
    if sample is None:
        return pairs
    deciding = _deciding(spread.stack_set.template)
    taken: dict[Kind, int] = {}
    chosen = []
    for pair in pairs:
        kind = (pair.region, *_kind(spread, pair, deciding))
        taken[kind] = taken.get(kind, 0) + 1
        if taken[kind] <= sample:
            chosen.append(pair)
    return chosen


def _kind(spread: Spread, pair: Target, deciding: frozenset[str]) -> Kind:
    """Return what decides what becomes of an instance, as far as it differs from the others.

    That is the template that it has (one that is CURRENT has the set's, another one the template
    of whatever has touched it last), which parameters change, and what its conditions go by.
    """
    instance = spread.found.instances[pair]
    current = instance.status is InstanceStatus.CURRENT
    before, after = _before(spread, pair), _after(spread, pair)
    changing = sorted(key for key, value in after.items() if before.get(key) != value)
    return (
        "" if current else f"{instance.status} {instance.operation}",
        bool(instance.stack_id),
        tuple(changing),
        tuple((key, before.get(key), after.get(key)) for key in sorted(deciding)),
    )


def _before(spread: Spread, pair: Target) -> Mapping[str, str]:
    deployed = spread.found.deployed
    own = spread.found.instances[pair].overrides or EMPTY
    return {**(deployed.parameters if deployed else EMPTY), **own}


def _after(spread: Spread, pair: Target) -> Mapping[str, str]:
    wanted = spread.wanted
    told = {key: value_of(wanted, key) for key in wanted.stack_set.template.parameters}
    return {**told, **wanted.overrides_of(pair)}


def _deciding(template: TemplateBody) -> frozenset[str]:
    """Return the parameters that conditions refer to: they say which resources there are."""
    try:
        document: Mapping[str, Any] = json.loads(template.text)
    except ValueError:
        return frozenset(template.parameters)
    named = {str(each["Ref"]) for each in walk(document.get("Conditions", {})) if "Ref" in each}
    return frozenset(named & template.parameters.keys())
