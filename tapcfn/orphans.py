"""Stacks that a rollout left behind: of the same blueprint and stage, and no longer wanted.

A Region or an option that leaves the settings takes its stacks out of the rollout, not out of the
account. They are named in every plan, and go only when they are named in turn.

They are known by their tags. The stacks of a folder of templates have no tags of ours: those are
known by the ledger of the folder, and by their own history, which must tell of a token of it.
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
    FoundSet,
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

# What the service calls the stacks of stack sets. They have their set's tags, and are its business.
_INSTANCE = "StackSet-"

_NOTHING = canonical({"Resources": {}})


def tags_of(rollout: Rollout) -> Mapping[str, str]:
    """Return the tags that all stacks of a rollout have, whatever its settings were."""
    return {"tapcfn:blueprint": rollout.blueprint, "tapcfn:stage": rollout.stage}


def among(rollout: Rollout, found: Mapping[Target, Mapping[str, Deployed]]) -> tuple[Orphan, ...]:
    """Return the orphans among the stacks that were found in each target; sorted by place."""
    wanted = _wanted(rollout)
    tags = tags_of(rollout).items()
    return tuple(
        Orphan(target, stacks[name])
        for target, stacks in sorted(found.items())
        for name in sorted(stacks)
        if (target, name) not in wanted
        and tags <= stacks[name].tags.items()
        and not name.startswith(_INSTANCE)
        and not stacks[name].status.is_absent
    )


def without_instances(found: Iterable[Orphan], sets: Iterable[FoundSet]) -> tuple[Orphan, ...]:
    """Return orphans without the stacks that a set has taken in: they have its rollout's tags."""
    taken = {each.stack_id for one in sets for each in one.instances.values()}
    return tuple(each for each in found if each.deployed.stack_id not in taken)


def left_behind(
    rollout: Rollout,
    places: Iterable[Target],
    made: Mapping[tuple[Target, str], frozenset[str]],
    cloud: Cloud,
    pool: Executor,
) -> tuple[tuple[Orphan, ...], Mapping[Target, Finding]]:
    """Look where the rollout was once; return its orphans there, and a finding for each blind spot.

    `places` are where it was deployed, `made` what is known to be its by name, with the tokens that
    were sent for it. Nothing is asked of where neither says that there may be something.
    """
    wanted = _wanted(rollout)
    lost = {key: tokens for key, tokens in made.items() if key not in wanted}
    asked = sorted((set(places) - set(rollout.targets)) | {target for target, _ in lost})

    def look(target: Target) -> tuple[Orphan, ...] | Finding:
        names = {name: tokens for (place, name), tokens in lost.items() if place == target}
        try:
            return _look(target, names, rollout, cloud)
        except CloudError as error:
            return _blind(target, error)

    answers = dict(zip(asked, pool.map(look, asked), strict=True))
    found = [each for there in answers.values() if isinstance(there, tuple) for each in there]
    blind = {target: each for target, each in answers.items() if isinstance(each, Finding)}
    return tuple(found), blind


def _look(
    target: Target, names: Mapping[str, frozenset[str]], rollout: Rollout, cloud: Cloud
) -> tuple[Orphan, ...]:
    """Return a target's orphans: those with our tags, and those whose history tells of us."""
    _check_speaks_for(target, rollout, cloud)
    found = cloud.stacks(target, frozenset(names), tags_of(rollout))
    ours = [each for each in found.values() if _is_ours(each, names, target, cloud)]
    tagged = among(rollout, {target: found})
    return merged(tagged, (Orphan(target, each) for each in ours))


def _wanted(rollout: Rollout) -> frozenset[tuple[Target, str]]:
    return frozenset((stack.target, stack.name) for stack in rollout.stacks)


def _check_speaks_for(target: Target, rollout: Rollout, cloud: Cloud) -> None:
    """Raise `CloudError` where the credentials of a former account are another one's."""
    if target.account in {each.account for each in rollout.targets}:
        return
    if (caller := cloud.caller(target)) != target.account:
        raise CloudError(f"the credentials are for account {caller}")


def _is_ours(
    deployed: Deployed, made: Mapping[str, frozenset[str]], target: Target, cloud: Cloud
) -> bool:
    """Whether a stack's history tells of a token of ours: its name alone proves nothing."""
    if deployed.name not in made or deployed.status.is_absent:
        return False
    history = cloud.events(deployed.stack_id, target, "")
    return any(event.token in made[deployed.name] for event in history)


def _blind(target: Target, error: CloudError) -> Finding:
    return Finding(
        "TAP011",
        Severity.WARNING,
        "",
        "",
        f"{target}: stacks may be left over there, and it cannot be looked into: {error}",
    )


def label(orphan: Orphan) -> str:
    """Return what an orphan is called: its name alone may be that of a stack in another Region."""
    return f"{orphan.deployed.name}@{orphan.target.region}"


def merged(first: Iterable[Orphan], more: Iterable[Orphan]) -> tuple[Orphan, ...]:
    """Return orphans that were found in two ways, each once; sorted by place and name."""
    found = {each.deployed.stack_id: each for each in (*first, *more)}
    return tuple(sorted(found.values(), key=lambda each: (each.target, each.deployed.name)))


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
    labels = [label(each) for each in found]
    if twice := sorted({each for each in labels if labels.count(each) > 1}):
        raise UsageError(f"--remove-orphan {twice[0]}: in two accounts; remove one, then the other")
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
