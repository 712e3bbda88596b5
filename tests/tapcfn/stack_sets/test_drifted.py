"""The same drift in many places is told once. (D-13)"""

from __future__ import annotations

from tapcfn.model import Target
from tapcfn.stack_sets.drifted import DriftGroup, group
from tapcfn.stack_sets.ports import InstanceDrift

ONE, TWO, THREE = (Target(account * 12, "eu-west-1") for account in "123")
TOPIC = "AWS::SNS::Topic"


def drift(target: Target, actual: str, status: str = "MODIFIED") -> InstanceDrift:
    return InstanceDrift(target, "Topic", TOPIC, status, "/Name", "x", actual)


def test_alike_drift_is_one_group() -> None:
    """Values that differ by account and Region only are alike; the largest group comes first."""
    found = group(
        {
            THREE: (drift(THREE, "other"),),
            ONE: (drift(ONE, f"in {ONE.account} {ONE.region}"),),
            TWO: (drift(TWO, f"in {TWO.account} {TWO.region}"),),
        }
    )

    assert (
        DriftGroup(TOPIC, "Topic", "MODIFIED", "/Name", "x", "in {account} {region}", (ONE, TWO)),
        DriftGroup(TOPIC, "Topic", "MODIFIED", "/Name", "x", "other", (THREE,)),
    ) == found.groups


def test_instances_are_counted() -> None:
    """Checked and drifted ones, resources that can't be checked, and where detection failed."""
    custom = InstanceDrift(ONE, "Own", "Custom::Own", "NOT_CHECKED")
    gone = InstanceDrift(ONE, "Topic", TOPIC, "DELETED")

    found = group({ONE: (custom, gone), TWO: (drift(TWO, "x", "IN_SYNC"),), THREE: "no access"})

    assert (2, 1, 1, {THREE: "no access"}) == (
        found.checked,
        found.drifted,
        found.unsupported,
        found.failed,
    )
    assert [("DELETED", "")] == [(each.status, each.path) for each in found.groups]
