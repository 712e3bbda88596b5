"""A run in the words of GitHub Actions: lines that a runner reads from what a step prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice

from tapcfn.events import Event, GateJudged, InstancesMoved, WaveEnded, WaveStarted
from tapcfn.model import Severity
from tapcfn.report import ndjson
from tapcfn.report.collected import Report

# A step may have so many of a kind; GitHub drops the rest.
MOST_ERRORS = 10

# The summary of a step, in bytes.
LONGEST_SUMMARY = 1024 * 1024

# A line of a file, where a cause names one: `… — templates/layers/storage.py:41`.
_PLACE = re.compile(r" — ([^\s;,]+):(\d+)")


def escaped(text: str) -> str:
    """Return a message so that it stays one line, and is none of the runner's words."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Return a value that stands between `=` and `,`."""
    return escaped(text).replace(":", "%3A").replace(",", "%2C")


def group(title: str) -> str:
    """Return the line that opens a group of lines."""
    return f"::group::{escaped(title)}"


END_OF_GROUP = "::endgroup::"


def unit_of(event: Event) -> str:
    """Return the unit that an event is about, or nothing."""
    match event:
        case WaveStarted() | WaveEnded():
            return event.stack_set
        case GateJudged():
            return event.unit
        case InstancesMoved():
            return event.moved[0].stack_set if event.moved else ""
        case _:
            return ndjson.unit_of(event)


def errors(report: Report) -> tuple[str, ...]:
    """Return annotations for what went wrong, at most ten; findings first, with their lines."""
    return tuple(dict.fromkeys(islice(_errors(report), MOST_ERRORS)))


def _errors(report: Report) -> Iterator[str]:
    told: set[str] = set()
    for finding in dict.fromkeys(each.finding for each in report.findings):
        if finding.severity is Severity.ERROR:
            told.add(finding.stack)
            place = (finding.source.file, str(finding.source.line)) if finding.source else None
            yield _error(f"{finding.rule} {finding.stack}", finding.message, place)
    for case in report.bad:
        if case.name not in told:
            found = _PLACE.search(case.text)
            yield _error(case.name, case.text, (found[1], found[2]) if found else None)


def _error(title: str, text: str, place: tuple[str, str] | None) -> str:
    where = f"file={_property(place[0])},line={place[1]}," if place else ""
    return f"::error {where}title={_property(title)}::{escaped(text)}"


def step_outputs(report: Report) -> str:
    """Return what later steps may ask for, as lines of the file that they are read from."""
    values = {
        "exit_code": str(report.summary.exit_code),
        "changed": str(report.changed).lower(),
        "plan_digest": report.digest or "",
        "operation_ids": json.dumps(report.operations, separators=(",", ":")),
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())
