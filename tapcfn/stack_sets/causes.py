"""Why instances failed: each cause once, with what it is the cause of. (D-4)"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tapcfn.model import Preferences, ResultStatus, SetResult, Target
from tapcfn.stack_sets.wording import normal

UNKNOWN = "no reason given"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Failures for the same reason. `first` is the one that was told first, with its own words."""

    reason: str
    first: Target
    example: str
    pairs: tuple[Target, ...]

    @property
    def count(self) -> int:
        """How many instances failed so."""
        return len(self.pairs)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What was never begun, and the failures that were one too many in their Regions.

    `tripped` is empty where someone stopped the operation.
    """

    pairs: tuple[Target, ...]
    tripped: tuple[Target, ...]


def cluster(failures: Iterable[tuple[Target, str]]) -> tuple[Cluster, ...]:
    """Return causes by how many instances they hit, then by their text."""
    groups: dict[str, list[tuple[Target, str]]] = {}
    for target, reason in failures:
        groups.setdefault(normal(reason, target) or UNKNOWN, []).append((target, reason))
    clusters = [
        Cluster(reason, told[0][0], told[0][1], tuple(sorted({target for target, _ in told})))
        for reason, told in groups.items()
    ]
    return tuple(sorted(clusters, key=lambda each: (-each.count, each.reason)))


def cancelled(
    results: Iterable[SetResult], preferences: Preferences, seen: Sequence[Target] = ()
) -> Cancelled:
    """Return what was cancelled, and which failures made the operation stop.

    Results have no time: `seen` are the failures in the order in which they were noticed; those
    that were not come after them, by name.
    """
    told = tuple(results)
    ranks = {target: rank for rank, target in enumerate(seen)}
    sizes: dict[str, int] = {}
    failed: dict[str, list[Target]] = {}
    for each in told:
        sizes[each.target.region] = sizes.get(each.target.region, 0) + 1
        if each.status is ResultStatus.FAILED:
            failed.setdefault(each.target.region, []).append(each.target)
    tripped = []
    for region, targets in sorted(failed.items()):
        tolerance = preferences.tolerance.of(sizes[region])
        if len(targets) > tolerance:
            by_time = sorted(targets, key=lambda each: (ranks.get(each, len(ranks)), each))
            tripped.append(by_time[tolerance])
    left = sorted(each.target for each in told if each.status is ResultStatus.CANCELLED)
    return Cancelled(tuple(left), tuple(tripped) if left else ())
