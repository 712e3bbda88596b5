"""Many stacks in one Region of a service that throttles: does a run survive, and what does it see?

The budget stands before every call, as on AWS, and behind it a local cloud with a limit of its own:
5 calls a second and bursts of 10, for each action or for all of them together. Each stack takes the
same time. How late an end is seen is the time between the stack's own last event and what the
deployer says. Prints figures as JSON and exits with 1 above a limit.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from many_stacks import rollout

from tapcfn.aws.budget import Budget
from tapcfn.aws.cloud import AwsCloud
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.cli.clock import WallClock
from tapcfn.events import Event, Outcome, StackEnded
from tapcfn.execute import Execution
from tapcfn.ledger import FileLedger
from tapcfn.local import server
from tapcfn.model import Rollout, Target
from tapcfn.operations import Approval, Means
from tapcfn.plan import plan
from tapcfn.preview import preview, take_snapshot
from tapcfn.waits import Patience

SPEED = 20
TABLE = """\
[throttle]
rate = 5
burst = 10
per = "{per}"
service = "cloudformation"

[[fault]]
do = "stuck"
type = "AWS::SNS::Topic"
seconds = {seconds}
"""

# Limits: seconds that an end is seen late, in 95 of 100 cases, and calls a stack.
MOST_LATE = 3.0
MOST_CALLS = 15.0


class Seen:
    """When the deployer said that each stack had ended."""

    def __init__(self) -> None:
        self.ends: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Note an end."""
        if isinstance(event, StackEnded):
            self.ends[event.stack] = time.time()


def deploy(clients: Clients, folder: Path, wanted: Rollout, seen: Seen) -> Outcome:
    """Plan, preview and carry out, as `apply` does on AWS."""
    clock = WallClock()
    patience = Patience(clock, 3600.0)
    cloud, ledger = AwsCloud(clients, clock, patience=patience), FileLedger(folder, "run", {})
    with ThreadPoolExecutor(16) as pool:
        snapshot = take_snapshot(wanted, cloud, pool)
        planned = plan(wanted, snapshot)
        previews = preview(planned, snapshot, cloud, ledger, pool)
        execution = Execution(Means(cloud, clock, ledger, patience), seen, pool)
        approval = Approval({each.step.stack.name: each for each in previews})
        return execution.run(planned, snapshot, approval)


def true_ends(url: str, target: Target) -> Mapping[str, float]:
    """Return when each stack ended, by its own last event."""
    client = Clients(on_local_cloud(url))("cloudformation", target)
    pages = client.get_paginator("describe_stacks").paginate()
    names = [each["StackName"] for page in pages for each in page["Stacks"]]
    return {
        name: client.describe_stack_events(StackName=name)["StackEvents"][0][
            "Timestamp"
        ].timestamp()
        for name in names
    }


def measure(stacks: int, per: str, seconds: float) -> dict[str, float | str]:
    """Deploy to a local cloud of its own, and return the figures."""
    wanted, seen = rollout(stacks, 1), Seen()
    with tempfile.TemporaryDirectory(prefix="tapcfn-limit-") as folder:
        root = Path(folder)
        here = server.start(
            root, speed=SPEED, faults=TABLE.format(per=per, seconds=seconds * SPEED)
        )
        clock = WallClock()
        clients = Clients(
            on_local_cloud(here.url),
            budget=Budget(clock),
            counts=lambda _: True,
            patience=Patience(clock, 3600.0),
        )
        began = time.monotonic()
        try:
            outcome = deploy(clients, root / "runs", wanted, seen)
            took = time.monotonic() - began
            server.inject(root, "")
            ends = true_ends(here.url, wanted.targets[0])
        finally:
            server.stop(root, settle=0)
    late = sorted(seen.ends[name] - end for name, end in ends.items())
    return {
        "stacks": stacks,
        "limit_per": per,
        "exit_code": outcome.exit_code,
        "seconds": round(took, 1),
        "calls_per_stack": round(clients.calls / stacks, 1),
        "throttles": clients.throttles,
        "longest_wait": round(clients.longest_wait, 1),
        "median_late": round(late[len(late) // 2], 1),
        "p95_late": round(late[int(len(late) * 0.95) - 1], 1),
    }


def main(stacks: int = 40, per: str = "action", seconds: float = 15.0) -> int:
    """Print the figures; return 1 if one is above its limit."""
    figures = measure(stacks, per, seconds)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    good = (
        figures["exit_code"] == 0
        and float(figures["p95_late"]) <= MOST_LATE
        and float(figures["calls_per_stack"]) <= MOST_CALLS
    )
    return 0 if good else 1


if __name__ == "__main__":
    words = sys.argv[1:]
    sys.exit(main(*map(int, words[:1]), *words[1:2], *map(float, words[2:3])))
