"""Stacks of other settings are seen, named, and go only when they are named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from tapcfn import orphans
from tapcfn.errors import CloudError, UsageError
from tapcfn.model import (
    Deployed,
    DetailedStatus,
    FoundSet,
    Instance,
    InstanceStatus,
    Severity,
    Stack,
    StackEvent,
    StackStatus,
    Target,
)
from tapcfn.operations import Approval
from tapcfn.plan import Plan, Reason, Verb
from tests.fakes import AWAY, HOME, World, a_deployed, a_rollout, a_stack
from tests.fakes.world import endings

OURS = {"tapcfn:blueprint": "blue", "tapcfn:stage": "test"}
Made: TypeAlias = Mapping[tuple[Target, str], frozenset[str]]
NETWORK = a_stack("network", tags=OURS)
OLD = a_stack("old", tags=OURS, template=None)


def with_token(
    name: str, token: str, status: StackStatus = StackStatus.CREATE_COMPLETE
) -> tuple[Stack, str, StackStatus]:
    """Return a stack, the token in its history, and where it stands."""
    return a_stack(name), token, status


def left(world: World, stack: Stack, **differing: object) -> Deployed:
    """Let a stack stand that an earlier rollout made."""
    return world.cloud.has(stack, a_deployed(stack, **differing))  # type: ignore[arg-type]


def test_what_the_rollout_no_longer_has_is_an_orphan() -> None:
    """Same blueprint, same stage, in a Region that the rollout has; seen by the one sweep."""
    world = World()
    left(world, NETWORK)
    left(world, OLD)

    snapshot = world.snapshot(a_rollout(NETWORK))

    assert ["old@us-east-1"] == [orphans.label(each) for each in snapshot.orphans]
    assert {"network"} == set(snapshot.stacks)
    assert 1 == world.cloud.count("stacks")


@pytest.mark.parametrize(
    "stack",
    [
        a_stack("old", tags={"tapcfn:blueprint": "blue", "tapcfn:stage": "prod"}),
        a_stack("old", tags={"tapcfn:blueprint": "red", "tapcfn:stage": "test"}),
        a_stack("old"),
        a_stack("StackSet-base-5a1c", tags=OURS),
    ],
)
def test_stacks_of_others_are_none(stack: Stack) -> None:
    """Another stage, another blueprint, nobody's, or a stack set's instance."""
    world = World()
    left(world, stack)

    assert () == world.snapshot(a_rollout(NETWORK)).orphans


def test_a_stack_that_a_set_has_taken_in_is_none() -> None:
    """It keeps its name and the rollout's tags, and belongs to the set now. (D-24)"""
    world = World()
    kept, taken = left(world, OLD), left(world, a_stack("legacy", tags=OURS))
    good = (InstanceStatus.CURRENT, DetailedStatus.SUCCEEDED)
    instance = Instance(HOME, *good, stack_id=taken.stack_id)
    found = world.snapshot(a_rollout(NETWORK)).orphans

    still = orphans.without_instances(found, [FoundSet(instances={HOME: instance})])

    assert len(found) == 2
    assert [each.deployed for each in still] == [kept]


def test_a_shell_that_is_only_reviewed_is_none() -> None:
    """Another run is at work on it, or has been; nothing is deployed."""
    world = World()
    left(world, OLD, status=StackStatus.REVIEW_IN_PROGRESS)

    assert () == world.snapshot(a_rollout(NETWORK)).orphans


def test_the_same_name_in_another_region_is_an_orphan() -> None:
    """The home Region has changed: the stack is called the same, and is another one."""
    world = World()
    left(world, replace(NETWORK, target=AWAY))
    rollout = a_rollout(NETWORK, a_stack("far", target=AWAY, tags=OURS))

    assert ["network@us-west-2"] == [
        orphans.label(each) for each in world.snapshot(rollout).orphans
    ]


def test_a_foreign_stack_of_the_same_name_is_none() -> None:
    """It is found by its name, in another Region than ours, and is not marked as ours."""
    world = World()
    left(world, a_stack("network", target=AWAY))

    rollout = a_rollout(NETWORK, a_stack("far", target=AWAY, tags=OURS))
    assert () == world.snapshot(rollout).orphans


def left_behind(
    world: World, *places: Target, made: Made | None = None
) -> tuple[list[str], list[str]]:
    """Look where earlier runs were; return the orphans' labels, and what could not be seen."""
    found, blind = orphans.left_behind(
        a_rollout(NETWORK), places, made or {}, world.cloud, world.pool
    )
    return [orphans.label(each) for each in found], [each.message for each in blind.values()]


def test_regions_that_the_rollout_has_left_are_looked_into() -> None:
    """One sweep for each that earlier runs have deployed in, and none for those it still has."""
    world = World()
    left(world, replace(OLD, target=AWAY))

    assert (["old@us-west-2"], []) == left_behind(world, HOME, AWAY)
    assert [str(AWAY)] == [call.subject for call in world.cloud.calls]


def test_a_region_that_cannot_be_read_any_more_stops_nothing() -> None:
    """It may be disabled by now; a finding says so."""
    world = World()
    world.cloud.fault("stacks", str(AWAY), error=CloudError("disabled", lasting=True))

    found, (said,) = left_behind(world, AWAY)

    assert [] == found
    assert said.startswith(f"{AWAY}: stacks may be left over there")
    assert said.endswith("disabled")


def test_an_account_that_the_rollout_has_left_is_looked_into_with_its_own_credentials() -> None:
    """Others would show another account's stacks, and take them for its."""
    world, there = World(), Target("222222222222", HOME.region)
    left(world, replace(OLD, target=there))

    assert (["old@us-east-1"], []) == left_behind(world, there)
    world.cloud.callers[there.account] = HOME.account
    found, (said,) = left_behind(world, there)

    assert [] == found
    assert said.endswith("the credentials are for account 111111111111")
    assert 2 == world.cloud.count("caller")


# What stacks without tags of ours are known by ----------------------------------------------------

UNMARKED = a_stack("unmarked")


def with_history(world: World, stack: Stack, *tokens: str, **differing: Any) -> None:
    """Let a stack stand whose history tells of these tokens."""
    life = world.cloud.life(left(world, stack, **differing).stack_id)
    life.events = [StackEvent(token, stack.name, "", "X", token=token) for token in tokens]


def test_an_untagged_stack_is_known_by_the_ledger_and_by_its_own_history() -> None:
    """In a Region that the rollout still has, or in one that it has left."""
    world, far = World(), replace(UNMARKED, target=AWAY)
    with_history(world, UNMARKED, "t1", "t2")
    with_history(world, far, "t3")
    made = {(HOME, "unmarked"): frozenset({"t2"}), (AWAY, "unmarked"): frozenset({"t3"})}

    found, blind = left_behind(world, made=made)

    assert (["unmarked@us-east-1", "unmarked@us-west-2"], []) == (found, blind)


@pytest.mark.parametrize(
    "stack",
    [
        with_token("unmarked", "somebody elses"),
        with_token("unmarked", "t1", StackStatus.REVIEW_IN_PROGRESS),
        with_token("another", "t1"),
    ],
)
def test_a_stack_that_only_looks_like_ours_is_none(stack: tuple[Stack, str, StackStatus]) -> None:
    """Made by others since, not made at all, or of another name."""
    world, (there, token, status) = World(), stack
    with_history(world, there, token, status=status)

    assert ([], []) == left_behind(world, made={(HOME, "unmarked"): frozenset({"t1"})})


def test_what_the_rollout_still_has_is_not_asked_about() -> None:
    """A folder that lost nothing costs no call."""
    world = World()
    left(world, NETWORK)

    assert ([], []) == left_behind(world, HOME, made={(HOME, "network"): frozenset({"t1"})})
    assert [] == world.cloud.calls


def test_a_history_that_cannot_be_read_is_a_blind_spot() -> None:
    """A stack is not taken for ours on a guess."""
    world = World()
    with_history(world, UNMARKED, "t1")
    world.cloud.fault("events", error=CloudError("denied", lasting=True))

    found, (said,) = left_behind(world, made={(HOME, "unmarked"): frozenset({"t1"})})

    assert [] == found
    assert "denied" in said


def test_an_orphan_that_is_found_twice_is_one() -> None:
    """By its tags in the sweep, and by the ledger."""
    world = World()
    left(world, OLD)
    (orphan,) = world.snapshot(a_rollout(NETWORK)).orphans

    assert (orphan,) == orphans.merged([orphan], [orphan])


def test_an_orphan_is_a_warning_with_the_way_to_remove_it() -> None:
    """Until it is on its way out."""
    world = World()
    left(world, OLD)
    (orphan,) = world.snapshot(a_rollout(NETWORK)).orphans

    (finding,) = orphans.findings([orphan])

    assert ("TAP009", Severity.WARNING, "old") == (finding.rule, finding.severity, finding.stack)
    assert "111111111111/us-east-1" in finding.message
    assert finding.message.endswith("--remove-orphan old@us-east-1")
    assert () == orphans.findings([orphan], [orphan])


@pytest.mark.parametrize("name", ["old", "old@us-east-1", "old@111111111111/us-east-1"])
def test_an_orphan_is_chosen_by_name(name: str) -> None:
    """With its place where the name alone may mean another one."""
    world = World()
    left(world, OLD)
    found = world.snapshot(a_rollout(NETWORK)).orphans

    assert found == orphans.chosen(found, [name, name])


def test_a_name_that_means_none_or_several_is_refused() -> None:
    """With what there is."""
    world = World()
    left(world, OLD)
    left(world, replace(OLD, target=AWAY))
    rollout = a_rollout(NETWORK, a_stack("far", target=AWAY))
    found = world.snapshot(rollout).orphans

    with pytest.raises(UsageError, match="several orphans have this name .*old@us-west-2"):
        orphans.chosen(found, ["old"])
    with pytest.raises(UsageError, match=r"--remove-orphan network: no such orphan"):
        orphans.chosen(found, ["network"])


def removal(world: World, *names: str) -> Plan:
    """Return the plan that also removes these orphans."""
    snapshot = world.snapshot(a_rollout(NETWORK))
    going = orphans.chosen(snapshot.orphans, names)
    return orphans.with_removal(world.plan(a_rollout(NETWORK)), going, world.cloud)


def test_an_orphan_goes_last_and_only_when_it_is_named() -> None:
    """The rollout has what it wants instead before anything is taken away."""
    world = World()
    left(world, OLD)
    snapshot = world.snapshot(a_rollout(NETWORK))

    planned = removal(world, "old")
    outcome = world.execution().run(planned, snapshot, Approval())

    assert [("network", Verb.CREATE), ("old@us-east-1", Verb.DELETE)] == [
        (step.stack.name, step.verb) for step in planned.steps
    ]
    assert Reason.ORPHANED is planned.steps[-1].reason
    assert ["network", "old@us-east-1"] == list(endings(outcome))
    assert None is world.cloud.status("old")
    assert world.plan(a_rollout(NETWORK)) == removal(world)


def test_orphans_that_import_from_each_other_go_in_order() -> None:
    """Their own templates say so."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::ImportValue": "x"}}}
    export = {"Id": {"Value": "v", "Export": {"Name": "x"}}}
    world = World()
    left(world, a_stack("a-maker", tags=OURS, Outputs=export))
    left(world, a_stack("z-taker", tags=OURS, resources={"Topic": topic}))

    planned = removal(world, "a-maker", "z-taker")

    assert ["z-taker@us-east-1", "a-maker@us-east-1"] == [
        step.stack.name for step in planned.steps if step.verb is Verb.DELETE
    ]


def test_in_a_destroy_orphans_go_first() -> None:
    """They may import from the rollout's stacks."""
    world = World()
    left(world, OLD)
    snapshot = world.snapshot(a_rollout(NETWORK))

    planned = orphans.with_removal(
        world.plan(a_rollout(NETWORK)), snapshot.orphans, world.cloud, first=True
    )

    assert "old@us-east-1" == planned.steps[0].stack.name


def test_targets_with_the_same_region_are_told_apart_by_account() -> None:
    """Labels are for people; what is meant can always be said exactly."""
    world = World()
    there = Target("222222222222", HOME.region)
    left(world, OLD)
    left(world, replace(OLD, target=there))
    rollout = a_rollout(NETWORK, a_stack("second", target=there))
    found = world.snapshot(rollout).orphans

    with pytest.raises(UsageError, match="several orphans"):
        orphans.chosen(found, ["old@us-east-1"])
    both = ["old@111111111111/us-east-1", "old@222222222222/us-east-1"]
    with pytest.raises(UsageError, match="old@us-east-1: in two accounts; remove one, then"):
        orphans.chosen(found, both)
    assert (found[1],) == orphans.chosen(found, ["old@222222222222/us-east-1"])
