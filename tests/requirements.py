"""Which test holds which requirement: docs/requirements.md, from rows and tests' docstrings.

A test names the rows that it holds at the start of its docstring: "S2-7, Q-3: ...". Run this
module to write the table anew.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROWS = ROOT / "docs/requirements.toml"
TABLE = ROOT / "docs/requirements.md"

ID = r"(?:S[0-4]-X?[0-9]+|Q-[0-9]+)"
# Rows stand together with other things that a test may name: limits (L-), decisions (C-), options.
ANY = r"(?:[A-Z][0-9]?-X?[0-9]+)"
NAMED = re.compile(rf"({ANY}(?:(?:, | and | to ){ANY})*)[:.]")

SHOWN = 3

TITLES = {
    "S0": "replicated_storage",
    "S1": "private_api",
    "S2": "regional_web",
    "S3": "serverless_api",
    "S4": "region_migration",
    "Q": "defects that must not appear",
}

HEAD = """\
# Requirements and the tests that hold them

Written by `make documents` from `requirements.toml` and the docstrings of the tests, which
start with the rows that they hold. A must-row without a test fails the build unless it says what
it waits for.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement, the tests that name it, and what it waits for if it is not whole."""

    id: str
    need: str
    what: str
    waits_for: str
    tests: tuple[str, ...]

    @property
    def status(self) -> str:
        """Return held, waiting, or not tested."""
        if self.waits_for:
            return f"waits for {self.waits_for}"
        return "held" if self.tests else "**not tested**"


def rows() -> tuple[Row, ...]:
    """Return every requirement in its order."""
    tests = named()
    document = tomllib.loads(ROWS.read_text(encoding="utf-8"))
    return tuple(
        Row(key, each["need"], each["what"], each.get("open", ""), tuple(tests.get(key, ())))
        for key, each in document.items()
    )


@cache
def named() -> Mapping[str, list[str]]:
    """Return the tests by the requirement that they name, in the order of their files."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, docstring in _docstrings(path):
            for ids in NAMED.findall(docstring):
                for each in re.findall(rf"\b{ID}\b", ids):
                    found.setdefault(each, []).append(f"{path.relative_to(ROOT)}::{name}")
    return found


def _docstrings(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_text(encoding="utf-8")
    if not re.search(ID, text):  # to parse a file takes long
        return
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, ast.get_docstring(node) or ""


def table() -> str:
    """Return the text of docs/requirements.md."""
    lines, section = [HEAD], ""
    for row in rows():
        if (prefix := row.id.partition("-")[0]) != section:
            section = prefix
            lines += ["", f"## {TITLES[prefix]}", "", "| id | need | what | tests | status |"]
            lines += ["|-|-|-|-|-|"]
        what = row.what.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
        lines.append(f"| {row.id} | {row.need} | {what} | {_links(row.tests)} | {row.status} |")
    return "\n".join(lines) + "\n"


def _links(tests: tuple[str, ...]) -> str:
    links = []
    for test in tests[:SHOWN]:
        path, _, name = test.partition("::")
        links.append(f"[{name}](../{path})")
    more = len(tests) - SHOWN
    return "<br>".join([*links, *([f"and {more} more"] if more > 0 else [])])


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
