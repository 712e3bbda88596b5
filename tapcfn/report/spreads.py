"""What a plan says of its stack sets: pairs, calls, waves, and what an override hides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tapcfn.instance_previews import (
    InstancePreview,
    SetPreview,
    allowances_asked,
    offline_note,
    sample_note,
)
from tapcfn.model import Preferences, Target
from tapcfn.report.changes import change_lines, is_perilous
from tapcfn.report.folded import fold_lines
from tapcfn.report.folding import Block, Entry, entry, fold
from tapcfn.report.stack_sets import figure_lines, members_text
from tapcfn.report.text import finding_text
from tapcfn.stack_sets.calls import Act
from tapcfn.stack_sets.pacing import operation
from tapcfn.stack_sets.simulation import WavePart, pause, simulation
from tapcfn.stack_sets.spread import Spread, SpreadWave, is_secret, value_of
from tapcfn.stack_sets.steps import SetStep

_INDENT = " " * 14

# Named one by one: whoever loses an instance, but for a crowd.
_MOST = 12


def set_lines(step: SetStep, preview: SetPreview | None = None) -> Iterator[str]:
    """Yield the lines of one set in a plan, and what becomes of its instances."""
    stack_set = step.stack_set
    yield f"    {step.verb:<9} {step.name}  stack set in {stack_set.home.region}  ({step.reason})"
    if before := sorted(step.comes_after - step.stack_set.needs):
        yield f"{_INDENT}after {', '.join(before)}"
    if step.left_out:
        yield f"{_INDENT}! suspended, so left out of the targets: {members_text(step.left_out)}"
    if step.spread is None:
        names = ", ".join(str(each) for each in step.unknown)
        yield f"{_INDENT}waits for {names}"
    else:
        for line in _facts(step.spread, preview.usual if preview else ()):
            yield f"{_INDENT}{line}"
    if preview:
        yield from _instances(preview)


def _instances(preview: SetPreview) -> Iterator[str]:
    """Yield the instances' changes, folded; what is only told by templates, and what goes."""
    for each in fold(_entry(preview.name, each, "update") for each in preview.instances):
        yield from fold_lines(each)
    if note := offline_note(preview):
        yield f"{_INDENT}{note}"
    if note := sample_note(preview):
        yield f"{_INDENT}{note}"
    objected = [each for each in preview.left_out if each.findings or each.refused]
    for each in fold(_entry(preview.name, each, "update") for each in objected):
        yield from fold_lines(each)
    losing = [each for each in preview.removals if each.findings]
    for each in fold(_entry(preview.name, each, "delete") for each in losing):
        yield from fold_lines(each)
    if asked := allowances_asked(preview):
        yield f"{_INDENT}to allow all of it: {' '.join(asked)}"


def _entry(name: str, preview: InstancePreview, verb: str) -> Entry:
    change_set = preview.change_set
    blocks = [
        Block(
            tuple(change_lines(change, "")),
            is_perilous(change),
            change.physical_id,
            is_change=True,
        )
        for change in change_set.changes
    ]
    if preview.refused and not preview.findings:
        blocks.append(Block((f"! {preview.refused}",)))
    elif change_set.empty or not change_set.changes:
        blocks.append(Block(("nothing changes",)))
    blocks += [Block((finding_text(each),)) for each in preview.findings]
    reason = "instances whose stacks go" if verb == "delete" else "instances"
    return entry(name, preview.target, (verb, reason), blocks, change_set)


def _facts(spread: Spread, usual: Sequence[float]) -> Iterator[str]:
    if not spread.has_work:
        return
    yield counts_text(spread)
    for wave in spread.waves:
        yield _wave_text(wave)
    if spread.remove:
        fate = "keep their stacks" if spread.stack_set.retain else "lose their stacks"
        yield f"{fate}: {_named(spread.remove)}"
    if spread.passed_over:
        yield f"! INOPERABLE, no update touches them: {_named(spread.passed_over)}"
    if spread.suspended:
        yield f"! their accounts are suspended, nothing touches them: {_named(spread.suspended)}"
    yield from _hidden(spread)
    if spread.stack_set.overrides:
        yield from _effective(spread)
    yield from _pace(spread, usual)


def counts_text(spread: Spread) -> str:
    """Return how many instances are added, updated, overridden, removed and left alone."""
    counts = {
        "add": len(spread.add),
        "update": len(spread.update),
        "override": len(spread.override),
        "remove": len(spread.remove),
    }
    said = [f"{number} to {what}" for what, number in counts.items() if number]
    touched = spread.add | spread.update | spread.override | spread.remove
    alone = len(spread.wanted.pairs - touched)
    said += [f"{alone} as wanted"] if alone else []
    return f"instances: {', '.join(said) or 'none'}"


def _wave_text(wave: SpreadWave) -> str:
    then = [f"{wave.bake:g} s to bake"] if wave.bake else []
    then += [f"gate {each.name}" for each in wave.gates]
    if not wave.calls:
        return f"wave {wave.name}: as wanted by now; before the next one {', '.join(then)}"
    acts = [call.act for call in wave.calls if call.act not in {Act.CREATE, Act.DELETE}]
    calls = f"{len(acts)} operation{'s' * (len(acts) != 1)}"
    pairs = f"{len(wave.pairs)} pair{'s' * (len(wave.pairs) != 1)}"
    return f"wave {wave.name}: {pairs} in {calls}" + (f", then {', '.join(then)}" if then else "")


def _named(pairs: Iterable[Target]) -> str:
    names = sorted(str(each) for each in pairs)
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _hidden(spread: Spread) -> Iterator[str]:
    """Yield parameters whose new value some instances never see. (R-20)"""
    deployed = spread.found.deployed
    if deployed is None:
        return
    for key in spread.stack_set.template.parameters:
        before, after = deployed.parameters.get(key), value_of(spread.wanted, key)
        hiding = [pair for pair in spread.wanted.pairs if key in spread.wanted.overrides_of(pair)]
        if before not in {None, after, "****"} and hiding:
            yield f"! {key} changes, and an override hides it in {_named(hiding)}"


def _pace(spread: Spread, usual: Sequence[float]) -> Iterator[str]:
    """Yield how the calls will go: how fast, what is touched at worst, and warnings. (R-4)"""
    preferences = spread.stack_set.preferences
    parts = [_part(wave, preferences) for wave in spread.waves]
    told = simulation([each for each in parts if each.operations], preferences, usual)
    if not told.waves:
        return
    yield preferences_text(preferences)
    yield from figure_lines(told)
    for warning in told.warnings:
        yield f"! {warning}"


def _part(wave: SpreadWave, preferences: Preferences) -> WavePart:
    calls = tuple(operation(each.pairs, preferences) for each in wave.calls if each.pairs)
    return WavePart(wave.name, calls, pause(wave.gates, wave.bake))


def preferences_text(preferences: Preferences) -> str:
    """Return the operation preferences in words."""
    regions = "all Regions at once" if preferences.parallel else "Region after Region"
    mode = "soft" if preferences.soft else "strict"
    return (
        f"{regions}, {preferences.concurrent} account(s) at once, {preferences.tolerance} may "
        f"fail, {mode}"
    )


def sets_total(steps: Iterable[SetStep]) -> str:
    """Return the sets' part of a plan in one sentence, or nothing."""
    counts: dict[str, int] = {}
    for step in steps:
        if step.has_work:
            counts[step.verb] = counts.get(step.verb, 0) + 1
    said = ", ".join(f"{number} to {verb}" for verb, number in sorted(counts.items()))
    return f"Stack sets: {said}." if said else ""


def _effective(spread: Spread) -> Iterator[str]:
    """Yield what each pair's stack is told, all in all; pairs that are told the same together."""
    stack_set = spread.stack_set
    groups: dict[tuple[tuple[str, str], ...], list[Target]] = {}
    for pair in sorted(spread.wanted.pairs):
        told = {
            **{key: value_of(spread.wanted, key) for key in stack_set.template.parameters},
            **spread.wanted.overrides_of(pair),
        }
        groups.setdefault(tuple(sorted(told.items())), []).append(pair)
    for same, pairs in sorted(groups.items(), key=lambda each: -len(each[1])):
        values = ", ".join(
            f"{key}={'****' if is_secret(stack_set, key) else value}" for key, value in same
        )
        yield f"{len(pairs)} with {values or 'no parameters'}: {_named(pairs)}"
