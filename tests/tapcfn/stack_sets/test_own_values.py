"""Pairs that are told something for themselves, in the order that is wanted, and sets that go."""

from __future__ import annotations

from dataclasses import replace

from tapcfn.errors import CloudError
from tapcfn.model import Ending, FoundSet, Instance, Preferences, StackSet, Target, ZoneOf
from tapcfn.stack_sets.calls import Act
from tapcfn.stack_sets.comparing import plan_removal, plan_spread
from tapcfn.stack_sets.cover import cover
from tapcfn.stack_sets.finding import resolve_set
from tapcfn.stack_sets.running import run
from tapcfn.stack_sets.spread import Spread
from tests.fakes.builders import a_template
from tests.fakes.set_cloud import FakeSetCloud
from tests.tapcfn.stack_sets.examples import EAST, EU, WEST, A, a_set
from tests.tapcfn.stack_sets.test_running import Room

REGIONS = (WEST, EU, EAST)
ZONED = a_set(
    *(Target(A, region) for region in REGIONS),
    template=a_template("zoned", parameters=["Zone"]),
    overrides={Target(A, region): {"Zone": ZoneOf(0)} for region in REGIONS},
    preferences=Preferences(region_order=REGIONS),
)
ZONES = {Target(A, region): (f"{region}a",) for region in REGIONS}


def planned(stack_set: StackSet, found: FoundSet) -> Spread:
    """Plan a set against what there is."""
    return plan_spread(resolve_set(stack_set, {}, found)[0], found, cover)


def test_pairs_with_values_of_their_own_go_in_the_regions_order() -> None:
    """Each is a call of its own, so that the preferences cannot order them. (S1-1)"""
    spread = planned(ZONED, FoundSet(zones=ZONES))
    added = [call.pairs for wave in spread.waves for call in wave.calls if call.act is Act.ADD]

    assert added == [{Target(A, region)} for region in REGIONS]


def test_a_parameter_that_only_pairs_are_told_has_a_value_in_the_set() -> None:
    """The service takes no set without one; what the set has already is not changed."""
    first, _ = resolve_set(ZONED, {}, FoundSet(zones=ZONES))
    assert first.parameters == {"Zone": f"{EU}a"}

    cloud = FakeSetCloud()
    cloud.has(ZONED, *ZONED.pairs)
    there = replace(cloud.deployed["baseline"], parameters={"Zone": "as-it-was"})
    found = FoundSet(there, cloud.there["baseline"], zones=ZONES)
    assert resolve_set(ZONED, {}, found)[0].parameters == {"Zone": "as-it-was"}


def test_a_set_without_a_cloud_is_planned_without_zones() -> None:
    """`check` asks nobody, and still finds what contradicts itself."""
    assert planned(ZONED, FoundSet()).has_work


class Strict(FakeSetCloud):
    """Refuses to list the instances of a set that is not there, as the service does."""

    def instances(self, stack_set: StackSet, operation_id: str = "") -> tuple[Instance, ...]:
        if stack_set.name not in self.deployed:
            raise CloudError("StackSet not found", code="StackSetNotFoundException")
        return super().instances(stack_set, operation_id)


class Unwilling(Strict):
    """Refuses to make a set."""

    def send(self, request: object) -> None:
        raise CloudError("Parameters: [Zone] must have values", code="ValidationError")


def test_a_set_that_is_gone_is_not_asked_for_its_instances() -> None:
    """After the last call there is nothing that could be asked."""
    room = Room()
    room.sets = Strict()
    room.apply(a_set())
    found = FoundSet(room.sets.deployed["baseline"], dict(room.sets.there["baseline"]))

    ended = run(plan_removal(a_set(), found, cover), room.means())
    assert (ended.ending, ended.cause) == (Ending.DONE, "")


def test_why_a_set_could_not_be_made_is_not_hidden_by_its_absence() -> None:
    """The first cause is told, not that there is no such set."""
    room = Room()
    room.sets = Unwilling()

    assert "must have values" in run(room.planned(a_set()), room.means()).cause
