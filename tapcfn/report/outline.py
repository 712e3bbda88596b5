"""A plan as the outline that a person approves: phases, waves, stacks, and what changes in each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tapcfn.data_policy import guarded_ids, is_missing, policy_of
from tapcfn.instance_previews import SetPreview
from tapcfn.model import Change, Finding, OutputOf, Replacement, Stack
from tapcfn.plan import Plan, Step, Verb
from tapcfn.preview import Deferred, Preview, Previewed, Refused
from tapcfn.report.changes import (
    acknowledged_by,
    change_lines,
    change_set_of,
    counts_of,
    is_perilous,
)
from tapcfn.report.folded import fold_lines
from tapcfn.report.folding import Block, Entry, entry, fold
from tapcfn.report.names import common_beginning
from tapcfn.report.spreads import set_lines, sets_total
from tapcfn.report.text import finding_text

_WRITING = frozenset({Verb.CREATE, Verb.UPDATE, Verb.RECREATE})


def plan_text(
    plan: Plan,
    previews: Iterable[Preview],
    width: int | None = None,
    sets: Iterable[SetPreview] = (),
) -> str:
    """Return the plan; names lose what all begin with where a line would be wider than `width`."""
    instances = {each.name: each for each in sets}
    asked = {each.step.stack.name: each for each in previews}
    targets = ", ".join(sorted({target.region for target in plan.rollout.targets}))
    accounts = ", ".join(sorted({target.account for target in plan.rollout.targets}))
    dropped = _to_drop(plan, width)
    lines = [
        f"{plan.rollout.blueprint} · stage {plan.rollout.stage} · account {accounts} · {targets}",
        *([f"stacks are called {dropped}…"] if dropped else []),
        "",
    ]
    for phase in plan.phases:
        lines.append(f"phase {phase.name}")
        for number, wave in enumerate(phase.waves, start=1):
            lines.append(f"  wave {number}")
            entries = (_entry(step, asked.get(step.stack.name), dropped) for step in wave)
            for each in fold(entries):
                lines += fold_lines(each, dropped)
        if phase.sets:
            lines.append("  stack sets")
        for step in phase.sets:
            lines += set_lines(step, instances.get(step.name))
    if left_out := left_out_text(plan):
        lines += ["", left_out]
    return "\n".join([*lines, "", plan_total(plan, asked.values())])


def _to_drop(plan: Plan, width: int | None) -> str:
    """Return what names lose, if any line with a name is too wide."""
    heads = (
        f"    {step.verb:<9} {step.stack.name}  {step.stack.target.region}  ({step.reason})"
        for step in plan.steps
    )
    if width is None or all(len(head) <= width for head in heads):
        return ""
    return common_beginning(step.stack.name for step in plan.steps)


def left_out_text(plan: Plan) -> str:
    """Return what was not asked for, each stack with what it would need; empty if nothing."""
    if not plan.left_out:
        return ""
    return "left out: " + ", ".join(
        step.name + (f" ({step.verb})" if step.verb != Verb.NONE else "") for step in plan.left_out
    )


def plan_total(plan: Plan, previews: Iterable[Preview]) -> str:
    """Return the plan in one sentence."""
    if plan.steps and all(_is_gone(step) for step in plan.steps) and not plan.has_work:
        return f"Nothing to do: none of the {len(plan.steps)} stacks is deployed."
    if not plan.has_work:
        units = len(plan.steps) + len(plan.sets)
        what = "stacks and stack sets" if plan.sets else "stacks"
        if units == 1:
            only = "stack set" if plan.sets else "stack"
            return f"Nothing to do: the {only} is deployed as wanted."
        return f"Nothing to do: all {units} {what} are deployed as wanted."
    previews = tuple(previews)
    counts = counts_of(previews)
    unsure = counts.pop("may_replace")
    deferred = sum(isinstance(each, Deferred) for each in previews)
    verbs = [
        f"{count} to {verb}"
        for verb in Verb
        if verb is not Verb.NONE and (count := sum(step.verb is verb for step in plan.steps))
    ]
    parts = [f"{number} to {what}" for what, number in counts.items() if number]
    parts += [f"{unsure} may be replaced"] if unsure else []
    total = " ".join(
        each
        for each in (f"Stacks: {', '.join(verbs)}." * bool(verbs), sets_total(plan.sets))
        if each
    )
    if parts:
        total += f" Resources: {', '.join(parts)}."
    if deferred:
        total += f" {deferred} can only be asked about once others are deployed."
    return total


def _is_gone(step: Step) -> bool:
    return step.deployed is None or step.deployed.status.is_absent


# Stacks -------------------------------------------------------------------------------------------


def _entry(step: Step, preview: Preview | None, dropped: str) -> Entry:
    stack = step.stack
    blocks = [Block((line,)) for line in _setting_lines(step, preview)]
    change_set = change_set_of(preview) if isinstance(preview, Previewed | Deferred) else None
    if isinstance(preview, Refused):
        blocks += _refusals(preview)
    elif isinstance(preview, Deferred):
        blocks.append(Block((_waiting_text(preview, dropped),)))
    elif change_set and change_set.empty:
        blocks.append(Block(("nothing changes, as far as can be told now",)))
    for change in change_set.changes if change_set else ():
        lines = tuple(change_lines(change, ""))
        blocks.append(Block(lines, is_perilous(change), change.physical_id, is_change=True))
    if isinstance(preview, Previewed) and (later := preview.later):
        blocks.append(Block(_later_lines(preview.provisional, later, dropped)))
    if isinstance(preview, Previewed | Deferred):
        blocks += [Block((finding_text(each),)) for each in preview.findings]
    return entry(stack.name, stack.target, (step.verb, step.reason), blocks, change_set)


def _later_lines(
    inputs: tuple[OutputOf, ...], later: tuple[Change, ...], dropped: str
) -> tuple[str, ...]:
    """Say what may change besides, once inputs from stacks that change too are known. (D-15)"""
    names = ", ".join(str(each).removeprefix(dropped) for each in inputs)
    may = {Replacement.TRUE: " (replaced)", Replacement.CONDITIONAL: " (may be replaced)"}
    found = (
        each.logical_id + (may.get(each.replacement, "") if each.replacement else "")
        for each in later
    )
    return (f"changes as well if another value comes of {names}: {', '.join(found)}",)


def _refusals(preview: Refused) -> list[Block]:
    """Return everything that the service said, or the one thing that there is."""
    if not preview.details:
        return [Block((f"! {preview.finding.message}",))]
    return [Block((f"! {_refusal_text(each)}",)) for each in preview.details]


def _refusal_text(finding: Finding) -> str:
    where = f" — {finding.source}" if finding.source else ""
    name = f"{finding.logical_id}: " if finding.logical_id else ""
    return f"{name}{finding.message}{where}"


def _setting_lines(step: Step, preview: Preview | None) -> Iterator[str]:
    """Yield what changes beside the template, and what is acknowledged for it."""
    stack, deployed = step.stack, step.deployed
    if deployed and step.verb in {Verb.UPDATE, Verb.PROTECT}:
        if deployed.protected != stack.protect:
            words = {True: "on", False: "off"}
            yield (f"termination protection: {words[deployed.protected]} → {words[stack.protect]}")
        if is_missing(stack, deployed):
            ids = guarded_ids(policy_of(stack)) or ()
            yield f"stack policy: guards {', '.join(sorted(ids))}"
    if step.verb in _WRITING:
        yield from _option_lines(stack)
        for capability, needing in acknowledged_by(preview, stack.template).items():
            yield f"acknowledges {capability}: {', '.join(needing)}"


def _option_lines(stack: Stack) -> Iterator[str]:
    options = stack.options
    if options.rollback_alarms or options.rollback_minutes:
        alarms = ", ".join(arn.rpartition(":")[2] for arn in options.rollback_alarms)
        yield (
            f"rolled back by alarms: {alarms or 'none'}, watched for {options.rollback_minutes} min"
        )
    if options.service_role:
        yield f"service role: {options.service_role}"
    for arn in options.notification_arns:
        yield f"tells {arn}"


def _waiting_text(preview: Deferred, dropped: str) -> str:
    """Return which inputs are unknown, each with its parameter and that one's type."""
    if not preview.unknown:
        return "known once the rolled back stack is deleted"
    stack = preview.step.stack
    kinds = {
        value: f" ({key}: {stack.template.parameters[key]['Type']})"
        for key, value in stack.parameters.items()
        if key in stack.template.parameters
    }
    return "known after apply: " + ", ".join(
        f"{str(each).removeprefix(dropped)}{kinds.get(each, '')}" for each in preview.unknown
    )
