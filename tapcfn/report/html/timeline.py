"""The timeline of a run: its rows along an axis, and the path that took longest.

Lengths are seconds. A rehearsal's are those that the rollout would have on AWS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tapcfn.report.html.moments import axis
from tapcfn.report.html.rehearsed import rehearsed
from tapcfn.report.html.spans import HAIR, Span, spans_of
from tapcfn.report.html.units import Unit
from tapcfn.report.recorded import Recorded

# A bar's coordinates: the width of the picture that all bars share.
WIDTH = 1000.0

# No bar is narrower than this.
_HAIRLINE = 2.0


@dataclass(frozen=True, slots=True)
class Timeline:
    """All rows in the order in which they began, the axis above them, and the critical path."""

    spans: tuple[Span, ...]
    ticks: tuple[str, ...]
    path: tuple[str, ...] = ()
    note: str = ""

    @property
    def grid(self) -> tuple[float, ...]:
        """Where lines stand behind the bars."""
        steps = len(self.ticks) - 1
        return tuple(round(WIDTH * number / steps, 1) for number in range(1, steps))


def timeline_of(run: Recorded, units: Iterable[Unit]) -> Timeline | None:
    """Return the timeline of a run, or None where nothing was at work."""
    units, taught = tuple(units), run.of("rehearsal")
    if taught:
        spans, path = rehearsed(run, taught[-1], units), tuple(taught[-1]["critical_path"])
    else:
        spans = spans_of(run, units)
        path = critical(spans)
    if not spans:
        return None
    begins, ends = min(each.start for each in spans), max(each.end for each in spans)
    length, ticks = axis(ends - begins)
    placed = (_placed(replace(each, critical=each.name in path), begins, length) for each in spans)
    labels = {each.name: each.label for each in spans}
    note = "as it would take on AWS" if taught else ""
    return Timeline(tuple(placed), ticks, tuple(labels.get(name, name) for name in path), note)


def _placed(span: Span, begins: float, length: float) -> Span:
    x = round((span.start - begins) / length * WIDTH, 1)
    width = max(round(span.seconds / length * WIDTH, 1), _HAIRLINE)
    inside = tuple(_placed(each, begins, length) for each in span.inside)
    return replace(span, x=min(x, WIDTH - _HAIRLINE), width=width, inside=inside)


def critical(spans: Iterable[Span]) -> tuple[str, ...]:
    """Return the chain of rows that ends last: each began once the one before it had ended."""
    rows = [each for each in spans if each.kind != "move"]
    if not rows:
        return ()
    by_name = {each.name: each for each in rows}
    at = max(rows, key=lambda each: (each.end, each.seconds))
    chain = [at.name]
    while (before := _before(at, rows, by_name)) is not None and before.name not in chain:
        chain.append(before.name)
        at = before
    return tuple(reversed(chain))


def _before(span: Span, rows: Iterable[Span], by_name: Mapping[str, Span]) -> Span | None:
    """Return what a row waited for: of its needs, else of all, what ended last before it began."""
    needed = [by_name[each] for each in span.needs if each in by_name]
    for candidates in (needed, rows):
        ended = [
            each
            for each in candidates
            if each is not span and each.end <= span.start + HAIR and each.start < span.start
        ]
        if ended:
            return max(ended, key=lambda each: (each.end, each.name))
    return None
