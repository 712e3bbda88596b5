"""What has been asked and done under one table: counters, buckets, and answers kept for later.

The same calls in the same order meet the same faults; the only clock is the one that is given.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from tapcfn.local import time as pace
from tapcfn.local.faults.asked import Call
from tapcfn.local.faults.measures import Measures
from tapcfn.local.faults.table import KEYS, OF_CALLS, Fault, Table, Throttle

CALL_FAULTS = frozenset(do for do, keys in KEYS.items() if keys >= OF_CALLS)


class Faults:
    """A table at work."""

    def __init__(self, table: Table, clock: Callable[[], float] = time.monotonic) -> None:
        self.table = table
        self.measures = Measures(table.measures, time.time, pace.speed)
        self.released = threading.Event()
        self.answered = threading.Event()
        self.is_abandoned = False
        self._clock = clock
        self._matched = [0] * len(table.faults)
        self._done = [0] * len(table.faults)
        self._throttled = 0
        self._asked: set[str] = set()
        self._levels: dict[tuple[str, ...], tuple[float, float]] = {}
        self._counting = threading.Lock()

    @property
    def leaves_calls_alone(self) -> bool:
        """Whether no call can meet a fault, and none needs to be counted."""
        return (
            self.table.throttle is None
            and not self.measures.counts_calls
            and not any(fault.do in CALL_FAULTS for fault in self.table.faults)
        )

    def has(self, do: str) -> bool:
        """Tell whether the table holds a fault of this kind."""
        return any(fault.do == do for fault in self.table.faults)

    def end(self, *, abandon: bool) -> None:
        """Let go of everything that is stuck, to go on or, when all is forgotten, to give up."""
        self.is_abandoned = abandon
        self.released.set()
        self.answered.set()

    def admits(self, call: Call) -> bool:
        """Take a token of the call's bucket, and return whether there was one."""
        throttle = self.table.throttle
        if throttle is None or not matches(throttle, call):
            return True
        action = call.operation if throttle.per == "action" else ""
        key = (call.account, call.region, call.service, action)
        with self._counting:
            now = self._clock()
            level, then = self._levels.get(key, (throttle.burst, now))
            level = min(throttle.burst, level + (now - then) * throttle.rate)
            admitted = level >= 1
            self._levels[key] = (level - admitted, now)
            self._throttled += not admitted
            return admitted

    def for_call(self, call: Call, is_able: Callable[[Fault], bool]) -> Fault | None:
        """Count the call wherever it matches, and return the first fault that is due."""
        found = self.first(
            lambda fault: (
                fault.do in CALL_FAULTS
                and matches(fault, call)
                and fault.since in {"", *self._asked}
                and is_able(fault)
            )
        )
        with self._counting:
            self._asked.add(call.operation)
            self.measures.saw(call.operation)
        return found

    def first(self, is_met: Callable[[Fault], bool]) -> Fault | None:
        """Count for every fault that is met, and return the first that is due."""
        with self._counting:
            for number in list(self._due(is_met))[:1]:
                self._done[number] += 1
                return self.table.faults[number]
        return None

    def every(self, is_met: Callable[[Fault], bool]) -> list[Fault]:
        """Count for every fault that is met, and return all that are due."""
        with self._counting:
            due = list(self._due(is_met))
            for number in due:
                self._done[number] += 1
            return [self.table.faults[number] for number in due]

    def told(self) -> dict[str, Any]:
        """Return each fault with how often it was met and how often it happened.

        Measures are told of where there are any.
        """
        with self._counting:
            lines = [
                {**_said(fault), "matched": self._matched[number], "done": self._done[number]}
                for number, fault in enumerate(self.table.faults)
            ]
            measured = {"measures": self.measures.told()} if self.table.measures else {}
            return {"faults": lines, "throttled": self._throttled, **measured}

    def _due(self, is_met: Callable[[Fault], bool]) -> Iterator[int]:
        for number, fault in enumerate(self.table.faults):
            if is_met(fault):
                self._matched[number] += 1
                if fault.is_due(self._matched[number]):
                    yield number


def matches(wanted: Fault | Throttle, call: Call) -> bool:
    """Tell whether a call is among those that a line of the table speaks of."""
    return fits(
        (wanted.account, call.account),
        (wanted.region, call.region),
        (wanted.service, call.service),
        (wanted.operation, call.operation),
    )


def fits(*pairs: tuple[str, str]) -> bool:
    """Tell whether everything that is wanted is what there is; nothing wanted fits anything."""
    return all(not wanted or wanted == there for wanted, there in pairs)


def _said(fault: Fault) -> Mapping[str, Any]:
    """Return what the table says of a fault, without what it leaves open."""
    return {key: value for key, value in asdict(fault).items() if value != _OPEN.get(key)}


_OPEN = asdict(Fault(""))
