"""How a destroy clears its way: for one stack at a time, just before that stack goes."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tapcfn.clearing import Clearing, emptied_first
from tapcfn.cli.console import Console
from tapcfn.cli.losses import clearing_of, find_losses
from tapcfn.cli.options import Removal
from tapcfn.errors import BlockedError, CloudError
from tapcfn.events import Diagnosed, Outcome, StackEnded
from tapcfn.model import Ending, OutputOf, Rollout
from tapcfn.operations import Approval
from tapcfn.plan import plan_destroy
from tapcfn.ports import Leaving
from tests.fakes import AWAY, HOME, World, a_rollout, a_stack
from tests.fakes.world import endings, until

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


def destroyed(world: World, rollout: Rollout, **how: Any) -> Outcome:
    """Take a rollout away, with all that stands in its way."""
    snapshot = world.snapshot(rollout)
    planned = plan_destroy(rollout, snapshot)
    approval = Approval(clearing=clearing_of(find_losses(desk(world), planned, {})))
    return world.execution(**how).run(planned, snapshot, approval)


def chained() -> tuple[World, Rollout]:
    """Return two stacks with data, of which the second goes first."""
    world = World()
    one = a_stack("one", resources=BUCKET, protect=True)
    two = a_stack("two", resources=BUCKET, protect=True, parameters={"Id": OutputOf("one", "Id")})
    world.has(one, two)
    world.cloud.buckets = {"one-Data": 3, "two-Data": 3}
    return world, a_rollout(one, two)


def test_each_stack_is_cleared_just_before_it_goes():
    """Protection, data, stack; and what was deleted out of it is told."""
    world, rollout = chained()

    outcome = destroyed(world, rollout)

    assert {"one": Ending.DONE, "two": Ending.DONE} == endings(outcome)
    assert [
        *(("protect", "two"), ("empty", "two-Data"), ("delete", "two")),
        *(("protect", "one"), ("empty", "one-Data"), ("delete", "one")),
    ] == [(call.name, call.subject) for call in world.cloud.writes]
    assert ["two: two-Data: 3 versions deleted", "one: one-Data: 3 versions deleted"] == [
        each.message for each in world.heard(Diagnosed)
    ]


@pytest.mark.parametrize("call", ["protect", "empty", "delete"])
def test_what_comes_later_keeps_its_data_and_its_protection_when_one_fails(call: str):
    """It is not to go before the first, so nothing of it may be gone."""
    world, rollout = chained()
    denied = CloudError("denied", code="AccessDenied", lasting=True)
    world.cloud.fault(call, None, error=denied)

    outcome = destroyed(world, rollout)

    assert {"one": Ending.SKIPPED, "two": Ending.FAILED} == endings(outcome)
    assert 3 == world.cloud.buckets["one-Data"]
    assert world.snapshot(rollout).stacks["one"].protected


def test_an_interrupt_leaves_what_was_not_begun_as_it_was():
    world, rollout = chained()
    world.cloud.takes("two", 60)

    destroyed(world, rollout, interrupted=until(world.clock, 5))

    assert 3 == world.cloud.buckets["one-Data"]
    assert world.snapshot(rollout).stacks["one"].protected


def test_an_interrupt_while_a_bucket_is_emptied_deletes_no_stack():
    """What was going on in a thread of its own goes no further than that."""
    world, rollout = chained()
    world.cloud.slow("empty", 30)

    outcome = destroyed(world, rollout, interrupted=until(world.clock, 10))

    assert 0 == world.cloud.count("delete")
    assert 130 == outcome.exit_code
    assert {Ending.SKIPPED} == set(endings(outcome).values())


def test_a_stack_set_whose_buckets_can_not_be_emptied_is_not_touched():
    """Its work begins once they are; where one is denied, the set has failed."""
    world, told = World(), []
    stack_set = a_stack("set")  # any unit: only its name and place are asked for
    clearing = Clearing(buckets=(("first", HOME), ("second", AWAY)))
    world.cloud.fault("empty", "second", error=CloudError("second: denied"))

    def work() -> StackEnded:
        return StackEnded("set", HOME, Ending.DONE)

    failed = emptied_first(stack_set, clearing, world.cloud, told.append, work)
    done = emptied_first(stack_set, clearing, world.cloud, told.append, work)

    assert (Ending.FAILED, "second: denied", 1) == (failed.ending, failed.cause, failed.exit_code)
    assert Ending.DONE is done.ending
    assert 3 == len(told)


def test_what_is_retained_by_name_is_not_lost():
    """Nor is its bucket looked into."""
    world, rollout = a_world()
    leaving = {"one": Leaving(retain=("Data",))}

    losses = find_losses(desk(world), plan_destroy(rollout, world.snapshot(rollout)), leaving)

    assert ["two"] == [each.stack for each in losses.lost]
    assert 0 == world.cloud.count("holds_objects", "one-Data")


def test_the_buckets_of_a_way_are_emptied_by_the_moves_that_delete_them():
    """Each move is told of all of them: those of the others are no mistake in its turn."""
    world, rollout = a_world()
    one = replace(rollout, phases=(replace(rollout.phases[0], stacks=rollout.stacks[:1]),))
    losses = find_losses(desk(world), plan_destroy(one, world.snapshot(one)), {})
    told = Removal((), frozenset({"one-Data", "two-Data"}), lift_protection=True)

    with pytest.raises(BlockedError, match="two-Data: no such bucket is to be deleted"):
        losses.check(told.buckets, lift_protection=True)

    given = losses.part_of(told)
    assert frozenset({"one-Data"}) == given.buckets
    losses.check(given.buckets, lift_protection=given.lift_protection)
