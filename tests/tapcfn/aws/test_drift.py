"""Drift detection: asked for, waited on, read whole; one that failed still says what it found."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.aws import drift
from tapcfn.drift import PropertyDrift, ResourceDrift
from tapcfn.errors import CloudError
from tapcfn.waits import Patience
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.wire import HERE, MORNING, STACK_ID, Wire

DETECTION = "11111111-2222-3333-4444-555555555555"


def status(word: str, **more: Any) -> dict[str, Any]:
    """Return where our detection stands."""
    return {
        "StackId": STACK_ID,
        "StackDriftDetectionId": DETECTION,
        "DetectionStatus": word,
        "Timestamp": MORNING,
        **more,
    }


def found(logical_id: str, word: str, **more: Any) -> dict[str, Any]:
    """Return one resource as the service lists it."""
    return {
        "StackId": STACK_ID,
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": f"my-{logical_id.lower()}",
        "ResourceType": "AWS::SNS::Topic",
        "StackResourceDriftStatus": word,
        "Timestamp": MORNING,
        **more,
    }


def detected(cfn: Wire, *statuses: dict[str, Any]) -> None:
    """Queue a detection that goes through these statuses."""
    cfn.answers("detect_stack_drift", {"StackDriftDetectionId": DETECTION}, StackName=STACK_ID)
    for each in statuses:
        cfn.answers("describe_stack_drift_detection_status", each, StackDriftDetectionId=DETECTION)


def detect(cfn: Wire) -> drift.StackDrift:
    return drift.detect(cfn.client, STACK_ID, HERE, Patience(FakeClock()))


def test_every_page_is_read_and_sorted(cfn):
    """botocore has no paginator here; an empty page with a token is no end."""
    detected(cfn, status("DETECTION_IN_PROGRESS"), status("DETECTION_COMPLETE"))
    pair = {
        "PropertyPath": "/DisplayName",
        "ExpectedValue": "a",
        "ActualValue": "b",
        "DifferenceType": "NOT_EQUAL",
    }
    changed = found("Topic", "MODIFIED", PropertyDifferences=[pair])
    cfn.answers(
        "describe_stack_resource_drifts",
        {"StackResourceDrifts": [changed], "NextToken": "2"},
        StackName=STACK_ID,
        MaxResults=100,
    )
    cfn.answers(
        "describe_stack_resource_drifts",
        {"StackResourceDrifts": [], "NextToken": "3"},
        StackName=STACK_ID,
        MaxResults=100,
        NextToken="2",
    )
    cfn.answers(
        "describe_stack_resource_drifts",
        {"StackResourceDrifts": [found("Gone", "DELETED"), found("Ok", "IN_SYNC")]},
        StackName=STACK_ID,
        MaxResults=100,
        NextToken="3",
    )

    seen = detect(cfn)

    assert seen.complete
    assert ["Gone", "Ok", "Topic"] == [each.logical_id for each in seen.resources]
    assert (
        ResourceDrift("Gone", "AWS::SNS::Topic", "my-gone", "DELETED"),
        ResourceDrift(
            "Topic",
            "AWS::SNS::Topic",
            "my-topic",
            "MODIFIED",
            properties=(PropertyDrift("/DisplayName", "NOT_EQUAL", "a", "b"),),
        ),
    ) == seen.drifted


def test_a_detection_that_failed_carries_results(cfn):
    """One resource that cannot be read fails the whole; the others are told all the same."""
    detected(cfn, status("DETECTION_FAILED", DetectionStatusReason="no access to Key"))
    cfn.answers(
        "describe_stack_resource_drifts",
        {"StackResourceDrifts": [found("Topic", "MODIFIED")]},
        StackName=STACK_ID,
        MaxResults=100,
    )

    seen = detect(cfn)

    assert (False, "no access to Key", 1) == (seen.complete, seen.reason, len(seen.drifted))


def test_a_throttle_ends_no_wait(cfn):
    """The same status is asked for again. (X-9)"""
    cfn.answers("detect_stack_drift", {"StackDriftDetectionId": DETECTION}, StackName=STACK_ID)
    cfn.refuses(
        "describe_stack_drift_detection_status", "Throttling", StackDriftDetectionId=DETECTION
    )
    cfn.answers(
        "describe_stack_drift_detection_status",
        status("DETECTION_COMPLETE"),
        StackDriftDetectionId=DETECTION,
    )
    cfn.says("describe_stack_resource_drifts", {"StackResourceDrifts": []})

    assert detect(cfn).complete


def test_an_unknown_status_is_no_result(cfn):
    """A word that is new to us stops us. (X-37)"""
    detected(cfn, status("DETECTION_PONDERING"))

    with pytest.raises(CloudError, match="DETECTION_PONDERING, which is unknown here"):
        detect(cfn)
