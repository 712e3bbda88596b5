"""Organizations: which account is in which one, and where in it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from ministack.services import organizations as _organizations

Record = Mapping[str, Any]


def management_of(account: str) -> str:
    """Return the management account of an account's organization, empty if it is in none."""
    if (account, "self") in _organizations._orgs._data:
        return account
    members = list(_organizations._accounts._data)
    return next((owner for owner, member in members if member == account), "")


def found() -> Record:
    """Make the current account the management account of a new organization; return that."""
    _organizations._ensure_org()
    return dict(_organizations._orgs["self"])


def dissolve() -> None:
    """End the organization of the current account."""
    for store in (
        *(_organizations._orgs, _organizations._accounts, _organizations._ous),
        *(_organizations._roots, _organizations._tags, _organizations._policies),
        *(_organizations._attachments, _organizations._create_statuses),
    ):
        for key in list(store):
            del store[key]


def accounts() -> MutableMapping[str, Any]:
    """Return the accounts of the current account's organization, by id."""
    return _organizations._accounts  # type: ignore[no-any-return]


def units() -> MutableMapping[str, Any]:
    """Return its organizational units, by id."""
    return _organizations._ous  # type: ignore[no-any-return]


def roots() -> MutableMapping[str, Any]:
    """Return its root, by id."""
    return _organizations._roots  # type: ignore[no-any-return]


def parent_of(record: Record) -> str:
    """Return the id of the root or unit that an account or a unit is in."""
    return str(record["_ParentId"])


def shown(record: Record) -> dict[str, Any]:
    """Return a record as the service tells it."""
    return {name: value for name, value in record.items() if not name.startswith("_")}
