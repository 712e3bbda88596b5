"""The way of a rollout from one of its moves to another, and back, leg by leg. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tapcfn.actions import inverse
from tapcfn.errors import BlockedError, UsageError
from tapcfn.model import Action, Move, Rollout
from tapcfn.variants import BASE, at, changed


@dataclass(frozen=True, slots=True)
class Leg:
    """One move, taken or taken back.

    `rollout` is what is wanted after it, and `steps` what is wanted in turn on the way there.
    `holds_only` is a move whose stacks stand already: what comes after them was not seen to be done
    or to hold. On the way back that is what was done before they changed.
    """

    move: Move
    rollout: Rollout
    back: bool = False
    holds_only: bool = False
    steps: tuple[Rollout, ...] = ()

    @property
    def before(self) -> tuple[Action, ...]:
        """What is done before the stacks change."""
        changes = bool(self.move.stacks or self.move.removes)
        if self.holds_only and (changes or not self.back):
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


def backward(
    rollout: Rollout, here: int, goal: int, begun: Collection[str] = ()
) -> tuple[Leg, ...]:
    """Return the legs back to an earlier position; raise `BlockedError` past what is forever.

    `begun` are moves that are not over: what the next one did before its stacks changed is taken
    back first.
    """
    moves = rollout.moves[goal:here]
    stuck = [move for move in moves if move.forever]
    if stuck:
        raise BlockedError(
            "; ".join(f"{move.name} cannot be taken back: {move.forever}" for move in stuck)
        )
    legs = tuple(
        Leg(
            rollout.moves[number],
            at(rollout, number),
            back=True,
            steps=tuple(
                changed(at(rollout, number + 1), stack) for stack in rollout.moves[number].undone_by
            ),
        )
        for number in range(here - 1, goal - 1, -1)
    )
    return (*_half_begun(rollout, here, begun), *legs)


def _half_begun(rollout: Rollout, here: int, begun: Collection[str]) -> tuple[Leg, ...]:
    """Return the leg that takes back what a move did whose stacks are still, or again, as before.

    No stack tells of it: a process died before they changed, or on the last of the way back.
    """
    move = rollout.moves[here] if here < len(rollout.moves) else None
    if move is None or move.forever or move.name not in begun:
        return ()
    leg = Leg(move, at(rollout, here), back=True, holds_only=True)
    return (leg,) if leg.before or leg.after else ()


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
