"""What CloudFormation says of a difference, and how it carries it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tapcfn.model.templates import EMPTY, SourceLine

# What a policy may say that leaves the resource, or a copy of its data. Whatever else it says, even
# a word that is unknown here, is taken for a loss. (D-18, X-37)
_KEEPING = frozenset({"Retain", "Snapshot", "ReplaceAndRetain", "ReplaceAndSnapshot"})


class Replacement(StrEnum):
    """Whether a change makes a new physical resource."""

    TRUE = "True"
    FALSE = "False"
    CONDITIONAL = "Conditional"


@dataclass(frozen=True, slots=True)
class Detail:
    """One property, tag or attribute that a change touches, and why."""

    path: str
    before: str | None = None
    after: str | None = None
    recreation: str = "Never"
    evaluation: str = "Static"
    source: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One resource in a change set."""

    logical_id: str
    resource_type: str
    action: str
    physical_id: str = ""
    replacement: Replacement | None = None
    policy_action: str = ""
    details: tuple[Detail, ...] = ()
    nested: ChangeSet | None = None

    @property
    def loses(self) -> bool:
        """Whether the physical resource goes away, and is not kept by its policy."""
        if self.policy_action:
            return self.policy_action not in _KEEPING
        return self.action == "Remove" or self.replacement is Replacement.TRUE


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """CloudFormation's own answer to "what would this do?".

    `empty` is its word for "nothing". A change set without changes that is not empty still has
    something to carry out: outputs, or a policy. `acknowledged` has the capabilities that the
    service was asked for, each with the reason. `unread` is why there are no values of before and
    after. An update's is of a stack that there is, so that it never `may_leave_shell` behind.
    """

    arn: str
    stack: str
    stack_id: str
    changes: tuple[Change, ...] = ()
    empty: bool = False
    acknowledged: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    unread: str = ""
    may_leave_shell: bool = field(default=True, compare=False)

    def count(self, action: str) -> int:
        """Return how many resources have this action."""
        return sum(change.action == action for change in self.changes)

    @property
    def replacements(self) -> int:
        """How many resources are or may be replaced."""
        return sum(
            change.replacement in {Replacement.TRUE, Replacement.CONDITIONAL}
            for change in self.changes
        )


@dataclass(frozen=True, slots=True)
class StackEvent:
    """One line of a stack's history. `objection` is what a Hook that failed says, with its name."""

    event_id: str
    logical_id: str
    resource_type: str
    status: str
    reason: str = ""
    physical_id: str = ""
    token: str = ""
    time: str = ""
    objection: str = ""

    @property
    def is_failure(self) -> bool:
        """The resource, or the stack, failed here."""
        return self.status.endswith("_FAILED")


def reason_of(failed: StackEvent, events: Iterable[StackEvent]) -> str:
    """Return why a resource failed, with what Hooks objected to it: it names them only. (X-29)"""
    said = dict.fromkeys(e.objection for e in events if e.logical_id == failed.logical_id)
    objections = [each for each in said if each and each not in failed.reason]
    return "; ".join([failed.reason or "no reason given", *objections])


class Severity(StrEnum):
    """How much an objection weighs: an error stops, a warning is shown."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection to a template or to a change.

    `nested` is the path of logical IDs to the nested stack that it is in, empty at the root;
    `path` the property. `allowed_by` is the allowance that made an error an information.
    """

    rule: str
    severity: Severity
    stack: str
    logical_id: str
    message: str
    source: SourceLine | None = None
    origin: str = "guard"
    nested: str = ""
    path: str = ""
    allowed_by: str = ""


class Ending(StrEnum):
    """How one stack's part in a run ended."""

    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    RUNNING = "running"
