"""When to ask about each target again: one sweep serves all stacks that move there."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from tapcfn.model import Target
from tapcfn.ports import Clock
from tapcfn.waits import Pace

# A throttle doubles the pauses, up to this; each answer halves them again.
_SLOWEST = 8.0


class Watched(NamedTuple):
    """When an operation started, and how many seconds such a one takes, if that is known."""

    started: float
    usual: float | None = None


class Sweeps:
    """The pace of one run's sweeps."""

    def __init__(self, clock: Clock, pace: Pace) -> None:
        self._clock = clock
        self._pace = pace
        self._began = clock.now()
        self._under_way: set[Target] = set()
        self._taken: dict[Target, float] = {}
        self._slowness: dict[Target, float] = {}
        self._shake: dict[Target, float] = {}

    def is_under_way(self, target: Target) -> bool:
        """Whether an answer about the target is still to come."""
        return target in self._under_way

    def begin(self, target: Target) -> None:
        """Note that a target is being asked about."""
        self._under_way.add(target)

    def end(self, target: Target, *, throttled: bool = False) -> None:
        """Note that an answer has come, or a refusal."""
        self._under_way.discard(target)
        self._taken[target] = self._clock.now()
        before = self._slowness.get(target, 1.0)
        self._slowness[target] = min(before * 2, _SLOWEST) if throttled else max(before / 2, 1.0)
        self._shake[target] = self._pace.shake()

    def due(self, target: Target, watched: Collection[Watched], stacks: int = 1) -> float:
        """Return when to ask about a target: the most urgent of its operations sets the pace.

        `stacks` is how many there are to do, of which some may be over or still to come.
        """
        swept = self._taken.get(target, self._began)
        factor = self._slowness.get(target, 1.0) * self._shake.get(target, 1.0)
        moments = []
        for each in watched:
            last = max(swept, each.started)
            moments.append(last + factor * self._pace.pause(last - each.started, each.usual))
        soonest = min(moments)
        if target in self._taken:
            return max(soonest, swept + self._pace.between(max(stacks, len(watched))))
        return soonest
