"""What a rehearsal taught: how long the rollout takes, on which path, and what failures left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tapcfn.events import Event, Outcome, ResourceMoved
from tapcfn.model import Ending
from tapcfn.plan import Plan
from tapcfn.report.text import duration, table

# What AWS takes to write a change set, in seconds; the local cloud's figure. (its `ledger`)
STAGING = 6.0


class Stopwatch:
    """Listens to a run and knows how long CloudFormation worked on each stack."""

    def __init__(self) -> None:
        self._first: dict[str, datetime] = {}
        self._last: dict[str, datetime] = {}

    def __call__(self, event: Event) -> None:
        """Take one event of the run."""
        if isinstance(event, ResourceMoved) and event.event.time:
            moment = datetime.fromisoformat(event.event.time)
            self._first.setdefault(event.stack, moment)
            self._last[event.stack] = moment

    def seconds(self, speed: float) -> dict[str, float]:
        """Return the seconds of AWS by stack, at `speed` times the real pace."""
        return {
            stack: (self._last[stack] - first).total_seconds() * speed
            for stack, first in self._first.items()
        }


@dataclass(frozen=True, slots=True)
class Span:
    """When one stack's part starts and ends, in seconds after the rollout's start."""

    stack: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each stack would be worked on, and the chain that decides how long it all takes.

    `then` is how many seconds moves take after that.
    """

    spans: tuple[Span, ...]
    critical_path: tuple[str, ...]
    then: float = 0.0

    @property
    def seconds(self) -> float:
        """How long the whole rollout takes."""
        return max((span.end for span in self.spans), default=0.0) + self.then


def schedule(plan: Plan, seconds: Mapping[str, float]) -> Schedule:
    """Lay the stacks of a plan out in time, phase after phase."""
    return laid_out(
        ([(step.stack.name, step.needs) for step in phase.steps] for phase in plan.phases), seconds
    )


def laid_out(
    phases: Iterable[Iterable[tuple[str, Collection[str]]]], seconds: Mapping[str, float]
) -> Schedule:
    """Lay stacks out in time, each with its needs: it starts when all that it needs has ended.

    Phases follow each other. A stack that was not worked on takes no time.
    """
    spans: dict[str, Span] = {}
    before: dict[str, str] = {}
    gate, last_of_phase = 0.0, ""
    for phase in phases:
        for name, needs in phase:
            if name not in seconds:
                continue
            ends = {need: spans[need].end for need in sorted(spans.keys() & set(needs))}
            latest = max(ends, key=lambda need: ends[need], default=last_of_phase)
            start = max(ends.get(latest, 0.0), gate)
            before[name] = latest
            spans[name] = Span(name, start, start + STAGING + seconds[name])
        if spans:
            last_of_phase = max(spans, key=lambda name: spans[name].end)
            gate = spans[last_of_phase].end
    return Schedule(tuple(spans.values()), _path(last_of_phase, before))


def _path(last: str, before: Mapping[str, str]) -> tuple[str, ...]:
    """Return the chain that ends with `last`, from its first stack on."""
    chain: list[str] = []
    while last and last not in chain:
        chain.append(last)
        last = before.get(last, "")
    return tuple(reversed(chain))


def rehearsal_text(
    times: Schedule,
    outcome: Outcome,
    left: Mapping[str, str],
    fired: Mapping[str, int],
    moves: str = "",
) -> str:
    """Return the report: the schedule, its critical path, what failures touched and left."""
    rows = [
        (span.stack, duration(span.start), duration(span.end), duration(span.end - span.start))
        for span in times.spans
    ]
    lines = [table(("stack", "starts", "ends", "takes"), rows), ""]
    lines += [moves, ""] if moves else []
    lines.append(f"Would take about {duration(times.seconds)} on AWS.")
    if times.critical_path:
        lines.append(f"Critical path: {' → '.join(times.critical_path)}")
    lines += [f"fault fired {count} times: {fault}" for fault, count in fired.items()]
    lines += _failure_lines(outcome, left)
    return "\n".join(lines)


def _failure_lines(outcome: Outcome, left: Mapping[str, str]) -> list[str]:
    """Say of each failure what it was, what it left, and whom it kept from being tried."""
    lines = []
    for ended in (*outcome.ended(Ending.FAILED), *outcome.ended(Ending.BLOCKED)):
        lines.append(f"{ended.stack} fails: {ended.cause}")
        lines.append(f"  leaves: {left.get(ended.stack, 'nothing')}")
    skipped = [each.stack for each in outcome.ended(Ending.SKIPPED)]
    return [*lines, f"Not tried: {', '.join(skipped)}"] if skipped else lines
