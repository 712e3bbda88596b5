"""A text as a screen shows it: wrapped where it is wider, and with colours beside its words."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterator

from rich.console import Console as Screen
from rich.text import Text

# How much further in the rest of a wrapped line stands, and the least room that is worth it.
_FURTHER = 4
_LEAST = 20

# What each colour is for. Every one of these lines can be told by its sign or its words alone.
_COLOURS = {
    r"^ +\+ \S+": "green",
    r"^ +- \S+": "red",
    r"^ +~ \S+": "yellow",
    r"^ +± \S+": "bold red",
    r"^ +< \S+": "cyan",
    r"^ +\? \S+": "magenta",
    r"^ +! .*": "bold yellow",
    r"^    (create|import) ": "green",
    r"^    update ": "yellow",
    r"^    (delete|recreate) ": "red",
    r"\b(is|may be) replaced\b|\((forces|may force) replacement\)": "bold red",
    r"^ +error TAP\d+\b|^ +error [a-z-]+ ": "bold red",
    r"^ +warning \S+": "yellow",
    r"^phase .*": "bold",
    r"^(Stacks|Stack sets|Resources|Nothing to do|Refused by CloudFormation)\b.*": "bold",
}


def page(text: str, width: int, *, color: bool) -> str:
    """Return a text for a screen of this width: lines break between words, the rest further in."""
    whole = "\n".join(line for each in text.splitlines() for line in _wrapped(each, width))
    return _painted(whole) if color else whole


def _wrapped(line: str, width: int) -> Iterator[str]:
    """Yield a line as lines that fit; a word that does not fit alone is left to the screen.

    So is a line with options of a command: whoever copies it wants it whole.
    """
    own = len(line) - len(line.lstrip())
    indent = " " * (own + _FURTHER if own else 0)
    if len(line) <= width or " --" in line or width - len(indent) < _LEAST:
        yield line
        return
    yield from textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _painted(text: str) -> str:
    painted = Text(text)
    for pattern, style in _COLOURS.items():
        painted.highlight_regex(re.compile(pattern, re.MULTILINE), style)
    screen = Screen(
        file=io.StringIO(), force_terminal=True, color_system="standard", legacy_windows=False
    )
    with screen.capture() as shown:
        screen.print(painted, soft_wrap=True, end="")
    return shown.get()
