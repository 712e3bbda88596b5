"""What stack sets ask of the organization that the current account manages: its tree, read once.

The management account itself is nobody's target, wherever it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tapcfn.local import emulator

SUSPENDED = "SUSPENDED"


@dataclass(frozen=True, slots=True)
class Tree:
    """Parents by id of account or unit, accounts in their order, and those that are suspended."""

    parents: Mapping[str, str]
    accounts: tuple[str, ...]
    suspended: frozenset[str]
    roots: frozenset[str]

    def path(self, account: str) -> tuple[str, ...]:
        """Return the units and the root that an account is in, the innermost first."""
        found, here = [], self.parents.get(account, "")
        while here:
            found.append(here)
            here = self.parents.get(here, "")
        return tuple(found)

    def within(self, unit: str) -> tuple[str, ...]:
        """Return the accounts of a unit or root and of all units in it."""
        return tuple(each for each in self.accounts if unit in self.path(each))

    def knows(self, unit: str) -> bool:
        """Tell whether it is a unit or the root."""
        return unit in self.roots or (unit.startswith("ou-") and unit in self.parents)


def tree() -> Tree:
    """Read the tree of the current account's organization."""
    here = emulator.organizations
    accounts, units = dict(here.accounts()), dict(here.units())
    management = emulator.account_id()
    return Tree(
        parents={key: here.parent_of(each) for key, each in {**accounts, **units}.items()},
        accounts=tuple(key for key in accounts if key != management),
        suspended=frozenset(
            key for key, each in accounts.items() if each.get("Status") == SUSPENDED
        ),
        roots=frozenset(here.roots()),
    )


def is_suspended(management: str, account: str) -> bool:
    """Tell whether an account of an organization is suspended."""
    with emulator.request_scope(management, emulator.region()):
        record = emulator.organizations.accounts().get(account) or {}
    return record.get("Status") == SUSPENDED
