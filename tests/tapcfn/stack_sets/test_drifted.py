"""The same drift in many places is told once. (D-13)"""

from __future__ import annotations

from tapcfn.model import Target
from tapcfn.stack_sets.drifted import DriftGroup, always_there, group
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


def test_what_was_not_checked_is_told_by_resource() -> None:
    """With the service's word, or because it says nothing of a resource that the template has."""
    resources = {"Topic": TOPIC, "Own": "Custom::Own", "Policy": "AWS::IAM::Policy"}
    well = drift(ONE, "x", "IN_SYNC")
    told = InstanceDrift(TWO, "Own", "Custom::Own", "UNSUPPORTED")

    found = group({ONE: (well,), TWO: (drift(TWO, "y"), told), THREE: "no access"}, resources)

    assert (found.checked, found.drifted, found.unsupported) == (2, 1, 4)
    assert [(each.logical_id, each.status, each.pairs) for each in found.unchecked] == [
        ("Policy", "NOT_CHECKED", (ONE, TWO)),
        ("Own", "NOT_CHECKED", (ONE,)),
        ("Own", "UNSUPPORTED", (TWO,)),
    ]


def test_a_resource_under_a_condition_may_not_be_there() -> None:
    """Nothing is said of it; nor of a template that is no JSON."""
    body = """{"Resources": {
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Maybe": {"Type": "AWS::SQS::Queue", "Condition": "InProduction"}
    }}"""

    assert always_there(body) == {"Topic": TOPIC}
    assert always_there("Resources: {}") == {}
