"""What the outside must give us: a cloud, a clock and a ledger, in our own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tapcfn.model import (
    ChangeSet,
    Deployed,
    Stack,
    StackEvent,
    StackStatus,
    Target,
)


class Clock(Protocol):
    """Seconds since some moment, never going backwards, and a way to let them pass."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


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

    @property
    def description(self) -> str:
        """What the change set says of itself."""
        return f"tapcfn intent={self.intent} base={self.base}"


class Cloud(Protocol):
    """What a rollout asks of AWS. No boto3 type, dictionary or exception crosses this line."""

    def caller(self, target: Target) -> str:
        """Return the account id that the credentials for this target speak for."""
        ...

    def zones(self, target: Target) -> tuple[str, ...]:
        """Return the names of the Region's available Availability Zones, sorted."""
        ...

    def stacks(self, target: Target, names: frozenset[str] | None = None) -> Mapping[str, Deployed]:
        """Return a target's stacks that are not deleted, by name: one sweep.

        Given `names`, all others are passed over, whatever state they are in.
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

    def execute(self, change_set: ChangeSet, target: Target, token: str) -> None:
        """Carry out the change set; harmless when this token has been sent before."""
        ...

    def discard(self, change_set: ChangeSet, target: Target) -> None:
        """Remove the change set, and the empty stack that it made if there was none before."""
        ...

    def delete(self, stack_id: str, target: Target, token: str) -> None:
        """Start to delete a stack."""
        ...

    def protect(self, stack_id: str, target: Target, *, on: bool) -> None:
        """Set termination protection."""
        ...

    def events(self, stack_id: str, target: Target, token: str) -> tuple[StackEvent, ...]:
        """Return the events of the operation with this token, oldest first.

        With an empty token: all events of the stack that its history still holds.
        """
        ...

    def findings(self, stack_id: str, target: Target) -> tuple[tuple[str, str], ...]:
        """Return (logical ID, text) of what early validation and hooks have found in a stack."""
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


class Ledger(Protocol):
    """What must be known after this process is gone. Each note is on disk before it returns."""

    def intend(self, operation: str, stack: Stack, token: str) -> None:
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
