"""Where a rollout stands between its moves, and the way from there to another. Pure.

What stands in AWS says where: the weights and dials are parameters of the stacks themselves. Only
moves that change no stack leave no trace there; those are known by the ledger, and are harmless to
do again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from tapcfn.actions import forever, inverse
from tapcfn.errors import BlockedError, TemplateError, UsageError
from tapcfn.literal import body_of
from tapcfn.model import Action, Deployed, Move, Phase, Rollout, Snapshot, Stack

# What the beginning is called, before any move.
BASE = "base"


@dataclass(frozen=True, slots=True)
class Leg:
    """One move, taken or taken back.

    `rollout` is what is wanted after it, and `steps` what is wanted in turn on the way there.
    `holds_only` is a move whose stacks stand already: what comes after them was not seen to be done
    or to hold.
    """

    move: Move
    rollout: Rollout
    back: bool = False
    holds_only: bool = False
    steps: tuple[Rollout, ...] = ()

    @property
    def before(self) -> tuple[Action, ...]:
        """What is done before the stacks change."""
        if self.holds_only:
            return ()
        return _taken_back(self.move.after) if self.back else self.move.before

    @property
    def after(self) -> tuple[Action, ...]:
        """What is done after the stacks have changed."""
        return _taken_back(self.move.before) if self.back else self.move.after

    @property
    def stacks(self) -> frozenset[str]:
        """The names of the stacks that change."""
        named = frozenset(stack.name for stack in self.move.stacks) | frozenset(self.move.removes)
        return frozenset() if self.holds_only else named


def _taken_back(actions: Iterable[Action]) -> tuple[Action, ...]:
    found = (inverse(each) for each in reversed(tuple(actions)))
    return tuple(each for each in found if each is not None)


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
        if not move.forever and (why := [each for each in map(forever, move.actions) if each]):
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


# Where it stands ----------------------------------------------------------------------------------


def position(
    rollout: Rollout, snapshot: Snapshot, passed: Collection[str] = (), *, back: bool = False
) -> int:
    """Return after how many of its moves a rollout stands.

    `passed` are moves whose gates were seen to hold. Raises `BlockedError` where what is deployed
    fits no move, so that nothing is moved by mistake. A move that was half taken back still counts
    for whoever goes `back`, and for nobody else.
    """
    if not rollout.moves:
        return 0
    varying = _varying(rollout)
    fitting = [
        number
        for number in range(len(rollout.moves) + 1)
        if _fits(at(rollout, number), varying, snapshot, is_base=number == 0)
    ]
    if not fitting:
        return _half_way(rollout, varying, snapshot, back=back)
    exact = [number for number in fitting if _has_templates(at(rollout, number), varying, snapshot)]
    here = min(_newest_group(exact or fitting))
    while here < len(rollout.moves) and _leaves_no_trace(rollout, here, fitting, passed):
        here += 1
    return here


def _newest_group(fitting: list[int]) -> list[int]:
    """Return the last run of numbers without a gap: a later state can look like an earlier one."""
    group = [fitting[-1]]
    for number in reversed(fitting[:-1]):
        if number != group[-1] - 1:
            break
        group.append(number)
    return group


def _has_templates(wanted: Rollout, varying: Iterable[str], snapshot: Snapshot) -> bool:
    """Whether the stacks that tell moves apart have just these templates.

    A password leaves no other trace. Templates of another version, or not read, tell nothing.
    """
    stacks = {stack.name: stack for stack in wanted.stacks}
    return all(
        snapshot.stacks[name].template_digest == body_of(stacks[name]).digest
        for name in varying
        if name in stacks and name in snapshot.stacks
    )


def _half_way(
    rollout: Rollout, varying: Mapping[str, frozenset[str]], snapshot: Snapshot, *, back: bool
) -> int:
    """Return the move that is half taken back; raise `BlockedError` for none, or to go on."""
    for number, move in enumerate(rollout.moves, 1):
        on_the_way = (_with(at(rollout, number), stack) for stack in move.undone_by)
        if any(_fits(each, varying, snapshot, is_base=False) for each in on_the_way):
            if back:
                return number
            before = [BASE, *(each.name for each in rollout.moves)][number - 1]
            raise BlockedError(f"{move.name} is half taken back; go on with --back-to {before}")
    raise BlockedError(_lost(rollout, varying, snapshot))


def _leaves_no_trace(
    rollout: Rollout, here: int, fitting: list[int], passed: Collection[str]
) -> bool:
    """Whether the next move changes no stack, and was seen to pass."""
    return here + 1 in fitting and rollout.moves[here].name in passed


def _varying(rollout: Rollout) -> dict[str, frozenset[str]]:
    """Return the stacks that moves change or bring, with the parameters that tell them apart."""
    variants: dict[str, list[Mapping[str, str] | None]] = {}
    names = {name for move in rollout.moves for name in _named(move)}
    for number in range(len(rollout.moves) + 1):
        stacks = {stack.name: stack for stack in at(rollout, number).stacks}
        for name in names:
            stack = stacks.get(name)
            variants.setdefault(name, []).append(_literals(stack) if stack else None)
    for stack in (stack for move in rollout.moves for stack in move.undone_by):
        variants.setdefault(stack.name, []).append(_literals(stack))
    return {name: _telling(told) for name, told in sorted(variants.items())}


def _named(move: Move) -> frozenset[str]:
    return frozenset(stack.name for stack in move.stacks) | frozenset(move.removes)


def _literals(stack: Stack) -> Mapping[str, str]:
    """Return what a stack is told word by word, and nothing for what it is told by others."""
    return {key: value if isinstance(value, str) else "" for key, value in stack.parameters.items()}


def _telling(variants: Iterable[Mapping[str, str] | None]) -> frozenset[str]:
    """Return the parameters that differ, or that only some of the variants have."""
    there = [each for each in variants if each is not None]
    keys = {key for each in there for key in each}
    return frozenset(key for key in keys if len({each.get(key) for each in there}) > 1)


def _fits(
    wanted: Rollout, varying: Mapping[str, frozenset[str]], snapshot: Snapshot, *, is_base: bool
) -> bool:
    """Whether the stacks that tell moves apart are as this one wants them.

    Before the first move a stack may also not be there yet.
    """
    stacks = {stack.name: stack for stack in wanted.stacks}
    for name, keys in varying.items():
        deployed, stack = snapshot.stacks.get(name), stacks.get(name)
        gone = deployed is None or deployed.status.is_absent
        if stack is None or gone:
            if (stack is None) != gone and not (is_base and gone):
                return False
        elif deployed and not _is_told(deployed, stack, keys):
            return False
    return True


def _is_told(deployed: Deployed, stack: Stack, keys: frozenset[str]) -> bool:
    literals = _literals(stack)
    for key in keys:
        if (key in stack.parameters) != (key in deployed.parameters):
            return False
        if literals.get(key) and deployed.parameters.get(key) != literals[key]:
            return False
    return True


def _lost(rollout: Rollout, varying: Mapping[str, frozenset[str]], snapshot: Snapshot) -> str:
    told = []
    for name, keys in varying.items():
        deployed = snapshot.stacks.get(name)
        there = deployed.parameters if deployed else {}
        if values := [f"{key} {there[key]}" for key in sorted(keys & there.keys())]:
            told.append(f"{name}: {', '.join(values)}")
    names = ", ".join([BASE, *(move.name for move in rollout.moves)])
    return (
        f"what is deployed stands at none of the moves ({'; '.join(told) or 'nothing to tell'}); "
        f"say with --at where it is to be taken for ({names})"
    )


# The way ------------------------------------------------------------------------------------------


def number_of(rollout: Rollout, name: str) -> int:
    """Return after how many moves the one of this name is done; raise `UsageError` for no move."""
    names = [BASE, *(move.name for move in rollout.moves)]
    if name not in names:
        raise UsageError(f'move "{name}" does not exist (there are: {", ".join(names)})')
    return names.index(name)


def forward(
    rollout: Rollout, here: int, goal: int, passed: Collection[str] = ()
) -> tuple[Leg, ...]:
    """Return the legs from one position to a later one.

    Where the move that stands was not seen to pass, the rest of it is done first.
    """
    legs = [Leg(rollout.moves[number], at(rollout, number + 1)) for number in range(here, goal)]
    last = rollout.moves[here - 1] if here else None
    if goal >= here and last and (last.after or last.gates) and last.name not in passed:
        legs.insert(0, Leg(last, at(rollout, here), holds_only=True))
    return tuple(legs)


def backward(rollout: Rollout, here: int, goal: int) -> tuple[Leg, ...]:
    """Return the legs back to an earlier position; raise `BlockedError` past what is forever."""
    moves = rollout.moves[goal:here]
    stuck = [move for move in moves if move.forever]
    if stuck:
        raise BlockedError(
            "; ".join(f"{move.name} cannot be taken back: {move.forever}" for move in stuck)
        )
    return tuple(
        Leg(
            rollout.moves[number],
            at(rollout, number),
            back=True,
            steps=tuple(
                _with(at(rollout, number + 1), stack) for stack in rollout.moves[number].undone_by
            ),
        )
        for number in range(here - 1, goal - 1, -1)
    )


def falls_to(rollout: Rollout, number: int) -> int:
    """Return how far a move falls back whose gates fail: before it, or before what it watches.

    One that changes no stack only watches the last that did.
    """
    for goal in range(number - 1, -1, -1):
        move = rollout.moves[goal]
        if move.forever:
            break
        if move.stacks or move.removes:
            return goal
    return number - 1


def _with(rollout: Rollout, stack: Stack) -> Rollout:
    """Return the rollout with one of its stacks as it is here."""
    phases = (
        replace(
            phase, stacks=tuple(stack if each.name == stack.name else each for each in phase.stacks)
        )
        for phase in rollout.phases
    )
    return replace(rollout, phases=tuple(phases))


def undoable_until(rollout: Rollout, here: int) -> int:
    """Return the earliest position that can be gone back to from here."""
    for number in range(here, 0, -1):
        if rollout.moves[number - 1].forever:
            return number
    return 0


def to_confirm(legs: Iterable[Leg]) -> tuple[Move, ...]:
    """Return the moves on the way that a person must confirm by name."""
    moving = (leg for leg in legs if not leg.back and not leg.holds_only)
    return tuple(leg.move for leg in moving if leg.move.confirm)
