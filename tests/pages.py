"""The pages that people read, taken apart: links, anchors, blocks, and the commands in them.

A block may have a title, the file that it is: ```toml title="shop/tapcfn.toml". In a `console`
block a command stands behind `$`, and what it prints below; `…` stands for anything.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SHELLS = frozenset({"console", "sh", "bash", "shell"})

# How tapcfn is called on a page.
_CALLS = (["tapcfn"], ["python", "deploy.py"], [".venv/bin/python", "deploy.py"])
_TITLE = re.compile(r'title="([^"]+)"')
_MARK = re.compile(r"\s*\([A-Z]-[^)]*\)")
_LEFT_OUT = re.compile(r"…|COMMAND|\.\.\.|<[a-z]")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page; `title` is the file that it stands for, if it is one."""

    page: Path
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """One line that a reader types, and the lines that are printed then."""

    where: str
    text: str
    says: tuple[str, ...] = ()

    @property
    def calls(self) -> list[list[str]]:
        """The words of each program that it starts; what follows `#` is said to the reader."""
        lexer = shlex.shlex(self.text, posix=True, punctuation_chars=True)
        lexer.whitespace_split, lexer.commenters = True, "#"
        found: list[list[str]] = [[]]
        for word in lexer:
            if set(word) <= set("|&;"):
                found.append([])
            elif found[-1][-1:] == [">"] or set(word) <= set("<>&()"):
                found[-1].append(">")
            else:
                found[-1].append(word)
        return [[word for word in each if word != ">"] for each in found if each]


def of_tapcfn(words: list[str]) -> list[str] | None:
    """Return what stands behind `tapcfn`, or None for another program."""
    for call in _CALLS:
        if words[: len(call)] == call:
            return words[len(call) :]
    return None


def pages() -> list[Path]:
    """Return every page of ours, in order."""
    found = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "benchmarks/README.md"]
    return sorted([*found, *(ROOT / "examples").rglob("*.md")])


@cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


@cache
def blocks(page: Path) -> tuple[Block, ...]:
    """Return the fenced blocks of a page."""
    found = []
    for token in _tokens(page):
        if token.type == "fence":
            title = _TITLE.search(token.info)
            language = (token.info.split() or [""])[0]
            line = (token.map or [0])[0] + 1
            found.append(Block(page, line, language, title[1] if title else "", token.content))
    return tuple(found)


def commands(block: Block) -> Iterator[Command]:
    """Yield the commands of a block for a shell."""
    lines = re.sub(r"\\\n\s*", " ", block.text).splitlines()
    if block.language != "console":
        yield from (Command(str(block), line) for line in lines if line.strip())
        return
    typed, said = "", []
    for line in [*lines, "$ "]:
        if not line.startswith("$ "):
            said.append(line)
            continue
        if typed:
            yield Command(str(block), typed, tuple(said))
        typed, said = line[2:], []


def spoken(page: Path) -> Iterator[Command]:
    """Yield the commands of tapcfn that stand in the text itself, and are whole."""
    for token, line in _inline(page):
        is_one = token.type == "code_inline" and token.content.startswith(("tapcfn ", "python dep"))
        if is_one and not _LEFT_OUT.search(token.content):
            yield Command(f"{page.relative_to(ROOT)}:{line}", token.content)


def links(page: Path) -> Iterator[tuple[int, str]]:
    """Yield where a page links to, pictures included, with the lines of the paragraphs."""
    for token, line in _inline(page):
        for attribute in ("href", "src"):
            if token.type in {"link_open", "image"} and (to := token.attrGet(attribute)):
                yield line, str(to)


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return what can be linked to on a page: its headings, as code hosts and the site do it."""
    tokens = _tokens(page)
    return frozenset(
        re.sub(r"[^\w\- ]", "", _plain(tokens[index + 1]).lower()).replace(" ", "-")
        for index, token in enumerate(tokens)
        if token.type == "heading_open"
    )


def _plain(inline: Token) -> str:
    return "".join(each.content for each in inline.children or ())


def _inline(page: Path) -> Iterator[tuple[Token, int]]:
    for token in _tokens(page):
        for child in token.children or ():
            yield child, (token.map or [0])[0] + 1


def without_marks(text: str) -> str:
    """Return a docstring without the marks of requirements, such as `(X-37)`."""
    return _MARK.sub("", text)
