"""A rollout's moves as text: where it stands, what comes next, and how far back it can go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

from tapcfn.actions import forever, leaves, says
from tapcfn.journey import Leg, undoable_until
from tapcfn.model import Move, Rollout
from tapcfn.report.text import duration
from tapcfn.variants import BASE

# Which way a command leads, on or back, and the command.
Way: TypeAlias = tuple[str, str]


def phases_text(rollout: Rollout, here: int | None, passed: Collection[str] = ()) -> str:
    """Return every move with its state; `here` is None where it can't be told.

    `passed` are the moves that were seen to be over.
    """
    lines = [_line(BASE, "all that is deployed before any move", _state(0, here))]
    back = undoable_until(rollout, here) if here is not None else 0
    for number, move in enumerate(rollout.moves, 1):
        lines.append(_line(move.name, move.says, _state(number, here)))
        lines += [f"      {each}" for each in move_lines(move)]
    if here is not None:
        names = [BASE, *(move.name for move in rollout.moves)]
        lines.append("")
        lines.append(f"stands at {names[here]}; can be taken back to {names[back]}")
        if open_still(rollout, here, passed):
            lines.append(f"{names[here]} was not seen to be over: its gates are held again first")
    return "\n".join(lines)


def open_still(rollout: Rollout, here: int, passed: Collection[str]) -> bool:
    """Whether the move that stands has something after its stacks, and was not seen to pass."""
    move = rollout.moves[here - 1] if here else None
    return move is not None and bool(move.after or move.gates) and move.name not in passed


def points_text(rollout: Rollout, here: int) -> str:
    """Return the points of no return that are ahead, in one line, or nothing."""
    ahead = [f"{move.name} ({move.confirm})" for move in rollout.moves[here:] if move.confirm]
    return f"points of no return ahead: {', '.join(ahead)}" if ahead else ""


def _state(number: int, here: int | None) -> str:
    if here is None:
        return "?"
    if number == here:
        return "here"
    if number < here:
        return "done"
    return "next" if number == here + 1 else ""


def _line(name: str, text: str, state: str) -> str:
    return f"{state:<5} {name:<16} {text}"


def move_lines(move: Move) -> Iterator[str]:
    """Yield what a move does beside its stacks, and what holds it."""
    for action in move.before:
        yield f"first: {says(action)}"
    for action in move.after:
        yield f"then: {says(action)}"
    if move.removes:
        yield f"goes: {', '.join(move.removes)}"
    yield from _holding_lines(move)
    if move.falls_back:
        yield "taken back at once if a gate fails"
    if move.forever:
        yield f"cannot be taken back: {move.forever}"
    if move.needs:
        yield f"needs: {' '.join(move.needs)}"
    if move.confirm:
        yield f'point of no return: has to be confirmed as "{move.confirm}"'


def _holding_lines(move: Move) -> Iterator[str]:
    if move.bake:
        yield f"watched for {duration(move.bake)}"
    for gate in move.gates:
        held = f", for {duration(gate.hold)}" if gate.hold else ""
        yield f"gate {gate.name}{held}, at most {duration(gate.timeout)}"


def legs_text(rollout: Rollout, legs: Iterable[Leg]) -> str:
    """Return what a journey will do, leg by leg."""
    lines = []
    for leg in legs:
        move = leg.move
        if leg.back:
            lines.append(f"back  {move.name:<16} {move.says}")
            lines += [f"      {each}" for each in _back_lines(leg)]
        elif leg.holds_only:
            lines.append(f"hold  {move.name:<16} its gates were not seen to hold")
            lines += [f"      {each}" for each in move_lines(move) if each.startswith("gate")]
        else:
            lines.append(f"move  {move.name:<16} {move.says}")
            lines += [f"      {each}" for each in (*_changes(leg), *move_lines(move))]
    return "\n".join(lines) or f"{rollout.blueprint} stands there already: nothing to move."


def _changes(leg: Leg) -> Iterator[str]:
    for stack in leg.move.stacks:
        told = {key: value for key, value in stack.parameters.items() if isinstance(value, str)}
        values = ", ".join(f"{key}={value}" for key, value in sorted(told.items()))
        yield f"{stack.name}: {values or 'another template'}"


def _back_lines(leg: Leg) -> Iterator[str]:
    for action in (*leg.before, *leg.after):
        yield f"takes back: {says(action)}"
    for action in leg.move.actions:
        if left := leaves(action) or forever(action):
            yield left


def begun_text(rollout: Rollout, leg: Leg, call: str) -> str:
    """Return that a leg has stopped half way, and the commands that lead on and back."""
    move = leg.move
    first = f"{move.name} was begun and is not over{f': {move.look}' if move.look else ''}"
    if leg.back:
        first = f"{move.name} is not wholly taken back"
    return _with_ways(first, ways_from_within(rollout, leg, call))


def ways_from_within(rollout: Rollout, leg: Leg, call: str) -> Iterator[Way]:
    """Yield the commands that lead on and back from a leg that has stopped half way."""
    names = [BASE, *(move.name for move in rollout.moves)]
    move, before = leg.move, names[names.index(leg.move.name) - 1]
    back = f"{call} --back-to {before}"
    if leg.back:
        yield "on", back
        return
    yield "on", f"{call} --until {words_of(move)}"
    if not move.forever:
        yield "back", back


def _with_ways(first: str, ways: Iterable[Way]) -> str:
    return "\n".join([first, *(f"  {f'{where}:':<5} {command}" for where, command in ways)])


def words_of(move: Move) -> str:
    """Return the move's name with all that the command that takes it must say besides."""
    confirm = (f"--confirm-point-of-no-return {move.confirm}",) if move.confirm else ()
    return " ".join((move.name, *confirm, *move.needs))


def standing_text(rollout: Rollout, here: int, call: str) -> str:
    """Return where a rollout stands now, and the commands that lead on and back."""
    names = [BASE, *(move.name for move in rollout.moves)]
    return _with_ways(f"stands at {names[here]}", ways_from(rollout, here, call))


def ways_from(rollout: Rollout, here: int, call: str) -> Iterator[Way]:
    """Yield the commands that lead on and back from where a rollout stands."""
    names = [BASE, *(move.name for move in rollout.moves)]
    if here < len(rollout.moves):
        needs = rollout.moves[here].needs
        yield "on", " ".join((call, "--until", names[here + 1], *needs))
    if (back := undoable_until(rollout, here)) < here:
        yield "back", f"{call} --back-to {names[max(back, here - 1)]}"


def way_fields(legs: Iterable[Leg]) -> dict[str, object]:
    """Return a journey for programs, leg by leg."""
    return {
        "legs": [
            {
                "move": leg.move.name,
                "back": leg.back,
                "confirm": leg.move.confirm or None,
                "says": leg.move.says,
                "forever": leg.move.forever or None,
                "gates": [gate.name for gate in leg.move.gates],
            }
            for leg in legs
        ]
    }
