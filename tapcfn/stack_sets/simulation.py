"""What a rollout over a stack set will be like, before it is one: pure arithmetic. (D-11, R-4)

The service counts in each Region on its own; each call is an operation of its own, begun when the
one before it has ended well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from tapcfn.model import Gate, Preferences, Target, Wave
from tapcfn.stack_sets.cover import cover
from tapcfn.stack_sets.waves import split

MANY_ACCOUNTS = 10


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

    @property
    def pairs(self) -> int:
        """How many pairs it has."""
        return sum(each.accounts for each in self.regions)

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
        return sum(each.worst for each in _until_stopped(self.regions, self.parallel))


@dataclass(frozen=True, slots=True)
class WavePart:
    """The operations of one wave, one after another, and how long is waited after them."""

    name: str
    operations: tuple[OperationPart, ...]
    pause: float = 0.0

    @property
    def pairs(self) -> int:
        """How many pairs it has."""
        return sum(each.pairs for each in self.operations)

    @property
    def at_once(self) -> int:
        """How many pairs are at work at the same time, at most."""
        return max(each.at_once for each in self.operations)

    @property
    def batches(self) -> int:
        """How many instances follow one another."""
        return sum(each.batches for each in self.operations)

    @property
    def stops(self) -> bool:
        """Whether failures can stop it at all."""
        return any(each.stops for each in self.operations)

    @property
    def worst(self) -> int:
        """How many pairs are touched if everything fails."""
        return sum(each.worst for each in _until_stopped(self.operations))


@dataclass(frozen=True, slots=True)
class Simulation:
    """All waves. `usual` are how many seconds single instances took before, if that is known."""

    waves: tuple[WavePart, ...]
    usual: tuple[float, ...]
    warnings: tuple[str, ...]

    @property
    def pairs(self) -> int:
        """How many pairs there are."""
        return sum(each.pairs for each in self.waves)

    @property
    def at_once(self) -> int:
        """How many pairs are at work at the same time, at most."""
        return max((each.at_once for each in self.waves), default=0)

    @property
    def batches(self) -> int:
        """How many instances follow one another."""
        return sum(each.batches for each in self.waves)

    @property
    def worst(self) -> int:
        """How many pairs are touched if everything fails."""
        return sum(each.worst for each in _until_stopped(self.waves))

    def minimum(self, wave: WavePart | None = None) -> float | None:
        """Return how many seconds it takes if each instance is as quick as the quickest was."""
        return self._seconds(min(self.usual), wave) if self.usual else None

    def likely(self, wave: WavePart | None = None) -> float | None:
        """Return how many seconds it takes if instances are as quick as they usually were."""
        return self._seconds(median(self.usual), wave) if self.usual else None

    def _seconds(self, each: float, wave: WavePart | None) -> float:
        waves = self.waves if wave is None else (wave,)
        return sum(part.batches * each + part.pause for part in waves)


def simulate(
    pairs: Iterable[Target],
    preferences: Preferences,
    usual: Sequence[float] = (),
    waves: Sequence[Wave] = (),
) -> Simulation:
    """Return how the pairs will be gone through.

    `usual` are durations of single instances in seconds. What is waited after a wave is its bake
    and the longest time for which one of its gates must hold: gates are asked side by side.
    """
    parts = [
        WavePart(
            name,
            tuple(operation(each.pairs, preferences) for each in cover(taken)),
            pause(wave.gates, wave.bake) if wave else 0.0,
        )
        for name, taken, wave in split(pairs, waves, preferences.region_order)
    ]
    return simulation(parts, preferences, usual)


def simulation(
    waves: Iterable[WavePart], preferences: Preferences, usual: Sequence[float] = ()
) -> Simulation:
    """Return what is to be said of waves whose operations are known, such as a plan's calls."""
    parts = tuple(waves)
    return Simulation(parts, tuple(usual), tuple(_warnings(parts, preferences)))


def operation(pairs: Iterable[Target], preferences: Preferences) -> OperationPart:
    """Return how one call goes through its pairs: ordered Regions first, then the others by name.

    A Region of the order in which nothing is to be done counts for nothing.
    """
    counts: dict[str, int] = {}
    for pair in sorted(pairs, key=lambda each: each.region):
        counts[pair.region] = counts.get(pair.region, 0) + 1
    first = [region for region in preferences.region_order if region in counts]
    return OperationPart(
        tuple(
            RegionPart(region, counts[region], limits(preferences, counts[region]))
            for region in dict.fromkeys([*first, *counts])
        ),
        preferences.parallel,
    )


def _until_stopped(
    parts: Sequence[RegionPart | OperationPart | WavePart], parallel: bool = False
) -> Iterator[RegionPart | OperationPart | WavePart]:
    """Yield what is begun if everything fails: nothing follows on what is stopped."""
    for each in parts:
        yield each
        if each.stops and not parallel:
            return


def pause(gates: Iterable[Gate], bake: float) -> float:
    """Return how long is waited after a wave, at least."""
    return bake + max((gate.hold for gate in gates), default=0.0)


# Warnings -----------------------------------------------------------------------------------------


def _warnings(waves: Iterable[WavePart], preferences: Preferences) -> Iterator[str]:
    operations = [each for wave in waves for each in wave.operations]
    regions = [region for each in operations for region in each.regions]
    slow = max((each.accounts for each in regions if each.at_once == 1), default=0)
    if slow > MANY_ACCOUNTS:
        yield f"one account at a time, in {slow} accounts of a Region: {_why_slow(preferences)}"
    blind = sorted({each.region for each in regions if not each.stops})
    if blind:
        yield (
            f"nothing stops it in {', '.join(blind)}: as many accounts may fail as there are "
            f"(tolerance {preferences.tolerance})"
        )
    widest = max((len(each.regions) for each in operations), default=0)
    if preferences.parallel and widest > 1:
        yield f"Regions in parallel: the worst case is that of one Region, {widest} times"
    if preferences.soft:
        beside = max((each.limits.maximum - 1 for each in regions), default=0)
        if beside:
            yield f"soft tolerance: up to {beside} more that are running when a Region stops"


def _why_slow(preferences: Preferences) -> str:
    """Return what to change: strict concurrency is the tolerance plus one at most."""
    if not preferences.soft and preferences.concurrent.number > 1:
        return f"tolerance {preferences.tolerance} allows no more (strict)"
    return f"the concurrency is {preferences.concurrent}"
