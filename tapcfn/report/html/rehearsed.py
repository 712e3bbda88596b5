"""The rows of a rehearsal: its schedule, in seconds of AWS from the rollout's start on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tapcfn.report.html.moments import moment
from tapcfn.report.html.spans import Span, by_unit, resources
from tapcfn.report.html.units import Unit
from tapcfn.report.recorded import Line, Recorded
from tapcfn.report.rehearsal import STAGING


def rehearsed(run: Recorded, told: Line, units: Iterable[Unit]) -> tuple[Span, ...]:
    """Return the rows of a schedule; resources take as much longer as the cloud was faster."""
    known = {each.name: each for each in units}
    events = by_unit(line for line in run.of("stack.event") if line.get("at"))
    failed = {line["unit"] for line in run.of("op.end") if line["failed"]}
    speed = float(told.get("speed") or 1.0)
    stacks = (
        _scheduled(each, known.get(each["unit"]), events.get(each["unit"], []), speed, failed)
        for each in told["units"]
    )
    return (*stacks, *(row for move in told.get("moves", ()) for row in _taken(move)))


def _taken(move: Line) -> Iterator[Span]:
    """Yield a move and its pieces, which follow each other."""
    start = float(move["start"])
    name = f"{'back: ' if move['back'] else ''}{move['move']}"
    tone = "move" if move["passed"] else "bad"
    yield Span(f"move {name}", name, "move", start, start + move["seconds"], tone, note="move")
    for piece in move["pieces"]:
        label = {"gate": f"gate {piece['name']}", "bake": "bake"}.get(piece["kind"], piece["name"])
        end = start + piece["seconds"]
        yield Span(f"{move['move']}: {label}", label, piece["kind"], start, end)
        start = end


def _scheduled(
    each: Line, unit: Unit | None, events: list[Line], speed: float, failed: set[str]
) -> Span:
    name, begins = each["unit"], each["start"] + STAGING
    zero = min((at for line in events if (at := moment(line["at"])) is not None), default=0.0)
    inside = tuple(
        replace(
            one,
            start=begins + (one.start - zero) * speed,
            end=begins + (one.end - zero) * speed,
        )
        for one in resources(events)
    )
    row = Span(name, name, "stack", float(each["start"]), float(each["end"]), inside=inside)
    if name in failed:
        row = replace(row, tone="bad")
    if unit is None:
        return row
    return replace(row, label=unit.short, place=unit.place, needs=unit.needs)
