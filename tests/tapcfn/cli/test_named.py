"""Change sets for a purpose: carried out if they touch what was named, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tapcfn.cli.console import Console
from tapcfn.cli.named import Aim, carry_out
from tapcfn.errors import BlockedError
from tapcfn.model import Change
from tapcfn.plan import Reason
from tapcfn.ports import Purpose
from tests.fakes import World, a_rollout, a_stack

STACK = a_stack("network", resources={"Topic": "AWS::SNS::Topic"})
REVERT = Aim(STACK, {}, Reason.DRIFTED, Purpose(revert_drift=True), frozenset({"Topic"}))


def desk(world: World) -> Any:
    """Return what a command works with, on the local cloud."""
    console = Console("run", json=False, color=False)
    return SimpleNamespace(
        cloud=world.cloud,
        ledger=world.ledger,
        pool=world.pool,
        rollout=a_rollout(STACK),
        place=SimpleNamespace(is_local=True, command="blue"),
        session=SimpleNamespace(console=console, outcome=None, resume=None, clients=None, ways=()),
        carry_out=lambda plan, snapshot, approval: world.execution().run(plan, snapshot, approval),
    )


def a_world(*touched: str) -> World:
    """Return a world whose stack has drifted in these resources."""
    world = World()
    world.has(STACK)
    world.cloud.changes["network"] = tuple(
        Change(name, "AWS::SNS::Topic", "SyncWithActual", f"my-{name}") for name in touched
    )
    return world


def test_what_was_named_is_carried_out():
    """Staged for its purpose, executed once."""
    world = a_world("Topic")

    code = carry_out(desk(world), world.snapshot(a_rollout(STACK)), [REVERT], "drift", yes=False)

    assert 0 == code
    assert ["stage", "execute"] == [call.name for call in world.cloud.writes]


def test_what_nobody_named_is_not_touched():
    """A reversal takes the whole stack along: the others must be named, too. (3.6)"""
    world = a_world("Topic", "Other")

    with pytest.raises(BlockedError, match="the change set touches Other, too"):
        carry_out(desk(world), world.snapshot(a_rollout(STACK)), [REVERT], "drift", yes=True)

    assert ["stage", "discard"] == [call.name for call in world.cloud.writes]


def test_a_purpose_has_a_token_of_its_own():
    """The same intent for another purpose is another question."""
    plain = replace(REVERT, purpose=Purpose())
    tokens = set()
    for aim in (REVERT, plain):
        world = a_world("Topic")
        carry_out(desk(world), world.snapshot(a_rollout(STACK)), [aim], "drift", yes=True)
        tokens.update(world.ledger.tokens("stage", "network"))

    assert 2 == len(tokens)
