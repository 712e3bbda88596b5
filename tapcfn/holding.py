"""Hold a gate: look at it again and again until it has passed or failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from tapcfn.errors import CloudError, StillRunningError
from tapcfn.events import GateJudged, Notify, Waiting
from tapcfn.gates import GateStatus, Reading, Sample, Verdict, judge
from tapcfn.model import (
    AlarmCheck,
    ApprovalCheck,
    Gate,
    HealthCheck,
    MetricCheck,
    TargetHealthCheck,
)
from tapcfn.trouble import Trouble
from tapcfn.waits import Patience

# Takes one look at a gate that has been open for so many seconds.
Read: TypeAlias = Callable[[Gate, float], Reading]

HEARTBEAT_EVERY = 30.0

# What AWS measures by itself: looking at it changes nothing and costs little.
MEASURED = (AlarmCheck, HealthCheck, MetricCheck, TargetHealthCheck)

# A bake without a gate is waited for in pieces, so that an interrupt is heeded.
_PIECE = 1.0


def hold(gate: Gate, read: Read, *, patience: Patience, notify: Notify, unit: str = "") -> Verdict:
    """Return the verdict on a gate that holds back a unit: PASSED or FAILED.

    Raises `StillRunningError` at the run's deadline and after an interrupt.
    """
    door = _Door(gate, read, patience, notify, unit)
    while True:
        verdict = door.look()
        if verdict.is_over:
            return verdict
        pause = max(door.due - patience.clock.now(), 0.0)
        if pause > patience.left:
            raise StillRunningError(
                f"gate {gate.name}: not decided after {door.open_for:.0f} s: {verdict.reason}"
            )
        patience.clock.sleep(pause)


def bake(
    gates: Iterable[Gate],
    seconds: float,
    read: Read,
    *,
    patience: Patience,
    notify: Notify,
    unit: str = "",
) -> str:
    """Wait, hold the gates beside each other, and return why one failed, or nothing.

    Whatever AWS measures by itself is looked at from the beginning, and must stay good for all of
    the bake; URLs, commands and people are asked after it. Raises `StillRunningError` as `hold`.
    """
    gates = tuple(gates)
    measured = [each for each in gates if isinstance(each.check, MEASURED)]
    asked = [each for each in gates if not isinstance(each.check, MEASURED)]
    if seconds:
        measured = [
            replace(
                each,
                hold=max(each.hold, seconds),
                timeout=each.timeout + seconds,
                fails_at_once=True,
            )
            for each in measured
        ]
    ends = patience.clock.now() + seconds
    fault = _hold_beside(measured, read, patience, notify, unit)
    if fault:
        return fault
    _wait_until(ends, patience)
    return _hold_beside(asked, read, patience, notify, unit)


def _wait_until(moment: float, patience: Patience) -> None:
    while (left := moment - patience.clock.now()) > 0:
        if patience.is_over:
            raise StillRunningError("what was deployed is still being watched")
        patience.clock.sleep(min(left, _PIECE))


def _hold_beside(
    gates: Iterable[Gate], read: Read, patience: Patience, notify: Notify, unit: str
) -> str:
    """Hold gates that are open at the same time; return why the first failed, or nothing."""
    doors = [_Door(gate, read, patience, notify, unit) for gate in gates]
    while doors:
        for door in [each for each in doors if each.is_due]:
            verdict = door.look()
            if verdict.status is GateStatus.FAILED:
                return f"gate {door.gate.name}: {verdict.reason}"
            if verdict.is_over:
                doors.remove(door)
        if doors:
            pause = max(min(each.due for each in doors) - patience.clock.now(), 0.0)
            if pause > patience.left:
                names = ", ".join(each.gate.name for each in doors)
                raise StillRunningError(f"gate {names}: not decided in time")
            patience.clock.sleep(pause)
    return ""


class _Door:
    """One of several gates that are open at the same time."""

    def __init__(
        self, gate: Gate, read: Read, patience: Patience, notify: Notify, unit: str
    ) -> None:
        self.gate = gate
        self.due = patience.clock.now()
        self._patience = patience
        self._looking = _Looking(gate, read, patience, notify)
        self._telling = _Telling(gate, unit, notify)

    @property
    def is_due(self) -> bool:
        """Whether it is time for a look."""
        return self._patience.clock.now() >= self.due

    @property
    def open_for(self) -> float:
        """How many seconds the gate has been open."""
        return self._looking.open_for

    def look(self) -> Verdict:
        """Take one look, tell it, and say when the next is due."""
        _heed(self.gate, self._patience)
        verdict = self._looking.look()
        _heed(self.gate, self._patience)
        now = self._looking.open_for
        self._telling.tell(verdict, now)
        pause = max(min(self.gate.every, self.gate.timeout - now), 0.0)
        self.due = self._patience.clock.now() + pause
        return verdict


def _heed(gate: Gate, patience: Patience) -> None:
    """Stop where somebody asks for it: before a look, and before what one saw is believed."""
    if patience.interrupted:
        raise StillRunningError(f"gate {gate.name}: interrupted before it was decided")


class _Looking:
    """Looks at a gate, and keeps what it saw."""

    def __init__(self, gate: Gate, read: Read, patience: Patience, notify: Notify) -> None:
        self._gate, self._read, self._patience = gate, read, patience
        self._opened = patience.clock.now()
        self._trouble = Trouble(patience.clock, notify)
        self._samples: tuple[Sample, ...] = ()

    @property
    def open_for(self) -> float:
        """How many seconds the gate has been open."""
        return self._patience.clock.now() - self._opened

    def look(self) -> Verdict:
        """Take one look and judge; a gate that can't be read has failed, once that is certain."""
        reading, fault = self._take()
        if isinstance(self._gate.check, ApprovalCheck):
            self._patience.renew()  # the time that a person takes does not count
        now = self.open_for
        new = tuple(replace(each, at=now + each.at) for each in reading.samples)
        self._samples = new if reading.whole else self._samples + new
        if fault:
            return Verdict(GateStatus.FAILED, fault, self._samples)
        return judge(self._gate, self._samples, now)

    def _take(self) -> tuple[Reading, str]:
        name = self._gate.name
        try:
            reading = self._read(self._gate, self.open_for)
        except CloudError as error:
            in_vain = self._trouble.is_in_vain(name, error)
            missing = Reading((Sample(0.0, None, None, str(error)),))
            return missing, f"cannot be read: {error}" if in_vain else ""
        self._trouble.is_over(name)
        return reading, ""


class _Telling:
    """Tells a gate's verdicts where they change, and between that the run is alive."""

    def __init__(self, gate: Gate, unit: str, notify: Notify) -> None:
        self._gate, self._unit, self._notify = gate, unit, notify
        self._said: tuple[GateStatus, bool | None] | None = None
        self._at = 0.0

    def tell(self, verdict: Verdict, now: float) -> None:
        """Tell where the gate stands after so many seconds, if there is something to tell."""
        newest = verdict.samples[-1].good if verdict.samples else None
        if self._said != (verdict.status, newest):
            self._said, self._at = (verdict.status, newest), now
            self._notify(GateJudged(self._unit, self._gate.target, self._gate.name, verdict))
        elif now - self._at >= HEARTBEAT_EVERY:
            self._at = now
            self._notify(Waiting((f"gate {self._gate.name}",), now))
