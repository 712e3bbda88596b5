"""The order in which a destroy clears its way: protection first, and data only after it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tapcfn.cli.console import Console
from tapcfn.cli.losses import find_losses, settle_losses
from tapcfn.errors import CloudError
from tapcfn.plan import plan_destroy
from tapcfn.ports import Leaving
from tests.fakes import World, a_rollout, a_stack

BUCKET = {"Data": "AWS::S3::Bucket"}


def desk(world: World) -> Any:
    """Return what a destroy works with."""
    session = SimpleNamespace(console=Console("run", json=False, color=False))
    return SimpleNamespace(cloud=world.cloud, pool=world.pool, session=session)


def a_world() -> tuple[World, Any]:
    world = World()
    stacks = [a_stack(name, resources=BUCKET, protect=True) for name in ("one", "two")]
    world.has(*stacks)
    world.cloud.buckets = {"one-Data": 3, "two-Data": 3}
    return world, a_rollout(*stacks)


def test_nothing_is_emptied_while_protection_may_still_refuse():
    """A protection that cannot be lifted stops the destroy with all data where it was."""
    world, rollout = a_world()
    losses = find_losses(desk(world), plan_destroy(rollout, world.snapshot(rollout)), {})
    world.cloud.fault("protect", "two", error=CloudError("two: denied", code="AccessDenied"))

    with pytest.raises(CloudError, match="denied"):
        settle_losses(desk(world), losses)

    assert 0 == world.cloud.count("empty")


def test_all_protection_is_off_before_the_first_object_goes():
    """Then the buckets, one after the other."""
    world, rollout = a_world()
    losses = find_losses(desk(world), plan_destroy(rollout, world.snapshot(rollout)), {})

    settle_losses(desk(world), losses)

    assert ["protect", "protect", "empty", "empty"] == [call.name for call in world.cloud.writes]


def test_what_is_retained_by_name_is_not_lost():
    """Nor is its bucket looked into."""
    world, rollout = a_world()
    leaving = {"one": Leaving(retain=("Data",))}

    losses = find_losses(desk(world), plan_destroy(rollout, world.snapshot(rollout)), leaving)

    assert ["two"] == [each.stack for each in losses.lost]
    assert 0 == world.cloud.count("holds_objects", "one-Data")
