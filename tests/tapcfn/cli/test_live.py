"""The table that is redrawn while a plan is carried out."""

from __future__ import annotations

import io

from rich.console import Console

from tapcfn.cli.live import Live
from tapcfn.events import OperationStarted, ResourceMoved, StackMoved
from tapcfn.model import StackEvent, Target
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

    Console(width=80, file=screen).print(live._table())

    lines = [line.rstrip() for line in screen.getvalue().splitlines()]
    assert "stacks are called production-replicated-storage-…" == lines[0]
    assert ["stack", "Region", "status", "s", "last"] == lines[1].split()
    assert lines[2].startswith("data     ap-northeast-1  waiting")
    assert lines[3].startswith("network  ap-northeast-1  UPDATE_COMPLETE_CLEANUP  0 of ~40  Repl")
    assert lines[3].endswith("…")
    assert 4 == len(lines)
