"""Findings, progress and outcomes as text that a person can follow and act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tapcfn.events import (
    Diagnosed,
    Event,
    OperationStarted,
    Outcome,
    ResourceMoved,
    StackEnded,
    Waiting,
)
from tapcfn.model import Ending, Finding, Severity


def finding_text(finding: Finding) -> str:
    """Return one objection in a line: rule, weight, what, and where it was written down."""
    where = f" — {finding.source}" if finding.source else ""
    place = "/".join(part for part in (finding.nested, finding.logical_id) if part)
    name = f"{place}: " if place else ""
    allowed = f" (allowed by {finding.allowed_by})" if finding.allowed_by else ""
    return f"{finding.severity} {finding.rule} {name}{finding.message}{allowed}{where}"


def progress_line(event: Event, seconds: float) -> str | None:
    """Return what a person following the run should read, or None."""
    clock = f"[{seconds:7.1f} s]"
    match event:
        case OperationStarted():
            how = "found at work: " if event.adopted else ""
            return f"{clock} {event.stack}: {how}{event.action}"
        case ResourceMoved():
            return f"{clock} {moved_text(event)}"
        case StackEnded():
            return f"{clock} {ended_text(event)}"
        case Waiting():
            left = f", about {duration(event.left)} to go" if event.left else ""
            return f"{clock} waiting for {', '.join(event.waiting_on) or 'answers'}{left}"
        case Diagnosed():
            return f"{event.level}: {event.message}" + (f"\n  {event.hint}" if event.hint else "")
        case _:
            return None


def moved_text(moved: ResourceMoved) -> str:
    """Return one line of a stack's history; a failure with its reason and its source."""
    event = moved.event
    name = "" if event.logical_id == moved.stack else f"{event.logical_id} "
    text = f"{moved.stack}: {name}{event.status}"
    if not event.is_failure:
        return text
    where = f" — {moved.source}" if moved.source else ""
    return f"{text}: {event.reason or 'no reason given'}{where}"


def ended_text(event: StackEnded) -> str:
    """Return how one stack ended, in a line."""
    took = f" in {event.seconds:.1f} s" if event.seconds else ""
    why = f": {event.cause}" if event.cause else ""
    left = "".join(f"\n    warning: {each}" for each in event.warnings)
    return f"{event.stack}: {event.ending}{took}{why}{left}"


def outcome_text(outcome: Outcome, resume: str | None) -> str:
    """Return the verdict: what failed and why first, then what was not tried, then how to go on."""
    lines: list[str] = []
    for ending in (Ending.FAILED, Ending.BLOCKED, Ending.RUNNING, Ending.SKIPPED):
        lines += [f"  {ended_text(each)}" for each in outcome.ended(ending)]
    lines += [f"  {ended_text(each)}" for each in outcome.ended(Ending.DONE) if each.warnings]
    counts = ", ".join(
        f"{len(found)} {ending}" for ending in Ending if (found := outcome.ended(ending))
    )
    verdict = {0: "Done", 7: "Still running", 130: "Interrupted"}.get(outcome.exit_code, "Failed")
    lines.insert(0, f"{verdict}: {counts}." if counts else f"{verdict}.")
    if resume:
        lines.append(f"To go on: {resume}")
    return "\n".join(lines)


def calls_text(calls: int, throttles: int, longest_wait: float) -> str:
    """Return what the run asked of AWS, and how far it was held back."""
    text = f"Calls: {calls}"
    if throttles or longest_wait >= 0.1:
        text += f", throttled: {throttles}, longest wait: {longest_wait:.1f} s"
    return text + "."


def duration(seconds: float) -> str:
    """Return seconds as people say them: 42 s, 3 min 05 s, 1 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def findings_text(findings: Iterable[Finding]) -> str:
    """Return findings as lines, the gravest first, each with its template."""
    order = list(Severity)
    ranked = sorted(findings, key=lambda each: (order.index(each.severity), each.stack, each.rule))
    return "\n".join(f"{each.stack}: {finding_text(each)}" for each in ranked)


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows in columns that are as wide as they need to be."""
    whole = [heads, *rows]
    widths = [max(len(row[column]) for row in whole) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in whole
    )


def outputs_text(values: Mapping[str, str]) -> str:
    """Return outputs as two columns."""
    return table(("output", "value"), values.items())
