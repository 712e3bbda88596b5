"""A set that waits for inputs is guarded by templates first, and at its turn by all. (D-18)"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn.errors import StackError, TemplateError
from tapcfn.events import Diagnosed, Outcome
from tapcfn.instance_previews import SetPreview, allowances_asked, blocks_set, preview_deferred
from tapcfn.lanes import Beside
from tapcfn.model import (
    AutoDeployment,
    Ending,
    FoundSet,
    Organization,
    OutputOf,
    Phase,
    Replacement,
    Rollout,
    ServiceManaged,
    Snapshot,
    StackSet,
    Target,
    TemplateBody,
)
from tapcfn.operations import Approval
from tapcfn.plan import Plan, plan
from tapcfn.stack_sets.means import SetMeans
from tapcfn.stack_sets.steps import check_sets
from tapcfn.waits import Patience
from tests.fakes import World, a_change, a_stack, a_template
from tests.fakes.set_cloud import FakeSetCloud
from tests.fakes.world import causes, endings
from tests.tapcfn.stack_sets.examples import EAST, HOME, A, B, a_set

PAIRS = (Target(A, EAST), Target(B, EAST))
NETWORK = a_stack("network", version="1")
INPUT = {"Net": OutputOf("network", "Id", HOME)}


def template(version: str, *buckets: str) -> TemplateBody:
    resources = {"Topic": "AWS::SNS::Topic"} | dict.fromkeys(buckets, "AWS::S3::Bucket")
    return a_template("baseline", resources=resources, parameters=["Net"], version=version)


OLD = a_set(*PAIRS, template=template("1", "Bucket"), parameters=INPUT)
SAME_DATA = replace(OLD, template=template("2", "Bucket"))
NO_DATA = replace(OLD, template=template("2"))


class Fleet:
    """A rollout of a network and a set that takes its output; both are deployed, and change."""

    def __init__(self, *there: Target) -> None:
        self.world = World()
        self.sets = FakeSetCloud()
        self.world.has(NETWORK)
        deployed = replace(OLD, parameters={"Net": "network-Id"})
        self.sets.has(deployed, *(there or PAIRS))
        for pair, each in self.sets.there["baseline"].items():
            stack = a_stack(f"StackSet-{pair.account}", target=pair, template=OLD.template)
            stack = replace(stack, parameters={"Net": "network-Id"})
            self.world.has(stack, stack_id=each.stack_id, template=OLD.template.text)

    def rollout(self, *stack_sets: StackSet) -> Rollout:
        return Rollout(
            "blue", "test", (Phase("all", (a_stack("network", version="2"),), stack_sets),)
        )

    def planned(self, *stack_sets: StackSet) -> tuple[Plan, Snapshot]:
        rollout = self.rollout(*stack_sets)
        there = self.sets.there
        found = {
            each.name: FoundSet(self.sets.deployed.get(each.name), dict(there.get(each.name, {})))
            for each in stack_sets
        }
        snapshot = replace(self.world.snapshot(rollout), sets=found)
        return plan(rollout, snapshot), snapshot

    def apply(
        self,
        *stack_sets: StackSet,
        allowed: frozenset[str] = frozenset(),
        sample: int | None = None,
    ) -> Outcome:
        world = self.world
        patience = Patience(world.clock, 3600.0, lambda: False)
        beside = Beside(
            world.pool,
            lambda notify: SetMeans(
                self.sets,
                world.cloud,
                world.clock,
                world.ledger,
                patience,
                notify,
                bake=lambda *_: "",
                draw=lambda: 1.0,
            ),
        )
        planned, snapshot = self.planned(*stack_sets)
        approval = Approval({}, allowed, sample=sample)
        return world.execution(beside=beside).run(planned, snapshot, approval)


def the_preview(fleet: Fleet, stack_set: StackSet, *allowed: str) -> SetPreview:
    (step,) = fleet.planned(stack_set)[0].sets
    assert step.spread is None
    return preview_deferred(step, frozenset(allowed))


def test_a_replacement_that_only_the_service_tells_blocks_the_set_at_its_turn() -> None:
    """Nothing of it is begun, what needed no word is done, and the run exits 4."""
    fleet = Fleet()
    gone = a_change("Bucket", replacement=Replacement.TRUE)
    fleet.world.cloud.changes[f"StackSet-{B}"] = (gone,)

    outcome = fleet.apply(SAME_DATA)

    assert endings(outcome) == {"network": Ending.DONE, "baseline": Ending.BLOCKED}
    assert outcome.exit_code == 4
    assert f"--allow-loss baseline/Bucket@{EAST}:replace" in causes(outcome)["baseline"]
    assert fleet.sets.sent == []
    assert fleet.world.cloud.standing == []


def test_a_sample_is_a_sample_at_the_sets_turn_as_well() -> None:
    """The others are told by the templates, and guarded: it is said how many those are."""
    fleet = Fleet()

    outcome = fleet.apply(SAME_DATA, sample=1)

    assert endings(outcome)["baseline"] is Ending.DONE
    staged = [each.subject for each in fleet.world.cloud.calls if each.name == "stage"]
    assert [f"StackSet-{A}"] == [each for each in staged if each.startswith("StackSet-")]
    (told,) = [each for each in fleet.world.heard(Diagnosed) if "--sample" in each.message]
    assert told.message.startswith("baseline: 1 more instances were not asked about")
    blocked = Fleet().apply(NO_DATA, sample=1)
    assert endings(blocked)["baseline"] is Ending.BLOCKED


def test_with_its_allowance_it_is_begun() -> None:
    """The approval is the run's."""
    fleet = Fleet()
    fleet.world.cloud.changes[f"StackSet-{B}"] = (a_change("Bucket", replacement=Replacement.TRUE),)

    outcome = fleet.apply(SAME_DATA, allowed=frozenset({f"baseline/Bucket@{EAST}:replace"}))

    assert endings(outcome) == {"network": Ending.DONE, "baseline": Ending.DONE}
    assert fleet.sets.acts == [("update", 2)]


def test_what_the_service_refuses_at_its_turn_fails_the_set_unbegun() -> None:
    """Exit 1, as for a plan with such an instance."""
    fleet = Fleet()
    fleet.world.cloud.fault("stage", f"StackSet-{A}", error=StackError("no such type"))

    outcome = fleet.apply(SAME_DATA)

    assert (endings(outcome)["baseline"], outcome.exit_code) == (Ending.FAILED, 1)
    assert "no such type" in causes(outcome)["baseline"]
    assert fleet.sets.sent == []


def test_data_that_the_new_template_drops_blocks_the_plan() -> None:
    """The templates tell it before the inputs are there."""
    preview = the_preview(Fleet(), NO_DATA)

    assert blocks_set(preview)
    assert allowances_asked(preview) == (f"--allow-loss baseline/Bucket@{EAST}:remove",)
    assert len(preview.instances) == 2
    assert not blocks_set(the_preview(Fleet(), NO_DATA, f"baseline/Bucket@{EAST}:remove"))
    assert not blocks_set(the_preview(Fleet(), SAME_DATA))


def test_a_pair_that_leaves_with_data_blocks_the_plan() -> None:
    """Unless the set keeps its stack."""
    one = replace(SAME_DATA, pairs=frozenset(PAIRS[:1]))

    (finding,) = the_preview(Fleet(), one).findings
    assert finding[0] == PAIRS[1]
    assert blocks_set(the_preview(Fleet(), one))
    assert not blocks_set(the_preview(Fleet(), replace(one, retain=True)))


def test_what_is_made_new_is_no_loss() -> None:
    """A set that is not there, and pairs that join."""
    fleet = Fleet()
    fleet.sets = FakeSetCloud()

    assert the_preview(fleet, SAME_DATA).findings == ()
    assert endings(fleet.apply(SAME_DATA))["baseline"] is Ending.DONE


# Sets that depend on sets -------------------------------------------------------------------------


def managed(name: str, *after: str) -> StackSet:
    """Return a service-managed set without accounts yet."""
    permission = ServiceManaged(auto=AutoDeployment(after=after))
    units = Organization(("ou-1",), (EAST,))
    return StackSet(name, HOME, a_template(name), organization=units, permission=permission)


def test_a_set_begins_once_the_set_that_it_depends_on_has_ended() -> None:
    """In one phase, whatever their order in the settings. (`depends_on`)"""
    fleet = Fleet()

    fleet.apply(managed("alpha", "omega"), managed("omega"))

    assert [each.stack_set.name for each in fleet.sets.sent] == ["omega", "alpha"]


def test_a_set_is_skipped_where_the_set_that_it_depends_on_failed() -> None:
    """As after a stack that it needs."""
    fleet = Fleet()
    gone = a_change("Bucket", replacement=Replacement.TRUE)
    fleet.world.cloud.changes[f"StackSet-{B}"] = (gone,)

    outcome = fleet.apply(managed("alpha", "baseline"), SAME_DATA)

    assert endings(outcome)["alpha"] is Ending.SKIPPED
    assert "baseline did not succeed" in causes(outcome)["alpha"]


@pytest.mark.parametrize(
    ("phases", "fault"),
    [
        ([["alpha"], ["omega"]], "alpha: depends on omega, which comes in a later phase"),
        ([["alpha", "omega"]], ""),
        ([["omega"], ["alpha"]], ""),
    ],
)
def test_a_dependence_on_a_later_phase_is_refused(phases: list[list[str]], fault: str) -> None:
    """No order could meet it."""
    known = {"alpha": managed("alpha", "omega", "foreign"), "omega": managed("omega")}
    rollout = Rollout(
        "blue",
        "test",
        tuple(
            Phase(f"p{at}", (), tuple(known[name] for name in names))
            for at, names in enumerate(phases)
        ),
    )
    if not fault:
        check_sets(rollout)
        return
    with pytest.raises(TemplateError, match=fault):
        check_sets(rollout)


def test_sets_that_depend_on_each_other_are_refused() -> None:
    """They would wait for each other for ever."""
    both = (managed("alpha", "omega"), managed("omega", "alpha"))
    with pytest.raises(TemplateError, match="depend on each other: alpha, omega"):
        check_sets(Rollout("blue", "test", (Phase("all", (), both),)))
