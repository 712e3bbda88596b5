"""A plan and its previews as events, for the stream that programs read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tapcfn.events import (
    ChangePlanned,
    Diagnosed,
    Event,
    FindingRaised,
    InstancePlanned,
    StackPlanned,
)
from tapcfn.instance_previews import SetPreview, offline_note
from tapcfn.model import (
    ChangeSet,
    Finding,
    Severity,
    SourceLine,
    Stack,
    Target,
    TemplateBody,
)
from tapcfn.plan import Plan, PlannedPhase, Reason, Step
from tapcfn.preview import Deferred, Preview, Previewed, Refused
from tapcfn.report.changes import acknowledged_by, change_counts, change_set_of
from tapcfn.report.outline import left_out_text
from tapcfn.stack_sets.steps import SetStep


def events_of(
    plan: Plan, previews: Iterable[Preview], sets: Iterable[SetPreview] = ()
) -> Iterator[Event]:
    """Yield a line for each unit, its changes and the objections to them."""
    instances = {each.name: each for each in sets}
    asked = {each.step.stack.name: each for each in previews}
    for phase in plan.phases:
        for number, wave in enumerate(phase.waves, start=1):
            for step in wave:
                yield from _of_step(phase, number, step, asked.get(step.stack.name))
        for each in phase.sets:
            yield _of_set(phase, each)
            yield from _pairs(each)
            yield from _left_out(each)
            yield from _of_instances(each, instances.get(each.name))
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
        _verb(step, preview),
        step.reason,
        staged.arn if staged and not staged.empty else None,
        change_counts(told) if told else {},
        tuple(sorted(step.needs)),
        acknowledged_by(preview, stack.template) if preview else {},
        stack.template.layer,
        _contents(stack.template),
    )
    if told:
        yield from _changes(stack, told)
    if isinstance(preview, Previewed | Deferred):
        yield from (FindingRaised(each, stack.target) for each in preview.findings)
    if isinstance(preview, Refused):
        for each in preview.details or (preview.finding,):
            yield FindingRaised(each, stack.target)


def _verb(step: Step, preview: Preview | None) -> str:
    """Return the word for what becomes of a stack; an import is an update to the planner."""
    if isinstance(preview, Deferred):
        return "deferred"
    return "import" if step.reason is Reason.IMPORTED else step.verb


def _contents(template: TemplateBody) -> dict[str, int]:
    """Return how many resources of each type there are, sorted."""
    return dict(sorted(Counter(template.resources.values()).items()))


def _pairs(step: SetStep) -> Iterator[InstancePlanned]:
    """Yield what will be done to each instance, as far as that is known."""
    spread = step.spread
    if spread is None:
        return
    verbs = (
        ("add", spread.add),
        ("update", spread.update),
        ("override", spread.override),
        ("remove", spread.remove),
        ("passed_over", spread.passed_over | spread.suspended),
        ("none", spread.wanted.pairs),
    )
    told: set[Target] = set()
    for verb, pairs in verbs:
        yield from (InstancePlanned(step.name, pair, verb) for pair in sorted(pairs - told))
        told |= pairs


def _of_instances(step: SetStep, preview: SetPreview | None) -> Iterator[Event]:
    """Yield every instance's changes: nothing is folded for programs."""
    if preview is None:
        return
    lines = step.stack_set.template.source
    for each in preview.instances:
        for change in each.change_set.changes:
            line = lines.get(change.logical_id)
            yield ChangePlanned(step.name, each.target, change, line)
    for target, finding in preview.findings:
        yield FindingRaised(finding, target)
    if note := offline_note(preview):
        yield Diagnosed("warning", f"{step.name}: {note}")


def _left_out(step: SetStep) -> Iterator[FindingRaised]:
    """Yield the accounts of an organization that get nothing because they are suspended. (R-25)"""
    for each in step.left_out:
        finding = Finding(
            "suspended-account",
            Severity.WARNING,
            step.name,
            "",
            f"account {each} is suspended, so it is left out of the targets",
            origin="preflight",
        )
        yield FindingRaised(finding, Target(each.account, step.stack_set.home.region))


def _of_set(phase: PlannedPhase, step: SetStep) -> StackPlanned:
    """Return a set's line; its counts are of instances."""
    spread = step.spread
    counts = (
        {
            "add": len(spread.add),
            "update": len(spread.update),
            "override": len(spread.override),
            "remove": len(spread.remove),
        }
        if spread
        else {}
    )
    return StackPlanned(
        step.name,
        step.stack_set.home,
        phase.name,
        0,
        step.verb,
        step.reason,
        counts=counts,
        needs=tuple(sorted(step.comes_after)),
        layer=step.stack_set.template.layer,
        contents=_contents(step.stack_set.template),
    )


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
