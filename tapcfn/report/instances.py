"""A stack set's progress as lines for a log: a line for each instance, or counts of many. (D-3)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from tapcfn.events import (
    Event,
    InstanceMoved,
    InstancesMoved,
    SetOperationEnded,
    SetOperationStarted,
    WaveEnded,
    WaveStarted,
)
from tapcfn.report.counted import counted
from tapcfn.report.text import progress_line
from tapcfn.stack_sets.cells import Cell, Standing

MOST_LINES = 10


SetEvent: TypeAlias = (
    WaveStarted | WaveEnded | SetOperationStarted | SetOperationEnded | InstancesMoved
)


def progress_lines(event: Event, seconds: float) -> Iterator[str]:
    """Yield what a person following a run should read of an event, of stacks and stack sets."""
    if isinstance(event, SetEvent):
        yield from (f"[{seconds:7.1f} s] {each}" for each in set_lines(event))
    elif (text := progress_line(event, seconds)) is not None:
        yield text


def set_lines(event: SetEvent) -> Iterator[str]:
    """Yield what a person who follows a stack set should read."""
    match event:
        case WaveStarted():
            yield f"{event.stack_set}: wave {event.wave}, {counted(event.pairs, 'pair')}"
        case WaveEnded():
            failed = f"{event.failed} not as wanted" if event.failed else "all as wanted"
            yield f"{event.stack_set}: wave {event.wave} is over, {failed}"
        case SetOperationStarted():
            how = "found at work: " if event.adopted else ""
            pairs = counted(len(event.pairs), "instance")
            yield f"{event.stack_set}: {how}{event.action} {pairs}, {event.operation_id}"
        case SetOperationEnded():
            yield from _end_lines(event)
        case InstancesMoved():
            yield from instance_lines(event.moved)


def _end_lines(event: SetOperationEnded) -> Iterator[str]:
    counts = {
        "done": event.succeeded,
        "failed": event.failed,
        "cancelled": event.cancelled,
        "skipped": event.skipped,
    }
    said = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
    yield f"{event.stack_set}: {event.status} in {event.seconds:.1f} s: {said or 'nothing to do'}"
    for each in event.causes:
        yield f"    {counted(each.count, 'instance')}: {each.reason} (first {each.first})"


def instance_line(event: InstanceMoved) -> str:
    """Return where one instance stands; a failure with its reason."""
    line = f"{event.stack_set}: {event.target} {event.detailed}"
    why = event.cause or event.reason or "no reason given"
    return f"{line}: {why}" if _has_failed(event) else line


def instance_lines(events: Iterable[InstanceMoved], most: int = MOST_LINES) -> Iterator[str]:
    """Yield what one look has told: above `most` lines, those that go well by Region.

    Failures are never only counted.
    """
    told = tuple(events)
    if len(told) <= most:
        yield from map(instance_line, told)
        return
    counts: dict[tuple[str, str, str], int] = {}
    for each in told:
        if _has_failed(each):
            yield instance_line(each)
        else:
            key = (each.stack_set, each.target.region, each.detailed)
            counts[key] = counts.get(key, 0) + 1
    for (stack_set, region, status), count in counts.items():
        yield f"{stack_set}: {counted(count, 'instance')} {status} in {region}"


def _has_failed(event: InstanceMoved) -> bool:
    return Cell(event.detailed).standing is Standing.FAILED
