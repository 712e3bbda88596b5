"""A plan as the outline that a person approves: phases, waves, stacks, and what changes in each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tapcfn.data_policy import guarded_ids, is_missing, policy_of
from tapcfn.model import Finding, Stack
from tapcfn.plan import Plan, Step, Verb
from tapcfn.preview import Deferred, Preview, Previewed, Refused
from tapcfn.report.changes import (
    capabilities_of,
    change_lines,
    change_set_of,
    counts_of,
    is_perilous,
)
from tapcfn.report.folding import Block, Entry, Fold, entry, fold, normal, places
from tapcfn.report.names import common_beginning
from tapcfn.report.text import finding_text

_INDENT = " " * 14

_WRITING = frozenset({Verb.CREATE, Verb.UPDATE, Verb.RECREATE})


def plan_text(plan: Plan, previews: Iterable[Preview], width: int | None = None) -> str:
    """Return the plan; names lose what all begin with where a line would be wider than `width`."""
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
            for each in fold(_entry(step, asked.get(step.stack.name)) for step in wave):
                lines += _fold_lines(each, dropped)
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
        step.stack.name + (f" ({step.verb})" if step.verb is not Verb.NONE else "")
        for step in plan.left_out
    )


def plan_total(plan: Plan, previews: Iterable[Preview]) -> str:
    """Return the plan in one sentence."""
    if plan.steps and all(_is_gone(step) for step in plan.steps) and not plan.has_work:
        return f"Nothing to do: none of the {len(plan.steps)} stacks is deployed."
    if not plan.has_work:
        return f"Nothing to do: all {len(plan.steps)} stacks are deployed as wanted."
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
    total = f"Stacks: {', '.join(verbs)}."
    if parts:
        total += f" Resources: {', '.join(parts)}."
    if deferred:
        total += f" {deferred} can only be asked about once others are deployed."
    return total


def _is_gone(step: Step) -> bool:
    return step.deployed is None or step.deployed.status.is_absent


# Stacks -------------------------------------------------------------------------------------------


def _entry(step: Step, preview: Preview | None) -> Entry:
    stack = step.stack
    blocks = [Block((line,)) for line in _setting_lines(step)]
    change_set = change_set_of(preview) if isinstance(preview, Previewed | Deferred) else None
    if isinstance(preview, Refused):
        blocks += _refusals(preview)
    elif isinstance(preview, Deferred):
        blocks.append(Block((_waiting_text(preview),)))
    elif change_set and change_set.empty:
        blocks.append(Block(("nothing changes, as far as can be told now",)))
    for change in change_set.changes if change_set else ():
        lines = tuple(change_lines(change, ""))
        blocks.append(Block(lines, is_perilous(change), change.physical_id, is_change=True))
    if isinstance(preview, Previewed):
        blocks += [Block((finding_text(each),)) for each in preview.findings]
    return entry(stack.name, stack.target, (step.verb, step.reason), blocks, change_set)


def _refusals(preview: Refused) -> list[Block]:
    """Return everything that the service said, or the one thing that there is."""
    if not preview.details:
        return [Block((f"! {preview.finding.message}",))]
    return [Block((f"! {_refusal_text(each)}",)) for each in preview.details]


def _refusal_text(finding: Finding) -> str:
    where = f" — {finding.source}" if finding.source else ""
    name = f"{finding.logical_id}: " if finding.logical_id else ""
    return f"{name}{finding.message}{where}"


def _setting_lines(step: Step) -> Iterator[str]:
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
        for capability, needing in capabilities_of(stack.template).items():
            yield f"acknowledges {capability} for {', '.join(needing)}"


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


def _waiting_text(preview: Deferred) -> str:
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
        f"{each}{kinds.get(each, '')}" for each in preview.unknown
    )


# Folded -------------------------------------------------------------------------------------------


def _fold_lines(folded: Fold, dropped: str) -> Iterator[str]:
    first = folded.same[0]
    verb, reason = first.title
    if len(folded.same) == 1:
        yield f"    {verb:<9} {_short(first, dropped)}  {first.target.region}  ({reason})"
        for block in first.blocks:
            yield from (_INDENT + line for line in block.lines)
        return
    family = [*folded.same, *(each for group in folded.deviating for each in group)]
    name = normal(first.name, first.target).removeprefix(dropped)
    changes = sum(block.is_change for block in first.blocks)
    what = "the same" if not changes else f"the same {changes} change{'s' * (changes > 1)}"
    yield f"    {verb:<9} {name}  {what} in {places(folded.same)}  ({reason})"
    yield f"{_INDENT}in {_listed(folded.same, family)}"
    for block in first.alike:
        yield from (_INDENT + line for line in block.lines)
        yield from _at_stake(block, family)
    for group in folded.deviating:
        yield from _deviation(group, first, dropped)


def _at_stake(block: Block, family: Sequence[Entry]) -> Iterator[str]:
    """Yield each place where a resource goes away, by its physical id. (D-2)"""
    if not block.perilous:
        return
    for each in family:
        for own in each.alike:
            if own.lines == block.lines:
                yield f"{_INDENT}    in {each.target}: {own.physical_id or 'no physical id yet'}"


def _deviation(group: Sequence[Entry], base: Entry, dropped: str) -> Iterator[str]:
    """Yield what is other than in the largest group."""
    first = group[0]
    verb, reason = first.title
    names = ", ".join(f"{_short(each, dropped)}  {each.target.region}" for each in group)
    yield f"    {verb:<9} {names}  ({reason})  unlike those above:"
    for block in base.alike:
        if block.lines not in first.texts:
            yield f"{_INDENT}not here:  {block.lines[0]}"
    for own in first.alike:
        if own.lines not in base.texts:
            yield f"{_INDENT}only here: {own.lines[0]}"
            yield from (f"{_INDENT}           {line}" for line in own.lines[1:])
            yield from _at_stake(own, group)


def _short(each: Entry, dropped: str) -> str:
    return each.name.removeprefix(dropped)


def _listed(entries: Sequence[Entry], family: Sequence[Entry]) -> str:
    several = len({each.target.account for each in family}) > 1
    return ", ".join(str(each.target) if several else each.target.region for each in entries)
