"""Decide what to do with each stack, in which order, and say why. Pure: values in, a plan out."""

from __future__ import annotations

from collections.abc import Mapping

from tapcfn.data_policy import is_missing
from tapcfn.errors import BlockedError
from tapcfn.model import (
    Deployed,
    FoundSet,
    Phase,
    Rollout,
    Snapshot,
    Stack,
    StackStatus,
    canonical,
    digest_of,
)
from tapcfn.plan.differing import differs, outputs_of
from tapcfn.plan.ordering import in_order, waves_of
from tapcfn.plan.steps import Plan, PlannedPhase, Reason, Step, Verb
from tapcfn.plan.stuck import advice, is_stuck
from tapcfn.plan.wiring import check_wiring
from tapcfn.references import weak_needs
from tapcfn.stack_sets.steps import dependants, in_turn, plan_set, plan_set_removal


def digest(rollout: Rollout) -> str:
    """Return the SHA-256 of all that the rollout wants: equal wants, equal digests."""
    return digest_of(
        canonical(
            [
                [
                    phase.name,
                    stack.name,
                    str(stack.target),
                    stack.template.digest,
                    {
                        key: [type(value).__name__, str(value)]
                        for key, value in stack.parameters.items()
                    },
                    dict(stack.tags),
                    stack.protect,
                    stack.adopt,
                    stack.options.facts,
                    stack.options.stack_policy,
                ]
                for phase in rollout.phases
                for stack in phase.stacks
            ]
            + [[phase.name, *each.facts] for phase in rollout.phases for each in phase.stack_sets]
            + [move.facts for move in rollout.moves]
            + [repr(action) for action in rollout.actions]
        )
    )


def plan(rollout: Rollout, snapshot: Snapshot, chosen: frozenset[str] | None = None) -> Plan:
    """Return the steps that bring what is deployed to what is wanted.

    Raises `TemplateError` where the rollout contradicts itself, and `BlockedError` naming every
    stack whose state a person must settle first; of the `chosen` ones, if only some are wanted.
    """
    check_wiring(rollout)
    stuck = [
        f"{stack.name}: is {deployed.status}; {advice(deployed) or 'settle it before planning'}; "
        f"`recover --stack {stack.name}` says why"
        for stack in rollout.stacks
        if (chosen is None or stack.name in chosen)
        and (deployed := snapshot.stacks.get(stack.name)) is not None
        and is_stuck(deployed.status)
    ]
    if stuck:
        raise BlockedError("\n".join(stuck))
    weak = weak_needs(rollout)
    changing: set[str] = set()
    return Plan(
        rollout, tuple(_plan_phase(phase, snapshot, changing, weak) for phase in rollout.phases)
    )


def plan_destroy(rollout: Rollout, snapshot: Snapshot, reason: Reason = Reason.NOT_WANTED) -> Plan:
    """Return the steps that take the rollout away: dependants first, phases in reverse."""
    check_wiring(rollout)
    weak = weak_needs(rollout)
    phases = []
    for phase in reversed(rollout.phases):
        needed_by: dict[str, set[str]] = {stack.name: set() for stack in phase.stacks}
        for stack in phase.stacks:
            for need in (stack.needs | weak.get(stack.name, frozenset())) & needed_by.keys():
                needed_by[need].add(stack.name)
        for each in phase.stack_sets:
            for need in each.needs & needed_by.keys():
                needed_by[need].add(each.name)
        steps = {
            stack.name: _removal(stack, snapshot, frozenset(needed_by[stack.name]), reason)
            for stack in phase.stacks
        }
        found = [(each, _found(each.name, snapshot)) for each in phase.stack_sets]
        first = dependants(found)
        sets = in_turn(plan_set_removal(each, there, first[each.name]) for each, there in found)
        phases.append(PlannedPhase(phase.name, waves_of(steps), sets))
    return Plan(rollout, tuple(phases))


def _plan_phase(
    phase: Phase, snapshot: Snapshot, changing: set[str], weak: Mapping[str, frozenset[str]]
) -> PlannedPhase:
    """Decide the phase's steps in order, so that a change reaches whoever depends on it."""
    names = {stack.name: stack for stack in phase.stacks}
    needs = {
        key: (stack.needs | weak.get(key, frozenset())) & names.keys()
        for key, stack in names.items()
    }
    steps: dict[str, Step] = {}
    for name in in_order(needs):
        stack = names[name]
        deployed = snapshot.stacks.get(name)
        verb, reason = _decide(stack, snapshot, changing)
        if verb not in {Verb.NONE, Verb.PROTECT}:
            changing.add(name)
        steps[name] = Step(stack, verb, reason, needs[name], deployed)
    outputs = outputs_of(snapshot)
    sets = (
        plan_set(each, _found(each.name, snapshot), outputs, changing) for each in phase.stack_sets
    )
    return PlannedPhase(phase.name, waves_of(steps), in_turn(sets))


def _found(stack_set: str, snapshot: Snapshot) -> FoundSet:
    return snapshot.sets.get(stack_set) or FoundSet()


def _decide(stack: Stack, snapshot: Snapshot, changing: set[str]) -> tuple[Verb, Reason]:
    deployed = snapshot.stacks.get(stack.name)
    if deployed is None or deployed.status is StackStatus.DELETE_COMPLETE:
        return Verb.CREATE, Reason.NOT_DEPLOYED
    if deployed.status is StackStatus.REVIEW_IN_PROGRESS:
        return Verb.CREATE, Reason.ONLY_REVIEWED
    if deployed.status.must_be_recreated:
        return Verb.RECREATE, Reason.CREATION_ROLLED_BACK
    return _decide_update(stack, deployed, snapshot, changing)


def _decide_update(
    stack: Stack, deployed: Deployed, snapshot: Snapshot, changing: set[str]
) -> tuple[Verb, Reason]:
    """Compare a deployed stack with what is wanted of it."""
    if difference := differs(stack, deployed, outputs_of(snapshot), snapshot):
        return Verb.UPDATE, difference
    if stack.needs & changing:
        return Verb.UPDATE, Reason.INPUTS_MAY_DIFFER
    if stack.protect != deployed.protected:
        return Verb.PROTECT, Reason.PROTECTION_DIFFERS
    if is_missing(stack, deployed):
        return Verb.PROTECT, Reason.POLICY_DIFFERS
    return Verb.NONE, Reason.AS_WANTED


def _removal(stack: Stack, snapshot: Snapshot, needs: frozenset[str], reason: Reason) -> Step:
    deployed = snapshot.stacks.get(stack.name)
    if deployed is None or deployed.status is StackStatus.DELETE_COMPLETE:
        return Step(stack, Verb.NONE, Reason.ALREADY_GONE, needs, deployed)
    return Step(stack, Verb.DELETE, reason, needs, deployed)
