"""Have the service compare a stack with what is really there, and read what it found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.aws.calls import told, will_pass
from tapcfn.aws.paging import rows
from tapcfn.aws.stacks import name_of
from tapcfn.drift import PropertyDrift, ResourceDrift, StackDrift
from tapcfn.errors import CloudError, UnknownStatusError
from tapcfn.model import Target
from tapcfn.waits import Pace, Patience, settle

_RUNNING = "DETECTION_IN_PROGRESS"
_STATUSES = frozenset({"IN_SYNC", "MODIFIED", "DELETED", "NOT_CHECKED", "UNKNOWN", "UNSUPPORTED"})
_ROWS = 100
_ENDS = {"DETECTION_COMPLETE": True, "DETECTION_FAILED": False}


def detect(
    client: Any, stack_id: str, target: Target, patience: Patience, pace: Pace | None = None
) -> StackDrift:
    """Detect a stack's drift and wait for the end; a detection that failed carries results too.

    Raises `StillRunningError` where the run's patience ends first.
    """
    name = name_of(stack_id)
    with told(name, target):
        detection = client.detect_stack_drift(StackName=stack_id)["StackDriftDetectionId"]
        end = settle(
            f"drift detection of {name}",
            read=lambda: _status(client, detection),
            settled=lambda answer: answer["DetectionStatus"] != _RUNNING,
            patience=patience,
            pace=pace,
        )
        if end["DetectionStatus"] not in _ENDS:
            raise CloudError(
                f"{name}: drift detection is {end['DetectionStatus']}, which is unknown here"
            )
        resources = tuple(_resource(each) for each in _found(client, stack_id))
    reason = end.get("DetectionStatusReason", "")
    return StackDrift(_ENDS[end["DetectionStatus"]], reason, resources)


def _status(client: Any, detection: str) -> Mapping[str, Any]:
    """Return where a detection stands; a fault that passes by itself ends no wait."""
    try:
        answer: Mapping[str, Any] = client.describe_stack_drift_detection_status(
            StackDriftDetectionId=detection
        )
    except ClientError as error:
        if will_pass(error):
            return {"DetectionStatus": _RUNNING}
        raise
    return answer


def _found(client: Any, stack_id: str) -> Iterator[Mapping[str, Any]]:
    """Yield every resource, sorted; botocore has no paginator for this call."""
    ask = partial(client.describe_stack_resource_drifts, StackName=stack_id)
    listed = rows(ask, "StackResourceDrifts", most=_ROWS)
    found = {each["LogicalResourceId"]: each for each in listed}
    yield from (found[key] for key in sorted(found))


def _resource(each: Mapping[str, Any]) -> ResourceDrift:
    """Return what was found of one resource; a word that we do not know is not "no drift"."""
    if each["StackResourceDriftStatus"] not in _STATUSES:
        raise UnknownStatusError(
            f"{each['LogicalResourceId']}: its drift is {each['StackResourceDriftStatus']}, "
            "which is unknown here"
        )
    return ResourceDrift(
        each["LogicalResourceId"],
        each["ResourceType"],
        each.get("PhysicalResourceId", ""),
        each["StackResourceDriftStatus"],
        each.get("DriftStatusReason", ""),
        tuple(
            PropertyDrift(
                pair["PropertyPath"],
                pair["DifferenceType"],
                pair.get("ExpectedValue", ""),
                pair.get("ActualValue", ""),
            )
            for pair in each.get("PropertyDifferences", ())
        ),
    )
