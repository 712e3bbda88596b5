"""What the outside must give us: a cloud, a clock and a ledger, in our own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tapcfn.drift import StackDrift
from tapcfn.model import (
    ChangeSet,
    Deployed,
    Holder,
    Stack,
    StackEvent,
    StackStatus,
    Target,
)
from tapcfn.remark import Remark


class Clock(Protocol):
    """Seconds since some moment, never going backwards, and a way to let them pass."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Imported:
    """An existing resource that a stack is to take over, and what names it: (property, value)."""

    logical_id: str
    resource_type: str
    identifier: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a change set is for, where it is no plain update: to import, or to revert drift."""

    imports: tuple[Imported, ...] = ()
    revert_drift: bool = False

    @property
    def words(self) -> list[object]:
        """What tells one purpose from another; nothing for a plain change set."""
        named = [[each.logical_id, dict(each.identifier)] for each in self.imports]
        return [named, self.revert_drift] if named or self.revert_drift else []


# How every change set of ours begins to describe itself.
OURS = "tapcfn intent="


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """One change set to be made: resolved parameters, and the token that names it.

    `intent` digests what is wanted, `base` what it was written against; both stand in the change
    set's description, so that a later process can tell whether it may be used.
    """

    stack: Stack
    parameters: Mapping[str, str]
    create: bool
    token: str
    intent: str
    base: str
    purpose: Purpose = field(default_factory=Purpose)

    @property
    def description(self) -> str:
        """What the change set says of itself."""
        return f"{OURS}{self.intent} base={self.base}"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What a deletion that failed before may leave behind: these resources, or `force` whatever
    does not go.
    """

    retain: tuple[str, ...] = ()
    force: bool = False


class Cloud(Protocol):
    """What a rollout asks of AWS. No boto3 type, dictionary or exception crosses this line."""

    def caller(self, target: Target) -> str:
        """Return the account id that the credentials for this target speak for."""
        ...

    def zones(self, target: Target) -> tuple[str, ...]:
        """Return the names of the Region's available Availability Zones, sorted."""
        ...

    def known_regions(self) -> frozenset[str]:
        """Return the Regions that are known without a call; there may be newer ones."""
        ...

    def regions(self, target: Target) -> Mapping[str, bool]:
        """Return every Region of the target's partition, and whether its account may use it."""
        ...

    def holder(self, resource_type: str, name: str, target: Target) -> Holder:
        """Return who has a resource of this name; raise `CloudError` where that can't be told."""
        ...

    def quota(self, resource_type: str, target: Target) -> tuple[int, int]:
        """Return how many resources of a counted type there are, and how many there may be."""
        ...

    def singleton(self, resource_type: str, target: Target) -> str:
        """Return what there is already of a type that can be there only once, or nothing."""
        ...

    def trust(self, role: str, target: Target) -> frozenset[str] | None:
        """Return the services that may assume a role (an ARN), or None where there is none such."""
        ...

    def importers(self, export: str, target: Target) -> tuple[str, ...]:
        """Return the names of the stacks that import an export; sorted."""
        ...

    def stack_policy(self, stack_id: str, target: Target) -> str:
        """Return the stack's policy, or nothing where it has none."""
        ...

    def stacks(
        self,
        target: Target,
        names: frozenset[str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Mapping[str, Deployed]:
        """Return a target's stacks that are not deleted, by name: one sweep.

        Given `names`, all others are passed over, whatever state they are in, but for those that
        have all of these `tags`.
        """
        ...

    def stack(self, stack_id: str, target: Target) -> Deployed:
        """Return one stack by its StackId, which goes on answering after deletion."""
        ...

    def template(self, stack_id: str, target: Target) -> str:
        """Return the deployed template: canonical if it is JSON, else as it was sent."""
        ...

    def moving(self, target: Target) -> Mapping[str, StackStatus]:
        """Return the status of every stack that is in progress, by StackId: one sweep."""
        ...

    def handover_fault(self, stack: Stack) -> str:
        """Say what keeps the stack's template from being handed over, or nothing; only reads."""
        ...

    def prepare(self, stack: Stack) -> None:
        """Raise `BlockedError` where the stack's template cannot be handed over."""
        ...

    def stage(self, request: ChangeRequest) -> ChangeSet | None:
        """Make the change set, or find the one that this token has made, and wait until written.

        An empty change set is removed and returned without changes. None says that an earlier
        attempt used up the token. Raises `StackError` with every finding of the service.
        """
        ...

    def change_set(self, arn: str, target: Target) -> tuple[ChangeSet, str] | None:
        """Return a change set and its ExecutionStatus, or None when it is gone."""
        ...

    def execute(
        self, change_set: ChangeSet, target: Target, token: str, *, updates: bool = False
    ) -> None:
        """Carry out the change set; harmless when this token has been sent before.

        One that `updates` a stack says that a failure is rolled back.
        """
        ...

    def discard(self, change_set: ChangeSet, target: Target) -> None:
        """Remove the change set, and the empty stack that it made if there was none before."""
        ...

    def withdraw(self, stack: str, target: Target, token: str) -> bool:
        """Discard the change set that a token has made in the stack of this name, if it stands.

        Whether one did: one that was carried out, or is not ours, stays.
        """
        ...

    def delete(
        self, stack_id: str, target: Target, token: str, leaving: Leaving | None = None
    ) -> None:
        """Start to delete a stack; `leaving` something is for stacks in DELETE_FAILED only."""
        ...

    def rollback(self, stack_id: str, target: Target, token: str) -> None:
        """Start to roll a stack back whose creation or update failed and was left as it was.

        One that never was as wanted loses all that it made.
        """
        ...

    def cancel(self, stack_id: str, target: Target, token: str) -> None:
        """Cancel an update that is under way, so that it is rolled back under this token."""
        ...

    def continue_rollback(
        self, stack_id: str, target: Target, token: str, *, skip: tuple[str, ...], force: bool
    ) -> None:
        """Go on with the failed rollback of an update, passing over `skip`, or over all faults."""
        ...

    def set_stack_policy(self, stack_id: str, target: Target, policy: str) -> None:
        """Put a stack policy in the place of the one that there is; doing it twice is harmless."""
        ...

    def protect(self, stack_id: str, target: Target, *, on: bool) -> None:
        """Set termination protection."""
        ...

    def events(self, stack_id: str, target: Target, token: str) -> tuple[StackEvent, ...]:
        """Return the events of the operation with this token, oldest first.

        With an empty token: all events of the stack that its history still holds.
        """
        ...

    def drift(self, stack_id: str, target: Target) -> StackDrift:
        """Detect a stack's drift and wait for the end.

        A detection that failed still says what it found.
        """
        ...

    def identifiers(self, stack: Stack) -> Mapping[str, tuple[str, ...]]:
        """Return the properties that identify each resource of the template for an import."""
        ...

    def remarks(self, subject: str, target: Target) -> tuple[Remark, ...]:
        """Return what early validation and hooks say of a change set (its ARN) or an operation (its
        id); never what they said of an earlier one.
        """
        ...

    def resources(self, stack_id: str, target: Target) -> Mapping[str, tuple[str, str]]:
        """Return (type, physical id) of what the stack holds, by logical ID."""
        ...

    def holds_objects(self, bucket: str, target: Target) -> bool:
        """Whether a bucket has any object, version or delete marker. An absent one has none."""
        ...

    def empty(self, bucket: str, target: Target) -> int:
        """Delete every version, delete marker and unfinished upload; return how many."""
        ...


class Unit(Protocol):
    """Whatever has a name and a place: a stack, a stack set or an action."""

    @property
    def name(self) -> str: ...

    @property
    def target(self) -> Target: ...


class Ledger(Protocol):
    """What must be known after this process is gone. Each note is on disk before it returns.

    `fault` says why notes can no longer be kept; nothing may be started then. (X-8)
    """

    @property
    def fault(self) -> str: ...

    def intend(self, operation: str, stack: Unit, token: str) -> None:
        """Note a token before the call that sends it."""
        ...

    def ended(self, token: str) -> None:
        """Note that what this token started is over, so that it can't be meant again."""
        ...

    def is_ours(self, token: str) -> bool:
        """Whether this or an earlier run has sent this token."""
        ...

    def has_ended(self, token: str) -> bool:
        """Whether what this token started is known to be over."""
        ...

    def took(self, action: str, stack: Unit, seconds: float) -> None:
        """Note how long an operation on a stack took that did what it was for."""
        ...

    def usually(self, action: str, stack: Unit) -> float | None:
        """Return the seconds that such an operation takes on the stack, where it is known."""
        ...
