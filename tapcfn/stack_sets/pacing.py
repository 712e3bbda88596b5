"""How one operation goes through its pairs: pure arithmetic. (D-11, R-4)

The service counts in each Region on its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tapcfn.model import Preferences, Target


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds in one Region of an operation, where it has so many accounts."""

    tolerance: int
    maximum: int
    soft: bool

    def at_once(self, failed: int = 0) -> int:
        """Return how many accounts may be at work after so many failures.

        Strict: no more than could all fail and make one failure too many.
        """
        return self.maximum if self.soft else min(self.maximum, max(0, self.tolerance + 1 - failed))


def limits(preferences: Preferences, accounts: int) -> Limits:
    """Return the limits; percentages round down, but one account is always at work."""
    return Limits(
        preferences.tolerance.of(accounts),
        max(1, preferences.concurrent.of(accounts)),
        preferences.soft,
    )


@dataclass(frozen=True, slots=True)
class RegionPart:
    """One Region of one operation.

    `worst` is how many accounts are touched if everything fails. Each failure lets the next begin
    until there is one too many; soft leaves those running that began beside it.
    """

    region: str
    accounts: int
    limits: Limits

    @property
    def at_once(self) -> int:
        """How many accounts are at work at the same time, at most."""
        return min(self.accounts, self.limits.at_once())

    @property
    def batches(self) -> int:
        """How many times so many accounts make all of them."""
        return -(-self.accounts // self.at_once)

    @property
    def stops(self) -> bool:
        """Whether failures can stop it at all."""
        return self.limits.tolerance < self.accounts

    @property
    def worst(self) -> int:
        """How many accounts are touched if everything fails."""
        beside = self.limits.maximum if self.limits.soft else 1
        return min(self.accounts, self.limits.tolerance + beside)


@dataclass(frozen=True, slots=True)
class OperationPart:
    """One call: its Regions in the order in which they are worked through."""

    regions: tuple[RegionPart, ...]
    parallel: bool
    touched: frozenset[Target]

    @property
    def pairs(self) -> int:
        """How many pairs it has."""
        return len(self.touched)

    @property
    def at_once(self) -> int:
        """How many pairs are at work at the same time, at most."""
        counts = [each.at_once for each in self.regions]
        return sum(counts) if self.parallel else max(counts)

    @property
    def batches(self) -> int:
        """How many instances follow one another on the longest way."""
        counts = [each.batches for each in self.regions]
        return max(counts) if self.parallel else sum(counts)

    @property
    def stops(self) -> bool:
        """Whether failures can stop it at all."""
        return any(each.stops for each in self.regions)

    @property
    def worst(self) -> int:
        """How many pairs are touched if everything fails: in parallel, in all Regions at once."""
        return self.worst_beside(frozenset())

    def worst_beside(self, before: frozenset[Target]) -> int:
        """Return how many pairs are touched at worst that were not touched `before`."""
        left = Counter(pair.region for pair in self.touched - before)
        begun = _until_stopped(self.regions, self.parallel)
        return sum(min(each.worst, left[each.region]) for each in begun)


def operation(pairs: Iterable[Target], preferences: Preferences) -> OperationPart:
    """Return how one call goes through its pairs: ordered Regions first, then the others by name.

    A Region of the order in which nothing is to be done counts for nothing.
    """
    touched = frozenset(pairs)
    counts = Counter(pair.region for pair in sorted(touched, key=lambda each: each.region))
    first = [region for region in preferences.region_order if region in counts]
    return OperationPart(
        tuple(
            RegionPart(region, counts[region], limits(preferences, counts[region]))
            for region in dict.fromkeys([*first, *counts])
        ),
        preferences.parallel,
        touched,
    )


def _until_stopped(regions: Sequence[RegionPart], parallel: bool) -> Iterator[RegionPart]:
    """Yield the Regions that are begun if everything fails: none follows on one that stops."""
    for each in regions:
        yield each
        if each.stops and not parallel:
            return
