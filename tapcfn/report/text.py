"""Plans, progress and outcomes as text that a person can approve, follow and act on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tapcfn.events import (
    Diagnosed,
    Event,
    OperationStarted,
    Outcome,
    ResourceMoved,
    StackEnded,
    Waiting,
)
from tapcfn.model import Change, ChangeSet, Detail, Ending, Finding, Replacement, Severity
from tapcfn.plan import Plan, Step, Verb
from tapcfn.preview import Deferred, Preview, Previewed, Refused

_SIGNS = {"Add": "+", "Remove": "-", "Import": "<", "Modify": "~", "Dynamic": "?"}
_WIDEST_VALUE = 100


def plan_text(plan: Plan, previews: Iterable[Preview]) -> str:
    """Return the plan as an outline: phases, waves, stacks, and what changes in each."""
    asked = {each.step.stack.name: each for each in previews}
    targets = ", ".join(sorted({target.region for target in plan.rollout.targets}))
    accounts = ", ".join(sorted({target.account for target in plan.rollout.targets}))
    lines = [
        f"{plan.rollout.blueprint} · stage {plan.rollout.stage} · account {accounts} · {targets}",
        "",
    ]
    for phase in plan.phases:
        lines.append(f"phase {phase.name}")
        for number, wave in enumerate(phase.waves, start=1):
            lines.append(f"  wave {number}")
            for step in wave:
                lines += _step_lines(step, asked.get(step.stack.name))
    return "\n".join([*lines, "", plan_total(plan, asked.values())])


def plan_total(plan: Plan, previews: Iterable[Preview]) -> str:
    """Return the plan in one sentence."""
    if plan.steps and all(_is_gone(step) for step in plan.steps) and not plan.has_work:
        return f"Nothing to do: none of the {len(plan.steps)} stacks is deployed."
    if not plan.has_work:
        return f"Nothing to do: all {len(plan.steps)} stacks are deployed as wanted."
    counts = counts_of(previews)
    deferred = sum(isinstance(each, Deferred) for each in previews)
    verbs = [
        f"{count} to {verb}"
        for verb in Verb
        if verb is not Verb.NONE and (count := sum(step.verb is verb for step in plan.steps))
    ]
    parts = [f"{number} to {what}" for what, number in counts.items() if number]
    total = f"Stacks: {', '.join(verbs)}."
    if parts:
        total += f" Resources: {', '.join(parts)}."
    if deferred:
        total += f" {deferred} can only be asked about once others are deployed."
    return total


def _is_gone(step: Step) -> bool:
    return step.deployed is None or step.deployed.status.is_absent


def counts_of(previews: Iterable[Preview]) -> dict[str, int]:
    """Return how many resources are added, modified, removed, imported and replaced."""
    counts = {"add": 0, "modify": 0, "remove": 0, "import": 0, "replace": 0}
    for each in previews:
        if isinstance(each, Previewed):
            for what, number in change_counts(each.staged.change_set).items():
                counts[what] += number
        elif isinstance(each, Deferred) and each.step.verb is not Verb.UPDATE:
            counts["add"] += len(each.step.stack.template.resources)
    return counts


def change_counts(change_set: ChangeSet) -> dict[str, int]:
    """Return the same for one change set. A replaced resource counts as modified, too."""
    return {
        "add": change_set.count("Add"),
        "modify": change_set.count("Modify") + change_set.count("Dynamic"),
        "remove": change_set.count("Remove"),
        "import": change_set.count("Import"),
        "replace": change_set.replacements,
    }


def _step_lines(step: Step, preview: Preview | None) -> Iterator[str]:
    yield f"    {step.verb:<9} {step.stack.name}  {step.stack.target.region}  ({step.reason})"
    if step.deployed and step.verb in {Verb.UPDATE, Verb.PROTECT}:
        yield from _protection_lines(step.deployed.protected, step.stack.protect)
    if isinstance(preview, Refused):
        yield f"              ! {preview.finding.message}"
    elif isinstance(preview, Deferred):
        yield from _deferred_lines(preview)
    elif isinstance(preview, Previewed):
        if preview.staged.change_set.empty:
            yield "              nothing changes, as far as can be told now"
        for change in preview.staged.change_set.changes:
            yield from change_lines(change, "              ")
        yield from (f"              {finding_text(each)}" for each in preview.findings)


def _protection_lines(before: bool, after: bool) -> Iterator[str]:
    if before != after:
        words = {True: "on", False: "off"}
        yield f"              termination protection: {words[before]} → {words[after]}"


def _deferred_lines(preview: Deferred) -> Iterator[str]:
    waits = ", ".join(str(each) for each in preview.unknown)
    yield (
        f"              known after apply: {waits}"
        if waits
        else ("              known once the rolled back stack is deleted")
    )
    if preview.step.verb is not Verb.UPDATE:
        template = preview.step.stack.template
        for logical_id, kind in sorted(template.resources.items()):
            yield f"              + {logical_id}  {kind}"


def change_lines(change: Change, indent: str) -> Iterator[str]:
    """Yield one line for a resource, and one for each property that changes."""
    sign = "±" if change.replacement is Replacement.TRUE else _SIGNS.get(change.action, "~")
    yield f"{indent}{sign} {change.logical_id}  {change.resource_type}{_consequence(change)}"
    details = change.details if change.action != "Add" else ()
    for path in dict.fromkeys(detail.path for detail in details):
        yield f"{indent}    {_detail_text([each for each in details if each.path == path])}"
    if change.nested:
        for each in change.nested.changes:
            yield from change_lines(each, indent + "  ")


def _detail_text(details: list[Detail]) -> str:
    """Return one property: CloudFormation lists it once for each cause."""
    text = details[0].path
    valued = next((each for each in details if each.before != each.after), None)
    if valued is not None:
        text += f": {_shown(valued.before)} → {_shown(valued.after)}"
    if any(each.recreation == "Always" for each in details):
        text += "  (forces replacement)"
    causes = ", ".join(dict.fromkeys(each.cause for each in details if each.cause))
    return f"{text}  because of {causes}" if causes else text


def _consequence(change: Change) -> str:
    words = []
    if change.replacement is Replacement.TRUE:
        words.append("is replaced")
    if change.replacement is Replacement.CONDITIONAL:
        words.append("may be replaced")
    if change.replacement is Replacement.FALSE:
        words.append("in place")
    if change.action == "Import":
        words.append(f"exists as {change.physical_id or 'kept by an earlier destroy'}")
    if change.policy_action:
        words.append(f"policy: {change.policy_action}")
    return f"  {', '.join(words)}" if words else ""


def _shown(value: str | None) -> str:
    if value is None:
        return "(none)"
    return value if len(value) <= _WIDEST_VALUE else value[:_WIDEST_VALUE] + "…"


def finding_text(finding: Finding) -> str:
    """Return one objection in a line: rule, weight, what, and where it was written down."""
    where = f" — {finding.source}" if finding.source else ""
    name = f"{finding.logical_id}: " if finding.logical_id else ""
    return f"{finding.severity} {finding.rule} {name}{finding.message}{where}"


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
            return f"{clock} waiting for {', '.join(event.waiting_on) or 'answers'}"
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
    return f"{event.stack}: {event.ending}{took}{why}"


def outcome_text(outcome: Outcome, resume: str | None) -> str:
    """Return the verdict: what failed and why first, then what was not tried, then how to go on."""
    lines: list[str] = []
    for ending in (Ending.FAILED, Ending.BLOCKED, Ending.RUNNING, Ending.SKIPPED):
        lines += [f"  {ended_text(each)}" for each in outcome.ended(ending)]
    counts = ", ".join(
        f"{len(found)} {ending}" for ending in Ending if (found := outcome.ended(ending))
    )
    verdict = {0: "Done", 7: "Still running", 130: "Interrupted"}.get(outcome.exit_code, "Failed")
    lines.insert(0, f"{verdict}: {counts}." if counts else f"{verdict}.")
    if resume:
        lines.append(f"To go on: {resume}")
    return "\n".join(lines)


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
