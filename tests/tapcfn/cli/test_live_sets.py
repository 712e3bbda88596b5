"""What a person sees of a stack set that is rolled out: matrices that fit the screen. (D-3, R-3)"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tapcfn.cli.live import Live
from tapcfn.cli.live_sets import Boards
from tapcfn.events import (
    Event,
    InstanceMoved,
    InstancesMoved,
    SetOperationStarted,
    StackEnded,
)
from tapcfn.model import (
    Ending,
    FoundSet,
    Phase,
    Preferences,
    Rollout,
    Share,
    StackEvent,
    StackSet,
    Target,
    Wave,
)
from tapcfn.plan import Plan, PlannedPhase
from tapcfn.stack_sets.running import run
from tapcfn.stack_sets.steps import SetStep
from tests.tapcfn.stack_sets.examples import EAST, EU, HOME, WEST, A, a_set, pairs
from tests.tapcfn.stack_sets.test_running import Room

GOLDEN = Path(__file__).parent / "golden"
ACCOUNTS = [str(number) * 12 for number in range(1, 10)]
REGIONS = (EAST, WEST, EU)
PREFERENCES = Preferences((EU,), tolerance=Share(1), concurrent=Share(3))
CANARY = Wave("canary", frozenset(pairs([A], REGIONS)))


class Watcher:
    """A person at a terminal: what was printed, and the picture whenever something has moved."""

    def __init__(self, room: Room, plan: Plan, width: int) -> None:
        self.printed = io.StringIO()
        self.frames: list[str] = []
        self._width, self._room = width, room
        screen = Console(file=self.printed, width=width, height=24, force_terminal=False)
        self._live = Live(plan, color=False, screen=screen, now=room.clock.now)

    def notify(self, event: Event) -> None:
        """Show an event."""
        self._live.notify(event)
        frame = io.StringIO()
        Console(file=frame, width=self._width, height=24).print(self._live._picture())
        text = "\n".join(line.rstrip() for line in frame.getvalue().splitlines())
        if text and text not in self.frames[-1:]:
            self.frames.append(text)

    @property
    def seen(self) -> str:
        """What was printed above, then the last picture with some at work, then the last one."""
        above = "\n".join(line.rstrip() for line in self.printed.getvalue().splitlines())
        busy = next(each for each in reversed(self.frames) if "running" in each)
        return "\n\n".join([above, busy, self.frames[-1], ""])


def planned(stack_set: StackSet, room: Room) -> Plan:
    """Return a plan of this one set."""
    spread = room.planned(stack_set)
    rollout = Rollout("blue", "test", (Phase("all", (), stack_sets=(stack_set,)),))
    step = SetStep(stack_set, FoundSet(), spread)
    return Plan(rollout, (PlannedPhase("all", (), (step,)),))


def a_rollout_with_failures(width: int) -> Watcher:
    """Let a new version go to one account first, then to eight, where it fails in two Regions."""
    room = Room(at_a_look=2)
    room.sets.tolerance = 1
    old = a_set(*pairs(ACCOUNTS, REGIONS), preferences=PREFERENCES)
    room.sets.has(old)
    why = "ResourceLogicalId:Logs, ResourceStatusReason:logs-{0.account} already exists"
    for account, region in (("3" * 12, EU), ("5" * 12, EU), ("4" * 12, EAST)):
        pair = Target(account, region)
        room.sets.failing[pair] = why.format(pair)
    first = room.sets.there["baseline"][Target("3" * 12, EU)]
    room.histories.of[first.stack_id] = (_failed_event(first.stack_id),)
    new = a_set(*pairs(ACCOUNTS, REGIONS), version="2", preferences=PREFERENCES, waves=(CANARY,))
    plan = planned(new, room)
    watcher = Watcher(room, plan, width)
    (step,) = plan.sets
    assert step.spread is not None
    watcher.notify(run(step.spread, replace(room.means(), notify=watcher.notify)))
    return watcher


def _failed_event(stack_id: str) -> StackEvent:
    return StackEvent(
        "1",
        "Logs",
        "AWS::S3::Bucket",
        "CREATE_FAILED",
        "logs-333333333333 already exists",
        "logs",
        "t",
    )


@pytest.mark.parametrize("width", [80, 160])
def test_a_rollout_with_failures_as_a_person_sees_it(width: int) -> None:
    """Recorded from a run: lines above, the matrix on the way, and the matrix at the end."""
    seen = a_rollout_with_failures(width).seen

    assert all(len(line) <= width for line in seen.splitlines())
    assert (GOLDEN / f"rollout_{width}.txt").read_text(encoding="utf-8") == seen


# Boards -------------------------------------------------------------------------------------------


def started(name: str, places: Iterable[Target]) -> SetOperationStarted:
    return SetOperationStarted(name, HOME, "update", "op", frozenset(places))


def moved(name: str, pair: Target, word: str, reason: str = "") -> InstancesMoved:
    return InstancesMoved((InstanceMoved(name, pair, "op", "OUTDATED", word, reason),))


def test_a_cell_has_the_time_that_its_pair_was_at_work() -> None:
    """It grows while it runs, and stays once it is done."""
    now = [0.0]
    boards = Boards({}, lambda: now[0])
    here, there = Target(A, EAST), Target(A, WEST)
    boards.take(started("one", (here, there)))
    boards.take(moved("one", here, "RUNNING"))
    now[0] = 30.0
    assert "running 30s" in boards.lines(80, 20)[2]
    boards.take(moved("one", here, "SUCCEEDED"))
    now[0] = 90.0

    assert "done 30s" in boards.lines(80, 20)[2]
    assert "pending" in boards.lines(80, 20)[2]


def test_the_first_root_cause_of_what_failed_stands_below() -> None:
    """Alike reasons are one."""
    boards = Boards({}, lambda: 0.0)
    boards.take(started("one", pairs()))
    for pair in pairs():
        boards.take(moved("one", pair, "FAILED", f"no room in {pair.account}"))

    assert "4 instances: no room in {account}" in " ".join(boards.lines(80, 20))


@pytest.mark.parametrize("height", [1, 2, 3, 6, 12, 20, 40])
def test_it_never_has_more_lines_than_the_screen(height: int) -> None:
    """However many sets are at work; each is there at least in a line while there is room."""
    boards = Boards({}, lambda: 0.0)
    for name in ("one", "two", "three"):
        boards.take(started(name, pairs(ACCOUNTS, REGIONS)))

    lines = boards.lines(80, height)

    assert len(lines) <= height
    assert {line.partition(":")[0] for line in lines} >= {"one", "two", "three"} or height < 3


def test_a_set_that_has_ended_makes_room_for_those_at_work() -> None:
    """One line is left of it; when all have ended, all are shown again."""
    boards = Boards({}, lambda: 0.0)
    boards.take(started("one", pairs()))
    boards.take(started("two", pairs()))
    alone = StackEnded("one", HOME, Ending.DONE)
    boards.take(alone)
    assert sum(line.startswith("one") for line in boards.lines(80, 40)) == 1
    first = boards.lines(80, 40)
    boards.take(StackEnded("two", HOME, Ending.FAILED))

    assert len(boards.lines(80, 40)) > len(first)


def test_what_is_no_set_changes_nothing() -> None:
    """A stack of the same rollout has ended."""
    boards = Boards({}, lambda: 0.0)
    boards.take(StackEnded("network", HOME, Ending.DONE))

    assert boards.lines(80, 40) == []
