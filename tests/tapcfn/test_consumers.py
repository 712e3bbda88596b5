"""Nothing that is needed goes, and who holds an old value is named. (D-16)"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tapcfn import consumers
from tapcfn.errors import BlockedError, CloudError
from tapcfn.model import Severity, Stack
from tapcfn.plan import plan_destroy
from tapcfn.preview import Deferred, Previewed
from tests.fakes import World, a_rollout, a_stack

EXPORT = {"Id": {"Value": "v", "Export": {"Name": "shared"}}}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::ImportValue": "shared"}}}
MAKER = a_stack("maker", Outputs=EXPORT)
TAKER = a_stack("taker", resources={"Topic": TOPIC})


@pytest.fixture
def world() -> World:
    """A world in which one stack exports and another one imports."""
    made = World()
    made.has(MAKER, exports={"Id": "shared"})
    made.has(TAKER)
    return made


def check(world: World, *stacks: Stack) -> None:
    """Check the plan of these stacks."""
    consumers.check(world.plan(a_rollout(*stacks)), world.cloud, world.pool)


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"Id": {"Value": "v"}},
        {"Id": {"Value": "v", "Export": {"Name": "renamed"}}},
    ],
)
def test_an_export_that_is_imported_does_not_go(world: World, outputs: dict[str, Any]) -> None:
    """Neither the output, nor its export, nor the export's name; the importer is named."""
    changed = a_stack("maker", Outputs=outputs)

    with pytest.raises(BlockedError, match="maker .*would lose its output Id, but taker import"):
        check(world, changed)
    assert [] == world.cloud.writes


@pytest.mark.parametrize(
    "outputs",
    [EXPORT, {"Id": {"Value": "other", "Export": {"Name": {"Fn::GetAtt": ["T", "X"]}}}}],
)
def test_an_export_that_stays_is_not_asked_about(world: World, outputs: dict[str, Any]) -> None:
    """A plan that takes nothing away costs no call; a computed name is taken to stay."""
    check(world, a_stack("maker", Outputs=outputs, version="2"))

    assert 0 == world.cloud.count("importers")


def test_an_export_that_nobody_imports_may_go(world: World) -> None:
    """It is asked about once."""
    alone = World()
    alone.has(MAKER, exports={"Id": "shared"})

    check(alone, a_stack("maker", outputs=()))

    assert 1 == alone.cloud.count("importers", "shared")


def test_a_stack_whose_export_is_imported_elsewhere_is_not_deleted(world: World) -> None:
    """Before anything else goes. (L-2)"""
    planned = plan_destroy(a_rollout(MAKER), world.snapshot(a_rollout(MAKER)))

    message = "maker (111111111111/us-east-1): is to be deleted, and Id is needed: taker import"
    with pytest.raises(BlockedError, match=re.escape(message)):
        consumers.check(planned, world.cloud, world.pool)


def test_a_stack_goes_together_with_its_importers(world: World) -> None:
    """They go first."""
    both = a_rollout(MAKER, TAKER)

    consumers.check(plan_destroy(both, world.snapshot(both)), world.cloud, world.pool)


READER = a_stack(
    "reader",
    resources={
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {
                "TopicName": {"Fn::GetStackOutput": {"StackName": "source", "OutputName": "Id"}}
            },
        }
    },
)


def test_an_output_that_another_stack_reads_does_not_go() -> None:
    """No service tracks Fn::GetStackOutput: the rollout's own templates do."""
    world = World()
    world.has(a_stack("source"), READER)

    with pytest.raises(BlockedError, match="source .*lose its output Id, but reader read it by"):
        check(world, a_stack("source", outputs=()), READER)


def test_who_holds_an_old_value_is_told() -> None:
    """A change set reads what it points at when it is made: before the producer changes."""
    world = World()
    world.has(a_stack("source"), READER)
    changed = a_stack("source", resources={"More": "AWS::SNS::Topic"})
    rollout = a_rollout(changed, READER)
    previews = world.preview(rollout)

    (finding,) = consumers.stale(world.plan(rollout), previews)

    assert ("TAP010", Severity.INFO, "source") == (finding.rule, finding.severity, finding.stack)
    assert "1 consumer of Id may hold the old value after this run: reader" in finding.message


def test_nobody_holds_an_old_value_of_what_does_not_change() -> None:
    """Nothing is told then."""
    world = World()
    world.has(a_stack("source"), READER)
    rollout = a_rollout(a_stack("source"), READER)

    assert () == consumers.stale(world.plan(rollout), world.preview(rollout))


def test_a_template_that_refers_to_what_is_not_there_is_asked_about_later() -> None:
    """CloudFormation would refuse the change set of an importer without the export."""
    world = World()
    rollout = a_rollout(MAKER, TAKER)

    previews = {each.step.stack.name: each for each in world.preview(rollout)}
    outcome = world.apply(rollout)

    assert isinstance(previews["maker"], Previewed)
    assert isinstance(previews["taker"], Deferred)
    assert ["maker.Id"] == [str(each) for each in previews["taker"].unknown]
    assert 0 == outcome.exit_code


def test_live_imports_are_listed(world: World) -> None:
    """Those of stacks outside the rollout, too."""
    planned = world.plan(a_rollout(MAKER))

    assert ((("maker", "Id", MAKER.target, "taker"),), ()) == consumers.live_importers(
        planned, world.cloud, world.pool
    )


def test_importers_that_may_not_be_read_are_an_unknown_edge(world: World) -> None:
    """A denied ListImports ends no command; it is told. (D-16, X-12)"""
    planned = plan_destroy(a_rollout(MAKER), world.snapshot(a_rollout(MAKER)))
    denied = CloudError("not you", code="AccessDenied", lasting=True)
    world.cloud.fault("importers", error=denied, times=2)

    (warning,) = consumers.check(planned, world.cloud, world.pool)
    edges, unknown = consumers.live_importers(planned, world.cloud, world.pool)

    assert ((), (warning,)) == (edges, unknown)
    assert (Severity.WARNING, "maker") == (warning.severity, warning.stack)
    assert "who imports its output Id as shared could not be read: not you" == warning.message


def test_importers_that_can_not_be_told_for_another_reason_stop_the_plan(world: World) -> None:
    """Only a denial is certain to come again."""
    world.cloud.fault("importers", error=CloudError("no host"))

    with pytest.raises(CloudError, match="no host"):
        check(world, a_stack("maker", outputs=()))
