"""Detect how far a stack set's instances have drifted, and read what was found."""

from __future__ import annotations

from enum import StrEnum

from tapcfn.aws.behalf import Behalf
from tapcfn.aws.paging import Answer
from tapcfn.aws.stack_set_reads import known, told_set
from tapcfn.model import Target
from tapcfn.stack_sets.ports import InstanceDrift, SetDrift


class Detection(StrEnum):
    """The service's words for where a detection stands."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    PARTIAL_SUCCESS = "PARTIAL_SUCCESS"
    IN_PROGRESS = "IN_PROGRESS"
    STOPPED = "STOPPED"


class Drift(StrEnum):
    """The service's words for a set, one of its instances or one of their resources."""

    DRIFTED = "DRIFTED"
    IN_SYNC = "IN_SYNC"
    NOT_CHECKED = "NOT_CHECKED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    UNKNOWN = "UNKNOWN"
    UNSUPPORTED = "UNSUPPORTED"


def found(behalf: Behalf, name: str) -> SetDrift | None:
    """Return what the last detection found, or None where there was none."""
    details = (told_set(behalf, name) or {}).get("StackSetDriftDetectionDetails", {})
    if not details.get("DriftDetectionStatus"):
        return None
    return SetDrift(
        status=known(Detection, details["DriftDetectionStatus"], name),
        drift=known(Drift, details.get("DriftStatus", "NOT_CHECKED"), name),
        total=details.get("TotalStackInstancesCount", 0),
        drifted=details.get("DriftedStackInstancesCount", 0),
        in_sync=details.get("InSyncStackInstancesCount", 0),
        in_progress=details.get("InProgressStackInstancesCount", 0),
        failed=details.get("FailedStackInstancesCount", 0),
    )


def in_instance(
    behalf: Behalf, name: str, pair: Target, operation_id: str
) -> tuple[InstanceDrift, ...]:
    """Return what one detection found in an instance, property by property; sorted.

    A resource that is gone, in sync or not checked has one line, without a property. The service
    may leave out those that it does not check.
    """
    resources = behalf.rows(
        "list_stack_instance_resource_drifts",
        StackSetName=name,
        StackInstanceAccount=pair.account,
        StackInstanceRegion=pair.region,
        OperationId=operation_id,
    )
    by_place = {
        (each.logical_id, each.path): each
        for resource in resources
        for each in _differences(pair, resource)
    }
    return tuple(by_place[place] for place in sorted(by_place))


def _differences(pair: Target, resource: Answer) -> list[InstanceDrift]:
    return [
        InstanceDrift(
            target=pair,
            logical_id=resource["LogicalResourceId"],
            resource_type=resource["ResourceType"],
            status=known(Drift, resource["StackResourceDriftStatus"], f"instance {pair}"),
            path=each.get("PropertyPath", ""),
            expected=each.get("ExpectedValue", ""),
            actual=each.get("ActualValue", ""),
            physical_id=resource.get("PhysicalResourceId", ""),
        )
        for each in resource.get("PropertyDifferences") or [{}]
    ]
