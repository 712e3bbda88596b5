"""All that a run has told, gathered in one value that files are written from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tapcfn.events import (
    Answered,
    ChangePlanned,
    Diagnosed,
    Event,
    FindingRaised,
    InstanceMoved,
    InstancesMoved,
    MoveEnded,
    OutputsKnown,
    RunStarted,
    SetOperationStarted,
    StackEnded,
    StackPlanned,
    Summarised,
)
from tapcfn.model import Ending, Severity, Target
from tapcfn.stack_sets.cells import Cell, Standing

# What is kept of a run. Resources one by one, sweeps and heartbeats are for whoever follows it.
KEPT = (
    RunStarted,
    StackPlanned,
    ChangePlanned,
    FindingRaised,
    StackEnded,
    SetOperationStarted,
    InstanceMoved,
    InstancesMoved,
    MoveEnded,
    OutputsKnown,
    Answered,
    Diagnosed,
)

# The words of a plan that writes nothing, or cannot tell yet.
_NOTHING, _DEFERRED = "none", "deferred"

_DRIFTED = frozenset({"MODIFIED", "DELETED"})


class Verdict(StrEnum):
    """How one case went. An error is a run's own, or a case whose end nobody has seen."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Case:
    """A stack, an instance, a move or the run itself, and how it went; `text` says why."""

    suite: str
    name: str
    target: Target | None
    verdict: Verdict
    text: str = ""
    seconds: float = 0.0

    @property
    def is_bad(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.verdict in {Verdict.FAILED, Verdict.ERROR}


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to become of one unit, and of the resources in it."""

    unit: StackPlanned
    changes: tuple[ChangePlanned, ...] = ()

    @property
    def has_work(self) -> bool:
        """Whether something would be written: not by a stack's update whose change set is empty."""
        is_set = self.unit.wave == 0
        counted = is_set or any(self.unit.counts.values()) or self.unit.change_set is not None
        return self.unit.verb != _NOTHING and (self.unit.verb != "update" or counted)


@dataclass(frozen=True, slots=True)
class Report:
    """One run. `rounds` are its plans: a rollout with moves has one for each leg."""

    summary: Summarised
    command: str = ""
    digest: str | None = None
    rounds: tuple[tuple[Planned, ...], ...] = ()
    findings: tuple[FindingRaised, ...] = ()
    cases: tuple[Case, ...] = ()
    outputs: OutputsKnown | None = None
    operations: tuple[str, ...] = ()
    ended: tuple[StackEnded, ...] = ()

    @property
    def bad(self) -> tuple[Case, ...]:
        """The cases that went wrong."""
        return tuple(each for each in self.cases if each.is_bad)

    @property
    def changed(self) -> bool:
        """Whether something was changed, or would be by what was only planned."""
        if self.ended:
            return any(each.ending is Ending.DONE for each in self.ended)
        only = self.command == "plan"
        return only and any(each.has_work for units in self.rounds for each in units)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show but the exit code."""
        return not (self.rounds or self.findings or self.cases)


def report_of(events: Iterable[Event], summary: Summarised) -> Report:
    """Return what events have told, and how it ended."""
    told = tuple(_each(events))
    started = next((each for each in told if isinstance(each, RunStarted)), None)
    command = started.command if started else ""
    rounds = _rounds(told)
    ended = {each.stack: each for each in summary.outcome.endings}
    ended |= {each.stack: each for each in told if isinstance(each, StackEnded)}
    return Report(
        summary,
        command,
        started.plan_digest if started else None,
        rounds,
        tuple(dict.fromkeys(each for each in told if isinstance(each, FindingRaised))),
        tuple(_cases(told, rounds, ended, _is_over(command, summary))),
        next((each for each in reversed(told) if isinstance(each, OutputsKnown)), None),
        tuple(dict.fromkeys(_operations(told, ended.values()))),
        tuple(ended.values()),
    )


def _each(events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        if isinstance(event, InstancesMoved):
            yield from event.moved
        else:
            yield event


def _is_over(command: str, summary: Summarised) -> bool:
    """Whether a unit without an end was not meant to have one."""
    return command == "plan" or summary.exit_code == 0


def _operations(told: Iterable[Event], ended: Iterable[StackEnded]) -> Iterator[str]:
    yield from (each.operation_id for each in told if isinstance(each, SetOperationStarted))
    yield from (each.operation_id for each in ended if each.operation_id)


def _rounds(told: Iterable[Event]) -> tuple[tuple[Planned, ...], ...]:
    """Return plans one after another: a unit that is planned again begins the next."""
    rounds: list[dict[str, Planned]] = []
    for event in told:
        if isinstance(event, StackPlanned):
            if not rounds or event.stack in rounds[-1]:
                rounds.append({})
            rounds[-1][event.stack] = Planned(event)
        elif isinstance(event, ChangePlanned) and rounds and event.stack in rounds[-1]:
            planned = rounds[-1][event.stack]
            rounds[-1][event.stack] = Planned(planned.unit, (*planned.changes, event))
    return tuple(tuple(each.values()) for each in rounds)


# Cases --------------------------------------------------------------------------------------------


def _cases(
    told: tuple[Event, ...],
    rounds: Iterable[Iterable[Planned]],
    ended: Mapping[str, StackEnded],
    is_over: bool,
) -> Iterator[Case]:
    units = {each.unit.stack: each.unit for planned in rounds for each in planned}
    moved: dict[str, dict[Target, InstanceMoved]] = {}
    for event in told:
        if isinstance(event, InstanceMoved):
            moved.setdefault(event.stack_set, {})[event.target] = event
    objections = _objections(told)
    for name in dict.fromkeys((*units, *ended)):
        phase = units[name].phase if name in units else "others"
        if name in ended:
            yield from _of_end(phase, ended[name], moved.get(name, {}))
        else:
            yield _of_plan(units[name], objections.get(name, ""), is_over=is_over)
    yield from _of_the_rest(told)


def _of_end(phase: str, end: StackEnded, moved: Mapping[Target, InstanceMoved]) -> Iterator[Case]:
    """Yield a unit's case; a stack set's are its instances', and its own if no other tells why."""
    cases = [_of_instance(phase, each) for _, each in sorted(moved.items())]
    yield from cases
    verdict = _VERDICTS[end.ending]
    if not cases or (verdict is not Verdict.PASSED and not any(each.is_bad for each in cases)):
        text = end.cause or ("" if verdict is Verdict.PASSED else str(end.ending))
        told = "still running" if end.ending is Ending.RUNNING and not end.cause else text
        yield Case(phase, end.stack, end.target, verdict, told, end.seconds)


_VERDICTS: Mapping[Ending, Verdict] = {
    Ending.DONE: Verdict.PASSED,
    Ending.UNCHANGED: Verdict.PASSED,
    Ending.FAILED: Verdict.FAILED,
    Ending.BLOCKED: Verdict.FAILED,
    Ending.SKIPPED: Verdict.SKIPPED,
    Ending.RUNNING: Verdict.ERROR,
}

_STANDINGS: Mapping[Standing, Verdict] = {
    Standing.DONE: Verdict.PASSED,
    Standing.FAILED: Verdict.FAILED,
    Standing.CANCELLED: Verdict.SKIPPED,
    Standing.SKIPPED: Verdict.SKIPPED,
    Standing.PENDING: Verdict.SKIPPED,
    Standing.RUNNING: Verdict.ERROR,
}


def _of_instance(phase: str, event: InstanceMoved) -> Case:
    verdict = _STANDINGS[Cell(event.detailed).standing]
    text = "" if verdict is Verdict.PASSED else event.reason or event.detailed
    return Case(phase, event.stack_set, event.target, verdict, text)


def _of_plan(unit: StackPlanned, objection: str, *, is_over: bool) -> Case:
    """Return the case of a unit that was planned, and no more."""
    verdict, text = Verdict.SKIPPED, "not begun"
    if objection:
        verdict, text = Verdict.FAILED, objection
    elif unit.verb == _DEFERRED:
        text = f"deferred: {unit.reason}"
    elif is_over or unit.verb == _NOTHING:
        verdict, text = Verdict.PASSED, ""
    return Case(unit.phase, unit.stack, unit.target, verdict, text)


def _objections(told: Iterable[Event]) -> dict[str, str]:
    """Return what stops each unit, all of it."""
    found: dict[str, list[str]] = {}
    for event in told:
        if isinstance(event, FindingRaised) and event.finding.severity is Severity.ERROR:
            finding = event.finding
            name = f"{finding.logical_id}: " if finding.logical_id else ""
            where = f" — {finding.source}" if finding.source else ""
            text = f"{finding.rule} {name}{finding.message}{where}"
            found.setdefault(finding.stack, []).append(text)
    return {unit: "\n".join(dict.fromkeys(texts)) for unit, texts in found.items()}


def _of_the_rest(told: Iterable[Event]) -> Iterator[Case]:
    """Yield what belongs to no unit: moves, drift, and errors of the run itself."""
    moves = {each.move: each for each in told if isinstance(each, MoveEnded)}
    for each in moves.values():
        verdict = Verdict.PASSED if each.passed else Verdict.FAILED
        yield Case("moves", each.move, None, verdict, each.cause)
    yield from (
        _of_drift(each.fields)
        for each in told
        if isinstance(each, Answered) and each.type == "drift"
    )
    for event in told:
        if isinstance(event, Diagnosed) and event.level == "error":
            hint = f"\n{event.hint}" if event.hint else ""
            yield Case("run", event.code or "error", None, Verdict.ERROR, event.message + hint)


def _of_drift(fields: Mapping[str, Any]) -> Case:
    target = Target(fields["account"], fields["region"])
    drifted = [each for each in fields["resources"] if each["status"] in _DRIFTED]
    verdict, text = Verdict.PASSED, ""
    if fields["status"] != "DETECTION_COMPLETE":
        verdict, text = Verdict.ERROR, f"detection failed: {fields['reason'] or 'no reason given'}"
    elif drifted:
        verdict = Verdict.FAILED
        text = "\n".join(f"{each['logical_id']} {each['status']}" for each in drifted)
    return Case("drift", fields["unit"], target, verdict, text)
