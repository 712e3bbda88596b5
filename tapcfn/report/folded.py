"""Equal changes as lines: the largest group once, and what deviates as a difference. (D-2)"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tapcfn.report.folding import Block, Entry, Fold, normal, places

INDENT = " " * 14


def fold_lines(folded: Fold, dropped: str = "") -> Iterator[str]:
    """Yield the lines of stacks that are alike; names lose what they all begin with."""
    first = folded.same[0]
    verb, reason = first.title
    if len(folded.same) == 1:
        yield f"    {verb:<9} {_short(first, dropped)}  {first.target.region}  ({reason})"
        for block in first.blocks:
            yield from (INDENT + line for line in block.lines)
        return
    family = [*folded.same, *(each for group in folded.deviating for each in group)]
    name = normal(first.name, first.target).removeprefix(dropped)
    changes = sum(block.is_change for block in first.blocks)
    what = "the same" if not changes else f"the same {changes} change{'s' * (changes > 1)}"
    yield f"    {verb:<9} {name}  {what} in {places(folded.same)}  ({reason})"
    yield f"{INDENT}in {_listed(folded.same, family)}"
    for block in first.alike:
        yield from (INDENT + line for line in block.lines)
        yield from _at_stake(block, family)
    for group in folded.deviating:
        yield from _deviation(group, first, dropped)


def _at_stake(block: Block, family: Sequence[Entry]) -> Iterator[str]:
    """Yield each place where a resource goes away, by its physical id. (D-2)"""
    if not block.perilous:
        return
    for each in family:
        for own in each.alike:
            if own.lines == block.lines:
                yield f"{INDENT}    in {each.target}: {own.physical_id or 'no physical id yet'}"


def _deviation(group: Sequence[Entry], base: Entry, dropped: str) -> Iterator[str]:
    """Yield what is other than in the largest group."""
    first = group[0]
    verb, reason = first.title
    names = ", ".join(f"{_short(each, dropped)}  {each.target.region}" for each in group)
    yield f"    {verb:<9} {names}  ({reason})  unlike those above:"
    for block in base.alike:
        if block.lines not in first.texts:
            yield f"{INDENT}not here:  {block.lines[0]}"
    for own in first.alike:
        if own.lines not in base.texts:
            yield f"{INDENT}only here: {own.lines[0]}"
            yield from (f"{INDENT}           {line}" for line in own.lines[1:])
            yield from _at_stake(own, group)


def _short(each: Entry, dropped: str) -> str:
    return each.name.removeprefix(dropped)


def _listed(entries: Sequence[Entry], family: Sequence[Entry]) -> str:
    several = len({each.target.account for each in family}) > 1
    return ", ".join(str(each.target) if several else each.target.region for each in entries)
