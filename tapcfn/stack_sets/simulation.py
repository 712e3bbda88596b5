"""What a rollout over a stack set will be like, before it is one: pure arithmetic. (D-11, R-4)

Each call is an operation of its own, begun when the one before it has ended well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from tapcfn.model import Gate, Preferences, Target, Wave
from tapcfn.stack_sets.cover import cover
from tapcfn.stack_sets.pacing import OperationPart, operation
from tapcfn.stack_sets.spread import Cover
from tapcfn.stack_sets.waves import split

MANY_ACCOUNTS = 10


@dataclass(frozen=True, slots=True)
class WavePart:
    """The operations of one wave, one after another, and how long is waited after them."""

    name: str
    operations: tuple[OperationPart, ...]
    pause: float = 0.0

    @property
    def touched(self) -> frozenset[Target]:
        """Its pairs; one that is updated and then overridden is one pair."""
        return frozenset(pair for each in self.operations for pair in each.touched)

    @property
    def pairs(self) -> int:
        """How many pairs it has."""
        return len(self.touched)

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
        return self.worst_beside(frozenset())

    def worst_beside(self, before: frozenset[Target]) -> int:
        """Return how many pairs are touched at worst that were not touched `before`."""
        return _worst(self.operations, before)


@dataclass(frozen=True, slots=True)
class Simulation:
    """All waves. `usual` are how many seconds single instances took before, if that is known."""

    waves: tuple[WavePart, ...]
    usual: tuple[float, ...]
    warnings: tuple[str, ...]

    @property
    def pairs(self) -> int:
        """How many pairs there are."""
        return len(frozenset(pair for each in self.waves for pair in each.touched))

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
        return _worst(self.waves, frozenset())

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
    cut: Cover = cover,
) -> Simulation:
    """Return how the pairs will be gone through.

    `usual` are durations of single instances in seconds; `cut` makes calls of pairs. What is waited
    after a wave is its bake and the longest time for which one of its gates must hold: gates are
    asked side by side.
    """
    parts = [
        WavePart(
            name,
            tuple(operation(each.pairs, preferences) for each in cut(taken)),
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


def _worst(parts: Sequence[OperationPart | WavePart], before: frozenset[Target]) -> int:
    """Return how many pairs are touched if everything fails, each counted once."""
    worst = 0
    for each in parts:
        worst += each.worst_beside(before)
        if each.stops:
            break
        before |= each.touched  # what nothing stops touches all of them
    return worst


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
