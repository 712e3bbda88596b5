"""Two runs of one rollout from two folders, in one account: each step is started once. (X-16)"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tapcfn.aws.cloud import AwsCloud
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.cli.clock import WallClock
from tapcfn.errors import StaleError
from tapcfn.events import Outcome
from tapcfn.execute import Execution
from tapcfn.ledger import FileLedger
from tapcfn.local import server
from tapcfn.model import OutputOf, Rollout, Snapshot, Target
from tapcfn.operations import Approval, Means
from tapcfn.plan import Plan, plan
from tapcfn.preview import Preview, preview, take_snapshot
from tapcfn.waits import Pace, Patience
from tests.fakes.builders import a_rollout, a_stack
from tests.local_cloud import fresh_account, local_cloud

__all__ = ["local_cloud"]


class Run:
    """One process in a folder of its own, step by step."""

    def __init__(self, url: str, folder: Path, rollout: Rollout) -> None:
        self._clock = WallClock()
        self._cloud = AwsCloud(Clients(on_local_cloud(url)), self._clock)
        self._ledger = FileLedger(folder, "run", {})
        self._pool = ThreadPoolExecutor(4)
        self._rollout = rollout
        self._snapshot = Snapshot()
        self._plan: Plan | None = None
        self._previews: tuple[Preview, ...] = ()

    def look(self) -> Plan:
        self._snapshot = take_snapshot(self._rollout, self._cloud, self._pool)
        self._plan = plan(self._rollout, self._snapshot)
        return self._plan

    def stage(self) -> None:
        assert self._plan is not None
        self._previews = preview(self._plan, self._snapshot, self._cloud, self._ledger, self._pool)

    def carry_out(self) -> Outcome:
        assert self._plan is not None
        means = Means(self._cloud, self._clock, self._ledger, Patience(self._clock, 60.0))
        execution = Execution(means, lambda _: None, self._pool, pace=Pace(first=0.02))
        approval = Approval({each.step.stack.name: each for each in self._previews})
        return execution.run(self._plan, self._snapshot, approval)

    def close(self) -> None:
        self._pool.shutdown()


class Two:
    """Two runs of one rollout."""

    def __init__(self, url: str, tmp_path: Path) -> None:
        self.target = Target(fresh_account(), "eu-west-1")
        network = a_stack("network", target=self.target, outputs=["Topic"])
        vpc = OutputOf("network", "Topic")
        stacks = [network] + [
            a_stack(f"app{number}", target=self.target, parameters={"Vpc": vpc}, outputs=["Topic"])
            for number in range(3)
        ]
        rollout = a_rollout(*stacks)
        self.url = url
        self.runs = [Run(url, tmp_path / name, rollout) for name in ("one", "two")]

    def starts(self) -> Counter[str]:
        """Return how many operations each stack has begun, by the tokens of its history."""
        client = Clients(on_local_cloud(self.url))("cloudformation", self.target)
        begun: Counter[str] = Counter()
        for stack in client.describe_stacks()["Stacks"]:
            events = client.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
            tokens = {event.get("ClientRequestToken") for event in events} - {None}
            begun[stack["StackName"]] = len(tokens)
        return begun


@pytest.fixture
def two(local_cloud: server.LocalCloud, tmp_path: Path):
    made = Two(local_cloud.url, tmp_path)
    yield made
    for run in made.runs:
        run.close()


@pytest.mark.parametrize("together", ["look", "stage", "carry_out"])
def test_two_runs_start_each_step_once(two: Two, together: str):
    """Both plan before either stages, or stage before either carries out, or race to the end."""
    meeting = threading.Barrier(2)

    def work(run: Run) -> Outcome | StaleError:
        try:
            for step in ("look", "stage", "carry_out"):
                if step == together:
                    meeting.wait()
                result = getattr(run, step)()
        except StaleError as error:
            return error
        return result

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(work, two.runs))

    codes = sorted(each.exit_code for each in ended)
    assert codes[0] == 0
    assert codes[1] in {0, StaleError.exit_code}
    assert {"network": 1, "app0": 1, "app1": 1, "app2": 1} == two.starts()


def test_a_run_that_comes_late_is_refused_and_starts_nothing(two: Two):
    """It planned to create what has been created since: exit 6, plan again."""
    first, second = two.runs
    first.look()
    second.look()
    first.stage()
    done = first.carry_out()

    with pytest.raises(StaleError, match=r"network: has changed since .*; plan again"):
        second.stage()

    assert 0 == done.exit_code
    assert {"network": 1, "app0": 1, "app1": 1, "app2": 1} == two.starts()
    assert not second.look().has_work
