"""Where a rollout stands between its moves. Pure.

What stands in AWS says where: the weights and dials are parameters of the stacks themselves. Only
moves that change no stack leave no trace there; those are known by the ledger, and are harmless to
do again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from tapcfn.errors import BlockedError
from tapcfn.literal import body_of
from tapcfn.model import Deployed, Move, Rollout, Snapshot, Stack
from tapcfn.variants import BASE, at, changed


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
        on_the_way = (changed(at(rollout, number), stack) for stack in move.undone_by)
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
