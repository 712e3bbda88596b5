"""Wait on a clock that tests can turn by hand; settled is not succeeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tapcfn.errors import StillRunningError
from tapcfn.ports import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to look. Seconds: the first pause, then `share` of the time that has passed.

    The figures keep calls few on long operations and delay short ones by little. Where it is known
    how long the same took before, looks are `slow` until shortly before that, then as close as the
    first. With more than `few` stacks at work, a target is asked once in `crowded` seconds at most.
    `draw` gives numbers from 0 to 1, which move a pause by up to `spread` of it.
    """

    first: float = 0.3
    share: float = 0.05
    cap: float = 2.0
    slow: float = 5.0
    few: int = 5
    crowded: float = 1.0
    spread: float = 0.2
    draw: Callable[[], float] = lambda: 0.5

    def pause(self, elapsed: float, usual: float | None = None) -> float:
        """Return how long to wait before looking again, `elapsed` seconds after the start."""
        if usual is None:
            return min(max(self.first, elapsed * self.share), self.cap)
        margin = max(usual * self.share, 1.0)
        early = usual - margin - elapsed
        if early > self.first:
            return min(early, self.slow)
        if elapsed <= usual + 2 * margin:
            return self.first
        return self.pause(elapsed)

    def shake(self) -> float:
        """Return what to multiply a pause by, so that many runs do not look in step."""
        return 1 - self.spread + 2 * self.spread * self.draw()

    def between(self, stacks: int) -> float:
        """Return the least seconds between two sweeps of a target where so many stacks move."""
        return self.crowded if stacks > self.few else 0.0


# For a cloud on this machine, where a look costs nobody anything and most is over at once.
AT_HAND = Pace(first=0.1)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment on a clock when waiting, not the operation, is given up."""

    clock: Clock
    at: float

    @classmethod
    def after(cls, clock: Clock, seconds: float) -> Deadline:
        """Return the deadline `seconds` from now."""
        return cls(clock, clock.now() + seconds)

    @property
    def passed(self) -> bool:
        """Whether it is too late."""
        return self.clock.now() >= self.at


class Patience:
    """How long a run may wait: until its deadline, and not after an interrupt.

    One for all threads of a run. The time that a person takes to answer does not count: whatever
    follows begins with `renew`.
    """

    def __init__(
        self,
        clock: Clock,
        seconds: float = 3600.0,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.clock = clock
        self._seconds = seconds
        self._interrupted = interrupted
        self._deadline = Deadline.after(clock, seconds)

    def renew(self) -> None:
        """Begin to count anew."""
        self._deadline = Deadline.after(self.clock, self._seconds)

    @property
    def interrupted(self) -> bool:
        """Whether somebody has asked us to stop."""
        return self._interrupted()

    @property
    def left(self) -> float:
        """Seconds until the deadline; none after an interrupt."""
        return 0.0 if self.interrupted else max(self._deadline.at - self.clock.now(), 0.0)

    @property
    def is_over(self) -> bool:
        """Whether nothing may be waited for any longer."""
        return self.interrupted or self._deadline.passed


def settle(
    what: str,
    read: Callable[[], T],
    settled: Callable[[T], bool],
    *,
    patience: Patience,
    pace: Pace | None = None,
) -> T:
    """Call `read` until `settled` accepts its answer, and return that answer.

    Says nothing about success: a stack that rolled back has settled too. Raises
    `StillRunningError` when the run's patience is over, never oversleeping it.
    """
    pace = pace or Pace()
    started = patience.clock.now()
    while not settled(seen := read()):
        elapsed = patience.clock.now() - started
        pause = pace.pause(elapsed)
        if pause > patience.left:
            raise StillRunningError(f"{what}: has not settled after {elapsed:.0f} s")
        patience.clock.sleep(pause)
    return seen
