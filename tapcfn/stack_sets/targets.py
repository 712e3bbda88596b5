"""Which pairs are meant: from a file of pairs, or from accounts times Regions with exceptions."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tapcfn.errors import ConfigError, UsageError
from tapcfn.model import EMPTY, Target

ACCOUNT = re.compile(r"[0-9]{12}")
REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]")
PARAMETER = re.compile(r"[A-Za-z0-9]{1,255}")

_PLACE = ("account", "region")


@dataclass(frozen=True, slots=True)
class NamedPairs:
    """The pairs of a file, and what some put in the place of the set's parameters."""

    pairs: frozenset[Target]
    overrides: Mapping[Target, Mapping[str, str]] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a file as it was written, and where that is."""

    place: str
    values: Mapping[str, object]


def read_pairs(path: Path) -> NamedPairs:
    """Read pairs from a .csv, .json or .toml file.

    CSV: a line for each pair under a header with `account` and `region`; further columns are
    parameter overrides, an empty cell is none. JSON: a list of objects with these keys, or
    `{"targets": [...]}`. TOML: `[[targets]]` tables with these keys.

    Raises `ConfigError` with every fault: line, key, value, and what is allowed.
    """
    readers: Mapping[str, Callable[[str], Iterator[Row]]] = {
        ".csv": _csv_rows,
        ".json": _json_rows,
        ".toml": _toml_rows,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ConfigError(
            str(path), (f"{path.suffix or 'no ending'}: allowed: .csv, .json, .toml",)
        )
    try:
        # Spreadsheets begin a file with a byte order mark.
        rows = list(reader(path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise ConfigError(str(path), (f"cannot be read: {reason}",)) from error
    except ValueError as error:
        raise ConfigError(str(path), (str(error),)) from error
    return _checked(str(path), rows)


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
    faults = [fault for each in known if (fault := _account_fault(each))]
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
    for key, fault in (("account", _account_fault), ("region", _region_fault)):
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
            yield f"{row.place}: {key} = {_shown(value)}: allowed: a text in quotes"


_ALLOWED = {
    "account": "an AWS account id: 12 digits, in quotes",
    "region": 'the name of a Region, such as "us-east-1"',
}


def _account_fault(value: object) -> str:
    if isinstance(value, str) and ACCOUNT.fullmatch(value):
        return ""
    hint = ""
    if not isinstance(value, str):
        hint = " (a number loses its leading zeros)"
    elif re.fullmatch(r"[0-9]{9,11}|[0-9][.,][0-9]+E\+?[0-9]+", value):
        hint = " (a spreadsheet drops leading zeros and rounds: format the column as text)"
    return f"account = {_shown(value)}: is no account id{hint}; allowed: {_ALLOWED['account']}"


def _region_fault(value: object) -> str:
    if isinstance(value, str) and REGION.fullmatch(value):
        return ""
    return f"region = {_shown(value)}: is no Region; allowed: {_ALLOWED['region']}"


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


# Files --------------------------------------------------------------------------------------------


def _csv_rows(text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""))
    heads = [each.strip() for each in next(reader, [])]
    doubled = sorted({each for each in heads if heads.count(each) > 1})
    if not set(_PLACE) <= set(heads) or doubled:
        problem = f"{doubled[0]} twice" if doubled else f"{', '.join(heads) or 'nothing'}"
        raise ValueError(f"line 1: the header has {problem}; allowed: account,region,…, each once")
    for cells in reader:
        values = [each.strip() for each in cells]
        if not any(values):
            continue
        place = f"line {reader.line_num}"
        if len(values) != len(heads):
            raise ValueError(
                f"{place}: has {len(values)} cells; allowed: {len(heads)}, as the header"
            )
        row = dict(zip(heads, values, strict=True))
        yield Row(place, {key: value for key, value in row.items() if value or key in _PLACE})


def _json_rows(text: str) -> Iterator[Row]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}{_ZEROS}") from error
    return _rows(document, _lines(r"\{[^{}]*\"account\"", text))


def _toml_rows(text: str) -> Iterator[Row]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"is not TOML: {error}{_ZEROS}") from error
    return _rows(document, _lines(r"^\s*\[\[\s*targets\s*\]\]|\{[^{}]*\baccount\b", text))


_ZEROS = "; account ids stand in quotes"


def _rows(document: object, lines: Sequence[int]) -> Iterator[Row]:
    """Yield the entries, each by its line, or by its number if the lines can't be told."""
    listed = document.get("targets") if isinstance(document, Mapping) else document
    strange = sorted(document.keys() - {"targets"}) if isinstance(document, Mapping) else []
    if strange:
        raise ValueError(f"{strange[0]}: unknown key; allowed: targets")
    if not isinstance(listed, list):
        raise ValueError("targets: missing; allowed: a list of tables with account and region")
    for number, entry in enumerate(listed):
        place = f"line {lines[number]}" if len(lines) == len(listed) else f"entry {number + 1}"
        if not isinstance(entry, Mapping):
            raise ValueError(f"{place}: {_shown(entry)}: allowed: a table with account and region")
        yield Row(place, entry)


def _lines(beginning: str, text: str) -> list[int]:
    """Return the lines on which entries begin."""
    found = re.finditer(beginning, text, re.MULTILINE)
    return [text.count("\n", 0, each.end() - len(each[0].lstrip())) + 1 for each in found]
