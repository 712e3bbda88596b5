"""A plan and its previews as events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tapcfn.errors import StackError
from tapcfn.events import (
    ChangePlanned,
    Diagnosed,
    FindingRaised,
    InstancePlanned,
    StackPlanned,
)
from tapcfn.model import (
    Change,
    FoundSet,
    Member,
    Organization,
    OutputOf,
    Phase,
    Replacement,
    Rollout,
    ServiceManaged,
    Snapshot,
    SourceLine,
    StackSet,
    Target,
)
from tapcfn.plan import Plan, PlannedPhase, plan, plan_destroy
from tapcfn.report.outline import plan_text
from tapcfn.report.planned import events_of
from tapcfn.selection import narrowed
from tapcfn.stack_sets.steps import plan_set
from tests.fakes import AWAY, HOME, World, a_change, a_change_set, a_rollout, a_stack
from tests.fakes.set_cloud import FakeSetCloud
from tests.tapcfn.stack_sets.examples import EAST, WEST, A, B, C, a_set

# What a stack of the fakes is, unless it is told otherwise.
TOPIC: dict[str, Any] = {"layer": "network", "contents": {"AWS::SNS::Topic": 1}}


def test_each_stack_is_told_with_its_changes_and_objections() -> None:
    """In the order of the plan: the stack, then what changes in it, then what is wrong with it."""
    world = World()
    storage = a_stack("storage", resources={"Bucket": "AWS::S3::Bucket"})
    app = a_stack("app", target=AWAY, parameters={"In": OutputOf("wrong", "Id")})
    world.has(storage, tags={"old": "yes"})
    change = a_change(replacement=Replacement.TRUE)
    world.cloud.changes["storage"] = (change,)
    world.cloud.fault("stage", "wrong", error=StackError("CidrBlock is wrong"))
    rollout = a_rollout(storage, a_stack("wrong"), app)
    snapshot, planned = world.snapshot(rollout), world.plan(rollout)
    previews = world.ask(planned, snapshot)

    told = list(events_of(planned, previews))

    staged = previews[0].staged.change_set  # type: ignore[union-attr]
    line = SourceLine("layers/storage.py", 10)
    none = {"add": 0, "modify": 0, "remove": 0, "import": 0, "replace": 0, "may_replace": 0}
    counts = none | {"replace": 1}
    assert [
        StackPlanned(
            "storage",
            HOME,
            "all",
            1,
            "update",
            "tags differ",
            staged.arn,
            counts,
            layer="storage",
            contents={"AWS::S3::Bucket": 1},
        ),
        ChangePlanned("storage", HOME, change, line),
        FindingRaised(previews[0].findings[0], HOME),  # type: ignore[union-attr]
        StackPlanned(
            "wrong", HOME, "all", 1, "create", "no such stack yet", **TOPIC | {"layer": "wrong"}
        ),
        FindingRaised(previews[1].finding, HOME),  # type: ignore[union-attr]
        StackPlanned(
            "app",
            AWAY,
            "all",
            2,
            "deferred",
            "no such stack yet",
            None,
            none | {"add": 1},
            ("wrong",),
            layer="app",
            contents={"AWS::SNS::Topic": 1},
        ),
        ChangePlanned(
            "app", AWAY, Change("Topic", "AWS::SNS::Topic", "Add"), SourceLine("layers/app.py", 10)
        ),
    ] == told


def test_what_is_left_out_is_told() -> None:
    """As a word to whoever reads the stream."""
    rollout = a_rollout(a_stack("mine"), a_stack("other"))
    part = narrowed(World().plan(rollout), frozenset({"mine"}))

    assert Diagnosed("info", "left out: other (create)") == list(events_of(part, ()))[-1]


def test_a_stack_without_a_preview_is_told_as_planned() -> None:
    """What is as wanted has nothing to ask."""
    world = World()
    world.has(a_stack())
    rollout = a_rollout(a_stack())

    told = list(events_of(world.plan(rollout), ()))

    assert [StackPlanned("network", HOME, "all", 1, "none", "deployed as wanted", **TOPIC)] == told


def test_an_empty_change_set_has_no_arn() -> None:
    """It has been removed, so nobody can look at it."""
    world = World()
    network = a_stack("network", outputs=["Id"])
    app = a_stack("app", parameters={"In": OutputOf("network", "Id")})
    world.has(network, tags={"old": "yes"})
    world.has(app, parameters={"In": "network-Id"})
    rollout = a_rollout(network, app)
    snapshot, planned = world.snapshot(rollout), world.plan(rollout)

    told = [each for each in events_of(planned, world.ask(planned, snapshot))
            if isinstance(each, StackPlanned)]  # fmt: skip

    assert [False, True] == [each.change_set is None for each in told]


def test_what_changes_inside_a_nested_stack_is_told_as_well() -> None:
    """The stream says no less than the page. (R-11)"""
    world = World()
    outer = a_stack("outer", resources={"Inner": "AWS::CloudFormation::Stack"})
    world.has(outer, tags={"old": "yes"})
    inside = a_change("Topic", resource_type="AWS::SNS::Topic")
    nested = a_change(
        "Inner", resource_type="AWS::CloudFormation::Stack", nested=a_change_set(inside, stack="In")
    )
    world.cloud.changes["outer"] = (nested,)
    rollout = a_rollout(outer)
    snapshot, planned = world.snapshot(rollout), world.plan(rollout)

    told = [
        (each.nested, each.change.logical_id, each.source)
        for each in events_of(planned, world.ask(planned, snapshot))
        if isinstance(each, ChangePlanned)
    ]

    line = SourceLine("layers/outer.py", 10)
    assert [("", "Inner", line), ("Inner", "Topic", line)] == told


def test_every_instance_of_a_set_is_told_with_what_becomes_of_it() -> None:
    """Those that stay as they are too: a reader has the whole set before it."""
    first = a_set(Target(A, EAST), Target(A, WEST), Target(B, EAST))
    cloud = FakeSetCloud()
    cloud.has(first, *first.pairs)
    there = FoundSet(cloud.deployed[first.name], cloud.there[first.name])
    wanted = a_set(Target(A, EAST), Target(A, WEST), Target(B, WEST))
    step = plan_set(wanted, there, {})
    plan = Plan(a_rollout(), (PlannedPhase("fleets", (), (step,)),))

    told = list(events_of(plan, ()))

    assert isinstance(told[0], StackPlanned)
    assert ("baseline", {"AWS::SNS::Topic": 1}) == (told[0].layer, told[0].contents)
    assert [
        InstancePlanned("baseline", Target(B, WEST), "add"),
        InstancePlanned("baseline", Target(B, EAST), "remove"),
        InstancePlanned("baseline", Target(A, EAST), "none"),
        InstancePlanned("baseline", Target(A, WEST), "none"),
    ] == told[1:]


def of_units(*units: str) -> StackSet:
    """Return a set for the accounts of organizational units."""
    organization = Organization(units, ("eu-west-1",))
    return replace(
        a_set(), pairs=frozenset(), organization=organization, permission=ServiceManaged()
    )


def test_an_account_that_a_set_leaves_out_is_a_warning() -> None:
    """Whoever reads the stream or the plan is told which, and by what name. (R-25)"""
    stack_set = of_units("ou-1")
    members = (Member(B, "ou-1"), Member(C, "ou-1", suspended=True, name="payments"))
    wanted = Rollout("blue", "test", (Phase("all", (), (stack_set,)),))
    planned = plan(wanted, Snapshot(sets={"baseline": FoundSet(members=members)}))

    (told,) = [each for each in events_of(planned, ()) if isinstance(each, FindingRaised)]

    finding = told.finding
    assert ("suspended-account", "warning", "preflight") == (
        finding.rule, finding.severity, finding.origin
    )  # fmt: skip
    assert f"{C} (payments) is suspended" in finding.message
    assert told.target is not None
    assert told.target.account == C
    assert f"! suspended, so left out of the targets: {C} (payments)" in plan_text(planned, (), 100)


def test_a_set_that_goes_leaves_nobody_out() -> None:
    """It has no targets any more."""
    stack_set = of_units("ou-1")
    found = FoundSet(members=(Member(C, "ou-1", suspended=True),))
    wanted = Rollout("blue", "test", (Phase("all", (), (stack_set,)),))
    planned = plan_destroy(wanted, Snapshot(sets={"baseline": found}))

    assert not [each for each in events_of(planned, ()) if isinstance(each, FindingRaised)]
