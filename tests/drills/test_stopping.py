"""stackset stop: from another terminal, while a rollout is at work in the same folder. (X-25)"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tapcfn.local import server
from tests.end_to_end.sets import TOPIC
from tests.local.stack_sets.fleet import Fleet, make_administration_role, make_execution_role
from tests.local_cloud import until

PROJECT = Path(__file__).parents[2]
HOME, OTHER = "000000000000", "111111111111"
REGIONS = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1"]
MAIN = "import sys; from tapcfn.cli import main; sys.argv[1:] = {words!r}; main()"

SETTINGS = f"""\
backend = "local"
region = "us-east-1"
[stack_sets.base]
template = "base.json"
[stack_sets.base.targets]
accounts = ["{HOME}", "{OTHER}"]
regions = {json.dumps(REGIONS)}
"""


def command(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Begin a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", MAIN.format(words=[*words, "--json"])],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, list[dict[str, object]]]:
    out, err = process.communicate(timeout=120)
    assert out, err
    return process.returncode, [json.loads(line) for line in out.splitlines()]


@pytest.mark.drill
def test_a_rollout_is_stopped_from_beside_it_and_gone_on_with(tmp_path: Path) -> None:
    """What runs comes to its end, the rest is cancelled, and a retry does exactly that."""
    (tmp_path / "tapcfn.toml").write_text(SETTINGS)
    (tmp_path / "base.json").write_text(json.dumps({"Resources": {"Topic": TOPIC}}))
    cloud = server.start(tmp_path, speed=2)
    try:
        fleet = Fleet(cloud.url, HOME, (HOME, OTHER))
        make_administration_role(fleet)
        for account in fleet.accounts:
            make_execution_role(fleet, account)
        rollout = command(tmp_path, "apply", ".")
        until(lambda: _is_at_work(fleet), seconds=60)

        code, lines = ended(command(tmp_path, "stackset", "stop", "."))

        (told,) = [each for each in lines if each["type"] == "stackset.stop"]
        assert (code, told["status"]) == (0, "STOPPED")
        assert told["counts"]["CANCELLED"] > 0  # type: ignore[index]
        assert ended(rollout)[0] == 1
        server.start(tmp_path, speed=0)
        code, lines = ended(command(tmp_path, "stackset", "retry", "."))
        assert code == 0
        (work,) = [each for each in lines if each["type"] == "plan.unit"]
        assert work["counts"]["update"] == told["counts"]["CANCELLED"]  # type: ignore[index]
    finally:
        server.stop(tmp_path, settle=1)


def _is_at_work(fleet: Fleet) -> bool:
    try:
        listed = fleet.cfn.list_stack_instances(StackSetName="base")["Summaries"]
    except fleet.cfn.exceptions.ClientError:
        return False
    states = [each["StackInstanceStatus"].get("DetailedStatus") for each in listed]
    return "RUNNING" in states and "PENDING" in states
