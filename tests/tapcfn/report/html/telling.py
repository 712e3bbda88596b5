"""Lines of runs to test pages with, made by the same code that makes them in earnest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tapcfn.events import Event
from tapcfn.report.recorded import Recorded, recorded
from tapcfn.report.stream import Stream

BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def at(seconds: float) -> str:
    """Return a moment of the run as a line says it."""
    moment = BEGIN + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def told(*events: Event | tuple[float, Event]) -> Recorded:
    """Return a run that told these events, each at a moment of its own or at the beginning."""
    stream = Stream("20260105T090000Z-abc")
    return read(
        line
        for each in events
        for seconds, event in [each if isinstance(each, tuple) else (0.0, each)]
        for line in stream.lines(event, at(seconds))
    )


def read(lines: Iterable[str]) -> Recorded:
    """Return the run that lines tell of."""
    found = recorded(lines)
    assert found is not None
    return found
