"""What is deployed now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tapcfn.model.places import Target
from tapcfn.model.stack_sets import FoundSet
from tapcfn.model.statuses import StackStatus
from tapcfn.model.templates import EMPTY


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack as it stands in AWS.

    `updated` is the service's own word for the last change (creation time before the first
    update), an opaque string. `template_digest` is that of the canonical template, empty where it
    was not asked for, and `template` its text. `exports` has the names that outputs are exported
    by, by output key. `notified` and `role` are its notification ARNs and its service role;
    `policy` is its stack policy, empty where it was not asked for. `operations` has the id of the
    last operation of each type; `parent` the StackId of the stack that it is nested in. `express`
    says that somebody deployed it in EXPRESS mode, in which it takes no RollbackStack.
    """

    name: str
    stack_id: str
    status: StackStatus
    reason: str = ""
    updated: str = ""
    parameters: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    outputs: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    protected: bool = False
    template_digest: str = ""
    template: str = field(default="", compare=False, repr=False)
    exports: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    notified: frozenset[str] = frozenset()
    role: str = ""
    policy: str = ""
    operations: Mapping[str, str] = field(default_factory=lambda: EMPTY, compare=False)
    parent: str = ""
    express: bool = field(default=False, compare=False)

    @property
    def base(self) -> str:
        """What a change set is written against: this stack at this moment."""
        return "absent" if self.status.is_absent else f"{self.stack_id}@{self.updated}"


@dataclass(frozen=True, slots=True)
class Orphan:
    """A deployed stack that a rollout made once and no longer has."""

    target: Target
    deployed: Deployed


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is deployed now: the rollout's stacks by name, and each target's zones in order.

    `orphans` are stacks of the same blueprint and stage that the rollout no longer has; `sets` has
    the rollout's stack sets by name.
    """

    stacks: Mapping[str, Deployed] = field(default_factory=lambda: EMPTY)
    zones: Mapping[Target, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    orphans: tuple[Orphan, ...] = ()
    sets: Mapping[str, FoundSet] = field(default_factory=lambda: EMPTY)

    def status(self, stack: str) -> StackStatus | None:
        """Return the stack's status, or None where nothing of that name is deployed."""
        deployed = self.stacks.get(stack)
        return deployed.status if deployed else None


class Holder(StrEnum):
    """Who has a name that a template wants to give."""

    NOBODY = "nobody"
    ACCOUNT = "this account"
    OTHERS = "another account"
