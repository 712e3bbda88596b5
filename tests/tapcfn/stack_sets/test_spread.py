"""What must change of a stack set is found pair by pair, and cut into calls in the right order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapcfn.model import (
    DetailedStatus,
    FoundSet,
    Gate,
    Instance,
    InstanceStatus,
    Member,
    Organization,
    ServiceManaged,
    Share,
    StackSet,
    Target,
    Wave,
)
from tapcfn.model.gates import ApprovalCheck
from tapcfn.stack_sets.comparing import plan_removal, plan_spread
from tapcfn.stack_sets.cover import cover
from tapcfn.stack_sets.finding import resolve_set
from tapcfn.stack_sets.spread import Spread, SpreadReason
from tests.fakes.builders import a_template
from tests.fakes.set_cloud import FakeSetCloud
from tests.tapcfn.stack_sets.examples import EAST, EU, WEST, A, B, C, a_set, pairs


def found(stack_set: StackSet, *there: Target, **how: object) -> FoundSet:
    """Return what there is once a set has been deployed in these pairs."""
    cloud = FakeSetCloud()
    cloud.has(stack_set, *there, **how)
    return FoundSet(cloud.deployed[stack_set.name], cloud.there[stack_set.name])


def spread_of(stack_set: StackSet, there: FoundSet) -> Spread:
    """Plan a set against what there is."""
    wanted, unknown = resolve_set(stack_set, {}, there)
    assert not unknown
    return plan_spread(wanted, there, cover)


def acts(spread: Spread) -> list[str]:
    """Return the calls in a short form: what, for how many pairs, `*` where the set changes."""
    return [
        f"{wave.name}: {call.act} {len(call.pairs)}{'*' if call.renews else ''}"
        for wave in spread.waves
        for call in wave.calls
    ]


def test_a_set_that_is_not_there_is_made_before_its_instances() -> None:
    """Two calls: the set, and one rectangle of instances."""
    spread = spread_of(a_set(), FoundSet())

    assert (spread.reason, acts(spread)) == (
        SpreadReason.NOT_THERE,
        ["all: create 0", "all: add 4"],
    )


@pytest.mark.parametrize(
    "size", [Share(1), Share(5, percent=True), frozenset({Target(C, EAST)})], ids=str
)
def test_units_without_accounts_have_no_waves(size: frozenset[Target] | Share) -> None:
    """Nobody was asked which accounts there are, or there are none: the set alone is made."""
    stack_set = replace(
        a_set(waves=(Wave("canary", size),)),
        pairs=frozenset(),
        organization=Organization(("ou-1",), (EAST,)),
        permission=ServiceManaged(),
    )

    assert acts(spread_of(stack_set, FoundSet())) == ["leave: create 0"]


def test_what_is_as_wanted_has_nothing_to_do() -> None:
    """A no-op writes nothing. (DS-9)"""
    spread = spread_of(a_set(), found(a_set()))

    assert not spread.has_work
    assert spread.reason is SpreadReason.AS_WANTED


def test_a_new_template_reaches_all_instances_in_one_call() -> None:
    """An update defaults to all existing instances. (R-23)"""
    spread = spread_of(a_set(version="2"), found(a_set()))

    assert (spread.reason, acts(spread)) == (SpreadReason.TEMPLATE_DIFFERS, ["all: update 4*"])


def test_the_set_is_updated_before_instances_are_added_and_the_leaving_go_last() -> None:
    """Instances that are made before the update would get the old version. (DS-10)"""
    wanted = a_set(*pairs((A, C)), version="2")
    spread = spread_of(wanted, found(a_set()))

    assert acts(spread) == ["all: update 2*", "all: add 2", "leave: remove 2"]
    assert {call.retain for wave in spread.waves for call in wave.calls} == {False}


def test_a_new_account_in_old_regions_is_found() -> None:
    """Accounts and Regions are never compared apart. (DS-3)"""
    uneven = (Target(A, EAST), Target(A, WEST), Target(B, EAST))
    spread = spread_of(a_set(), found(a_set(), *uneven))

    assert (spread.reason, spread.add) == (SpreadReason.PAIRS_DIFFER, {Target(B, WEST)})
    assert acts(spread) == ["all: add 1"]


def test_only_outdated_and_failed_instances_are_updated_where_the_set_is_the_same() -> None:
    """The calls say that template and parameters stay, and touch these pairs alone. (3.7)"""
    there = found(a_set())
    odd = Target(B, WEST)
    bad = replace(there.instances[odd], status=InstanceStatus.OUTDATED)
    spread = spread_of(a_set(), replace(there, instances={**there.instances, odd: bad}))

    assert spread.update == {odd}
    assert (spread.reason, acts(spread)) == (SpreadReason.NOT_WELL, ["all: update 1"])


def test_inoperable_instances_are_passed_over_and_named() -> None:
    """No update touches them: a person must look."""
    odd = Target(B, WEST)
    there = found(a_set())
    bad = replace(there.instances[odd], status=InstanceStatus.INOPERABLE)
    there = replace(there, instances={**there.instances, odd: bad})

    spread = spread_of(a_set(version="2"), there)

    assert spread.passed_over == {odd}
    assert acts(spread) == ["all: update 3*"]


def test_an_inoperable_instance_that_leaves_is_deleted_again() -> None:
    """Its deletion failed before; what was in its way may be gone, and else it fails by name."""
    odd = Target(B, WEST)
    there = found(a_set())
    bad = replace(there.instances[odd], status=InstanceStatus.INOPERABLE)
    there = replace(there, instances={**there.instances, odd: bad})

    spread = spread_of(a_set(*(pairs() - {odd})), there)

    assert (spread.remove, acts(spread)) == ({odd}, ["leave: remove 1"])


def test_instances_in_suspended_accounts_are_left_alone() -> None:
    """They neither go nor change, and carry no change of the set. (X-27)"""
    there = replace(found(a_set()), members=(Member(B, "ou-1", suspended=True),))
    staying = a_set(*(pair for pair in pairs() if pair.account != B), version="2")

    spread = spread_of(staying, there)

    assert spread.suspended == {pair for pair in pairs() if pair.account == B}
    assert spread.remove == frozenset()
    assert acts(spread) == ["all: update 2*"]


def test_a_set_of_suspended_accounts_alone_is_changed_without_them() -> None:
    """None of its instances can carry the change. (X-27)"""
    there = replace(
        found(a_set()), members=tuple(Member(each, "ou-1", suspended=True) for each in (A, B))
    )

    spread = spread_of(replace(a_set(version="2"), pairs=frozenset()), there)

    assert (spread.suspended, spread.remove) == (pairs(), frozenset())
    assert [(call.act, call.renews, call.pairs) for w in spread.waves for call in w.calls] == [
        ("update", True, frozenset())
    ]


def test_overrides_group_the_pairs_that_are_told_the_same() -> None:
    """One call tells all that it names the same."""
    told = {Target(A, EAST): {"Size": "2"}, Target(B, EAST): {"Size": "2"}}
    spread = spread_of(a_set(overrides=told), FoundSet())

    calls = [call for wave in spread.waves for call in wave.calls][1:]
    assert [(dict(call.overrides or {}), call.pairs) for call in calls] == [
        ({}, pairs(regions=(WEST,))),
        ({"Size": "2"}, set(told)),
    ]


def test_an_override_that_left_the_settings_is_taken_back() -> None:
    """An empty list of overrides means the set's own values; none at all would keep them."""
    told = {Target(A, EAST): {"Size": "2"}}
    spread = spread_of(a_set(), found(a_set(overrides=told)))

    calls = [call for wave in spread.waves for call in wave.calls]
    assert [(call.act, call.pairs, call.overrides) for call in calls] == [
        ("override", {Target(A, EAST)}, {})
    ]


def test_a_canary_carries_the_new_template_and_the_rest_follows_without_it() -> None:
    """A later call with the template again would mark every other instance OUTDATED. (3.7)"""
    gate = Gate("look", ApprovalCheck("good?"))
    canary = Wave("canary", frozenset({Target(A, EAST)}), (gate,), 60.0)
    spread = spread_of(a_set(version="2", waves=(canary,)), found(a_set()))

    assert acts(spread) == ["canary: update 1*", "rest: update 1", "rest: update 2"]
    assert (spread.waves[0].gates, spread.waves[0].bake) == ((gate,), 60.0)


def test_a_canary_without_an_instance_waits_for_the_call_that_changes_the_set() -> None:
    """An update must name a pair that is there, and new instances want the new template."""
    canary = Wave("canary", frozenset({Target(C, EU)}))
    wanted = a_set(Target(C, EU), *pairs((A,)), version="2", waves=(canary,))
    spread = spread_of(wanted, found(a_set(*pairs((A,)))))

    assert acts(spread) == ["canary: update 1*", "canary: add 1", "rest: update 1"]


def test_a_pair_that_leaves_carries_the_change_where_nobody_stays() -> None:
    """New pairs come before the old ones go, and with the new template."""
    spread = spread_of(a_set(Target(C, EU), version="2"), found(a_set(Target(A, EAST))))

    assert acts(spread) == ["all: update 1*", "all: add 1", "leave: remove 1"]


def test_a_set_without_instances_is_updated_by_itself() -> None:
    """There is nobody to touch."""
    there = replace(found(a_set()), instances={})
    spread = spread_of(a_set(version="2"), there)

    assert acts(spread) == ["all: update 0*", "all: add 4"]


def test_secrets_are_not_compared() -> None:
    """NoEcho parameters come back as asterisks, which is no difference."""
    template = a_template("baseline", Parameters={"Key": {"Type": "String", "NoEcho": True}})
    wanted = a_set(template=template, parameters={"Key": "hidden"})
    there = found(wanted)
    assert there.deployed is not None
    there = replace(there, deployed=replace(there.deployed, parameters={"Key": "****"}))

    assert not spread_of(wanted, there).has_work


def test_a_removal_takes_the_instances_and_then_the_set() -> None:
    """A set with instances can't be deleted, and whether stacks stay is always said. (DS-4)"""
    spread = plan_removal(a_set(retain=True), found(a_set()), cover)

    calls = [call for wave in spread.waves for call in wave.calls]
    assert [(call.act, len(call.pairs), call.retain) for call in calls] == [
        ("remove", 4, True),
        ("delete", 0, False),
    ]


SOME = st.frozensets(
    st.builds(Target, st.sampled_from([A, B, C]), st.sampled_from([EAST, WEST, EU])), min_size=1
)
STATES = st.sampled_from(
    [
        (InstanceStatus.CURRENT, DetailedStatus.SUCCEEDED),
        (InstanceStatus.OUTDATED, DetailedStatus.FAILED),
        (InstanceStatus.OUTDATED, DetailedStatus.CANCELLED),
        (InstanceStatus.INOPERABLE, DetailedStatus.INOPERABLE),
    ]
)


@given(SOME, st.dictionaries(st.sampled_from(sorted(pairs((A, B, C), (EAST, WEST, EU)))), STATES))
def test_calls_touch_exactly_what_must_change(
    wanted: frozenset[Target], states: dict[Target, tuple[InstanceStatus, DetailedStatus]]
) -> None:
    """No call names a pair that is as wanted; none is forgotten, and none is named twice."""
    base = found(a_set(), Target(A, EAST))
    there = replace(
        base,
        instances={
            pair: Instance(pair, status, detailed, overrides={})
            for pair, (status, detailed) in states.items()
        },
    )

    spread = spread_of(a_set(*wanted), there)

    named = [pair for wave in spread.waves for call in wave.calls for pair in call.pairs]
    unwell = {p for p in wanted & states.keys() if not there.instances[p].is_well}
    inoperable = {p for p, (status, _) in states.items() if status is InstanceStatus.INOPERABLE}
    should = (wanted - states.keys()) | (unwell - inoperable)
    should |= states.keys() - wanted
    assert sorted(named) == sorted(should)
