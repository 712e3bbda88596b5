"""Where a rollout stands between its moves. Pure.

What stands in AWS says where: the weights and dials are parameters of the stacks themselves. Only
moves that change no stack leave no trace there; those are known by the ledger, and are harmless to
do again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum

from tapcfn.errors import BlockedError
from tapcfn.literal import body_of
from tapcfn.model import Deployed, Move, Rollout, Snapshot, Stack
from tapcfn.variants import BASE, at, changed


class Heading(StrEnum):
    """Where somebody who asks is going: nowhere, on to a later move, or back to an earlier one."""

    STAY = "stay"
    ON = "on"
    BACK = "back"


def position(
    rollout: Rollout,
    snapshot: Snapshot,
    passed: Collection[str] = (),
    *,
    heading: Heading = Heading.STAY,
) -> int:
    """Return after how many of its moves a rollout stands.

    `passed` are moves whose gates were seen to hold. Raises `BlockedError` where what is deployed
    fits no move, so that nothing is moved by mistake. A move of which some stacks have changed
    counts for whoever goes back, does not for whoever goes on, and keeps everybody else from
    anything; one that was half taken back is only taken back.
    """
    if not rollout.moves:
        return 0
    varying = _varying(rollout)
    fitting = _fitting(rollout, varying, snapshot)
    if not fitting:
        return _half_way(rollout, varying, snapshot, heading)
    exact = [number for number in fitting if _has_templates(at(rollout, number), varying, snapshot)]
    alike = exact or fitting
    here = min(_newest_group(alike))
    while here < len(rollout.moves) and _leaves_no_trace(rollout, here, alike, passed):
        here += 1
    return here


def is_between(rollout: Rollout, snapshot: Snapshot) -> bool:
    """Whether what is deployed is as no move leaves it."""
    return bool(rollout.moves) and not _fitting(rollout, _varying(rollout), snapshot)


def _fitting(
    rollout: Rollout, varying: Mapping[str, frozenset[str]], snapshot: Snapshot
) -> list[int]:
    return [
        number
        for number in range(len(rollout.moves) + 1)
        if all(_fit(at(rollout, number), varying, snapshot, is_base=number == 0))
    ]


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
    rollout: Rollout, varying: Mapping[str, frozenset[str]], snapshot: Snapshot, heading: Heading
) -> int:
    """Return where somebody stands in the middle of a move, by where he is going.

    Raises `BlockedError` for who goes nowhere, or another way than the move may, and for no move.
    """
    names = [BASE, *(each.name for each in rollout.moves)]
    for number in range(len(rollout.moves), 0, -1):
        move, ends = rollout.moves[number - 1], (at(rollout, number - 1), at(rollout, number))
        steps = [changed(ends[1], stack) for stack in move.undone_by]
        back = f"--back-to {names[number - 1]}"
        if not _is_mixed((*ends, *steps), varying, snapshot, is_first=number == 1):
            continue
        if heading is Heading.BACK:
            return number
        if not _is_mixed(ends, varying, snapshot, is_first=number == 1):
            raise BlockedError(f"{move.name} is half taken back; go on with {back}")
        if heading is Heading.ON:
            return number - 1
        or_back = "" if move.forever else f", or take it back with {back}"
        raise BlockedError(f"{move.name} is half done; go on with --until {move.name}{or_back}")
    raise BlockedError(_lost(rollout, varying, snapshot))


def _is_mixed(
    states: Iterable[Rollout],
    varying: Mapping[str, frozenset[str]],
    snapshot: Snapshot,
    *,
    is_first: bool,
) -> bool:
    """Whether each stack is as one of these wants it, of which the first may be the base."""
    found = (
        tuple(_fit(each, varying, snapshot, is_base=is_first and number == 0))
        for number, each in enumerate(states)
    )
    return all(map(any, zip(*found, strict=True)))


def _leaves_no_trace(
    rollout: Rollout, here: int, alike: list[int], passed: Collection[str]
) -> bool:
    """Whether the next move changes no stack, and was seen to pass."""
    return here + 1 in alike and rollout.moves[here].name in passed


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


def _fit(
    wanted: Rollout, varying: Mapping[str, frozenset[str]], snapshot: Snapshot, *, is_base: bool
) -> Iterator[bool]:
    """Yield of each stack that tells moves apart whether it is as this one wants it.

    Before the first move a stack may also not be there yet.
    """
    stacks = {stack.name: stack for stack in wanted.stacks}
    for name, keys in varying.items():
        deployed, stack = snapshot.stacks.get(name), stacks.get(name)
        if deployed is None or deployed.status.is_absent:
            yield stack is None or is_base
        else:
            yield stack is not None and _is_told(deployed, stack, keys)


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
