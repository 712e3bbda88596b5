"""The account baseline on the local cloud: from no role to accounts that have it, and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tapcfn.local import server
from tests.end_to_end.conftest import Bench, Result
from tests.end_to_end.sets import SetFolder, service_managed
from tests.local_cloud import Aws

SETTINGS = """\
backend = "local"
account = "{0}"
keep_data = false
termination_protection = false
target_accounts = {1}
regions = ["us-east-1", "eu-west-1"]
preferences.concurrent_percent = 100
preferences.mode = "soft"
"""


@pytest.mark.drill
@pytest.mark.parametrize("count", [1, 3])
def test_every_account_gets_the_baseline_in_every_region(bench: Bench, count: int):
    """Two sets over accounts and Regions, by roles that bootstrap made."""
    accounts = [f"{number + 1}{bench.account[1:]}" for number in range(count)]
    bench.file.write_text(SETTINGS.format(bench.account, json.dumps(accounts)))

    def run(command: str, *words: str) -> Result:
        return bench.of("baseline", command, *words)

    missing = run("apply")
    assert (missing.code, "bootstrap" in missing.err) == (4, True), missing.err
    for command in ("bootstrap", "apply"):
        done = run(command)
        assert done.code == 0, done.err

    for account in accounts:
        there = Aws(bench.url, account)
        trails = there.client("cloudtrail").describe_trails()["trailList"]
        assert [each["IsMultiRegionTrail"] for each in trails] == [True]
        policy = there.client("iam").get_account_password_policy()["PasswordPolicy"]
        assert policy["PasswordReusePrevention"] == 24
        for region in ("us-east-1", "eu-west-1"):
            groups = there.client("ec2", region).describe_security_groups(
                Filters=[{"Name": "group-name", "Values": ["default"]}]
            )["SecurityGroups"]
            assert groups, "each Region has a default VPC"
            for each in groups:
                assert (each["IpPermissions"], each["IpPermissionsEgress"]) == ([], [])
            config = there.client("config", region)
            (recorder,) = config.describe_configuration_recorders()["ConfigurationRecorders"]
            own = recorder["recordingGroup"]["includeGlobalResourceTypes"]
            assert own == (region == "us-east-1")

    gone = run("destroy")
    assert gone.code == 0, gone.err
    (role,) = there.client("iam").list_roles()["Roles"]
    assert role["RoleName"] == "baseline-execution"


OVER_UNITS = """\
backend = "local"
account = "{0}"
accounts = {1}
keep_data = false
termination_protection = false
organizational_units = ["{2}"]
regions = ["us-east-1", "eu-west-1"]
auto_deployment = false
preferences.concurrent_percent = 100
preferences.mode = "soft"
"""


@pytest.mark.drill
@pytest.mark.parametrize("table", ["x03_twice", "x10_cut"])
def test_over_an_organization_nothing_is_begun_twice(
    bench: Bench, tmp_path: Path, table: str
) -> None:
    """Answers of all writes are lost or broken; the next run has nothing to do. (X-3, X-10)"""
    fleet: SetFolder = service_managed(bench, tmp_path / "fleet")
    accounts = json.dumps([bench.account, *fleet.accounts])
    bench.file.write_text(OVER_UNITS.format(bench.account, accounts, fleet.unit))

    def run(command: str, *words: str) -> Result:
        return bench.of("baseline", command, *words)

    try:
        fleet.inject(table)
        first = run("apply", "--json")
    finally:
        server.inject(bench.root, "")
    again = run("plan", "--detailed-exitcode", "--json")

    assert (first.code, again.code) == (0, 0), first.out + again.out
    sets = fleet.cloudformation.list_stack_sets(Status="ACTIVE")["Summaries"]
    assert {"CREATE": len(sets)} == fleet.starts()
    ended = [each for line in first.of_type("summary") for each in line["units"]]
    assert {"done"} == {each["ending"] for each in ended}
    for account in fleet.accounts:
        iam = Aws(bench.url, account).client("iam")
        assert iam.get_account_password_policy()["PasswordPolicy"]["PasswordReusePrevention"] == 24
    gone = run("destroy")
    assert gone.code == 0, gone.err
    assert not fleet.cloudformation.list_stack_sets(Status="ACTIVE")["Summaries"]
