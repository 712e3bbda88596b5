"""A clock for gates on the local cloud: they wait for minutes of AWS, which pass faster there."""

from __future__ import annotations

from tapcfn.ports import Clock


class FastClock:
    """Counts what is waited for in full, and waits for a share of it: one part in `speed`.

    Speed 0 waits for nothing, as everywhere on the local cloud. What takes time of its own, such as
    a look, takes the same on both clocks: a gate's samples do not grow old by it.
    """

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock, self._speed = clock, speed
        self._skipped = 0.0

    def now(self) -> float:
        """Return seconds since some moment."""
        return self._clock.now() + self._skipped

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        waited = seconds / self._speed if self._speed else 0.0
        self._clock.sleep(waited)
        self._skipped += seconds - waited
