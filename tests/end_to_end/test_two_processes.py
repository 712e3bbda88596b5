"""Two processes in two folders, as two runners of a pipeline are: no lock is shared. (X-16)

What the first one starts is held up until the second has met it; AWS is played by the local cloud.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tapcfn.local import server
from tests.end_to_end.conftest import Bench
from tests.machine import read_line

PROJECT = Path(__file__).parents[2]
PATIENCE = 60

SETTINGS = """\
backend = "aws"
account = "{account}"
accounts = ["{account}"]
stage = "both"
termination_protection = false

[stacks.shop]
template = "shop.json"
region = "us-east-1"

[stacks.till]
template = "till.json"
region = "us-east-1"

[stacks.till.parameters]
Shop = {{ output = "Arn", of = "shop" }}
"""
TOPIC = {"Type": "AWS::SNS::Topic"}
SHOP = {"Resources": {"Topic": TOPIC}, "Outputs": {"Arn": {"Value": {"Ref": "Topic"}}}}
TILL = {"Parameters": {"Shop": {"Type": "String"}}, "Resources": {"Topic": TOPIC}}
HELD = '[[fault]]\ndo = "stuck"\naccount = "{account}"\nnth = 1\nseconds = 3600\n'


@dataclass
class Runners:
    """Two folders with the same templates, and the processes that work in them."""

    bench: Bench
    folders: tuple[Path, ...]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *words: str) -> None:
        """Begin the same command in both folders."""
        for folder in self.folders:
            self.processes.append(self.command(folder, *words))

    def command(self, folder: Path, *words: str) -> subprocess.Popen[str]:
        keys = {"AWS_ACCESS_KEY_ID": self.bench.account, "AWS_SECRET_ACCESS_KEY": "secret"}
        files = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "none"}
        return subprocess.Popen(
            [sys.executable, str(PROJECT / "deploy.py"), *words, "--json"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT), **keys, **files},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def meet(self) -> list[str]:
        """Wait until each watches an operation or has ended; return which kind of line told."""
        return [self._until_at_work(each) for each in self.processes]

    def ends(self) -> list[int]:
        """Let go of what is held up, and return the exit codes, the smallest first."""
        server.inject(self.bench.root, "")
        for each in self.processes:
            each.communicate(timeout=PATIENCE)
        return sorted(each.returncode for each in self.processes)

    def starts(self) -> Counter[str]:
        """Return how many operations each stack has begun, by the tokens of its history."""
        client = self.bench.client("cloudformation")
        begun: Counter[str] = Counter()
        for stack in client.describe_stacks()["Stacks"]:
            events = client.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
            begun[stack["StackName"]] = len(
                {event.get("ClientRequestToken") for event in events} - {None}
            )
        return begun

    def _until_at_work(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        for text in process.stdout:
            if (kind := read_line(text)["type"]) in {"op.start", "summary"}:
                return str(kind)
        return ""


@pytest.fixture
def runners(bench: Bench, tmp_path: Path) -> Iterator[Runners]:
    """Return two runners; afterwards none of their processes is left."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (first / "config").write_text(
        f"[default]\nendpoint_url = {bench.url}\ns3 =\n  addressing_style = path\n"
    )
    (first / "shop").mkdir()
    (first / "shop" / "tapcfn.toml").write_text(SETTINGS.format(account=bench.account))
    (first / "shop" / "shop.json").write_text(json.dumps(SHOP))
    (first / "shop" / "till.json").write_text(json.dumps(TILL))
    shutil.copytree(first, second)
    made = Runners(bench, (first, second))
    yield made
    server.inject(bench.root, "")
    for each in made.processes:
        each.kill()
        each.wait()


@pytest.mark.drill
def test_two_applies_start_each_step_once(runners: Runners) -> None:
    """The second joins the first or waits for it; neither starts what has been started."""
    server.inject(runners.bench.root, HELD.format(account=runners.bench.account))
    runners.start("apply", "shop", "--yes")

    met = runners.meet()

    assert "op.start" in met
    assert {0} <= set(runners.ends()) <= {0, 6}
    assert {"shop": 1, "till": 1} == runners.starts()


@pytest.mark.drill
def test_two_applies_of_one_plan_file_start_each_step_once(runners: Runners) -> None:
    """Whichever comes late joins, or is told that the plan has become stale."""
    first, second = runners.folders
    planned = runners.command(first, "plan", "shop", "--out", "plan.json")
    planned.communicate(timeout=PATIENCE)
    assert 0 == planned.returncode
    shutil.copy(first / "plan.json", second)
    server.inject(runners.bench.root, HELD.format(account=runners.bench.account))
    runners.start("apply", "shop", "--plan", "plan.json")

    met = runners.meet()

    assert "op.start" in met
    assert {0} <= set(runners.ends()) <= {0, 6}
    assert {"shop": 1, "till": 1} == runners.starts()
