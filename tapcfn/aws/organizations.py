"""Who is in an organization, by organizational unit; and whether StackSets may see it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from typing import Any

from tapcfn.aws import paging
from tapcfn.aws.behalf import Behalf
from tapcfn.aws.paging import Answer
from tapcfn.aws.stack_set_reads import known
from tapcfn.model import Member

# The most that the service puts on a page.
_ROWS = 20


class State(StrEnum):
    """The service's words for an account: of Status, and of State that takes its place."""

    ACTIVE = "ACTIVE"
    CLOSED = "CLOSED"
    PENDING_ACTIVATION = "PENDING_ACTIVATION"
    PENDING_CLOSURE = "PENDING_CLOSURE"
    SUSPENDED = "SUSPENDED"


class Access(StrEnum):
    """Whether StackSets may see the organization."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    DISABLED_PERMANENTLY = "DISABLED_PERMANENTLY"


def members(client: Any, units: tuple[str, ...]) -> tuple[Member, ...]:
    """Return the accounts under units or the root, however deep, each once; sorted.

    The management account is none of them: service-managed sets pass it over.
    """
    organization = client.describe_organization()["Organization"]
    found = {each.account: each for unit in _within(client, units) for each in _in(client, unit)}
    found.pop(organization.get("MasterAccountId", ""), None)
    return tuple(found[account] for account in sorted(found))


def _within(client: Any, units: tuple[str, ...]) -> Iterator[str]:
    """Yield the units and all units in them, each once."""
    seen: set[str] = set()
    waiting = list(units)
    while waiting:
        unit = waiting.pop(0)
        if unit in seen:
            continue
        seen.add(unit)
        yield unit
        ask = partial(client.list_organizational_units_for_parent, ParentId=unit)
        waiting += [each["Id"] for each in paging.rows(ask, "OrganizationalUnits", most=_ROWS)]


def _in(client: Any, unit: str) -> Iterator[Member]:
    ask = partial(client.list_accounts_for_parent, ParentId=unit)
    for each in paging.rows(ask, "Accounts", most=_ROWS):
        active = _state(each) is State.ACTIVE
        yield Member(each["Id"], unit, suspended=not active, name=each.get("Name", ""))


def _state(account: Answer) -> State:
    word = account.get("State") or account.get("Status", "")
    return known(State, word, f"account {account['Id']}", "AWS Organizations")


def access(behalf: Behalf) -> str:
    """Return whether StackSets may use the organization."""
    return known(Access, behalf("describe_organizations_access")["Status"], "organizations access")
