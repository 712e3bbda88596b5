"""The table that is redrawn while a plan is carried out."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tapcfn.cli.live import Live
from tapcfn.events import OperationStarted, ResourceMoved, StackEnded, StackMoved
from tapcfn.model import Ending, StackEvent, Target
from tests.fakes import World, a_rollout, a_stack

PLACE = Target("111111111111", "ap-northeast-1")
NAMES = [f"production-replicated-storage-{layer}-{PLACE.region}" for layer in ("network", "data")]


def test_the_table_can_be_read_at_80_columns() -> None:
    """Names lose what all begin with and the Region beside them; only the last event gives way."""
    rollout = a_rollout(*(a_stack(name, target=PLACE) for name in NAMES))
    live = Live(World().plan(rollout), color=False)
    live.notify(OperationStarted(NAMES[0], PLACE, "update", "t", usual=40.0))
    live.notify(StackMoved(NAMES[0], PLACE, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))
    moved = StackEvent("1", "ReplicationRoleOfThePrimaryBucket", "T", "DELETE_IN_PROGRESS")
    live.notify(ResourceMoved(NAMES[0], PLACE, moved))
    screen = io.StringIO()

    Console(width=80, file=screen).print(live._picture())

    lines = [line.rstrip() for line in screen.getvalue().splitlines()]
    assert "stacks are called production-replicated-storage-…" == lines[0]
    assert ["stack", "Region", "status", "s", "last"] == lines[1].split()
    assert lines[2].startswith("data     ap-northeast-1  waiting")
    assert lines[3].startswith("network  ap-northeast-1  UPDATE_COMPLETE_CLEANUP  0 of ~40  Repl")
    assert lines[3].endswith("…")
    assert 4 == len(lines)


def drawn(live: Live, width: int, height: int) -> list[str]:
    """Return the lines of a picture on a screen of this size."""
    text = io.StringIO()
    live._screen = Console(width=width, height=height, file=text)
    live._screen.print(live._picture())
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_a_low_screen_shows_what_matters() -> None:
    """What has failed and what is at work, in the plan's order, and how many stand where else."""
    names = [f"stack-{number:02}" for number in range(40)]
    live = Live(World().plan(a_rollout(*map(a_stack, names))), lambda: 90.0, color=False)
    place = a_stack("any").target
    for name in names[:30]:
        live.notify(OperationStarted(name, place, "create", "t"))
    for name in names[:20]:
        ending = Ending.FAILED if name == "stack-07" else Ending.DONE
        live.notify(StackEnded(name, place, ending, "no room", seconds=1.0))

    lines = drawn(live, 80, 20)

    assert len(lines) < 20
    assert "stacks are called stack-…" == lines[0]
    assert ["07", *(str(number) for number in range(20, 30))] == [
        line.split()[0] for line in lines[2:13]
    ]
    assert "… and 25 more: 19 done, 6 waiting" == lines[-2]
    assert "about 1 min 30 s to go" == lines[-1]


@pytest.mark.parametrize("width", [60, 80, 120, 160, 200])
def test_the_table_fits_every_screen(width: int) -> None:
    """One line for each stack, with its name and how it stands."""
    rollout = a_rollout(*(a_stack(name, target=PLACE) for name in NAMES))
    live = Live(World().plan(rollout), color=False)
    live.notify(OperationStarted(NAMES[0], PLACE, "update", "t", usual=40.0))
    live.notify(StackMoved(NAMES[0], PLACE, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"))
    moved = StackEvent("1", "ReplicationRoleOfThePrimaryBucket", "T", "DELETE_IN_PROGRESS")
    live.notify(ResourceMoved(NAMES[0], PLACE, moved))

    lines = drawn(live, width, 50)

    assert 4 == len(lines)
    assert all(len(line) <= width for line in lines)
    region = "ap-northeast-1" if width >= 80 else "apne1"
    assert ["network", region, "UPDATE_ROLLBACK_COMPLETE_CLEANUP"] == lines[3].split()[:3]
    assert "0 of ~40" in lines[3]
