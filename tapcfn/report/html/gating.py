"""Moves, and gates with all that they saw, as charts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tapcfn.report.html.moments import axis, length, told_at, took
from tapcfn.report.html.units import place_of
from tapcfn.report.recorded import Line, Recorded

# The picture that a chart's points are placed in.
WIDTH, HEIGHT = 1000.0, 100.0
_HEADROOM = 8.0

_TONES = {"passed": ("✓", "good"), "failed": ("✗", "bad"), "waiting": ("»", "warn")}


@dataclass(frozen=True, slots=True)
class Point:
    """One sample: where it stands, and what it said."""

    x: float
    y: float
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Samples over time. `threshold` is where the line stands that they must not cross.

    Where samples are no numbers, there are only two heights: good above, bad below.
    """

    points: tuple[Point, ...]
    ticks: tuple[str, ...]
    highs: tuple[str, ...]
    threshold: float | None = None

    @property
    def line(self) -> str:
        """The points as SVG takes them."""
        return " ".join(f"{each.x:g},{each.y:g}" for each in self.points)


@dataclass(frozen=True, slots=True)
class GateCard:
    """A gate and its verdict."""

    name: str
    unit: str
    place: str
    sign: str
    verdict: str
    tone: str
    reason: str
    rule: str
    chart: Chart | None


@dataclass(frozen=True, slots=True)
class MoveCard:
    """A step that was taken, or is still to come."""

    name: str
    says: str
    sign: str
    word: str
    tone: str
    took: str = ""
    cause: str = ""
    forever: str = ""
    gates: tuple[str, ...] = ()


# Gates --------------------------------------------------------------------------------------------


def gates_of(run: Recorded) -> tuple[GateCard, ...]:
    """Return every gate that was opened, each time that it was."""
    held: list[dict[str, Any]] = []
    open_ones: dict[tuple[str, str], dict[str, Any]] = {}
    for line in run.of("gate"):
        key = (line["unit"], line["name"])
        gate = open_ones.get(key)
        if gate is None:
            gate = open_ones[key] = {"samples": {}}
            held.append(gate)
        gate["line"] = line
        gate["samples"] |= {each["at"]: each for each in line["samples"]}
        if line["verdict"] != "waiting":
            del open_ones[key]
    return tuple(_card(each["line"], each["samples"]) for each in held)


def _card(line: Line, samples: Mapping[float, Mapping[str, Any]]) -> GateCard:
    sign, tone = _TONES.get(line["verdict"], ("?", "warn"))
    told = [each for _, each in sorted(samples.items())]
    place = place_of(line["account"], line["region"])
    return GateCard(
        line["name"],
        line["unit"],
        place,
        sign,
        line["verdict"],
        tone,
        line["reason"],
        _rule(line),
        _chart(told, line.get("threshold")) if told else None,
    )


def _rule(line: Line) -> str:
    """Return what the gate asks for, in a line."""
    words = []
    if line.get("metric"):
        words.append(f"{line['metric']} {line['comparison']} {line['threshold']:g}")
    elif check := str(line.get("check") or ""):
        words.append({"targethealth": "target health"}.get(check, check))
    if line.get("hold_ms"):
        words.append(f"for {length(line['hold_ms'] / 1000)}")
    if line.get("timeout_ms"):
        words.append(f"within {length(line['timeout_ms'] / 1000)}")
    return ", ".join(words)


def _chart(samples: list[Mapping[str, Any]], threshold: float | None) -> Chart:
    seconds, ticks = axis(max(each["at"] for each in samples))
    values = [_number(each["value"]) for each in samples]
    numbers = [each for each in values if each is not None]
    if not numbers:
        points = [_point(each, seconds, _TWO[each["good"]]) for each in samples]
        return Chart(tuple(points), ticks, ("good", "bad"))
    edges = [*numbers, *([threshold] if threshold is not None else [])]
    low = min(0.0, *edges)
    high = max(edges) if max(edges) > low else low + 1.0

    def height(value: float) -> float:
        return round(HEIGHT - (value - low) / (high - low) * (HEIGHT - _HEADROOM), 1)

    points = [
        _point(each, seconds, HEIGHT if value is None else height(value))
        for each, value in zip(samples, values, strict=True)
    ]
    at = height(threshold) if threshold is not None else None
    return Chart(tuple(points), ticks, (_figure(high), _figure(low)), at)


_TWO = {True: HEIGHT * 0.25, False: HEIGHT * 0.75, None: HEIGHT * 0.75}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _figure(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _point(sample: Mapping[str, Any], seconds: float, y: float) -> Point:
    tone = {True: "good", False: "bad"}.get(sample["good"], "none")
    value = sample["value"]
    said = str(value or "") if (number := _number(value)) is None else f"{number:g}"
    words = [each for each in (said, sample["text"]) if each]
    how = {"good": "good", "bad": "bad", "none": "missing"}[tone]
    text = f"after {took(sample['at'])}: {', '.join(dict.fromkeys(words)) or how} ({how})"
    return Point(round(sample["at"] / seconds * WIDTH, 1), y, tone, text)


# Moves --------------------------------------------------------------------------------------------


def moves_of(run: Recorded) -> tuple[MoveCard, ...]:
    """Return the moves that were taken, then those of the way that were not begun."""
    taken = list(_taken(run))
    ways = run.of("way")
    legs: Iterable[Mapping[str, Any]] = ways[-1]["legs"] if ways else ()
    known = {leg["move"]: leg for leg in legs}
    cards = [
        replace(
            each,
            forever=(known.get(each.name) or {}).get("forever") or "",
            gates=tuple((known.get(each.name) or {}).get("gates") or ()),
        )
        for each in taken
    ]
    begun = {each.name for each in taken}
    for leg in legs:
        if leg["move"] not in begun:
            word = "to be taken back" if leg["back"] else "not begun"
            cards.append(
                MoveCard(
                    leg["move"],
                    leg.get("says") or "",
                    "·",
                    word,
                    "calm",
                    forever=leg.get("forever") or "",
                    gates=tuple(leg.get("gates") or ()),
                )
            )
    return tuple(cards)


def _taken(run: Recorded) -> Iterator[MoveCard]:
    begun: Line | None = None
    for line in run.of("move.start", "move.end"):
        if line["type"] == "move.start":
            begun = line
            continue
        seconds = told_at(line) - told_at(begun) if begun else 0.0
        says = begun["says"] if begun else ""
        word = "taken back" if line["back"] else "passed"
        sign, tone = ("↩" if line["back"] else "✓", "good")
        if not line["passed"]:
            sign, word, tone = "✗", "stopped", "bad"
        cause = line["cause"] or ""
        yield MoveCard(line["move"], says, sign, word, tone, took(seconds), cause)
        begun = None
    if begun:
        yield MoveCard(begun["move"], begun["says"], "»", "not seen to end", "warn")
