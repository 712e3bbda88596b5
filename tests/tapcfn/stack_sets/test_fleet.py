"""What instances' stacks run, those that are gone, and those that nobody stands for. (D-12)"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tapcfn.errors import CloudError
from tapcfn.model import DetailedStatus, Instance, InstanceStatus, StackStatus, Target
from tapcfn.stack_sets.fleet import Fleet, Reading, places_of, read_fleet
from tapcfn.stack_sets.owners import is_made_by
from tapcfn.stack_sets.recording import Aimed, Kept, Record
from tapcfn.stack_sets.skew import Stand, kinds, versions
from tests.fakes import World, a_stack
from tests.tapcfn.stack_sets.examples import EAST, WEST, A, B, C, a_set

SET = a_set()
ID = "0123abcd-0123-0123-0123-0123456789ab"
HERE, THERE, AWAY = Target(A, EAST), Target(B, EAST), Target(C, WEST)


class Place:
    """A cloud with stacks in several accounts, and a set's instances."""

    def __init__(self) -> None:
        self.world = World()
        self.warned: list[str] = []
        self.instances: dict[Target, Instance] = {}
        self.closed: dict[str, str] = {}
        self.records: tuple[Record, ...] = ()

    def stack(self, pair: Target, name: str = f"StackSet-baseline-{ID}", **how: Any) -> str:
        """Let a stack of the set's template be there; return its id."""
        stack = replace(a_stack(name, target=pair), template=SET.template)
        self.world.has(stack, template=SET.template.text, **how)
        return f"arn:{pair}:stack/{name}/1"

    def instance(self, pair: Target, stack_id: str) -> None:
        """Let the set have an instance."""
        good = (InstanceStatus.CURRENT, DetailedStatus.SUCCEEDED)
        self.instances[pair] = Instance(pair, *good, stack_id=stack_id)

    def read(self, *pairs: Target) -> Fleet:
        """Read it all."""
        world = self.world
        reading = Reading(world.cloud, world.pool, str, self.warned.append, self.closed)
        places = places_of(pairs, self.instances, self.records)
        return read_fleet(SET, self.instances, places, self.records, reading)


def test_a_stack_that_is_gone_while_its_instance_stays_is_named() -> None:
    """The set still says CURRENT. A second instance that runs is another version."""
    place = Place()
    place.instance(HERE, place.stack(HERE))
    place.instance(THERE, place.stack(THERE, status=StackStatus.DELETE_COMPLETE))

    told = versions(place.read().running)

    assert {(each.stand, each.pairs) for each in told} == {
        (Stand.THERE, (HERE,)),
        (Stand.GONE, (THERE,)),
    }
    assert kinds(told) == 2


def test_an_instance_that_never_had_a_stack_has_none() -> None:
    """Its first creation was cancelled."""
    place = Place()
    place.instance(HERE, "")

    (told,) = place.read().running

    assert (told.stand, told.template) == (Stand.NONE, "")


def test_a_stack_that_stays_without_an_instance_is_found_by_its_name() -> None:
    """In every place where the set is to be; an instance's own stack is none of them."""
    place = Place()
    place.instance(HERE, place.stack(HERE))
    left = place.stack(THERE)
    place.stack(THERE, f"StackSet-other-{ID}")
    place.stack(THERE, "StackSet-baseline-by-hand")
    place.stack(AWAY, status=StackStatus.DELETE_COMPLETE)

    found = place.read(HERE, THERE, AWAY)

    assert [(each.target, each.stack_id) for each in found.retained] == [(THERE, left)]
    assert found.retained[0].template == SET.template.digest
    assert [each.target for each in found.running] == [HERE]


def test_a_stack_that_was_adopted_and_retained_is_known_by_what_was_written_down() -> None:
    """Its name is its own, and the settings name its place no more."""
    place = Place()
    left = place.stack(AWAY, "legacy")
    kept = {AWAY: Kept("one", stack_id=left)}
    place.records = (Record("two", "baseline", Aimed("", ""), instances=kept),)

    found = place.read(HERE)

    assert [each.stack for each in found.retained] == ["legacy"]


def test_an_account_that_may_not_be_looked_into_is_said_once() -> None:
    """No call is made there: what the credentials find would be another account's."""
    place = Place()
    place.instance(THERE, place.stack(THERE))
    place.closed = {B: "the credentials are for account 111111111111"}

    (told,) = place.read(THERE).running

    assert told.stand is Stand.UNREAD
    assert place.warned == [f"account {B}: its stacks can't be read: {place.closed[B]}"]
    assert place.world.cloud.calls == []


def test_a_sweep_that_is_refused_leaves_the_instances_to_be_asked_one_by_one() -> None:
    """Listing is another permission than looking."""
    place = Place()
    place.instance(HERE, place.stack(HERE))
    denied = CloudError("no", code="AccessDenied", lasting=True)
    place.world.cloud.fault("stacks", str(HERE), error=denied)

    (told,) = place.read().running

    assert told.stand is Stand.THERE
    assert "can't be looked for" in place.warned[0]


def test_one_sweep_and_one_template_for_each_instance() -> None:
    """As many calls as before, and they tell of what was left behind as well."""
    place = Place()
    for pair in (HERE, THERE):
        place.instance(pair, place.stack(pair))

    place.read()

    assert sorted(each[0] for each in place.world.cloud.calls) == ["stacks"] * 2 + ["template"] * 2


@pytest.mark.parametrize(
    ("stack", "stack_set", "made"),
    [
        (f"StackSet-base-line-{ID}", "base-line", True),
        (f"StackSet-base-line-{ID}", "base", False),
        (f"StackSet-{'x' * 82}-{ID}", "x" * 120, True),
        (f"StackSet-{'x' * 60}-{ID}", "x" * 120, False),
        (f"StackSet-base-{ID}-more", "base", False),
    ],
)
def test_a_name_says_whose_a_stack_is(stack: str, stack_set: str, made: bool) -> None:
    """Long names of sets are cut to what a stack's name may have."""
    assert is_made_by(stack, stack_set) is made
