"""What has been changed behind CloudFormation's back: the nouns of drift."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PropertyDrift:
    """One property that is not as the template wants it: added, removed or another value."""

    path: str
    kind: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class ResourceDrift:
    """One resource as a detection found it, in the service's words.

    `status` is IN_SYNC, MODIFIED, DELETED, NOT_CHECKED (its type cannot be checked), UNKNOWN or
    UNSUPPORTED.
    """

    logical_id: str
    resource_type: str
    physical_id: str
    status: str
    reason: str = ""
    properties: tuple[PropertyDrift, ...] = ()

    @property
    def has_drifted(self) -> bool:
        """Whether it is not as the template wants it."""
        return self.status in {"MODIFIED", "DELETED"}


@dataclass(frozen=True, slots=True)
class StackDrift:
    """One stack's detection: whether it went through, why not, and what it found all the same."""

    complete: bool
    reason: str = ""
    resources: tuple[ResourceDrift, ...] = ()

    @property
    def drifted(self) -> tuple[ResourceDrift, ...]:
        """The resources that have drifted."""
        return tuple(each for each in self.resources if each.has_drifted)

    def count(self, *statuses: str) -> int:
        """Return how many resources are in one of these statuses."""
        return sum(each.status in statuses for each in self.resources)
