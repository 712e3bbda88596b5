"""What drift detection found, as text and as events."""

from __future__ import annotations

from tapcfn.drift import PropertyDrift, ResourceDrift, StackDrift
from tapcfn.report.drifted import drift_fields, drift_text
from tests.fakes import a_stack

STACK = a_stack("network", resources={"Topic": "AWS::SNS::Topic"})
CHANGED = ResourceDrift(
    "Topic",
    "AWS::SNS::Topic",
    "arn:topic",
    "MODIFIED",
    properties=(PropertyDrift("/DisplayName", "ADD", "", "x" * 200),),
)
SAME = ResourceDrift("Other", "AWS::SNS::Topic", "arn:other", "IN_SYNC")
UNCHECKED = ResourceDrift("Own", "Custom::Own", "", "NOT_CHECKED")


def text(**found: StackDrift | str) -> list[str]:
    return drift_text(found, dict.fromkeys(found, STACK)).splitlines()


def test_what_has_drifted_is_told_by_property_with_its_line():
    """Expected and actual; long values are cut; what is as it should be is counted."""
    lines = text(network=StackDrift(True, resources=(SAME, CHANGED, UNCHECKED)))

    assert [
        "network  us-east-1",
        "  MODIFIED  Topic  AWS::SNS::Topic — layers/network.py:10",
        f"      /DisplayName: (none) → {'x' * 100}…",
        "1 of 2 resources have drifted; 1 could not be checked.",
    ] == lines


def test_a_failed_detection_is_told_beside_its_results():
    """Partial success is named as that."""
    lines = text(network=StackDrift(False, "no access", (CHANGED,)), other="no such stack")

    assert "  ! detection failed: no access" in lines
    assert "  ! detection failed: no such stack" in lines
    assert lines[-1].endswith("; detection failed in 2 of 2 stacks.")


def test_programs_get_every_resource():
    """In the service's own words."""
    fields = drift_fields(STACK, StackDrift(True, resources=(SAME, CHANGED)))

    assert ("network", "DETECTION_COMPLETE") == (fields["unit"], fields["status"])
    assert ["IN_SYNC", "MODIFIED"] == [each["status"] for each in fields["resources"]]
    assert {"file": "layers/network.py", "line": 10} == fields["resources"][1]["source"]
    assert "DETECTION_FAILED" == drift_fields(STACK, "no")["status"]
