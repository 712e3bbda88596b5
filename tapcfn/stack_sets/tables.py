"""Tables that people keep in files: rows of a .csv, .json or .toml file, each with its place."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tapcfn.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a file as it was written, and where that is."""

    place: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Form:
    """The keys that each row has, and the name of the table in TOML and JSON."""

    keys: tuple[str, ...]
    table: str


def read_rows(path: Path, keys: tuple[str, ...], table: str) -> list[Row]:
    """Read a file by its ending. A CSV file has the keys in its header; cells may be empty.

    JSON is a list of objects, or an object with the list under `table`; TOML has `[[table]]`s.
    Raises `ConfigError` where it cannot be read; what the rows say is for others to judge.
    """
    readers: Mapping[str, Callable[[str, _Form], Iterator[Row]]] = {
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
        return list(reader(path.read_text(encoding="utf-8-sig"), _Form(keys, table)))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise ConfigError(str(path), (f"cannot be read: {reason}",)) from error
    except ValueError as error:
        raise ConfigError(str(path), (str(error),)) from error


def shown(value: object) -> str:
    """Return a value as it stands in a file."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _csv_rows(text: str, form: _Form) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""))
    heads = [each.strip() for each in next(reader, [])]
    doubled = sorted({each for each in heads if heads.count(each) > 1})
    if not set(form.keys) <= set(heads) or doubled:
        problem = f"{doubled[0]} twice" if doubled else f"{', '.join(heads) or 'nothing'}"
        wanted = ",".join(form.keys)
        raise ValueError(f"line 1: the header has {problem}; allowed: {wanted},…, each once")
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
        yield Row(place, {key: value for key, value in row.items() if value or key in form.keys})


def _json_rows(text: str, form: _Form) -> Iterator[Row]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}{_ZEROS}") from error
    return _rows(document, _lines(r"\{[^{}]*\"account\"", text), form)


def _toml_rows(text: str, form: _Form) -> Iterator[Row]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"is not TOML: {error}{_ZEROS}") from error
    beginning = rf"^\s*\[\[\s*{form.table}\s*\]\]|\{{[^{{}}]*\baccount\b"
    return _rows(document, _lines(beginning, text), form)


_ZEROS = "; account ids stand in quotes"


def _rows(document: object, lines: Sequence[int], form: _Form) -> Iterator[Row]:
    """Yield the entries, each by its line, or by its number if the lines can't be told."""
    table, keys = form.table, " and ".join(form.keys)
    listed = document.get(table) if isinstance(document, Mapping) else document
    strange = sorted(document.keys() - {table}) if isinstance(document, Mapping) else []
    if strange:
        raise ValueError(f"{strange[0]}: unknown key; allowed: {table}")
    if not isinstance(listed, list):
        raise ValueError(f"{table}: missing; allowed: a list of tables with {keys}")
    for number, entry in enumerate(listed):
        place = f"line {lines[number]}" if len(lines) == len(listed) else f"entry {number + 1}"
        if not isinstance(entry, Mapping):
            raise ValueError(f"{place}: {shown(entry)}: allowed: a table with {keys}")
        yield Row(place, entry)


def _lines(beginning: str, text: str) -> list[int]:
    """Return the lines on which entries begin."""
    found = re.finditer(beginning, text, re.MULTILINE)
    return [text.count("\n", 0, each.end() - len(each[0].lstrip())) + 1 for each in found]
