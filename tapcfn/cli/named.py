"""Change sets for stacks that somebody named, for a purpose: shown, agreed to, carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tapcfn.cli.agreeing import agreed, close
from tapcfn.cli.desk import Desk
from tapcfn.cli.staged import approval_of, code_of, discard, show_plan
from tapcfn.errors import BlockedError, UsageError
from tapcfn.guard import review
from tapcfn.model import Phase, Rollout, Snapshot, Stack
from tapcfn.plan import Plan, PlannedPhase, Reason, Step, Verb, outputs_of, resolve
from tapcfn.ports import Purpose
from tapcfn.preview import Previewed, stage


@dataclass(frozen=True, slots=True)
class Aim:
    """One stack as its change set wants it, why, and the only resources it may touch."""

    stack: Stack
    parameters: Mapping[str, str]
    reason: Reason
    purpose: Purpose
    named: frozenset[str]


def parameters_of(stack: Stack, snapshot: Snapshot) -> dict[str, str]:
    """Return what a stack takes; raise `BlockedError` for what is not known yet."""
    zones = snapshot.zones.get(stack.target, ())
    deployed = snapshot.stacks.get(stack.name)
    values, unknown = resolve(stack, outputs_of(snapshot), deployed, zones)
    if unknown:
        missing = ", ".join(str(each) for each in unknown)
        raise BlockedError(f"{stack.name}: {missing} is not there; apply first")
    return values


def stack_of(desk: Desk, name: str) -> Stack:
    """Return a stack of the rollout; raise `UsageError` naming those that there are."""
    stacks = {stack.name: stack for stack in desk.rollout.stacks}
    if name not in stacks:
        raise UsageError(f"{name}: no such stack (there are: {', '.join(sorted(stacks))})")
    return stacks[name]


def carry_out(
    desk: Desk, snapshot: Snapshot, aims: Iterable[Aim], command: str, *, yes: bool
) -> int:
    """Stage a change set for each aim, show them, ask, execute and wait.

    Raises `BlockedError` where one touches what nobody named.
    """
    previews: list[Previewed] = []
    kept = False
    try:
        for aim in aims:
            previews.append(_previewed(desk, snapshot, aim))
            _check_named(previews[-1], aim)
        plan = _plan(desk, previews)
        show_plan(desk.session, plan, previews)
        if code := code_of(tuple(previews)):
            return code
        if not yes and not agreed(desk):
            return 130
        kept = True
    finally:
        if not kept:
            discard(desk, previews)
    approval = approval_of(tuple(previews), frozenset(), strict=True)
    return close(desk, desk.carry_out(plan, snapshot, approval), command)


def _previewed(desk: Desk, snapshot: Snapshot, aim: Aim) -> Previewed:
    deployed = snapshot.stacks.get(aim.stack.name)
    staged = stage(aim.stack, aim.parameters, deployed, desk.cloud, desk.ledger, aim.purpose)
    step = Step(aim.stack, Verb.UPDATE, aim.reason, deployed=deployed)
    return Previewed(step, staged, review(staged.change_set, aim.stack))


def _check_named(preview: Previewed, aim: Aim) -> None:
    touched = {change.logical_id for change in preview.staged.change_set.changes}
    if others := sorted(touched - aim.named):
        raise BlockedError(
            f"{aim.stack.name}: the change set touches {', '.join(others)}, too; apply what is "
            "pending first, or name them if they are meant"
        )


def _plan(desk: Desk, previews: Iterable[Previewed]) -> Plan:
    steps = tuple(each.step for each in previews)
    phase = PlannedPhase("named", (steps,))
    stacks = tuple(step.stack for step in steps)
    rollout = Rollout(desk.rollout.blueprint, desk.rollout.stage, (Phase(phase.name, stacks),))
    return Plan(rollout, (phase,))
