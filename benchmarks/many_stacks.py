"""One run over hundreds of stacks in many Regions: how often it asks, and what it takes.

Prints figures as JSON and exits with 1 above a limit. The stacks hold one topic each, so
that what is measured is the deployer and not what it deploys.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

from tapcfn.aws.cloud import AwsCloud
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.cli.clock import WallClock
from tapcfn.events import Outcome
from tapcfn.execute import Execution
from tapcfn.ledger import FileLedger
from tapcfn.local import server
from tapcfn.model import Phase, Rollout, Stack, StackStatus, Target, TemplateBody, canonical
from tapcfn.operations import Approval, Means
from tapcfn.plan import plan
from tapcfn.preview import preview, take_snapshot
from tapcfn.waits import AT_HAND, Patience

REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1"),
    *("eu-west-1", "eu-west-2", "eu-central-1", "ap-northeast-1", "ap-southeast-2"),
)
ACCOUNT = "000000000000"

# Seconds between two sweeps of a Region where many stacks move, and MiB of the process.
LEAST_GAP = 1.0
MOST_MEMORY = 250.0


class Counted(AwsCloud):
    """A cloud that remembers when each target was swept."""

    def __init__(self, clients: Clients, clock: WallClock, patience: Patience) -> None:
        super().__init__(clients, clock, pace=AT_HAND, patience=patience)
        self.sweeps: defaultdict[Target, list[float]] = defaultdict(list)

    def moving(self, target: Target) -> Mapping[str, StackStatus]:
        """Note the moment, and sweep."""
        self.sweeps[target].append(time.monotonic())
        return super().moving(target)

    @property
    def busiest(self) -> int:
        """The most sweeps of one target that began within any one second."""
        return max(
            sum(first <= each < first + LEAST_GAP for each in moments)
            for moments in self.sweeps.values()
            for first in moments
        )

    @property
    def least_gap(self) -> float:
        """The fewest seconds between two sweeps of one target."""
        gaps = [
            later - first for moments in self.sweeps.values() for first, later in pairwise(moments)
        ]
        return min(gaps, default=LEAST_GAP)


def rollout(stacks: int, regions: int) -> Rollout:
    """Return so many independent stacks, spread evenly."""
    document = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    template = TemplateBody("many", canonical(document))
    return Rollout(
        "many",
        "bench",
        (
            Phase(
                "all",
                tuple(
                    Stack(f"many-{number}", Target(ACCOUNT, REGIONS[number % regions]), template)
                    for number in range(stacks)
                ),
            ),
        ),
    )


def deploy(url: str, folder: Path, wanted: Rollout) -> tuple[Outcome, Counted, Clients]:
    """Plan, preview and carry out, as `apply` does."""
    clock = WallClock()
    patience = Patience(clock, 3600.0)
    clients = Clients(on_local_cloud(url), patience=patience)
    cloud, ledger = Counted(clients, clock, patience), FileLedger(folder, "run", {})
    with ThreadPoolExecutor(16) as pool:
        snapshot = take_snapshot(wanted, cloud, pool)
        planned = plan(wanted, snapshot)
        previews = preview(planned, snapshot, cloud, ledger, pool)
        means = Means(cloud, clock, ledger, patience)
        execution = Execution(means, lambda _: None, pool, pace=AT_HAND)
        approval = Approval({each.step.stack.name: each for each in previews})
        return execution.run(planned, snapshot, approval), cloud, clients


def measure(stacks: int, regions: int) -> dict[str, float]:
    """Deploy to a local cloud of its own, and return the figures."""
    with tempfile.TemporaryDirectory(prefix="tapcfn-many-") as folder:
        root = Path(folder)
        here = server.start(root, speed=20)
        began = time.monotonic()
        try:
            outcome, cloud, clients = deploy(here.url, root / "runs", rollout(stacks, regions))
        finally:
            server.stop(root, settle=0)
        return {
            "stacks": stacks,
            "regions": regions,
            "exit_code": outcome.exit_code,
            "seconds": round(time.monotonic() - began, 1),
            "calls_per_stack": round(clients.calls / stacks, 1),
            "sweeps": sum(len(each) for each in cloud.sweeps.values()),
            "sweeps_per_second_and_region": cloud.busiest,
            "least_seconds_between_sweeps": round(cloud.least_gap, 2),
            "memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        }


def main(stacks: int = 500, regions: int = 10) -> int:
    """Print the figures; return 1 if one is above its limit."""
    figures = measure(stacks, regions)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    good = (
        figures["exit_code"] == 0
        and figures["sweeps_per_second_and_region"] <= 1
        and figures["memory_mib"] <= MOST_MEMORY
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
