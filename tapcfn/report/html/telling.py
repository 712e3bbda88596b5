"""The plain parts of a page: findings, drift, what is lost or left, outputs, and messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tapcfn.report.html.units import Mark, place_of
from tapcfn.report.recorded import Line, Recorded

_SEVERITIES = {
    "error": Mark("✗", "error", "bad"),
    "warning": Mark("!", "warning", "warn"),
    "info": Mark("i", "info", "calm"),
}

_DRIFTED = {"MODIFIED", "DELETED", "FAILED"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection. `instances` counts where else it was raised."""

    mark: Mark
    rule: str
    unit: str
    where: str
    message: str
    source: str
    allowed_by: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """One property that is not as its template says; `places` are instances of a set."""

    unit: str
    resource: str
    status: str
    path: str
    expected: str
    actual: str
    source: str = ""
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """A resource with data that goes, stays or could not be deleted."""

    mark: Mark
    unit: str
    resource: str
    physical_id: str
    note: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource that failed: its own words, and the line that asked for it."""

    unit: str
    name: str
    status: str
    reason: str
    source: str


def findings_of(run: Recorded) -> tuple[Finding, ...]:
    """Return the findings, the gravest first; what is said of many places is said once."""
    first: dict[tuple[object, ...], Line] = {}
    places: dict[tuple[object, ...], list[str]] = {}
    for line in run.of("finding"):
        key = tuple(
            str(line[each])
            for each in ("severity", "rule", "unit", "logical_id", "message", "path")
        )
        first.setdefault(key, line)
        place = place_of(line["account"], line["region"])
        if place and place not in places.setdefault(key, []):
            places[key].append(place)
    order = list(_SEVERITIES)
    told = [_finding(line, tuple(places.get(key, ()))) for key, line in first.items()]
    return tuple(sorted(told, key=lambda each: order.index(each.mark.word)))


def _finding(line: Line, places: tuple[str, ...]) -> Finding:
    where = [line["nested"], line["logical_id"], line["path"]]
    return Finding(
        _SEVERITIES.get(line["severity"], _SEVERITIES["info"]),
        line["rule"],
        line["unit"],
        " ".join(each for each in where if each),
        line["message"],
        _source(line),
        line["allowed_by"] or "",
        places if len(places) > 1 else (),
    )


def _source(line: Mapping[str, Any]) -> str:
    source = line.get("source")
    return f"{source['file']}:{source['line']}" if source else ""


def resources_of(run: Recorded) -> tuple[Resource, ...]:
    """Return the resources that failed, in the order in which they did."""
    return tuple(
        Resource(
            line["unit"],
            line["logical_id"],
            line["resource_status"],
            line["reason"] or "",
            _source(line),
        )
        for line in run.of("stack.event")
        if str(line["resource_status"]).endswith("_FAILED")
    )


def drifts_of(run: Recorded) -> tuple[Drift, ...]:
    """Return what has been changed behind CloudFormation's back, property by property."""
    return (*_of_stacks(run), *_of_sets(run))


def _of_stacks(run: Recorded) -> Iterator[Drift]:
    for line in run.of("drift"):
        if line["status"] != "DETECTION_COMPLETE":
            yield Drift(line["unit"], "", line["status"], "", "", line["reason"] or "")
        for each in line["resources"]:
            if each["status"] not in _DRIFTED:
                continue
            name = f"{each['logical_id']} {each['resource_type']}"
            pairs = each["properties"] or [{"path": "", "expected": "", "actual": ""}]
            for pair in pairs:
                yield Drift(
                    line["unit"],
                    name,
                    each["status"],
                    pair["path"],
                    pair["expected"] or "",
                    pair["actual"] or "",
                    _source(each),
                )


def _of_sets(run: Recorded) -> Iterator[Drift]:
    for line in run.of("stackset.drift"):
        for each in line["groups"]:
            yield Drift(
                line["unit"],
                f"{each['logical_id']} {each['resource_type']}",
                each["status"],
                each["path"] or "",
                each["expected"] or "",
                each["actual"] or "",
                places=tuple(each["instances"]),
            )


def losses_of(run: Recorded) -> tuple[Loss, ...]:
    """Return what holds data and goes, and what a deletion has left."""
    found = []
    for line in run.of("losses"):
        for each in line["holdings"]:
            kept = each["kept"]
            mark = Mark("=", "stays", "calm") if kept else Mark("−", "goes", "bad")
            note = "empty" if each["empty"] else ""
            found.append(_loss(mark, each, note))
    for line in run.of("left"):
        found += [_loss(Mark("=", "was left", "calm"), each, "") for each in line["kept"]]
        found += [
            _loss(Mark("✗", "is stuck", "bad"), each, each["reason"] or "")
            for each in line["stuck"]
        ]
    return tuple(dict.fromkeys(found))


def _loss(mark: Mark, each: Mapping[str, Any], note: str) -> Loss:
    name = f"{each['logical_id']} {each['resource_type']}"
    return Loss(mark, each["unit"], name, each["physical_id"] or "", note)


def outputs_of(run: Recorded) -> tuple[tuple[str, str, str], ...]:
    """Return the outputs as name, Region where there are several, and value."""
    lines = run.of("outputs")
    return tuple(_rows(lines[-1]["values"])) if lines else ()


def _rows(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from ((name, region, str(each)) for region, each in value.items())
        else:
            yield name, "", str(value)


def messages_of(run: Recorded) -> tuple[tuple[Mark, str, str], ...]:
    """Return what was said beside all else, each once: warnings, and words for people."""
    told = [
        (_SEVERITIES.get(line["level"], _SEVERITIES["info"]), line["message"], line["hint"] or "")
        for line in run.of("diagnostic")
        if line["level"] != "error"
    ]
    return tuple(dict.fromkeys(told))
