"""A stack set whose template points at values is asked whether they are others by now. (X-38)"""

from __future__ import annotations

from dataclasses import replace

from tapcfn.model import FoundSet, Snapshot, StackSet, Target
from tapcfn.moved_values import with_moved_values
from tapcfn.plan import plan
from tapcfn.stack_sets.spread import SpreadReason
from tests.fakes import World, a_rollout, a_stack, a_template
from tests.fakes.set_cloud import FakeSetCloud
from tests.tapcfn.stack_sets.examples import EAST, A, B, C, a_set

PAIRS = tuple(Target(account, EAST) for account in (A, B, C))
FIRST, *_ = PAIRS
PLAIN = a_template("baseline", defaults={"Size": "1"})
POINTING = a_template("baseline", version="{{resolve:ssm:title}}", defaults={"Size": "1"})
SET = a_set(*PAIRS, template=POINTING)


class Fleet:
    """A set that is deployed as wanted; in the stacks of some pairs a value is another by now."""

    def __init__(self, stack_set: StackSet = SET, *moved: Target) -> None:
        self.world, self.sets, self.stack_set = World(), FakeSetCloud(), stack_set
        self.sets.has(stack_set)
        self.warnings: list[str] = []
        for pair, each in self.sets.there["baseline"].items():
            body = a_template("baseline", version="old") if pair in moved else stack_set.template
            stack = a_stack(f"StackSet-{pair.account}", target=pair, template=body)
            self.world.has(stack, stack_id=each.stack_id, template=body.text)
        self.world.cloud.calls.clear()

    def looked_at(self, sample: int | None = None) -> Snapshot:
        world = self.world
        found = FoundSet(self.sets.deployed["baseline"], dict(self.sets.there["baseline"]))
        return with_moved_values(
            Snapshot(sets={"baseline": found}),
            [self.stack_set],
            world.cloud,
            world.ledger,
            world.pool,
            sample=sample,
            warn=self.warnings.append,
        )

    def moved(self, sample: int | None = None) -> frozenset[Target]:
        return self.looked_at(sample).sets["baseline"].moved


def test_a_template_that_points_at_nothing_asks_nobody() -> None:
    """Its set says all there is to say."""
    fleet = Fleet(replace(SET, template=PLAIN), FIRST)

    assert (frozenset(), []) == (fleet.moved(), fleet.world.cloud.calls)


def test_values_that_are_as_they_were_are_nothing_to_do() -> None:
    """Every stack was asked, and nothing is left behind."""
    fleet = Fleet()

    assert frozenset() == fleet.moved()
    assert len(PAIRS) == [each.name for each in fleet.world.cloud.calls].count("stage")
    assert [] == fleet.world.cloud.standing


def test_an_instance_whose_value_moved_is_updated_alone() -> None:
    """By a call that leaves the set as it is."""
    snapshot = Fleet(SET, FIRST).looked_at()

    rollout = replace(a_rollout(), phases=(replace(a_rollout().phases[0], stack_sets=(SET,)),))
    (step,) = plan(rollout, snapshot).sets

    assert step.spread is not None
    assert ({FIRST}, SpreadReason.VALUES_MOVED) == (step.spread.update, step.reason)
    assert not step.spread.renews


def test_of_a_sample_one_that_moved_stands_for_all() -> None:
    """The others were not asked."""
    assert frozenset(PAIRS) == Fleet(SET, *PAIRS).moved(sample=1)
    assert frozenset() == Fleet(SET).moved(sample=1)


def test_what_changes_anyway_is_not_asked_twice() -> None:
    """The plan of its update asks."""
    fleet = Fleet(SET, FIRST)
    fleet.stack_set = replace(SET, template=a_template("baseline", version="{{resolve:ssm:new}}"))

    assert frozenset() == fleet.moved()
    assert [] == [each for each in fleet.world.cloud.calls if each.name == "stage"]


def test_who_can_not_be_asked_is_said() -> None:
    """Nobody knows whether its values have moved."""
    fleet = Fleet(SET, *PAIRS)
    fleet.world.cloud.callers |= {A: "999999999999"}

    assert frozenset(PAIRS[1:]) == fleet.moved()
    assert "1 of 3 instances could not be asked" in fleet.warnings[0]
    assert "the credentials are for account 999999999999" in fleet.warnings[0]
