"""A cloud, a clock, a ledger and a pool that know each other, and the commands in one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from tapcfn.errors import TapcfnError
from tapcfn.events import Event, Outcome
from tapcfn.execute import Execution
from tapcfn.model import Ending, Rollout, Snapshot, Stack
from tapcfn.operations import Approval, Means
from tapcfn.plan import Plan, plan, plan_destroy
from tapcfn.preview import Preview, discard_all, preview, take_snapshot
from tests.fakes.builders import a_deployed
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import FakeCloud
from tests.fakes.ledger import FakeLedger
from tests.fakes.pool import InlinePool

E = TypeVar("E")


class World:
    """Everything that a run works with. A second run in it is a new process in the same folder."""

    def __init__(self, ledger: Any = None, start: float = 0.0) -> None:
        self.clock = FakeClock(start=start)
        self.ledger = ledger or FakeLedger()
        self.cloud = FakeCloud(self.clock, self.ledger)
        self.pool = InlinePool()
        self.told: list[Event] = []

    def has(self, *stacks: Stack, **how: Any) -> None:
        """Let stacks be deployed as they are wanted, but for what `how` says of all of them."""
        for stack in stacks:
            self.cloud.has(stack, a_deployed(stack, **how))

    def snapshot(self, rollout: Rollout) -> Snapshot:
        """Return what is deployed now."""
        return take_snapshot(rollout, self.cloud, self.pool)

    def plan(self, rollout: Rollout) -> Plan:
        """Plan against what is deployed now."""
        return plan(rollout, self.snapshot(rollout))

    def preview(self, rollout: Rollout, allowed: Iterable[str] = ()) -> tuple[Preview, ...]:
        """Stage the change sets of a plan made now."""
        snapshot = self.snapshot(rollout)
        return self.ask(plan(rollout, snapshot), snapshot, allowed)

    def ask(
        self, planned: Plan, snapshot: Snapshot, allowed: Iterable[str] = ()
    ) -> tuple[Preview, ...]:
        """Stage the change sets of a plan."""
        return preview(
            planned, snapshot, self.cloud, self.ledger, self.pool, allowed=frozenset(allowed)
        )

    def discard(self, previews: Iterable[Preview]) -> tuple[TapcfnError, ...]:
        """Remove what was staged."""
        return discard_all(previews, self.cloud, self.ledger, self.pool)

    def apply(
        self,
        rollout: Rollout,
        *,
        previews: Iterable[Preview] | None = None,
        allowed: Iterable[str] = (),
        strict: bool = False,
        **how: Any,
    ) -> Outcome:
        """Do what `apply` does: wait for what moves, plan, preview, carry out."""
        self.adopt(rollout)
        snapshot = self.snapshot(rollout)
        planned = plan(rollout, snapshot)
        staged = self.ask(planned, snapshot, allowed) if previews is None else tuple(previews)
        approval = Approval(
            {each.step.stack.name: each for each in staged}, frozenset(allowed), strict
        )
        return self.execution(**how).run(planned, snapshot, approval)

    def carry_out(self, rollout: Rollout, *, planned: Plan | None = None, **how: Any) -> Outcome:
        """Plan, unless there is a plan, and execute without a preview."""
        snapshot = self.snapshot(rollout)
        planned = planned or plan(rollout, snapshot)
        return self.execution(**how).run(planned, snapshot, Approval())

    def destroy(self, rollout: Rollout, **how: Any) -> Outcome:
        """Take a rollout away."""
        snapshot = self.snapshot(rollout)
        return self.execution(**how).run(plan_destroy(rollout, snapshot), snapshot, Approval())

    def adopt(self, rollout: Rollout, **how: Any) -> Outcome:
        """Wait for what is moving."""
        return self.execution(**how).adopt(rollout, self.snapshot(rollout))

    def execution(self, **how: Any) -> Execution:
        """Return a run that tells this world what happens."""
        means = how.pop("means", None) or Means(self.cloud, self.clock, self.ledger)
        pool = how.pop("pool", self.pool)
        return Execution(means, self.told.append, pool, **how)

    def heard(self, kind: type[E]) -> list[E]:
        """Return the events of one class, in order."""
        return [event for event in self.told if isinstance(event, kind)]


def endings(outcome: Outcome) -> dict[str, Ending]:
    """Return how each stack ended, by name."""
    return {each.stack: each.ending for each in outcome.endings}


def causes(outcome: Outcome) -> dict[str, str]:
    """Return why each stack ended as it did, where there is something to say."""
    return {each.stack: each.cause for each in outcome.endings if each.cause}


def until(clock: FakeClock, moment: float) -> Callable[[], bool]:
    """Return a question that is answered yes from a moment on."""
    return lambda: clock.now() >= moment
