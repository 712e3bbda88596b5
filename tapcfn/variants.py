"""A rollout as it is wanted after some of its moves, and whether these make sense. Pure."""

from __future__ import annotations

from dataclasses import replace

from tapcfn.actions import forever
from tapcfn.errors import TemplateError
from tapcfn.model import Phase, Rollout, Stack

# What the beginning is called, before any move.
BASE = "base"


def check(rollout: Rollout) -> None:
    """Raise `TemplateError` where the moves contradict each other or the phases."""
    names = [move.name for move in rollout.moves]
    faults = [
        f"two moves are called {name}" for name in sorted(set(names)) if names.count(name) > 1
    ]
    phases = {phase.name for phase in rollout.phases} | {BASE}
    faults += [f"move {name} is called as a phase" for name in sorted(phases & set(names))]
    known = {stack.name: stack.target for stack in rollout.stacks}
    for move in rollout.moves:
        for stack in move.stacks:
            if known.setdefault(stack.name, stack.target) != stack.target:
                faults.append(f"move {move.name}: {stack.name} can't change its place")
        mine = {stack.name for stack in move.stacks}
        faults += [
            f"move {move.name}: {stack.name} is undone, and is not changed"
            for stack in move.undone_by
            if stack.name not in mine
        ]
        faults += [
            f"move {move.name}: removes {name}, which is no stack"
            for name in move.removes
            if name not in known
        ]
        if move.forever and not move.confirm:
            faults.append(f"move {move.name}: is forever, and has no name to confirm it by")
        leads_back = move.forever or move.undone_by  # or says how: by what its stacks become
        if not leads_back and (why := [each for each in map(forever, move.actions) if each]):
            faults.append(f"move {move.name}: has to say that it is forever: {why[0]}")
    if faults:
        raise TemplateError("; ".join(faults))


def at(rollout: Rollout, position: int) -> Rollout:
    """Return the rollout as it is wanted after so many of its moves, each stack once.

    A stack that only a move brings stands in a phase of the move's name.
    """
    wanted: dict[str, Stack] = {}
    phase_of: dict[str, str] = {}
    for phase in rollout.phases:
        for stack in phase.stacks:
            wanted[stack.name], phase_of[stack.name] = stack, phase.name
    names = [phase.name for phase in rollout.phases]
    for move in rollout.moves[:position]:
        for stack in move.stacks:
            wanted[stack.name] = stack
            phase_of.setdefault(stack.name, move.name)
        for name in move.removes:
            wanted.pop(name, None)
        names.append(move.name)
    sets = {phase.name: phase.stack_sets for phase in rollout.phases}
    phases = (
        Phase(
            name,
            tuple(stack for key, stack in wanted.items() if phase_of[key] == name),
            sets.get(name, ()),
        )
        for name in names
    )
    outputs = {
        key: value
        for key, value in rollout.outputs.items()
        if value.target or _puts_out(wanted.get(value.stack), value.key)
    }
    return replace(
        rollout,
        phases=tuple(each for each in phases if each.stacks or each.stack_sets),
        outputs=outputs,
    )


def _puts_out(stack: Stack | None, key: str) -> bool:
    return stack is not None and key in stack.template.outputs


def everything(rollout: Rollout) -> Rollout:
    """Return the rollout with every stack that it has at any time, as it is first wanted.

    What there is of it has to be looked for everywhere, and all of it goes when it is destroyed.
    """
    known = {stack.name for stack in rollout.stacks}
    phases = list(rollout.phases)
    for move in rollout.moves:
        new = tuple(stack for stack in move.stacks if stack.name not in known)
        known |= {stack.name for stack in new}
        if new:
            phases.append(Phase(move.name, new))
    return replace(rollout, phases=tuple(phases))


def changed(rollout: Rollout, stack: Stack) -> Rollout:
    """Return the rollout with one of its stacks as it is here."""
    phases = (
        replace(
            phase, stacks=tuple(stack if each.name == stack.name else each for each in phase.stacks)
        )
        for phase in rollout.phases
    )
    return replace(rollout, phases=tuple(phases))
