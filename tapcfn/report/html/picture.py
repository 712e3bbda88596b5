"""The architecture as a drawing: Regions are lanes, and who needs a value stands further right.

A layout of its own, in layers: the column of a unit is one more than that of the last it needs,
and phases follow each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tapcfn.report.graph import contents
from tapcfn.report.html.fleets import Fleet
from tapcfn.report.html.units import Unit

_BOX, _GAP = 172, 56  # how wide a box is, and how much room the arrows have
_LINE, _HEAD = 15, 30
_PAD, _BETWEEN = 14, 12
_LANE_HEAD, _LANE_GAP = 28, 12

# How far apart the ways are that arrows take above the boxes.
_CHANNEL = 7
_PHASE_HEAD = 24

# What a box has room for.
_MOST_LINES = 6
_LONGEST_LINE = 24

# Of so many units each says only its name.
_TERSE = 60


@dataclass(frozen=True, slots=True)
class Box:
    """A unit at its place."""

    x: int
    y: int
    height: int
    title: str
    name: str
    lines: tuple[str, ...]
    sign: str
    word: str
    tone: str
    needs: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A Region, with all that stands in it."""

    title: str
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn; `arrows` are paths of SVG, `phases` titles above the columns."""

    width: int
    height: int
    lanes: tuple[Lane, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[str, ...]
    phases: tuple[tuple[int, str], ...]
    box_width: int = _BOX


def picture_of(units: Iterable[Unit], fleets: Iterable[Fleet]) -> Picture | None:
    """Return the drawing of what was planned, or None where nothing was."""
    planned = [each for each in units if each.verb]
    if not planned:
        return None
    order = list(dict.fromkeys(each.phase for each in planned))
    planned.sort(key=lambda each: order.index(each.phase))
    spreads = {each.name: each for each in fleets}
    columns = _columns(planned)
    terse = len(planned) > _TERSE
    texts = {each.name: () if terse else _lines(each) for each in planned}
    lanes: dict[str, list[Unit]] = {}
    pairs = [(need, each.name) for each in planned for need in each.needs if need in columns]
    for each in planned:
        lanes.setdefault(_lane(each, spreads.get(each.name)), []).append(each)
    phases = _phases(planned, columns)
    y = _PHASE_HEAD if phases else 0
    drawn: list[Lane] = []
    boxes: dict[str, Box] = {}
    channels: dict[tuple[str, str], int] = {}
    for title, inside in lanes.items():
        names = {each.name for each in inside}
        far = [(a, b) for a, b in pairs if b in names and columns[b] - columns[a] > 1]
        for number, pair in enumerate(far):
            channels[pair] = y + _LANE_HEAD + number * _CHANNEL
        top = y + _LANE_HEAD + len(far) * _CHANNEL
        below = _fill(inside, columns, texts, top, boxes)
        drawn.append(Lane(title, y, below - y))
        y = below + _LANE_GAP
    width = _x(max(columns.values())) + _BOX + _PAD
    arrows = tuple(_arrows(pairs, boxes, channels))
    return Picture(width, y - _LANE_GAP, tuple(drawn), tuple(boxes.values()), arrows, phases)


def _lane(unit: Unit, fleet: Fleet | None) -> str:
    if unit.kind == "stack":
        return unit.place
    if fleet is None:
        return "stack sets"
    accounts = len(fleet.rows) + len(fleet.folded)
    of = f"{accounts} account{'s' * (accounts != 1)}"
    return f"stack set: {of}, {len(fleet.regions)} Region{'s' * (len(fleet.regions) != 1)}"


def _columns(units: Iterable[Unit]) -> dict[str, int]:
    """Return each unit's column: behind all that it needs, and behind the phases before."""
    columns: dict[str, int] = {}
    phase, first = "", 0
    for each in units:
        if each.phase != phase:
            phase, first = each.phase, max(columns.values(), default=-1) + 1
        behind = [columns[need] + 1 for need in each.needs if need in columns]
        columns[each.name] = max([first, *behind])
    return columns


def _phases(units: Iterable[Unit], columns: Mapping[str, int]) -> tuple[tuple[int, str], ...]:
    """Return where each phase begins; nothing where there is only one."""
    first: dict[str, int] = {}
    for each in units:
        first[each.phase] = min(columns[each.name], first.get(each.phase, columns[each.name]))
    if len(first) < 2:
        return ()
    return tuple(
        (_x(column), f"{number}. {phase}")
        for number, (phase, column) in enumerate(first.items(), start=1)
    )


def _lines(unit: Unit) -> tuple[str, ...]:
    lines = contents(unit.contents)
    if len(lines) > _MOST_LINES:
        lines = (*lines[: _MOST_LINES - 1], f"and {len(lines) - _MOST_LINES + 1} more kinds")
    return tuple(_short(line, _LONGEST_LINE) for line in lines)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _x(column: int) -> int:
    return _PAD + column * (_BOX + _GAP)


def _fill(
    units: Iterable[Unit],
    columns: Mapping[str, int],
    texts: Mapping[str, tuple[str, ...]],
    top: int,
    boxes: dict[str, Box],
) -> int:
    """Put a lane's units into their columns; return where the lane ends."""
    below: dict[int, int] = {}
    for each in units:
        column = columns[each.name]
        y = below.get(column, top)
        lines = texts[each.name]
        height = _HEAD + (len(lines) * _LINE + 8 if lines else 0)
        mark = each.mark
        boxes[each.name] = Box(
            _x(column),
            y,
            height,
            _short(each.layer or each.short, 19),
            each.name,
            lines,
            mark.sign,
            mark.word,
            mark.tone,
            ", ".join(each.needs),
        )
        below[column] = y + height + _BETWEEN
    return max(below.values(), default=top) - _BETWEEN + _PAD


def _arrows(
    pairs: Iterable[tuple[str, str]],
    boxes: Mapping[str, Box],
    channels: Mapping[tuple[str, str], int],
) -> Iterator[str]:
    """Yield a curve for each pair of who is needed and who needs.

    One that passes by a column takes its channel above the boxes. Those that meet at a side of a
    box are spread along it.
    """
    pairs = tuple(pairs)
    out = _ports(boxes, pairs)
    into = _ports(boxes, [(head, tail) for tail, head in pairs])
    for tail, head in pairs:
        x1, y1 = boxes[tail].x + _BOX, out[tail, head]
        x2, y2 = boxes[head].x, into[head, tail]
        half = _GAP // 2
        if (level := channels.get((tail, head))) is None:
            yield f"M{x1} {y1}C{x1 + half} {y1} {x2 - half} {y2} {x2} {y2}"
            continue
        yield (
            f"M{x1} {y1}C{x1 + half} {y1} {x1 + half} {level} {x1 + _GAP} {level}H{x2 - _GAP}"
            f"C{x2 - half} {level} {x2 - half} {y2} {x2} {y2}"
        )


def _ports(
    boxes: Mapping[str, Box], pairs: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """Return the height at which each arrow touches the first of its pair, by the other's."""
    others: dict[str, list[str]] = {}
    for one, other in pairs:
        others.setdefault(one, []).append(other)
    ports = {}
    for one, found in others.items():
        box = boxes[one]
        ranked = sorted(found, key=lambda name: (boxes[name].y, boxes[name].x))
        for number, other in enumerate(ranked, start=1):
            ports[one, other] = box.y + box.height * number // (len(ranked) + 1)
    return ports
