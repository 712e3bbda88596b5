"""A bundle is led through the moves that it was built with: nothing of them is lost in a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tapcfn.bundle import read, write
from tapcfn.model import (
    Action,
    AlarmCheck,
    Comparison,
    CopyImage,
    Gate,
    MetricCheck,
    Move,
    OutputOf,
    SnapshotVolumes,
)
from tapcfn.plan import digest
from tests.fakes import AWAY, HOME, a_rollout
from tests.fakes.builders import a_stack

ACTIONS: tuple[Action, ...] = (
    CopyImage("copy", HOME, "us-west-1", "ami-1", "web", OutputOf("security", "Key")),
    SnapshotVolumes("volumes", AWAY, ("Name", "web"), "before"),
)
GATES = (
    Gate(
        "lag",
        MetricCheck(
            AWAY, "AWS/RDS", "ReplicaLag", (("Id", OutputOf("db", "Id")),), "Maximum",
            Comparison.AT_MOST, 0.0,
        ),
        hold=300.0,
    ),
    Gate("errors", AlarmCheck(HOME, ("a", "b")), fails_at_once=True),
)  # fmt: skip


def test_moves_come_back_from_a_bundle_as_they_went_in(tmp_path: Path) -> None:
    """Stacks, actions, gates and all that is said of them."""
    first, *_ = (base := a_rollout(a_stack("network"))).stacks
    moves = (
        Move(
            "promote",
            "the replica becomes a database",
            (replace(first, parameters={}, name="network"),),
            ("old",),
            ACTIONS[:1],
            ACTIONS[1:],
            GATES,
            60.0,
            falls_back=True,
            forever="writes",
            confirm="first-write",
            allow=("network/Topic:replace",),
            look="the dashboard",
            minutes=12.0,
        ),
    )
    rollout = replace(base, moves=moves, actions=ACTIONS)

    write(rollout, tmp_path)
    found = read(tmp_path).rollout

    assert rollout.moves == found.moves
    assert rollout.actions == found.actions
    assert digest(rollout) == digest(found)
