"""Sets for organizational units: who is meant, who is left out, and what is said of both."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.conftest import Bench
from tests.end_to_end.sets import NAME, service_managed

WAVES = """
[[stack_sets.base.waves]]
name = "canary"
count = 1
"""


def test_a_suspended_account_is_named_wherever_targets_are_told(
    bench: Bench, tmp_path: Path
) -> None:
    """Before the rollout, while nothing is deployed, and in what it ends with. (R-25, D-11)"""
    folder = service_managed(bench, tmp_path / "sets")
    folder.settings(WAVES)
    asleep, awake = folder.accounts
    bench.client("organizations").close_account(AccountId=asleep)
    named = {"account": asleep, "name": "a0"}

    (simulated,) = folder.done("stackset simulate").of_type("stackset.simulation")
    applied = folder.done("apply")
    (status,) = folder.done("stackset status").of_type("stackset.status")

    assert (2, ["canary", "rest"]) == (
        simulated["pairs"],
        [each["name"] for each in simulated["waves"]],
    )
    assert [named] == simulated["left_out"] == status["left_out"]
    (finding,) = applied.of_type("finding")
    assert (NAME, asleep, "suspended-account") == (
        finding["unit"],
        finding["account"],
        finding["rule"],
    )
    (unit,) = applied.lines[-1]["units"]
    assert [f"account {asleep} (a0): is suspended; left out of the targets"] == unit["warnings"]
    assert {(awake, region) for region in folder.regions} == folder.pairs()


SHUT = """
[[fault]]
do = "reword"
service = "cloudformation"
operation = "DescribeOrganizationsAccess"
word = "ENABLED"
instead = "DISABLED_PERMANENTLY"
"""


def test_an_organization_that_shuts_stack_sets_out_is_told_with_the_call_that_lets_them_in(
    bench: Bench, tmp_path: Path
) -> None:
    """Exit 4 before any write, switched off or for good; that very call is what it takes."""
    folder = service_managed(bench, tmp_path / "sets")
    folder.settings()
    folder.cloudformation.deactivate_organizations_access()

    off = folder.do("apply")
    folder.cloudformation.activate_organizations_access()
    folder.inject(SHUT)
    for_good = folder.do("apply")
    folder.inject("")

    call = "aws cloudformation activate-organizations-access --region us-east-1"
    assert (4, 4) == (off.code, for_good.code)
    assert f"(DISABLED); in its management account: {call}" in off.out
    assert f"(DISABLED_PERMANENTLY); in its management account: {call}" in for_good.out
    assert "aws organizations enable-all-features" in for_good.out
    assert not folder.is_there()
