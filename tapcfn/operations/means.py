"""What a step works with and may rely on, and what is under way since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tapcfn.clearing import Clearing
from tapcfn.events import Notify
from tapcfn.model import Deployed, Finding, Stack, StackEvent, StackStatus, Target
from tapcfn.ports import Clock, Cloud, Leaving, Ledger
from tapcfn.preview import Preview
from tapcfn.waits import Patience


@dataclass(frozen=True, slots=True)
class Means:
    """What every step works with; `tell` may be called from any thread."""

    cloud: Cloud
    clock: Clock
    ledger: Ledger
    patience: Patience | None = None
    tell: Notify = lambda _: None


@dataclass(frozen=True, slots=True)
class Approval:
    """What was agreed to: the previews, the allowances, and how literally to take them.

    `strict` stops a stack whose change set turns out to do more than the one that was reviewed.
    Of a set whose inputs come late only a `sample` is asked about at its turn, if that was wanted.
    By stack, `leaving` says what a deletion may leave behind, and `clearing` what is taken away
    before it.
    """

    previews: Mapping[str, Preview] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()
    strict: bool = False
    leaving: Mapping[str, Leaving] = field(default_factory=dict)
    clearing: Mapping[str, Clearing] = field(default_factory=dict)
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What a step may rely on: outputs so far (they grow as stacks end), zones, the approval."""

    outputs: dict[str, Mapping[str, str]] = field(default_factory=dict)
    zones: Mapping[Target, tuple[str, ...]] = field(default_factory=dict)
    approval: Approval = field(default_factory=Approval)


# Where a rollback that was asked for should end.
_ROLLED_BACK = frozenset(
    {
        StackStatus.DELETE_COMPLETE,
        StackStatus.ROLLBACK_COMPLETE,
        StackStatus.UPDATE_ROLLBACK_COMPLETE,
    }
)


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that CloudFormation is doing to a stack, known by the token that started it.

    `spent` lists the tokens that are used up once it is over; `before` is the stack as it stood
    until then, and `policy` the stack policy since.
    """

    stack: Stack
    stack_id: str
    token: str
    action: str
    started: float
    spent: tuple[str, ...] = ()
    adopted: bool = False
    before: Deployed | None = None
    policy: str = ""

    def has_begun(self, deployed: Deployed) -> bool:
        """Whether the stack is no longer as it was before, where its history can't be read."""
        if self.before is None or self.adopted:
            return True
        seen = (deployed.status, deployed.updated)
        return seen != (self.before.status, self.before.updated)

    def id_in(self, deployed: Deployed) -> str:
        """Return the service's own name for the operation, if the stack tells it."""
        return deployed.operations.get(f"{self.action.upper()}_STACK", "")

    def succeeded_with(self, status: StackStatus) -> bool:
        """Whether this final status is what the operation was for."""
        if self.action == "delete":
            return status is StackStatus.DELETE_COMPLETE
        if self.action == "recover":
            return status in _ROLLED_BACK
        return status.is_healthy


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at one operation brought: its history, the stack if it has settled, and why
    that was no success. `left` is what a success could not delete; `blind` why there is no history;
    `failed` that it is no success, whatever its status.
    """

    events: tuple[StackEvent, ...]
    settled: Deployed | None
    cause: str = ""
    left: tuple[Finding, ...] = ()
    blind: str = ""
    failed: bool = False
