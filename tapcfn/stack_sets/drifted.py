"""Drift over many instances: the same change of the same property told once. (D-13)"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tapcfn.model import EMPTY, Target
from tapcfn.stack_sets.ports import InstanceDrift
from tapcfn.stack_sets.wording import placeless

_DRIFTED = frozenset({"MODIFIED", "DELETED"})
_CHECKED = _DRIFTED | {"IN_SYNC"}
_NOT_CHECKED = "NOT_CHECKED"


@dataclass(frozen=True, slots=True)
class DriftGroup:
    """A property that is other than its template says, alike in all of these pairs.

    Values have placeholders for account and Region. `path` is empty where the resource is gone.
    """

    resource_type: str
    logical_id: str
    status: str
    path: str
    expected: str
    actual: str
    pairs: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class FleetDrift:
    """What detection found over all pairs; `failed` has why it failed in some.

    `checked` and `drifted` count instances, `unsupported` resources that were not checked: which
    those are, and why as far as the service says, is in `unchecked`.
    """

    groups: tuple[DriftGroup, ...]
    checked: int
    drifted: int
    unsupported: int
    failed: Mapping[Target, str]
    unchecked: tuple[DriftGroup, ...] = ()


def always_there(template: str) -> dict[str, str]:
    """Return the types of a template's resources that every stack of it has, by logical id."""
    try:
        resources = json.loads(template).get("Resources", {})
    except ValueError:
        return {}
    return {
        key: str(each.get("Type", ""))
        for key, each in resources.items()
        if isinstance(each, Mapping) and "Condition" not in each
    }


def group(
    found: Mapping[Target, tuple[InstanceDrift, ...] | str],
    resources: Mapping[str, str] = EMPTY,
) -> FleetDrift:
    """Return drift by resource and property, that of most pairs first.

    `found` has what was found in each pair that was looked at; a text is why that failed. What is
    not told of the `resources` that each has was not checked.
    """
    drifts = {
        pair: (*each, *_left_out(pair, each, resources))
        for pair, each in found.items()
        if not isinstance(each, str)
    }
    everything = [drift for each in drifts.values() for drift in each]
    unchecked = [each for each in everything if each.status not in _CHECKED]
    return FleetDrift(
        _groups(each for each in everything if each.status in _DRIFTED),
        checked=len(drifts),
        drifted=sum(any(each.status in _DRIFTED for each in told) for told in drifts.values()),
        unsupported=len({(each.target, each.logical_id) for each in unchecked}),
        failed={pair: each for pair, each in sorted(found.items()) if isinstance(each, str)},
        unchecked=_groups(unchecked),
    )


def _left_out(
    pair: Target, told: Iterable[InstanceDrift], resources: Mapping[str, str]
) -> Iterator[InstanceDrift]:
    """Yield the resources of which the service says nothing."""
    named = {each.logical_id for each in told}
    for key in sorted(resources.keys() - named):
        yield InstanceDrift(pair, key, resources[key], _NOT_CHECKED)


def _groups(drifts: Iterable[InstanceDrift]) -> tuple[DriftGroup, ...]:
    groups: dict[tuple[str, ...], set[Target]] = {}
    for each in drifts:
        key = (
            each.resource_type,
            each.logical_id,
            each.status,
            each.path,
            placeless(each.expected, each.target),
            placeless(each.actual, each.target),
        )
        groups.setdefault(key, set()).add(each.target)
    ranked = sorted(groups.items(), key=lambda told: (-len(told[1]), told[0]))
    return tuple(
        DriftGroup(kind, logical_id, status, path, expected, actual, tuple(sorted(pairs)))
        for (kind, logical_id, status, path, expected, actual), pairs in ranked
    )
