"""Findings, progress and outcomes as text that a person can follow and act on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tapcfn.events import (
    ActionEnded,
    ActionStarted,
    Diagnosed,
    Event,
    GateJudged,
    MoveEnded,
    MoveStarted,
    OperationStarted,
    Outcome,
    ResourceMoved,
    StackEnded,
    Waiting,
)
from tapcfn.gates import Sample
from tapcfn.model import Ending, Finding, Severity, StackStatus
from tapcfn.plan.stuck import ADVICE

# A line of a file, where a cause names one: `… — templates/layers/storage.py:41`.
_PLACE = re.compile(r" — ([^\s;,]+:\d+)")

# States in which the next apply would be refused; a failed deletion is gone on with as it is.
_STUCK = frozenset(ADVICE.keys() - {StackStatus.DELETE_FAILED})

# How many groups of like samples a verdict shows, the newest.
_SAMPLES_SHOWN = 12


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
        case ResourceMoved() | StackEnded() | GateJudged():
            return f"{clock} {_seen_text(event)}"
        case MoveStarted() | MoveEnded() | ActionStarted() | ActionEnded():
            return f"{clock} {moving_text(event)}"
        case Waiting():
            left = f", about {duration(event.left)} to go" if event.left else ""
            return f"{clock} waiting for {', '.join(event.waiting_on) or 'answers'}{left}"
        case Diagnosed():
            return f"{event.level}: {event.message}" + (f"\n  {event.hint}" if event.hint else "")
        case _:
            return None


def _seen_text(event: ResourceMoved | StackEnded | GateJudged) -> str:
    match event:
        case ResourceMoved():
            return moved_text(event)
        case StackEnded():
            # A failure's cause is the verdict's to tell, once.
            failed = event.ending in {Ending.FAILED, Ending.BLOCKED}
            return ended_text(replace(event, cause="") if failed else event)
        case GateJudged():
            return gate_text(event)


def moving_text(event: MoveStarted | MoveEnded | ActionStarted | ActionEnded) -> str:
    """Return what a rollout's move, or one of its actions, is at."""
    match event:
        case MoveStarted():
            return f"{event.move}: {'back: ' if event.back else ''}{event.says}"
        case MoveEnded():
            word = "taken back" if event.back else "passed"
            return f"{event.move}: {word if event.passed else f'stopped: {event.cause}'}"
        case ActionStarted():
            return f"{event.action}: {'found at work: ' if event.adopted else ''}{event.says}"
        case ActionEnded():
            how = "done before" if event.unchanged else f"{event.status} in {event.seconds:.1f} s"
            facts = ", ".join(f"{key} {value}" for key, value in event.facts.items())
            return f"{event.action}: {how}" + "".join(
                f", {each}" for each in (event.text, facts) if each
            )


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


def gate_text(event: GateJudged) -> str:
    """Return where a gate stands, in a line; once it is over, with its samples in another."""
    verdict = event.verdict
    unit = f"{event.unit}: " if event.unit else ""
    text = f"{unit}gate {event.gate} {verdict.status}: {verdict.reason}"
    if not verdict.is_over or not verdict.samples:
        return text
    return f"{text}\n    samples: {samples_text(verdict.samples)}"


def samples_text(samples: Iterable[Sample]) -> str:
    """Return samples oldest first, like ones that follow each other as one: 7 (bad), 0 x 5."""
    groups: list[tuple[str, int]] = []
    for each in samples:
        name = _sample_text(each)
        if groups and groups[-1][0] == name:
            groups[-1] = (name, groups[-1][1] + 1)
        else:
            groups.append((name, 1))
    shown = [name if count == 1 else f"{name} x {count}" for name, count in groups]
    return ", ".join(["…"] * (len(shown) > _SAMPLES_SHOWN) + shown[-_SAMPLES_SHOWN:])


def _sample_text(sample: Sample) -> str:
    told = sample.value
    value = f"{told:g}" if isinstance(told, int | float) else told or ""
    if sample.good is None:
        return f"{value} (missing)" if value else "missing"
    how = "good" if sample.good else "bad"
    return (f"{value} (bad)" if not sample.good else value) if value else how


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
        lines.append(f"To go on: {_mending(outcome)}{resume}")
    return "\n".join(lines)


def _mending(outcome: Outcome) -> str:
    """Say what has to be mended before it is worth trying again: lines, and stacks."""
    failed = (*outcome.ended(Ending.FAILED), *outcome.ended(Ending.BLOCKED))
    places = dict.fromkeys(place for each in failed for place in _PLACE.findall(each.cause))
    stuck = [f"{each.stack} ({each.status})" for each in failed if each.status in _STUCK]
    mend = f"mend {', '.join(places)}" if places else ""
    recover = f"`recover` {', '.join(stuck)}" if stuck else ""
    todo = " and ".join(filter(None, (mend, recover)))
    return f"{todo} first, then: " if todo else ""


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
