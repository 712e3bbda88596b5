"""What was at work from when to when: operations, actions, gates and moves, as a run's lines tell.

Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tapcfn.report.html.moments import moment, told_at, took
from tapcfn.report.html.units import Unit
from tapcfn.report.recorded import Line, Recorded
from tapcfn.stack_sets.cells import Cell, Standing

# Instances that have a row of their own; more are told by Region.
_MOST_ROWS = 60

# What ends so much later than another begins still ends before it: clocks differ.
HAIR = 1.5

_OVER = {Standing.DONE: "good", Standing.FAILED: "bad", Standing.RUNNING: "warn"}


@dataclass(frozen=True, slots=True)
class Span:
    """One row: what was at work from when to when, with what is inside it.

    `needs` are names of rows that had to end first. `x` and `width` are where the bar is.
    """

    name: str
    label: str
    kind: str
    start: float
    end: float
    tone: str = "good"
    place: str = ""
    note: str = ""
    needs: tuple[str, ...] = ()
    inside: tuple[Span, ...] = ()
    critical: bool = False
    x: float = 0.0
    width: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(self.end - self.start, 0.0)

    @property
    def text(self) -> str:
        """How long it took, for people."""
        return took(self.seconds)


def spans_of(run: Recorded, units: Iterable[Unit]) -> tuple[Span, ...]:
    """Return a row for each operation, action, gate and move, in the order in which they began."""
    told = _Told(run, {each.name: each for each in units})
    rows = (*told.operations(), *_gates(run), *_moves(run))
    return tuple(sorted(rows, key=lambda each: (each.start, each.kind != "move", each.name)))


@dataclass(slots=True)
class _Told:
    """The lines of a run, by unit."""

    run: Recorded
    known: Mapping[str, Unit]
    _events: dict[str, list[Line]] = field(default_factory=dict)
    _instances: dict[str, list[Line]] = field(default_factory=dict)
    _times: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._events = by_unit(line for line in self.run.of("stack.event") if line.get("at"))
        self._instances = by_unit(self.run.of("instance.status"))

    def operations(self) -> Iterator[Span]:
        """Yield a row for each time that a unit or an action was at work."""
        open_ones: dict[str, Line] = {}
        for line in self.run.of("op.start", "op.end"):
            name = line["unit"]
            if line["type"] == "op.start":
                open_ones.setdefault(name, line)
            elif line.get("kind") != "stack_set":  # one call of several: the unit's end comes later
                start = open_ones.pop(name, None)
                if start is not None or line["duration_ms"] > 0:
                    yield self._ended(line, start)
        last = told_at(self.run.lines[-1]) if self.run.lines else 0.0
        for line in open_ones.values():
            row = self._row(line, told_at(line), last, line.get("kind", "stack"))
            yield replace(row, tone="warn", note="not seen to end")

    def _ended(self, line: Line, start: Line | None) -> Span:
        ends = told_at(line)
        begins = told_at(start) if start else ends - line["duration_ms"] / 1000
        kind = (start or line).get("kind") or "stack"
        row = self._row(line, begins, max(ends, begins), kind)
        is_good = not line["failed"] and line.get("ending") not in {"failed", "blocked", "running"}
        inside = self._of_set(row) if kind == "stack_set" else self._of_stack(row, line["unit"])
        note = str((start or {}).get("action") or line.get("text") or "")
        tone = "good" if is_good else "bad"
        return replace(row, tone=tone, note=note, inside=tuple(inside))

    def _row(self, line: Line, begins: float, ends: float, kind: str) -> Span:
        name, unit = line["unit"], self.known.get(line["unit"])
        times = self._times[name] = self._times.get(name, 0) + 1
        own = name if times == 1 else f"{name}#{times}"
        if unit is None:
            return Span(own, name, kind, begins, ends)
        return Span(own, unit.short, kind, begins, ends, place=unit.place, needs=unit.needs)

    def _of_stack(self, row: Span, unit: str) -> Iterator[Span]:
        """Yield the resources. The row's times are ours, theirs the service's: they stay within."""
        for each in resources(self._events.get(unit, ())):
            if each.end >= row.start - HAIR and each.start <= row.end + HAIR:
                start, end = (min(max(at, row.start), row.end) for at in (each.start, each.end))
                yield replace(each, start=start, end=end)

    def _of_set(self, row: Span) -> Iterable[Span]:
        rows: dict[str, Span] = {}
        for line in self._instances.get(row.name.partition("#")[0], ()):
            at, place = told_at(line), f"{line['account']}/{line['region']}"
            if not row.start - HAIR <= at <= row.end + HAIR:
                continue
            tone = _OVER.get(Cell(line["detailed_status"]).standing, "calm")
            known = rows.get(place) or Span(place, place, "instance", at, at, "calm")
            begins = at if known.tone == "calm" and tone != "calm" else known.start
            note = line["detailed_status"]
            rows[place] = replace(known, start=begins, end=at, tone=tone, note=note)
        worked = [each for _, each in sorted(rows.items()) if each.tone != "calm"]
        return worked if len(worked) <= _MOST_ROWS else _by_region(worked)


def by_unit(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Return lines by the unit that they tell of."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line["unit"], []).append(line)
    return found


def resources(events: Iterable[Line]) -> Iterator[Span]:
    """Yield what was done to each resource of a stack, from its first word to its last."""
    open_ones: dict[str, tuple[Line, float]] = {}
    for line in events:
        at, key = moment(line["at"]), line["logical_id"]
        if at is None or key == line["unit"]:
            continue
        _, began = open_ones.setdefault(key, (line, at))
        status = str(line["resource_status"])
        if not status.endswith("_IN_PROGRESS"):
            del open_ones[key]
            tone = "bad" if status.endswith("_FAILED") else "good"
            yield Span(key, key, "resource", began, at, tone, note=_note(line))
    for key, (line, began) in open_ones.items():
        yield Span(key, key, "resource", began, began, "warn", note=_note(line))


def _note(line: Line) -> str:
    return f"{line['resource_type']} {line['resource_status']}"


def _by_region(rows: Iterable[Span]) -> Iterator[Span]:
    groups: dict[str, list[Span]] = {}
    for each in rows:
        groups.setdefault(each.name.partition("/")[2], []).append(each)
    for region, found in sorted(groups.items()):
        failed = sum(each.tone == "bad" for each in found)
        note = f"{len(found)} instances" + (f", {failed} failed" if failed else "")
        start, end = min(each.start for each in found), max(each.end for each in found)
        yield Span(region, region, "instance", start, end, "bad" if failed else "good", note=note)


def _gates(run: Recorded) -> Iterator[Span]:
    """Yield each gate from its first word to its verdict."""
    opened: dict[tuple[str, str], Line] = {}
    for number, line in enumerate(run.of("gate")):
        key = (line["unit"], line["name"])
        first = opened.setdefault(key, line)
        if line["verdict"] == "waiting":
            continue
        del opened[key]
        ends = told_at(line)
        begins = told_at(first)
        if first is line:  # told once: it was opened before the first of its samples
            begins = ends - max((each["at"] for each in line["samples"]), default=0.0)
        tone = "good" if line["verdict"] == "passed" else "bad"
        name = f"gate {line['name']}"
        yield Span(f"{name}#{number}", name, "gate", begins, ends, tone, note=line["reason"])


def _moves(run: Recorded) -> Iterator[Span]:
    begun: Line | None = None
    for number, line in enumerate(run.of("move.start", "move.end")):
        if line["type"] == "move.start":
            begun = line
        elif begun is not None:
            tone = "move" if line["passed"] else "bad"
            name = f"{'back: ' if line['back'] else ''}{line['move']}"
            start, end = told_at(begun), told_at(line)
            yield Span(f"move {name}#{number}", name, "move", start, end, tone, note="move")
            begun = None
