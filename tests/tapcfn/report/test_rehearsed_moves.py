"""How long moves take, what decides that, and for how long nobody can write."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.events import (
    ActionEnded,
    Event,
    GateJudged,
    MoveEnded,
    MoveStarted,
    ResourceMoved,
    StackPlanned,
)
from tapcfn.gates import GateStatus, Verdict
from tapcfn.model import AlarmCheck, CommandCheck, Gate, Move, SetReadOnly, StackEvent
from tapcfn.report.rehearsed_moves import (
    Journal,
    Piece,
    Refusal,
    Taken,
    moves_fields,
    moves_text,
    path_of,
    refusal,
)
from tests.fakes import HOME

QUIET = Gate("quiet", AlarmCheck(HOME, ("errors",)))
SMOKE = Gate("smoke", CommandCheck(("true",)))


def passed(gate: Gate, seconds: float) -> GateJudged:
    verdict = Verdict(GateStatus.PASSED, "good")
    return GateJudged("shift", gate.target, gate.name, verdict, gate, seconds)


def worked(stack: str, *seconds: int) -> list[Event]:
    """Return the first and the last line of a stack's history."""
    return [
        ResourceMoved(
            stack, HOME, StackEvent(str(at), stack, "", "", time=f"2026-01-01T00:00:{at:02}+00:00")
        )
        for at in seconds
    ]


def planned(stack: str, *needs: str, phase: str = "one") -> StackPlanned:
    return StackPlanned(stack, HOME, phase, 1, "update", "", needs=needs)


def acted(name: str, seconds: float) -> ActionEnded:
    return ActionEnded(name, HOME, "token", "done", seconds)


def heard(*events: Event, **moves: Move) -> list[Taken]:
    journal = Journal({"shift": Move("shift", "it moves"), **moves}, speed=10.0)
    for each in (MoveStarted("shift", "it moves"), *events, MoveEnded("shift", passed=True)):
        journal(each)
    return journal.taken


def test_pieces_follow_each_other_and_only_what_decides_is_counted() -> None:
    """Actions as they come, of stacks the longest chain, of gates the one that was open longest."""
    (taken,) = heard(
        acted("freeze", 2.0),
        planned("app"),
        planned("side"),
        planned("dns", "app"),
        *worked("app", 0, 6),
        *worked("side", 0, 3),
        *worked("dns", 6, 9),
        acted("compare", 1.0),
        passed(QUIET, 60.0),
        passed(SMOKE, 0.0),
    )

    assert (
        Piece("action", "freeze", 20.0),
        Piece("stack", "app", 66.0),
        Piece("stack", "dns", 36.0),
        Piece("action", "compare", 10.0),
        Piece("gate", "quiet", 60.0),
    ) == taken.pieces
    assert 192.0 == taken.seconds
    assert [("quiet", False), ("smoke", True)] == [(each.name, each.asked) for each in taken.gates]


def test_a_bake_that_no_gate_looks_at_takes_its_time() -> None:
    """And none where the move has failed before, or goes back."""
    move = Move("shift", "it moves", bake=300.0)

    assert (Piece("bake", "shift", 300.0),) == heard(shift=move)[0].pieces
    journal = Journal({"shift": move}, 10.0)
    for event in (MoveStarted("shift", "", back=True), MoveEnded("shift", passed=True, back=True)):
        journal(event)
    assert () == journal.taken[0].pieces


def taken(move: str, *pieces: tuple[str, str, float], **how: Any) -> Taken:
    return Taken(move, passed=True, pieces=tuple(Piece(*each) for each in pieces), **how)


FREEZE = Move("freeze", "stop", after=(SetReadOnly("stop-source", HOME, "group"),), writes=False)
OPEN = Move("open", "go on", writes=True)
MOVES = {"freeze": FREEZE, "open": OPEN, "promote": Move("promote", "stand alone")}
FROZEN = taken(
    "freeze", ("stack", "db", 30.0), ("action", "stop-source", 60.0), ("gate", "drained", 300.0)
)
PROMOTED = taken("promote", ("stack", "db", 500.0))
THAWED = taken("freeze", ("action", "stop-source-back", 20.0), back=True)


@pytest.mark.parametrize(
    ("way", "found"),
    [
        ((), Refusal()),
        ((PROMOTED,), Refusal()),
        (
            (
                FROZEN,
                taken("promote", ("stack", "db", 500.0)),
                taken("open", ("stack", "db", 40.0)),
            ),
            Refusal(900.0),
        ),
        ((FROZEN, THAWED), Refusal(380.0)),
        ((FROZEN,), Refusal(360.0, at_end=True)),
        (
            (FROZEN, THAWED, FROZEN, taken("open", ("stack", "db", 1.0), ("gate", "well", 600.0))),
            Refusal(380.0),
        ),
    ],
    ids=["nothing", "no freeze", "through", "fell back", "still", "twice"],
)
def test_nobody_writes_from_the_freeze_until_writes_are_taken_again(
    way: tuple[Taken, ...], found: Refusal
) -> None:
    """From the action that stops them; the gates of what lets them in again are no part of it."""
    assert found == refusal(way, MOVES)


def test_the_report_names_all_that_was_taken_and_what_was_not() -> None:
    """As text for people, as fields for programs, and as a path."""
    failed = Taken("promote", cause="gate quiet: bad")
    about = ((FROZEN, failed), 3600.0, MOVES, ("open",))

    text, fields = moves_text(*about), moves_fields(*about)

    assert "promote does not pass: gate quiet: bad" in text
    assert "Moves not tried: open" in text
    assert "Nobody can write for about 6 min 00 s, nor at the end." in text
    assert [("freeze", 3600, 390), ("promote", 3990, 0)] == [
        (each["move"], each["start"], each["seconds"]) for each in fields["moves"]
    ]
    assert (360, True, ["open"]) == tuple(
        fields[key] for key in ("longest_refusal", "refused_at_end", "not_tried")
    )
    assert ("freeze: db", "freeze: stop-source", "freeze: gate drained") == path_of((FROZEN,))
