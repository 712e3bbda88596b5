"""What a plan changes, unit by unit; what is the same in many places is said once."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tapcfn.report.html.units import Unit, place_of
from tapcfn.report.recorded import Line, Recorded

# More of a value than this stands behind a fold of its own.
_LONGEST = 4000

_WORDS = {
    "Add": ("+", "add", "good"),
    "Modify": ("~", "modify", "calm"),
    "Remove": ("−", "remove", "bad"),
    "Import": ("<", "import", "good"),
    "Dynamic": ("?", "may change", "warn"),
}
_REPLACE = ("±", "replace", "bad")
_MAY_REPLACE = ("±", "may replace", "warn")

# Counts of a plan's line in the order in which they are said.
_COUNTS = {
    "add": "to add",
    "modify": "to modify",
    "update": "to update",
    "override": "to override",
    "replace": "to replace",
    "may_replace": "may be replaced",
    "import": "to import",
    "remove": "to remove",
}


@dataclass(frozen=True, slots=True)
class Detail:
    """One property, before and after; `diff` has both as lines where they are documents."""

    path: str
    before: str | None
    after: str | None
    note: str
    diff: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One resource, wherever it changes like this: `everywhere` is in all instances that change."""

    sign: str
    word: str
    tone: str
    logical_id: str
    resource_type: str
    physical_id: str
    note: str
    source: str
    details: tuple[Detail, ...]
    places: tuple[str, ...] = ()
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """What is to become of one unit."""

    name: str
    place: str
    verb: str
    reason: str
    counts: str
    notes: tuple[str, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """One plan; a rollout with moves has one for each, which `title` names."""

    title: str
    units: tuple[UnitPlan, ...]
    still: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many changes there are, each wherever it happens."""
        return sum(max(1, len(each.places)) for unit in self.units for each in unit.changes)


def rounds_of(run: Recorded, units: Iterable[Unit]) -> tuple[Round, ...]:
    """Return the plans of a run one after another; a unit that is planned again begins the next.

    A round in which nothing is to be done is left out, unless it is the only one.
    """
    places = {each.name: each.place for each in units}
    rounds = [_round(title, lines, places) for title, lines in _cut(run.lines)]
    busy = tuple(each for each in rounds if each.units)
    return busy or tuple(rounds[:1])


def _cut(lines: Iterable[Line]) -> list[tuple[str, list[Line]]]:
    """Return the plan's lines by round, each with the move that it is for."""
    rounds: list[tuple[str, list[Line]]] = []
    seen: set[str] = set()
    move = ""
    for line in lines:
        if line["type"] == "move.start":
            move = f"{'back: ' if line['back'] else ''}{line['move']}"
        elif line["type"] == "plan.unit":
            if not rounds or line["unit"] in seen or rounds[-1][0] != move:
                rounds.append((move, []))
                seen = set()
            seen.add(line["unit"])
            rounds[-1][1].append(line)
        elif line["type"] == "plan.change" and rounds:
            rounds[-1][1].append(line)
    return rounds


def _round(title: str, lines: list[Line], places: Mapping[str, str]) -> Round:
    changes: dict[str, list[Line]] = {}
    for line in lines:
        if line["type"] == "plan.change":
            changes.setdefault(line["unit"], []).append(line)
    planned = [line for line in lines if line["type"] == "plan.unit"]
    busy = [line for line in planned if line["verb"] != "none" or line["unit"] in changes]
    still = tuple(line["unit"] for line in planned if line not in busy)
    told = (_unit(line, changes.get(line["unit"], []), places[line["unit"]]) for line in busy)
    return Round(title, tuple(told), still)


def _unit(line: Line, changes: list[Line], place: str) -> UnitPlan:
    needing = [f"{key}: {', '.join(names)}" for key, names in line["capabilities"].items()]
    counts = [f"{number} {_COUNTS.get(key, key)}" for key, number in _ordered(line) if number]
    home = place_of(line["account"], line["region"])
    is_set = line.get("kind", "stack" if line["wave"] else "stack_set") == "stack_set"
    of = " instances: " if is_set and counts else ""
    return UnitPlan(
        line["unit"],
        place,
        line["verb"],
        line["reason"],
        (of + ", ".join(counts)).strip(),
        tuple(needing),
        _folded(changes, home),
    )


def _ordered(line: Line) -> list[tuple[str, int]]:
    counts = line["counts"]
    order = [*_COUNTS, *(key for key in counts if key not in _COUNTS)]
    return [(key, counts[key]) for key in order if key in counts]


def _folded(changes: Iterable[Line], home: str) -> tuple[Change, ...]:
    """Return each change once, with the places other than the unit's own where it happens."""
    places: dict[str, list[str]] = {}
    first: dict[str, Line] = {}
    for line in changes:
        key = json.dumps(
            [line[each] for each in ("nested", "logical_id", "resource_type", "action")]
            + [line["replacement"], line["details"]],
        )
        first.setdefault(key, line)
        places.setdefault(key, []).append(place_of(line["account"], line["region"]))
    every = {place for found in places.values() for place in found}
    return tuple(
        _change(line, tuple(sorted(places[key])) if places[key] != [home] else (), len(every))
        for key, line in first.items()
    )


def _change(line: Line, places: tuple[str, ...], most: int) -> Change:
    sign, word, tone = _WORDS.get(line["action"], ("~", str(line["action"]).lower(), "calm"))
    if line["replacement"] == "True":
        sign, word, tone = _REPLACE
    elif line["replacement"] == "Conditional":
        sign, word, tone = _MAY_REPLACE
    source = line["source"]
    return Change(
        sign,
        word,
        tone,
        f"{line['nested']}/{line['logical_id']}" if line["nested"] else line["logical_id"],
        line["resource_type"],
        "" if len(places) > 1 else line["physical_id"] or "",
        f"policy: {line['policy_action']}" if line["policy_action"] else "",
        f"{source['file']}:{source['line']}" if source else "",
        tuple(_detail(each) for each in line["details"]),
        places,
        1 < len(places) == most,
    )


def _detail(each: Line) -> Detail:
    words = []
    if each["recreation"] in {"Always", "Conditionally"}:
        words.append(f"replaces the resource: {each['recreation'].lower()}")
    if each["cause"] and each["cause"] != "DirectModification":
        words.append(f"because of {each['cause']}")
    if each["evaluation"] == "Dynamic":
        words.append("known when it is deployed")
    before, after = each["before"], each["after"]
    diff = tuple(_difference(before, after)) if before and after else ()
    return Detail(each["path"], _shown(before), _shown(after), "; ".join(words), diff)


def _shown(value: str | None) -> str | None:
    if value is None or len(value) <= _LONGEST:
        return value
    return f"{value[:_LONGEST]}… ({len(value) - _LONGEST} more characters)"


def _difference(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of two documents that differ, with a sign and two lines around each."""
    old, new = _document(before), _document(after)
    if old is None or new is None:
        return
    for line in list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]:
        if line.startswith("@@"):
            yield "…", ""
        else:
            yield line[0].replace("-", "−"), line[1:]


def _document(text: str) -> list[str] | None:
    """Return a document of JSON as lines; None for a plain value."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if not isinstance(value, dict | list):
        return None
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).splitlines()
