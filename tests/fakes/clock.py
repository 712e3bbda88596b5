"""A clock that tests turn by hand."""

from __future__ import annotations

from collections.abc import Callable


class FakeClock:
    """Seconds that pass only when somebody sleeps; remembers every pause.

    A test that sleeps past `limit` is waiting for something that never comes, and is stopped.
    """

    def __init__(self, *, start: float = 0.0, limit: float = 100_000.0) -> None:
        self.slept: list[float] = []
        self._now, self._end = start, start + limit
        self._planned: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        """Return the seconds that have passed, and `start`."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let time pass, doing on the way what `at` has planned."""
        self.slept.append(seconds)
        self._now += seconds
        assert self._now < self._end, "this wait never ends"
        for each in [due for due in self._planned if due[0] <= self._now]:
            self._planned.remove(each)
            each[1]()

    def at(self, moment: float, work: Callable[[], None]) -> None:
        """Do something when the clock gets there."""
        self._planned.append((moment, work))
