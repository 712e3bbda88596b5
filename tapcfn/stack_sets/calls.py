"""What is sent for a stack set: one value for each call that writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tapcfn.intrinsics import partition_of
from tapcfn.model import ADMINISTRATION_ROLE, EMPTY, SelfManaged, StackSet, Target


class Act(StrEnum):
    """The calls that change a set or its instances."""

    CREATE = "create"  # CreateStackSet
    UPDATE = "update"  # UpdateStackSet
    ADD = "add"  # CreateStackInstances
    OVERRIDE = "override"  # UpdateStackInstances
    REMOVE = "remove"  # DeleteStackInstances
    DELETE = "delete"  # DeleteStackSet
    IMPORT = "import"  # ImportStacksToStackSet


# Those that start an operation, and so have an operation id.
OPERATIONS = frozenset({Act.UPDATE, Act.ADD, Act.OVERRIDE, Act.REMOVE, Act.IMPORT})


@dataclass(frozen=True, slots=True, order=True)
class Rectangle:
    """Accounts times Regions: all that one call can name. Both are sorted, and not empty.

    `units` are the organizational units that the accounts were found under, for service-managed
    sets: empty means that the accounts are named, else that `accounts` are all of theirs.
    """

    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    units: tuple[str, ...] = ()

    @property
    def pairs(self) -> frozenset[Target]:
        """Every account in every Region."""
        return frozenset(
            Target(account, region) for account in self.accounts for region in self.regions
        )


@dataclass(frozen=True, slots=True)
class SetCall:
    """One call that writes.

    `renews` is for UPDATE: the call carries the new template, parameters, tags and capabilities;
    else it says that all of that stays, and touches the named pairs only. `overrides` is what the
    named instances put in the place of the set's parameters: None leaves them as they are. `keeps`
    are parameters whose value stays where the rest is renewed, since nobody may know it.
    `capabilities` are acknowledged beside those that the template's text asks for.
    """

    act: Act
    rectangle: Rectangle | None = None
    renews: bool = False
    overrides: Mapping[str, str] | None = None
    retain: bool = False
    stack_ids: tuple[str, ...] = ()
    everyone: frozenset[Target] = frozenset()
    keeps: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()

    @property
    def pairs(self) -> frozenset[Target]:
        """The pairs that the call touches."""
        return self.rectangle.pairs if self.rectangle else self.everyone


@dataclass(frozen=True, slots=True)
class SetRequest:
    """A call with all that it sends: resolved parameters, and the token that names it.

    The token is the OperationId, or the ClientRequestToken of CREATE. DELETE has none: deleting
    what is gone is a success.
    """

    stack_set: StackSet
    call: SetCall
    token: str
    parameters: Mapping[str, str] = field(default_factory=lambda: EMPTY)


def administration_role_of(stack_set: StackSet) -> str:
    """Return the ARN of a self-managed set's administration role: the usual one, if none is named.

    It is always sent: a set that once had another is refused every update that names none.
    """
    permission = stack_set.permission
    named = permission.administration_role if isinstance(permission, SelfManaged) else ""
    home = stack_set.home
    arn = f"arn:{partition_of(home.region)}:iam::{home.account}:role/{ADMINISTRATION_ROLE}"
    return named or arn
