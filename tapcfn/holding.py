"""Hold gates: look at them again and again until all of them hold, or one has failed."""

from __future__ import annotations

import math
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


def bake(
    gates: Iterable[Gate],
    seconds: float,
    read: Read,
    *,
    patience: Patience,
    notify: Notify,
    unit: str = "",
) -> str:
    """Wait, hold the gates, and return why one failed, or nothing: then all of them hold.

    Whatever AWS measures by itself is looked at from the beginning, and must stay good for all of
    the bake. URLs and commands are asked after it, and people last. What has passed is looked at
    until the end; only a person is asked once. Raises `StillRunningError` at the run's deadline and
    after an interrupt.
    """
    doors = _Doors(read, patience, notify, unit)
    ends = patience.clock.now() + seconds
    for turn in _turns(gates, seconds):
        if turn and (fault := doors.hold_beside(turn)):
            return fault
        _wait_until(ends, patience)
    return ""


def own_time(gates: Iterable[Gate], seconds: float) -> float:
    """Return how many seconds a bake and its gates may take, people not counted.

    What is asked has its time after what is measured, so that neither eats the other's.
    """
    measured, asked, _ = _turns(gates, seconds)
    longest = (max((each.timeout for each in turn), default=0.0) for turn in (measured, asked))
    return sum(longest) + (0.0 if measured else seconds)


def _turns(gates: Iterable[Gate], seconds: float) -> tuple[list[Gate], list[Gate], list[Gate]]:
    """Return what is measured during a bake, what is asked after it, and whom last."""
    measured: list[Gate] = []
    asked: list[Gate] = []
    people: list[Gate] = []
    for each in gates:
        if isinstance(each.check, MEASURED):
            measured.append(_baking(each, seconds) if seconds else each)
        else:
            (people if isinstance(each.check, ApprovalCheck) else asked).append(each)
    return measured, asked, people


def _baking(gate: Gate, seconds: float) -> Gate:
    return replace(
        gate,
        hold=max(gate.hold, seconds),
        timeout=gate.timeout + seconds,
        fails_at_once=True,
    )


def _wait_until(moment: float, patience: Patience) -> None:
    while (left := moment - patience.clock.now()) > 0:
        if patience.is_over:
            raise StillRunningError("what was deployed is still being watched")
        patience.clock.sleep(min(left, _PIECE))


class _Doors:
    """Gates that are open at the same time, until all of them hold at the same time."""

    def __init__(self, read: Read, patience: Patience, notify: Notify, unit: str) -> None:
        self._read, self._patience = read, patience
        self._notify, self._unit = notify, unit
        self._doors: list[_Door] = []

    def hold_beside(self, gates: Iterable[Gate]) -> str:
        """Look until these hold and all that were there; return why the first failed, or nothing.

        They are looked at before the others, as they take longer. The last to pass is not the end:
        whatever was looked at before it is looked at once more.
        """
        means = (self._read, self._patience, self._notify, self._unit)
        self._doors = [*(_Door(each, *means) for each in gates), *self._doors]
        while True:
            began = self._patience.clock.now()
            fault = self._look(each for each in self._doors if each.is_due)
            if not fault and not self._waiting:
                fault = self._look(each for each in self._doors if each.was_seen_before(began))
            if fault or not self._waiting:
                return fault
            self._rest()

    @property
    def _waiting(self) -> list[_Door]:
        return [each for each in self._doors if not each.holds]

    def _look(self, doors: Iterable[_Door]) -> str:
        for door in doors:
            began = self._patience.clock.now()
            verdict = door.look(max(each.ends for each in self._doors))
            if not isinstance(door.gate.check, MEASURED):
                self._forgive(door, self._patience.clock.now() - began)
            if verdict.status is GateStatus.FAILED:
                return f"gate {door.gate.name}: {verdict.reason}"
        return ""

    def _forgive(self, asked: _Door, seconds: float) -> None:
        """Let the time of an answer be no time for the other gates, and a person's for nobody.

        Nobody could look at them meanwhile: it is no gap in what was seen.
        """
        if isinstance(asked.gate.check, ApprovalCheck):
            self._patience.renew()
        for each in self._doors:
            if each is not asked:
                each.forgive(seconds)

    def _rest(self) -> None:
        due = min(each.due for each in self._doors)
        pause = max(due - self._patience.clock.now(), 0.0)
        if pause > self._patience.left:
            raise StillRunningError("; ".join(each.told for each in self._waiting))
        self._patience.clock.sleep(pause)


class _Door:
    """One of several gates that are open at the same time."""

    def __init__(
        self, gate: Gate, read: Read, patience: Patience, notify: Notify, unit: str
    ) -> None:
        self.gate = gate
        self.due = patience.clock.now()
        self.holds = False
        self._has_held = False
        self._why = "not looked at yet"
        self._patience = patience
        self._opened = self._seen = patience.clock.now()
        self._looking = _Looking(read, patience, notify)
        self._telling = _Telling(gate, unit, notify)

    @property
    def is_due(self) -> bool:
        """Whether it is time for a look."""
        return self._patience.clock.now() >= self.due

    def was_seen_before(self, moment: float) -> bool:
        """Whether the newest look is older than that; a person's word does not grow old."""
        return self._seen < moment and self.due < math.inf

    @property
    def ends(self) -> float:
        """The moment at which the gate fails if it does not hold."""
        return self._opened + self.gate.timeout

    @property
    def told(self) -> str:
        """Where the gate stands, for whoever waits for it no longer."""
        return f"gate {self.gate.name}: not decided after {self._open_for:.0f} s: {self._why}"

    @property
    def _open_for(self) -> float:
        return self._patience.clock.now() - self._opened

    def forgive(self, seconds: float) -> None:
        """Count that much less."""
        self._opened += seconds

    def look(self, latest: float) -> Verdict:
        """Take one look, tell it, and say when the next is due.

        A gate that was good and is not any more has until the `latest` end of its neighbours.
        """
        gate = self.gate
        if self._has_held:
            gate = replace(gate, timeout=latest - self._opened)
        _heed(gate, self._patience)
        self._seen = self._patience.clock.now()
        verdict = self._looking.look(gate, lambda: self._open_for)
        _heed(gate, self._patience)
        self.holds, self._why = verdict.status is GateStatus.PASSED, verdict.reason
        self._has_held |= self.holds
        self._telling.tell(verdict, self._open_for)
        self.due = self._patience.clock.now() + self._pause(gate)
        return verdict

    def _pause(self, gate: Gate) -> float:
        if not self.holds:
            return max(min(gate.every, gate.timeout - self._open_for), 0.0)
        return math.inf if isinstance(gate.check, ApprovalCheck) else gate.every


def _heed(gate: Gate, patience: Patience) -> None:
    """Stop where somebody asks for it: before a look, and before what one saw is believed."""
    if patience.interrupted:
        raise StillRunningError(f"gate {gate.name}: interrupted before it was decided")


class _Looking:
    """Looks at a gate, and keeps what it saw."""

    def __init__(self, read: Read, patience: Patience, notify: Notify) -> None:
        self._read = read
        self._trouble = Trouble(patience.clock, notify)
        self._samples: tuple[Sample, ...] = ()

    def look(self, gate: Gate, open_for: Callable[[], float]) -> Verdict:
        """Take one look and judge; a gate that can't be read has failed, once that is certain."""
        reading, fault = self._take(gate, open_for())
        now = open_for()
        new = tuple(replace(each, at=now + each.at) for each in reading.samples)
        self._samples = new if reading.whole else self._samples + new
        if fault:
            return Verdict(GateStatus.FAILED, fault, self._samples)
        return judge(gate, self._samples, now)

    def _take(self, gate: Gate, seconds: float) -> tuple[Reading, str]:
        try:
            reading = self._read(gate, seconds)
        except CloudError as error:
            in_vain = self._trouble.is_in_vain(gate.name, error)
            missing = Reading((Sample(0.0, None, None, str(error)),))
            return missing, f"cannot be read: {error}" if in_vain else ""
        self._trouble.is_over(gate.name)
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
            gate = self._gate
            self._notify(GateJudged(self._unit, gate.target, gate.name, verdict, gate, now))
        elif verdict.status is GateStatus.WAITING and now - self._at >= HEARTBEAT_EVERY:
            self._at = now
            self._notify(Waiting((f"gate {self._gate.name}",), now))
