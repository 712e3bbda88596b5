"""What may be lost on purpose: each allowance names one resource, and may name more. (D-18)

    STACK/LOGICAL_ID[@REGION][:ACTION][:until=YYYY-MM-DD]

A resource of a nested stack has the logical IDs on the way to it: `STACK/NESTED/LOGICAL_ID`.
Without a Region or an action any is meant. There is no pattern that means many resources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tapcfn.errors import UsageError
from tapcfn.model import Target

FORM = "STACK/LOGICAL_ID[@REGION][:ACTION][:until=YYYY-MM-DD]"


class Loss(StrEnum):
    """How something that holds data could get lost: the actions that an allowance may name."""

    REMOVE = "remove"
    REPLACE = "replace"
    DYNAMIC = "dynamic"
    POLICY = "policy"
    DELETE = "delete"


_TEXT = re.compile(
    r"(?P<stack>[A-Za-z][A-Za-z0-9-]{0,127})"
    r"/(?P<path>[A-Za-z0-9]+(?:/[A-Za-z0-9]+)*)"
    r"(?:@(?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9]))?"
    rf"(?::(?P<action>{'|'.join(Loss)}))?"
    r"(?::until=(?P<until>[0-9]{4}-[0-9]{2}-[0-9]{2}))?"
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """One resource that may be lost. `path` ends with its logical ID."""

    text: str
    stack: str
    path: str
    region: str = ""
    action: str = ""
    until: date | None = None

    def covers(self, stack: str, target: Target, path: str, loss: Loss) -> bool:
        """Whether this loss is what is allowed."""
        return (
            (self.stack, self.path) == (stack, path)
            and self.region in {"", target.region}
            and self.action in {"", loss}
        )


def parse(text: str) -> Allowance:
    """Return an allowance; raise `UsageError` with the right form if it is none."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise UsageError(
            f'"{text}" is no allowance; the form is {FORM}, with ACTION one of {", ".join(Loss)}'
        )
    try:
        until = date.fromisoformat(match["until"]) if match["until"] else None
    except ValueError as error:
        raise UsageError(f'"{text}": until={match["until"]} is no day') from error
    return Allowance(
        text, match["stack"], match["path"], match["region"] or "", match["action"] or "", until
    )


def covering(
    allowed: Iterable[str], stack: str, target: Target, path: str, loss: Loss
) -> str | None:
    """Return the first allowance, in their order, that covers a loss, or None."""
    return next(
        (each for each in sorted(allowed) if parse(each).covers(stack, target, path, loss)), None
    )


def in_force(allowed: Iterable[str], today: date) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the allowances that hold today, and those that have run out, sorted."""
    known = [parse(text) for text in allowed]
    over = {each.text for each in known if each.until is not None and each.until < today}
    return frozenset(each.text for each in known) - over, tuple(sorted(over))


def check_stacks(allowed: Iterable[str], stacks: frozenset[str]) -> None:
    """Raise `UsageError` for allowances of stacks that are no part of what is planned."""
    import difflib

    for text in sorted(allowed):
        name = parse(text).stack
        if name not in stacks:
            near = difflib.get_close_matches(name, sorted(stacks), n=1)
            hint = f"; did you mean {near[0]}?" if near else f" ({', '.join(sorted(stacks))})"
            raise UsageError(f"--allow-loss {text}: no such stack in the plan{hint}")
