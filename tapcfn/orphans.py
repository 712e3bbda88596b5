"""Stacks that a rollout left behind: of the same blueprint and stage, and no longer wanted.

A Region or an option that leaves the settings takes its stacks out of the rollout, not out of the
account. They are named in every plan, and go only when they are named in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import replace

from tapcfn.errors import CloudError, UsageError
from tapcfn.kept import resources_of
from tapcfn.model import (
    Deployed,
    Finding,
    Orphan,
    Phase,
    Rollout,
    Severity,
    Snapshot,
    Stack,
    Target,
    TemplateBody,
    canonical,
)
from tapcfn.plan import Plan, PlannedPhase, Reason, plan_destroy
from tapcfn.ports import Cloud

PHASE = "orphans"

_NOTHING = canonical({"Resources": {}})


def tags_of(rollout: Rollout) -> Mapping[str, str]:
    """Return the tags that all stacks of a rollout have, whatever its settings were."""
    return {"tapcfn:blueprint": rollout.blueprint, "tapcfn:stage": rollout.stage}


def among(rollout: Rollout, found: Mapping[Target, Mapping[str, Deployed]]) -> tuple[Orphan, ...]:
    """Return the orphans among the stacks that were found in each target; sorted by place."""
    wanted = {(stack.target, stack.name) for stack in rollout.stacks}
    tags = tags_of(rollout).items()
    return tuple(
        Orphan(target, stacks[name])
        for target, stacks in sorted(found.items())
        for name in sorted(stacks)
        if (target, name) not in wanted
        and tags <= stacks[name].tags.items()
        and not stacks[name].status.is_absent
    )


def elsewhere(
    rollout: Rollout, targets: Iterable[Target], cloud: Cloud, pool: Executor
) -> tuple[tuple[Orphan, ...], tuple[str, ...]]:
    """Look into targets that the rollout had once; return orphans, and what could not be read."""

    def sweep(target: Target) -> Mapping[str, Deployed] | str:
        try:
            return cloud.stacks(target, frozenset(), tags_of(rollout))
        except CloudError as error:
            return str(error)

    places = sorted(set(targets) - set(rollout.targets))
    answers = dict(zip(places, pool.map(sweep, places), strict=True))
    found = {place: each for place, each in answers.items() if not isinstance(each, str)}
    faults = tuple(each for each in answers.values() if isinstance(each, str))
    return among(rollout, found), faults


def label(orphan: Orphan) -> str:
    """Return what an orphan is called: its name alone may be that of a stack in another Region."""
    return f"{orphan.deployed.name}@{orphan.target.region}"


def findings(orphans: Iterable[Orphan], leaving: Iterable[Orphan] = ()) -> tuple[Finding, ...]:
    """Return a warning for each orphan that stays."""
    leaving = tuple(leaving)
    return tuple(
        Finding(
            "TAP009",
            Severity.WARNING,
            orphan.deployed.name,
            "",
            f"{orphan.target}: is left over from other settings, goes on and costs; "
            f"to remove it: --remove-orphan {label(orphan)}",
        )
        for orphan in orphans
        if orphan not in leaving
    )


def chosen(orphans: tuple[Orphan, ...], names: Iterable[str]) -> tuple[Orphan, ...]:
    """Return the orphans of these names; raise `UsageError` for one that means none or several."""
    found = []
    for name in names:
        meant = [each for each in orphans if name in _names(each)]
        if len(meant) != 1:
            there = ", ".join(label(each) for each in orphans) or "none"
            what = "no such orphan" if not meant else "several orphans have this name"
            raise UsageError(f"--remove-orphan {name}: {what} (there are: {there})")
        found += [each for each in meant if each not in found]
    return tuple(found)


def _names(orphan: Orphan) -> tuple[str, ...]:
    name = orphan.deployed.name
    return (name, label(orphan), f"{name}@{orphan.target}")


def with_removal(
    plan: Plan, leaving: tuple[Orphan, ...], cloud: Cloud, *, first: bool = False
) -> Plan:
    """Return the plan with a phase that deletes orphans, dependants first.

    It is the last phase, so that nothing goes before the rollout has what it wants instead; in a
    destroy it is the `first`, since orphans may import from the rollout's stacks.
    """
    if not leaving:
        return plan
    phases = _phases(plan.rollout, leaving, cloud)
    return replace(plan, phases=phases + plan.phases if first else plan.phases + phases)


def _phases(
    rollout: Rollout, leaving: tuple[Orphan, ...], cloud: Cloud
) -> tuple[PlannedPhase, ...]:
    stacks = tuple(_stack(each, cloud) for each in leaving)
    gone = replace(rollout, phases=(Phase(PHASE, stacks),), outputs={})
    snapshot = Snapshot({label(each): each.deployed for each in leaving})
    return plan_destroy(gone, snapshot, Reason.ORPHANED).phases


def _stack(orphan: Orphan, cloud: Cloud) -> Stack:
    """Return an orphan as a stack; a template that is not JSON shows no references."""
    deployed = orphan.deployed
    text = cloud.template(deployed.stack_id, orphan.target)
    body = TemplateBody(PHASE, text if resources_of(text) else _NOTHING)
    known = {key: each for key, each in deployed.parameters.items() if key in body.parameters}
    return Stack(label(orphan), orphan.target, body, known, deployed.tags, deployed.protected)
