"""private_api as a stack set: its own roles, Region after Region, outputs, and nothing left."""

from __future__ import annotations

from tests.end_to_end.conftest import Bench, Result

REGIONS = ("us-west-2", "eu-central-1")

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
