"""A plan and its previews as events, for the stream that programs read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tapcfn.events import ChangePlanned, Diagnosed, Event, FindingRaised, StackPlanned
from tapcfn.model import ChangeSet, SourceLine, Stack
from tapcfn.plan import Plan, PlannedPhase, Step
from tapcfn.preview import Deferred, Preview, Previewed, Refused
from tapcfn.report.changes import capabilities_of, change_counts, change_set_of
from tapcfn.report.outline import left_out_text


def events_of(plan: Plan, previews: Iterable[Preview]) -> Iterator[Event]:
    """Yield a line for each stack, its changes and the objections to them."""
    asked = {each.step.stack.name: each for each in previews}
    for phase in plan.phases:
        for number, wave in enumerate(phase.waves, start=1):
            for step in wave:
                yield from _of_step(phase, number, step, asked.get(step.stack.name))
    if left_out := left_out_text(plan):
        yield Diagnosed("info", left_out)


def _of_step(
    phase: PlannedPhase, wave: int, step: Step, preview: Preview | None
) -> Iterator[Event]:
    stack = step.stack
    staged = preview.staged.change_set if isinstance(preview, Previewed) else None
    told = change_set_of(preview) if isinstance(preview, Previewed | Deferred) else None
    yield StackPlanned(
        stack.name,
        stack.target,
        phase.name,
        wave,
        "deferred" if isinstance(preview, Deferred) else step.verb,
        step.reason,
        staged.arn if staged and not staged.empty else None,
        change_counts(told) if told else {},
        tuple(sorted(step.needs)),
        capabilities_of(stack.template) if preview else {},
    )
    if told:
        yield from _changes(stack, told)
    if isinstance(preview, Previewed):
        yield from (FindingRaised(each, stack.target) for each in preview.findings)
    if isinstance(preview, Refused):
        for each in preview.details or (preview.finding,):
            yield FindingRaised(each, stack.target)


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
