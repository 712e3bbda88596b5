"""Gates on the local cloud: they wait for minutes of AWS, which pass faster there."""

from __future__ import annotations

from dataclasses import replace

from tapcfn.events import Event, Notify, Waiting
from tapcfn.gates import Reading
from tapcfn.holding import HEARTBEAT_EVERY, Read
from tapcfn.model import Gate, MetricCheck
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


def fast(read: Read, speed: float) -> Read:
    """Return what reads gates where metrics are measured by the clock of this machine.

    A period is asked for as long as it lasts there, a second at least. At speed 0 the last seconds
    stand for all the time that a gate was open.
    """

    def look(gate: Gate, seconds: float) -> Reading:
        if not isinstance(gate.check, MetricCheck):
            return read(gate, seconds)
        period = max(round(gate.check.period / speed), 1) if speed else 1
        factor = gate.check.period / period
        there = replace(
            gate,
            check=replace(gate.check, period=period),
            hold=gate.hold / factor,
            stale=gate.stale_after / factor,
        )
        reading = read(there, seconds / factor)
        samples = (
            replace(each, at=each.at * factor, covers=each.covers * factor)
            for each in reading.samples
        )
        return replace(reading, samples=tuple(samples))

    return look


def rarely(notify: Notify, clock: Clock) -> Notify:
    """Return what tells everything, but signs of life only as often as by the clock on the wall."""
    said = [clock.now()]

    def tell(event: Event) -> None:
        if isinstance(event, Waiting):
            if clock.now() - said[0] < HEARTBEAT_EVERY:
                return
            said[0] = clock.now()
        notify(event)

    return tell
