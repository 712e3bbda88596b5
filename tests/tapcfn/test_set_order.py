"""Sets that depend on each other: made in that order, and taken away in the other one. (D-23)"""

from __future__ import annotations

from dataclasses import replace

from tapcfn.events import Outcome
from tapcfn.lanes import Beside
from tapcfn.model import (
    AutoDeployment,
    Ending,
    FoundSet,
    Organization,
    Phase,
    Rollout,
    ServiceManaged,
    Snapshot,
    StackSet,
    Target,
)
from tapcfn.operations import Approval
from tapcfn.plan import plan_destroy
from tapcfn.report.outline import plan_text
from tapcfn.stack_sets.means import SetMeans
from tapcfn.waits import Patience
from tests.fakes import World
from tests.fakes.set_cloud import FakeSetCloud
from tests.fakes.world import causes, endings
from tests.tapcfn.stack_sets.examples import EAST, B, a_set
from tests.tapcfn.stack_sets.test_running import Histories

PAIR = Target(B, EAST)


def named(name: str, *after: str) -> StackSet:
    """Return a set for a unit whose accounts get those `after` which it comes first."""
    return replace(
        a_set(name=name),
        pairs=frozenset(),
        organization=Organization(("ou-1",), (EAST,)),
        permission=ServiceManaged(auto=AutoDeployment(after=after)),
    )


# By name the last of them comes first.
BASE, LOGS, APP = named("z-base"), named("m-logs", "z-base"), named("a-app", "m-logs")


class Room:
    """Three sets that are deployed, one on top of the other."""

    def __init__(self) -> None:
        self.world, self.sets = World(), FakeSetCloud()
        for each in BASE, LOGS, APP:
            self.sets.has(each, PAIR)

    def destroy(self, *stack_sets: StackSet) -> Outcome:
        """Take them away."""
        world = self.world
        rollout = Rollout("blue", "test", (Phase("all", (), stack_sets),))
        snapshot = self.snapshot(*stack_sets)
        patience = Patience(world.clock, 3600.0, lambda: False)

        def means(notify: object) -> SetMeans:
            return SetMeans(
                self.sets,
                Histories(),
                world.clock,
                world.ledger,
                patience,
                notify,  # type: ignore[arg-type]
                bake=lambda *_: "",
                draw=lambda: 1.0,
            )

        execution = world.execution(beside=Beside(world.pool, means))
        return execution.run(plan_destroy(rollout, snapshot), snapshot, Approval())

    def snapshot(self, *stack_sets: StackSet) -> Snapshot:
        """Return what is there."""
        return Snapshot(
            sets={
                each.name: FoundSet(
                    self.sets.deployed.get(each.name), dict(self.sets.there.get(each.name, {}))
                )
                for each in stack_sets
            }
        )

    @property
    def gone(self) -> list[str]:
        """The sets that were deleted, in that order."""
        return [each.stack_set.name for each in self.sets.sent if each.call.act == "delete"]


def test_dependants_go_first() -> None:
    """However they are called, and in whichever order they are written down."""
    room = Room()

    outcome = room.destroy(BASE, LOGS, APP)

    assert room.gone == ["a-app", "m-logs", "z-base"]
    assert set(endings(outcome).values()) == {Ending.DONE}


def test_what_a_set_that_stays_depends_on_stays_too() -> None:
    """A dependant that could not go keeps what it stands on; nothing of that is begun."""
    room = Room()
    room.sets.failing = {PAIR: "protected"}

    outcome = room.destroy(BASE, LOGS, APP)

    assert endings(outcome) == {
        "a-app": Ending.FAILED,
        "m-logs": Ending.SKIPPED,
        "z-base": Ending.SKIPPED,
    }
    assert causes(outcome)["z-base"] == "m-logs did not succeed"
    assert {each.stack_set.name for each in room.sets.sent} == {"a-app"}


def test_the_order_is_that_of_what_is_deployed() -> None:
    """Settings that have turned it round were not applied yet."""
    room = Room()
    turned = named("z-base", "a-app"), named("m-logs"), named("a-app")

    room.destroy(*turned)

    assert room.gone == ["a-app", "m-logs", "z-base"]


def test_a_circle_that_somebody_made_keeps_nothing_from_going() -> None:
    """It says nothing of who is first."""
    room = Room()
    base = room.sets.deployed["z-base"]
    room.sets.deployed["z-base"] = replace(base, permission=named("x", "a-app").permission)

    assert set(endings(room.destroy(BASE, LOGS, APP)).values()) == {Ending.DONE}


def test_a_plan_says_what_a_set_waits_for() -> None:
    """R-40: the reason of each edge."""
    room = Room()
    rollout = Rollout("blue", "test", (Phase("all", (), (BASE, LOGS, APP)),))

    lines = plan_text(plan_destroy(rollout, room.snapshot(BASE, LOGS, APP)), (), 100).splitlines()

    told = [each.split()[:2] for each in lines if each.split()[:1] in (["delete"], ["after"])]
    assert told == [
        ["delete", "a-app"],
        ["delete", "m-logs"],
        ["after", "a-app"],
        ["delete", "z-base"],
        ["after", "m-logs"],
    ]
