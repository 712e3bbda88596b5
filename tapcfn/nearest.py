"""The name that was meant, where one was typed that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# How much of a long name has to be typed for it to be recognised.
_LEAST = 3


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the one that was most likely meant: spelt alike, or alone in having it as a part."""
    names = sorted(set(known))
    if close := difflib.get_close_matches(name, names, n=1):
        return close[0]
    parts = [each for each in names if name in each] if len(name) >= _LEAST else []
    return parts[0] if len(parts) == 1 else ""


def hint(name: str, known: Iterable[str]) -> str:
    """Return a question to stand behind an error, empty where nothing is near."""
    near = nearest(name, known)
    return f"; did you mean {near}?" if near else ""
