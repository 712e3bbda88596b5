"""What a rehearsal taught of moves: how long each takes, what decides that, how long nobody writes.

Seconds are AWS's. What happens one after another is counted once: actions, the longest chain of
stacks, and the gate that holds for longest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from tapcfn.events import (
    ActionEnded,
    Event,
    GateJudged,
    MoveEnded,
    MoveStarted,
    ResourceMoved,
    StackPlanned,
)
from tapcfn.gates import GateStatus
from tapcfn.model import ApprovalCheck, CommandCheck, Move, ProbeCheck, SetReadOnly
from tapcfn.report.rehearsal import Stopwatch, laid_out
from tapcfn.report.text import duration, table

# What a rehearsal asks nobody for: it is taken for good.
ASKED = (ApprovalCheck, CommandCheck, ProbeCheck)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a move's time; `kind` is action, stack, gate or bake."""

    kind: str
    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class HeldGate:
    """A gate, for how long it was open, and how it ended; one that is `asked` was not."""

    name: str
    seconds: float
    verdict: GateStatus
    asked: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """A move that was rehearsed, or taken back, in pieces that follow each other."""

    move: str
    back: bool = False
    passed: bool = False
    cause: str = ""
    pieces: tuple[Piece, ...] = ()
    gates: tuple[HeldGate, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return sum(each.seconds for each in self.pieces)


@dataclass(slots=True)
class Journal:
    """Listens to a journey at `speed` times the pace of AWS, and notes what its moves take."""

    moves: Mapping[str, Move]
    speed: float
    taken: list[Taken] = field(default_factory=list)
    _now: Taken | None = None
    _planned: list[StackPlanned] = field(default_factory=list)
    _watch: Stopwatch = field(default_factory=Stopwatch)
    _gates: dict[str, HeldGate] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """Take one event of the journey."""
        match event:
            case MoveStarted():
                self._now = Taken(event.move, event.back)
            case StackPlanned():
                self._planned.append(event)
            case ResourceMoved():
                self._watch(event)
            case ActionEnded():
                self._add(Piece("action", event.action, event.seconds * self.speed))
            case GateJudged():
                asked = event.asked is not None and isinstance(event.asked.check, ASKED)
                held = HeldGate(event.gate, event.seconds, event.verdict.status, asked)
                self._gates[event.gate] = held
            case MoveEnded():
                self._close(event)

    def _add(self, *pieces: Piece) -> None:
        """Add pieces after the stacks that were worked on before them."""
        if self._now is not None:
            new = (*self._now.pieces, *self._stacks(), *pieces)
            self._now = replace(self._now, pieces=new)

    def _stacks(self) -> Iterator[Piece]:
        """Yield the chain of stacks that took longest, and forget them all."""
        seconds = self._watch.seconds(self.speed)
        phases = groupby(self._planned, lambda each: each.phase)
        found = laid_out(([(each.stack, each.needs) for each in of] for _, of in phases), seconds)
        took = {span.stack: span.end - span.start for span in found.spans}
        self._planned, self._watch = [], Stopwatch()
        for name in found.critical_path:
            yield Piece("stack", name, took[name])

    def _close(self, event: MoveEnded) -> None:
        if self._now is None:
            return
        self._add(*self._held(event))
        gates = tuple(self._gates.values())
        self.taken.append(replace(self._now, passed=event.passed, cause=event.cause, gates=gates))
        self._now, self._gates = None, {}

    def _held(self, event: MoveEnded) -> Iterator[Piece]:
        """Yield the gate that was open for longest, or the bake that no gate looked at."""
        longest = max(self._gates.values(), key=lambda each: each.seconds, default=None)
        bake = self.moves[event.move].bake if event.passed and not event.back else 0.0
        if longest is not None and longest.seconds >= bake:
            yield Piece("gate", longest.name, longest.seconds)
        elif bake:
            yield Piece("bake", event.move, bake)


# How long nobody writes ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """The longest time in which no write is taken, if any; and whether the end is in such a one."""

    longest: float | None = None
    at_end: bool = False


def refusal(taken: Iterable[Taken], moves: Mapping[str, Move]) -> Refusal:
    """Return for how long customers are refused to write on the way that was taken."""
    now, since, longest = 0.0, None, None
    for each in taken:
        move = moves[each.move]
        if move.writes is not None:
            if move.writes is each.back:  # from here on nobody writes
                since = now + _before_freeze(each, move) if since is None else since
            elif since is not None:
                longest = max(longest or 0.0, now + _before_gates(each) - since)
                since = None
        now += each.seconds
    if since is not None:
        return Refusal(max(longest or 0.0, now - since), at_end=True)
    return Refusal(longest)


def _before_freeze(taken: Taken, move: Move) -> float:
    """Return how long a move is under way before writes stop: with an action, or at once."""
    freezes = {each.name for each in move.actions if isinstance(each, SetReadOnly)}
    found = [number for number, each in enumerate(taken.pieces) if each.name in freezes]
    return sum(each.seconds for each in taken.pieces[: found[0] if found else 0])


def _before_gates(taken: Taken) -> float:
    return sum(each.seconds for each in taken.pieces if each.kind in {"action", "stack"})


# As text, and as fields ---------------------------------------------------------------------------


def moves_fields(
    taken: Iterable[Taken], begins: float, moves: Mapping[str, Move], not_tried: Iterable[str]
) -> dict[str, Any]:
    """Return what a program is told of the moves, which begin so many seconds after the start."""
    taken = tuple(taken)
    found = refusal(taken, moves)
    fields, start = [], begins
    for each in taken:
        fields.append(
            {
                "move": each.move,
                "back": each.back,
                "passed": each.passed,
                "cause": each.cause or None,
                "start": round(start),
                "seconds": round(each.seconds),
                "pieces": [
                    {"kind": piece.kind, "name": piece.name, "seconds": round(piece.seconds)}
                    for piece in each.pieces
                ],
                "gates": [
                    {
                        "name": gate.name,
                        "verdict": gate.verdict,
                        "seconds": round(gate.seconds),
                        "asked": gate.asked,
                    }
                    for gate in each.gates
                ],
            }
        )
        start += each.seconds
    return {
        "moves": fields,
        "not_tried": list(not_tried),
        "longest_refusal": round(found.longest) if found.longest is not None else None,
        "refused_at_end": found.at_end,
    }


def path_of(taken: Iterable[Taken]) -> tuple[str, ...]:
    """Return what decides how long the moves take, each piece with the name of its move."""
    return tuple(
        f"{each.move}: {_named(piece)}"
        for each in taken
        for piece in each.pieces
        if round(piece.seconds)
    )


def _named(piece: Piece) -> str:
    return {"gate": f"gate {piece.name}", "bake": "bake"}.get(piece.kind, piece.name)


def moves_text(
    taken: Iterable[Taken], begins: float, moves: Mapping[str, Move], not_tried: Iterable[str]
) -> str:
    """Return the moves with their pieces, what failed, and how long nobody writes."""
    taken, rows, start = tuple(taken), [], begins
    for each in taken:
        name = f"{each.move}, back" if each.back else each.move
        rows.append((name, duration(start), duration(start + each.seconds), duration(each.seconds)))
        start += each.seconds
        rows += [(f"  {_named(piece)}", "", "", duration(piece.seconds)) for piece in each.pieces]
    lines = [table(("move", "starts", "ends", "takes"), rows)] if rows else []
    lines += [
        f"{each.move} does not pass: {each.cause}"
        for each in taken
        if not each.passed and each.cause
    ]
    if names := ", ".join(not_tried):
        lines.append(f"Moves not tried: {names}")
    asked = [f"{each.move}: {gate.name}" for each in taken for gate in each.gates if gate.asked]
    if asked:
        lines.append(f"Taken for good, as a rehearsal asks nobody: {', '.join(asked)}")
    lines += _refusal_lines(refusal(taken, moves))
    return "\n".join(lines)


def _refusal_lines(found: Refusal) -> Iterator[str]:
    if found.longest is not None:
        end = ", nor at the end" if found.at_end else ""
        yield f"Nobody can write for about {duration(found.longest)}{end}."
