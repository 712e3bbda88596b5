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

    The figures keep calls few on long operations and delay short ones by little.
    """

    first: float = 0.3
    share: float = 0.05
    cap: float = 2.0

    def pause(self, elapsed: float) -> float:
        """Return how long to wait before looking again, `elapsed` seconds after the start."""
        return min(max(self.first, elapsed * self.share), self.cap)


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


def settle(
    what: str,
    read: Callable[[], T],
    settled: Callable[[T], bool],
    *,
    clock: Clock,
    deadline: float = 600.0,
    pace: Pace | None = None,
) -> T:
    """Call `read` until `settled` accepts its answer, and return that answer.

    Says nothing about success: a stack that rolled back has settled too. Raises
    `StillRunningError` after `deadline` seconds, never oversleeping it.
    """
    pace = pace or Pace()
    started = clock.now()
    while not settled(seen := read()):
        elapsed = clock.now() - started
        pause = pace.pause(elapsed)
        if elapsed + pause > deadline:
            raise StillRunningError(f"{what}: has not settled after {elapsed:.0f} s")
        clock.sleep(pause)
    return seen
