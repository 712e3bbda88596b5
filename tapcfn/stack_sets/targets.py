"""Which pairs are meant: from a file of pairs, or from accounts times Regions with exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tapcfn.errors import ConfigError, UsageError
from tapcfn.model import EMPTY, Target
from tapcfn.stack_sets.tables import Row, read_rows, shown

ACCOUNT = re.compile(r"[0-9]{12}")
REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]")
PARAMETER = re.compile(r"[A-Za-z0-9]{1,255}")

_PLACE = ("account", "region")


@dataclass(frozen=True, slots=True)
class NamedPairs:
    """The pairs of a file, and what some put in the place of the set's parameters."""

    pairs: frozenset[Target]
    overrides: Mapping[Target, Mapping[str, str]] = field(default_factory=lambda: EMPTY)


def read_pairs(path: Path) -> NamedPairs:
    """Read pairs from a .csv, .json or .toml file.

    CSV: a line for each pair under a header with `account` and `region`; further columns are
    parameter overrides, an empty cell is none. JSON: a list of objects with these keys, or
    `{"targets": [...]}`. TOML: `[[targets]]` tables with these keys.

    Raises `ConfigError` with every fault: line, key, value, and what is allowed.
    """
    return _checked(str(path), read_rows(path, _PLACE, "targets"))


def expand(
    accounts: Iterable[str],
    regions: Iterable[str],
    exceptions: Iterable[Target] = (),
    regions_per_account: Mapping[str, Sequence[str]] = EMPTY,
) -> frozenset[Target]:
    """Return accounts times Regions: an account's own Regions if it has any, less the exceptions.

    Raises `UsageError` with every fault; an exception that takes nothing away is one.
    """
    everywhere, known = tuple(regions), tuple(accounts)
    left_out = frozenset(exceptions)
    pairs = frozenset(
        Target(account, region)
        for account in known
        for region in regions_per_account.get(account, everywhere)
    )
    faults = [fault for each in known if (fault := account_fault(each))]
    named = [*everywhere, *(each for own in regions_per_account.values() for each in own)]
    faults += [fault for each in named if (fault := _region_fault(each))]
    faults += [
        f"account {each} has Regions of its own, but is not among the accounts"
        for each in sorted(regions_per_account.keys() - set(known))
    ]
    faults += [f"exception {each}: not among the targets" for each in sorted(left_out - pairs)]
    if faults:
        raise UsageError("; ".join(dict.fromkeys(faults)))
    return pairs - left_out


# Checks -------------------------------------------------------------------------------------------


def _checked(where: str, rows: Iterable[Row]) -> NamedPairs:
    seen: dict[Target, str] = {}
    overrides: dict[Target, Mapping[str, str]] = {}
    faults: list[str] = []
    for row in rows:
        found = list(_faults(row))
        if not found:
            pair = Target(*(str(row.values[key]) for key in _PLACE))
            if pair in seen:
                found = [f"{row.place}: {pair} stands in {seen[pair]} already; each pair once"]
            seen.setdefault(pair, row.place)
            own = {key: str(value) for key, value in row.values.items() if key not in _PLACE}
            if own:
                overrides[pair] = own
        faults += found
    if not faults and not seen:
        faults = ["names no pair; allowed: at least 1"]
    if faults:
        raise ConfigError(where, tuple(faults))
    return NamedPairs(frozenset(seen), overrides)


def _faults(row: Row) -> Iterator[str]:
    """Yield what is wrong with a row: the key, the value, and what would be right."""
    for key, fault in (("account", account_fault), ("region", _region_fault)):
        if key not in row.values:
            yield f"{row.place}: {key}: missing; allowed: {_ALLOWED[key]}"
        elif why := fault(row.values[key]):
            yield f"{row.place}: {why}"
    for key, value in row.values.items():
        if key in _PLACE:
            continue
        if not PARAMETER.fullmatch(key):
            yield f'{row.place}: "{key}": is no parameter; allowed: letters and digits'
        elif not isinstance(value, str):
            yield f"{row.place}: {key} = {shown(value)}: allowed: a text in quotes"


_ALLOWED = {
    "account": "an AWS account id: 12 digits, in quotes",
    "region": 'the name of a Region, such as "us-east-1"',
}


def account_fault(value: object) -> str:
    """Say what is wrong with an account id, and what would be right; nothing for a good one."""
    if isinstance(value, str) and ACCOUNT.fullmatch(value):
        return ""
    hint = ""
    if not isinstance(value, str):
        hint = " (a number loses its leading zeros)"
    elif re.fullmatch(r"[0-9]{9,11}|[0-9][.,][0-9]+E\+?[0-9]+", value):
        hint = " (a spreadsheet drops leading zeros and rounds: format the column as text)"
    return f"account = {shown(value)}: is no account id{hint}; allowed: {_ALLOWED['account']}"


def _region_fault(value: object) -> str:
    if isinstance(value, str) and REGION.fullmatch(value):
        return ""
    return f"region = {shown(value)}: is no Region; allowed: {_ALLOWED['region']}"
