"""Of a sample every kind of instance is asked about, and no more of each than is wanted. (D-1)"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tapcfn.model import FoundSet, InstanceStatus, StackSet, Target
from tapcfn.stack_sets.comparing import plan_spread
from tapcfn.stack_sets.cover import cover
from tapcfn.stack_sets.finding import resolve_set
from tapcfn.stack_sets.sampling import sampled
from tapcfn.stack_sets.spread import Spread
from tests.fakes import a_template
from tests.fakes.set_cloud import FakeSetCloud
from tests.tapcfn.stack_sets.examples import EAST, WEST, a_set

PAIRS = [Target(f"{at:012}", region) for at in range(1, 6) for region in (EAST, WEST)]


def wanted(version: str = "1", conditions: Any = None, **how: Any) -> StackSet:
    """Return a set of ten pairs with two parameters."""
    more = {"Conditions": conditions} if conditions else {}
    template = a_template("base", version=version, defaults={"Size": "1", "Stage": "test"}, **more)
    return a_set(*PAIRS, template=template, **how)


def spread(before: StackSet, after: StackSet, **odd: Any) -> Spread:
    """Return what an update has to do; the last pair is as `odd` says."""
    cloud = FakeSetCloud()
    cloud.has(before)
    there = dict(cloud.there["baseline"])
    there[PAIRS[-1]] = replace(there[PAIRS[-1]], **odd)
    found = FoundSet(cloud.deployed["baseline"], there)
    return plan_spread(resolve_set(after, {}, found)[0], found, cover)


def chosen(planned: Spread, sample: int | None = 1) -> list[Target]:
    """Return the sample."""
    return sampled(planned, sorted(planned.update | planned.override), sample)


def test_alike_instances_are_one_kind_in_each_region() -> None:
    """The first ones are taken; without a sample all are."""
    planned = spread(wanted(), wanted("2"))

    assert chosen(planned) == PAIRS[:2]
    assert chosen(planned, 2) == PAIRS[:4]
    assert chosen(planned, None) == PAIRS


def test_values_that_stay_as_they_are_make_no_kind() -> None:
    """Each account has a size of its own, and it does not change."""
    own = {pair: {"Size": pair.account} for pair in PAIRS}

    assert chosen(spread(wanted(overrides=own), wanted("2", overrides=own))) == PAIRS[:2]


def test_an_instance_whose_parameters_change_in_another_way_is_asked() -> None:
    """One loses its override, which the others never had."""
    odd = PAIRS[6]

    planned = spread(wanted(overrides={odd: {"Size": "9"}}), wanted("2"))

    assert chosen(planned) == [*PAIRS[:2], odd]


def test_an_instance_that_is_not_current_is_asked() -> None:
    """It may have any template."""
    planned = spread(
        wanted(), wanted("2"), status=InstanceStatus.OUTDATED, operation="an earlier one"
    )

    assert chosen(planned) == [*PAIRS[:2], PAIRS[-1]]


def test_what_a_condition_goes_by_makes_a_kind() -> None:
    """Other resources may be there, though the value does not change."""
    own = {PAIRS[4]: {"Stage": "production"}}
    condition = {"IsProduction": {"Fn::Equals": [{"Ref": "Stage"}, "production"]}}

    planned = spread(wanted(overrides=own), wanted("2", condition, overrides=own))

    assert chosen(planned) == [*PAIRS[:2], PAIRS[4]]
