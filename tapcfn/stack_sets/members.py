"""The accounts of an organization from a file, where nobody can or should ask the organization."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tapcfn.errors import ConfigError
from tapcfn.model import Member, Organization
from tapcfn.stack_sets.tables import Row, read_rows, shown
from tapcfn.stack_sets.targets import account_fault

# Of an organizational unit, or of the root that holds them all.
_UNIT = re.compile(r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32}")

# The service's words for an account; only the first may have instances.
_STATES = ("ACTIVE", "SUSPENDED", "CLOSED", "PENDING_ACTIVATION", "PENDING_CLOSURE")

_KEYS = ("account", "ou", "name", "status")


@dataclass(frozen=True, slots=True)
class Listed:
    """An account of a file, and the ids on its way from the root, as far as they are told."""

    account: str
    path: tuple[str, ...]
    suspended: bool = False
    name: str = ""


def read_accounts(path: Path) -> tuple[Listed, ...]:
    """Read accounts from a .csv, .json or .toml file with `account` and `ou`; sorted.

    `ou` is the id of the account's unit, or several from the outermost in: `ou-a/ou-b`. `name` and
    `status` may stand beside them. Raises `ConfigError` with every fault: line, key, value.
    """
    faults: list[str] = []
    found: dict[str, Listed] = {}
    for row in read_rows(path, _KEYS[:2], "accounts"):
        wrong = list(_faults(row))
        if not wrong:
            listed = _listed(row)
            if listed.account in found:
                wrong = [f"{row.place}: account {listed.account} stands there twice; allowed: once"]
            found.setdefault(listed.account, listed)
        faults += wrong
    if not faults and not found:
        faults = ["names no account; allowed: at least 1"]
    if faults:
        raise ConfigError(str(path), tuple(faults))
    return tuple(found[account] for account in sorted(found))


def members_of(organization: Organization, listed: Iterable[Listed]) -> tuple[Member, ...]:
    """Return the accounts that stand under the organization's units, each with its own unit.

    An account whose way begins below a root is under every root that is named.
    """
    return tuple(
        Member(each.account, each.path[-1], each.suspended, each.name)
        for each in listed
        if any(_is_under(unit, each.path) for unit in organization.units)
    )


def units_without_accounts(organization: Organization, listed: Iterable[Listed]) -> tuple[str, ...]:
    """Return the units that no account of a file stands under."""
    paths = [each.path for each in listed]
    return tuple(
        unit for unit in organization.units if not any(_is_under(unit, path) for path in paths)
    )


def _is_under(unit: str, path: tuple[str, ...]) -> bool:
    return unit in path or (unit.startswith("r-") and not path[0].startswith("r-"))


def _listed(row: Row) -> Listed:
    told = {key: str(value) for key, value in row.values.items()}
    return Listed(
        told["account"],
        tuple(told["ou"].split("/")),
        told.get("status", _STATES[0]) != _STATES[0],
        told.get("name", ""),
    )


def _faults(row: Row) -> Iterator[str]:
    values = row.values
    for key in _KEYS[:2]:
        if key not in values:
            yield f"{row.place}: {key}: missing"
    if "account" in values and (why := account_fault(values["account"])):
        yield f"{row.place}: {why}"
    if "ou" in values and not _are_units(values["ou"]):
        yield (
            f"{row.place}: ou = {shown(values['ou'])}: is no organizational unit; allowed: an id "
            'such as "ou-ab12-c3d4e5f6", or several from the outermost in, with / between them'
        )
    if (state := values.get("status", _STATES[0])) not in _STATES:
        yield f"{row.place}: status = {shown(state)}: allowed: {', '.join(_STATES)}"
    for key in sorted(values.keys() - set(_KEYS)):
        yield f"{row.place}: {key}: unknown key; allowed: {', '.join(_KEYS)}"


def _are_units(value: object) -> bool:
    return isinstance(value, str) and all(map(_UNIT.fullmatch, value.split("/")))
