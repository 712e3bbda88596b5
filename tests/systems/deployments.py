"""Rollouts on the local cloud, planned and carried out in this process by the real core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tapcfn.acting import ActionCloud, ActionState, ActMeans, act
from tapcfn.actions import resolved
from tapcfn.aws.cloud import AwsCloud
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.cli.clock import WallClock
from tapcfn.cli.outputs import outputs_of
from tapcfn.execute import Execution
from tapcfn.ledger import FileLedger
from tapcfn.model import ChangeSet, Rollout, Snapshot
from tapcfn.operations import Approval, Means
from tapcfn.plan import Plan, plan, plan_destroy
from tapcfn.preview import Previewed, discard_all, preview, take_snapshot
from tapcfn.waits import Pace, Patience
from tests.local_cloud import Aws

# A deployment takes no time there, so that looks are close together.
PACE = Pace(first=0.02, cap=0.1)


@dataclass(frozen=True)
class Deployment:
    """One account, and what it takes to deploy to it."""

    means: Means
    pool: ThreadPoolExecutor
    actions: ActionCloud

    def plan(self, wanted: Rollout) -> Plan:
        """Return what would be done now."""
        return plan(wanted, self._snapshot(wanted))

    def apply(self, wanted: Rollout, *allowed: str) -> Mapping[str, str]:
        """Bring a rollout about, all of it, and return its outputs; some losses may be allowed."""
        snapshot = self._snapshot(wanted)
        self._carry_out(plan(wanted, snapshot), snapshot, Approval(allowed=frozenset(allowed)))
        return outputs_of(wanted, self._snapshot(wanted))

    def changes(self, wanted: Rollout) -> Mapping[str, ChangeSet]:
        """Return the change set of every stack of which it is known what would change."""
        cloud, ledger, snapshot = self.means.cloud, self.means.ledger, self._snapshot(wanted)
        previews = preview(plan(wanted, snapshot), snapshot, cloud, ledger, self.pool)
        discard_all(previews, cloud, ledger, self.pool)
        return {
            each.step.stack.name: each.staged.change_set
            for each in previews
            if isinstance(each, Previewed)
        }

    def destroy(self, wanted: Rollout) -> None:
        """Take a rollout away, all of it."""
        snapshot = self._snapshot(wanted)
        self._carry_out(plan_destroy(wanted, snapshot), snapshot)

    def act(self, wanted: Rollout) -> Mapping[str, ActionState]:
        """Do what a rollout does on request, as `act` does it, and return what came of each."""
        stacks = self._snapshot(wanted).stacks
        outputs = {each: dict(deployed.outputs) for each, deployed in stacks.items()}
        clock = self.means.clock
        ledger, patience = self.means.ledger, Patience(clock)
        means = ActMeans(self.actions, clock, ledger, patience, lambda _: None, PACE)
        return {each.name: act(resolved(each, outputs), means) for each in wanted.actions}

    def _snapshot(self, wanted: Rollout) -> Snapshot:
        return take_snapshot(wanted, self.means.cloud, self.pool, to_plan=True)

    def _carry_out(
        self, planned: Plan, snapshot: Snapshot, approval: Approval | None = None
    ) -> None:
        execution = Execution(self.means, lambda _: None, self.pool, pace=PACE)
        outcome = execution.run(planned, snapshot, approval or Approval())
        failed = {each.stack: each.cause for each in outcome.endings if not each.succeeded}
        assert failed == {}, failed


@pytest.fixture
def deployment(aws: Aws, tmp_path: Path) -> Iterator[Deployment]:
    """Return what deploys to the fresh account of `aws`."""
    clock = WallClock()
    cloud = AwsCloud(Clients(on_local_cloud(aws.url)), clock, "artifacts-{account}-{region}")
    ledger = FileLedger(tmp_path / "runs", "run", {})
    with ThreadPoolExecutor(8) as pool:
        yield Deployment(Means(cloud, clock, ledger), pool, cloud.actions)
