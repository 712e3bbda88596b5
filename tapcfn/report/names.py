"""Long names made short: what all stacks of a rollout begin with says nothing of each."""

from __future__ import annotations

from collections.abc import Iterable


def common_beginning(names: Iterable[str]) -> str:
    """Return what all names begin with, up to a hyphen; nothing for one alone."""
    known = sorted(set(names))
    if len(known) < 2:
        return ""
    first, last = known[0], known[-1]
    same = next(
        (at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other),
        len(first),
    )
    return first[: first.rfind("-", 0, same) + 1]
