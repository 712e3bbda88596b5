"""A run's events as its lines, numbered, each unit's with its place in the plan."""

from __future__ import annotations

from collections.abc import Iterator

from tapcfn.events import Event, InstancesMoved, StackPlanned
from tapcfn.report.ndjson import line, unit_of


class Stream:
    """Writes one run down, whoever reads it: every reader gets the same lines."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._seq = 0
        self._places: dict[str, tuple[str, int]] = {}

    def lines(self, event: Event, ts: str) -> Iterator[str]:
        """Yield what an event says, without ends of lines; `ts` is as `ndjson.line` takes it."""
        if isinstance(event, InstancesMoved):
            for each in event.moved:
                yield from self.lines(each, ts)
            return
        if isinstance(event, StackPlanned):
            self._places[event.stack] = (event.phase, event.wave)
        place = self._places.get(unit_of(event))
        yield line(event, seq=self._seq, ts=ts, run=self._run, place=place)
        self._seq += 1
