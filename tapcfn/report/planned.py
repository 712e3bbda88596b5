"""A plan and its previews as events, for the stream that programs read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tapcfn.events import ChangePlanned, Event, FindingRaised, StackPlanned
from tapcfn.model import ChangeSet, SourceLine, Stack
from tapcfn.plan import Plan, PlannedPhase, Step
from tapcfn.preview import Deferred, Preview, Previewed, Refused
from tapcfn.report.text import change_counts


def events_of(plan: Plan, previews: Iterable[Preview]) -> Iterator[Event]:
    """Yield a line for each stack, its changes and the objections to them."""
    asked = {each.step.stack.name: each for each in previews}
    for phase in plan.phases:
        for number, wave in enumerate(phase.waves, start=1):
            for step in wave:
                yield from _of_step(phase, number, step, asked.get(step.stack.name))


def _of_step(
    phase: PlannedPhase, wave: int, step: Step, preview: Preview | None
) -> Iterator[Event]:
    stack = step.stack
    staged = preview.staged.change_set if isinstance(preview, Previewed) else None
    yield StackPlanned(
        stack.name,
        stack.target,
        phase.name,
        wave,
        "deferred" if isinstance(preview, Deferred) else step.verb,
        step.reason,
        staged.arn if staged and not staged.empty else None,
        change_counts(staged) if staged else {},
        tuple(sorted(step.needs)),
    )
    if staged:
        yield from _changes(stack, staged)
    if isinstance(preview, Previewed):
        yield from (FindingRaised(each, stack.target) for each in preview.findings)
    if isinstance(preview, Refused):
        yield FindingRaised(preview.finding, stack.target)


def _changes(
    stack: Stack, change_set: ChangeSet, nested: str = "", source: SourceLine | None = None
) -> Iterator[ChangePlanned]:
    """Yield every change; those of a nested stack have the line that made the nested stack."""
    for change in change_set.changes:
        line = source or stack.template.source.get(change.logical_id)
        yield ChangePlanned(stack.name, stack.target, change, line, nested)
        if change.nested:
            path = f"{nested}/{change.logical_id}".lstrip("/")
            yield from _changes(stack, change.nested, path, line)
