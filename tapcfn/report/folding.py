"""Equal changes told once: over accounts and Regions the odd one must not hide. Pure. (D-2)

Two stacks are of one family if their names differ only by account and Region, and are alike if
what is said of them does, too: physical ids are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tapcfn.model import ChangeSet, Target

# What services call things: vpc-0123456789abcdef0.
_ID = re.compile(r"\b[a-z]+-(?:[0-9a-f]{17}|[0-9a-f]{8})\b")
_SHORTEST_ID = 4


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together: a change with its properties, or a finding.

    What is `perilous` has the physical id that would go away.
    """

    lines: tuple[str, ...]
    perilous: bool = False
    physical_id: str = ""
    is_change: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said of one stack: a title, and blocks."""

    name: str
    target: Target
    title: tuple[str, str]
    blocks: tuple[Block, ...]
    alike: tuple[Block, ...]

    @property
    def texts(self) -> tuple[tuple[str, ...], ...]:
        """What is said, as far as it can be the same elsewhere."""
        return tuple(each.lines for each in self.alike)

    @property
    def family(self) -> tuple[str, ...]:
        """What stacks have in common that are one, in many places."""
        return (self.title[0], normal(self.name, self.target))


def entry(
    name: str,
    target: Target,
    title: tuple[str, str],
    blocks: Iterable[Block],
    change_set: ChangeSet | None,
) -> Entry:
    """Return what is said of a stack, and the same without what only its place tells."""
    ids = _physical_ids(change_set) if change_set else {}
    told = tuple(blocks)
    alike = tuple(
        Block(
            tuple(normal(line, target, ids) for line in block.lines),
            block.perilous,
            block.physical_id,
            block.is_change,
        )
        for block in told
    )
    return Entry(name, target, title, told, alike)


def normal(text: str, target: Target, ids: Mapping[str, str] | None = None) -> str:
    """Return a text with placeholders for account, Region, partition and physical ids."""
    for physical, logical in (ids or {}).items():
        text = text.replace(physical, f"{{{logical}}}")
    text = text.replace(target.account, "{account}").replace(target.region, "{region}")
    return _ID.sub("{id}", re.sub(r"\barn:aws[a-z-]*:", "arn:{partition}:", text))


def _physical_ids(change_set: ChangeSet) -> dict[str, str]:
    """Return logical by physical ids, the longest first: one may be a part of another."""
    found: dict[str, str] = {}
    for change in change_set.changes:
        if len(change.physical_id) >= _SHORTEST_ID:
            found[change.physical_id] = change.logical_id
        if change.nested:
            found |= _physical_ids(change.nested)
    return dict(sorted(found.items(), key=lambda pair: (-len(pair[0]), pair)))


@dataclass(frozen=True, slots=True)
class Fold:
    """The largest group of a family, and those that deviate from it, alike ones together."""

    same: tuple[Entry, ...]
    deviating: tuple[tuple[Entry, ...], ...] = ()


def fold(entries: Iterable[Entry]) -> tuple[Fold, ...]:
    """Return families in the order of their first stack, folded where two or more are alike."""
    families: dict[tuple[str, ...], list[Entry]] = {}
    for each in entries:
        families.setdefault(each.family, []).append(each)
    return tuple(folded for family in families.values() for folded in _fold(family))


def _fold(family: list[Entry]) -> tuple[Fold, ...]:
    groups: dict[tuple[str, tuple[tuple[str, ...], ...]], list[Entry]] = {}
    for each in family:
        groups.setdefault((each.title[1], each.texts), []).append(each)
    largest = max(groups.values(), key=len)
    if len(largest) == 1 or not largest[0].blocks:
        return tuple(Fold((each,)) for each in family)
    rest = tuple(tuple(group) for group in groups.values() if group is not largest)
    return (Fold(tuple(largest), rest),)


def places(entries: Iterable[Entry]) -> str:
    """Return how many Regions these are, or how many accounts and Regions."""
    targets = {each.target for each in entries}
    regions = {target.region for target in targets}
    accounts = {target.account for target in targets}
    if len(accounts) == 1:
        return f"{len(regions)} Regions"
    if len(regions) == 1:
        return f"{len(accounts)} accounts"
    return f"{len(targets)} places, {len(accounts)} accounts and {len(regions)} Regions"
