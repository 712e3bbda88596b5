"""What a stack set asks of AWS, in our own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tapcfn.model import (
    DeployedSet,
    Instance,
    Member,
    ResultStatus,
    SetOperation,
    SetResult,
    StackSet,
    Target,
)
from tapcfn.stack_sets.calls import SetRequest


@dataclass(frozen=True, slots=True)
class SetDrift:
    """What the last drift detection of a set found, by number of instances.

    `status` is the service's word for the detection: COMPLETED, PARTIAL_SUCCESS, FAILED, STOPPED or
    IN_PROGRESS.
    """

    status: str
    drift: str
    total: int = 0
    drifted: int = 0
    in_sync: int = 0
    in_progress: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class InstanceDrift:
    """A property of an instance's resource that is not as its template says.

    Without a path it is the resource: gone, in sync, or not checked.
    """

    target: Target
    logical_id: str
    resource_type: str
    status: str
    path: str = ""
    expected: str = ""
    actual: str = ""
    physical_id: str = ""


class SetCloud(Protocol):
    """Every call says by itself on whose behalf it is made (CallAs): it knows the set. (R-19)

    Reads are drained over all pages and raise `CloudError`; an unknown status raises
    `UnknownStatusError`.
    """

    def stack_set(self, stack_set: StackSet) -> DeployedSet | None:
        """Return the set of this name as it stands, or None where there is none."""
        ...

    def instances(self, stack_set: StackSet, operation_id: str = "") -> tuple[Instance, ...]:
        """Return all instances, or those that this operation was the last to touch; sorted."""
        ...

    def instance(self, stack_set: StackSet, pair: Target) -> Instance | None:
        """Return one instance with its overrides: the only read that tells them."""
        ...

    def operations(self, stack_set: StackSet) -> tuple[SetOperation, ...]:
        """Return the operations that the service remembers, newest first."""
        ...

    def operation(self, stack_set: StackSet, operation_id: str) -> SetOperation | None:
        """Return one operation, or None where there is none of this id."""
        ...

    def results(
        self, stack_set: StackSet, operation_id: str, status: ResultStatus | None = None
    ) -> tuple[SetResult, ...]:
        """Return how the pairs of an operation ended, or only those that ended so; sorted."""
        ...

    def send(self, request: SetRequest) -> None:
        """Make the call. Sent again with the same token it is the same call.

        Raises `BusyError` while another operation is at work, and `StaleError` where others have
        changed the set since this token was first sent.
        """
        ...

    def stop(self, stack_set: StackSet, operation_id: str) -> None:
        """Ask an operation to stop; harmless where it has ended."""
        ...

    def members(self, home: Target, units: tuple[str, ...]) -> tuple[Member, ...]:
        """Return the accounts under organizational units, however deep; sorted."""
        ...

    def access(self, home: Target, *, delegated: bool) -> str:
        """Return whether StackSets may use the organization: ENABLED, DISABLED …"""
        ...

    def detect_drift(self, stack_set: StackSet, token: str) -> None:
        """Start a drift detection over all instances; its operation id is the token."""
        ...

    def drift(self, stack_set: StackSet) -> SetDrift | None:
        """Return what the last detection found, or None where there was none."""
        ...

    def instance_drifts(
        self, stack_set: StackSet, pair: Target, operation_id: str
    ) -> tuple[InstanceDrift, ...]:
        """Return what one detection found in an instance, property by property.

        Resources whose type can't be checked may be left out.
        """
        ...

    def known_sets(self, stack_set: StackSet) -> Mapping[str, bool]:
        """Return the names of all sets of this set's administrator, and whether each is there.

        The service remembers those that were deleted for a while.
        """
        ...

    def auto_deployment_targets(self, stack_set: StackSet) -> Mapping[str, tuple[str, ...]]:
        """Return the Regions that accounts joining each organizational unit get instances in."""
        ...
