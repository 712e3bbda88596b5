"""private_api as a stack set: its own roles, Region after Region, outputs, and nothing left."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.cli.app import run as run_command
from tests.end_to_end.conftest import Bench, Result

REGIONS = ("us-west-2", "eu-central-1")

STACKS_FIRST = """\
backend = "local"
account = "{account}"
keep_data = false
termination_protection = false
password_policy = "operation"
regions = ["us-west-2"]
rollout = "{rollout}"
"""

SETTINGS = """\
backend = "local"
account = "{account}"
keep_data = false
termination_protection = false
password_policy = "operation"
regions = ["us-west-2", "eu-central-1"]
rollout = "stackset"
"""


def test_the_regions_are_deployed_one_after_another_and_tell_their_outputs(bench: Bench):
    """S1-1, S1-15: one apply from nothing; the first Region first; then no work and no orphan."""
    bench.file.write_text(SETTINGS.format(account=bench.account))

    def run(command: str, *words: str) -> Result:
        return bench.of("private_api", command, *words)

    done = run("apply", "--json")
    assert done.code == 0, done.err
    moved = [each["region"] for each in done.of_type("instance.status")]
    assert tuple(dict.fromkeys(moved)) == REGIONS

    values = run("outputs", "--json").of_type("outputs")[0]["values"]
    for region in REGIONS:
        vpc = values["vpcs"][region]
        found = bench.client("ec2", region).describe_vpcs(VpcIds=[vpc])["Vpcs"]
        assert [each["CidrBlock"] for each in found] == ["10.0.0.0/16"]

    again = run("plan", "--detailed-exitcode")
    assert (again.code, "left over" in again.out) == (0, False), again.out

    gone = run("destroy")
    assert gone.code == 0, gone.err
    assert bench.client("iam").list_roles()["Roles"] == []
    for region in REGIONS:
        assert bench.client("cloudformation", region).describe_stacks()["Stacks"] == []


@pytest.mark.drill
def test_stacks_become_the_set_without_being_touched(bench: Bench):
    """D-24: the other way of deploying the same, and nothing is destroyed on the way over."""

    def wants(rollout: str) -> None:
        bench.file.write_text(STACKS_FIRST.format(account=bench.account, rollout=rollout))

    def run(command: str, *words: str) -> Result:
        return bench.of("private_api", command, *words)

    cloudformation = bench.client("cloudformation", "us-west-2")

    def regionals() -> list[dict[str, Any]]:
        found = cloudformation.describe_stacks()["Stacks"]
        return [each for each in found if "regional" in each["StackName"]]

    wants("stacks")
    assert run("apply").code == 0
    (before,) = regionals()

    wants("stackset")
    assert run("apply", "--phase", "account").code == 0
    words = ["stackset", "adopt", "private_api", before["StackId"], "--settings", str(bench.file)]
    assert run_command("templates.blueprints", words) == 0, bench.capture()
    # What the set says as well is now each Region's own: one operation, in which nothing changes.
    settled = run("apply")
    assert (settled.code, "nothing changes" in settled.out) == (0, True), settled.out
    again = run("plan", "--detailed-exitcode")
    assert (again.code, "left over" in again.out) == (0, False), again.out

    after = cloudformation.describe_stacks(StackName=before["StackId"])["Stacks"][0]
    assert after["Outputs"] == before["Outputs"]
    assert run("destroy").code == 0
    assert cloudformation.describe_stacks()["Stacks"] == []
