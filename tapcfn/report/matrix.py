"""A rollout over accounts and Regions as a table that fits the screen: one cell, one instance.

Each state has a sign and a word, so that it can be read without colour. (D-3, R-3)
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from tapcfn.model import EMPTY, Preferences, Target
from tapcfn.report.counted import counted
from tapcfn.report.stack_sets import cause_line
from tapcfn.report.text import duration
from tapcfn.stack_sets.causes import Cluster
from tapcfn.stack_sets.cells import Cell, Standing, seconds_left

MOST_ROWS = 40
_MOST_CAUSES = 3

# Ids of organizational units may have 68 characters, and end in what is their own.
_LONGEST_NAME = 20

_SIGNS = {
    Standing.DONE: "✓",
    Standing.FAILED: "✗",
    Standing.RUNNING: "»",
    Standing.PENDING: "·",
    Standing.CANCELLED: "–",
    Standing.SKIPPED: "/",
}

_STYLES = {
    Standing.DONE: "green",
    Standing.FAILED: "bold red",
    Standing.RUNNING: "cyan",
    Standing.PENDING: "dim",
    Standing.CANCELLED: "yellow",
    Standing.SKIPPED: "yellow",
}

# How the parts of a Region's name are spoken of by those who have many: apne1, usgw1.
_PARTS = {
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "central": "c",
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
    "gov": "g",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How wide the columns are: short names of Regions, and with or without seconds."""

    short: bool
    seconds: bool


# From what says most to what needs the least room.
_LOOKS = (Look(False, True), Look(True, True), Look(True, False))


def matrix(
    cells: Mapping[Target, Cell],
    *,
    width: int,
    height: int,
    preferences: Preferences | None = None,
    units: Mapping[str, str] = EMPTY,
    clusters: Sequence[Cluster] = (),
) -> tuple[str, ...]:
    """Return lines: accounts as rows, Regions as columns, then totals and the commonest causes.

    Regions that find no room beside the others stand in a block below. More than 40 accounts, or
    more than the screen has lines for, are counted instead: by organizational unit where `units`
    tells them by account, else by Region.
    """
    order = preferences or Preferences()
    foot = ["", *_phrases(totals_line(cells, order), width), *_cause_lines(clusters, width)]
    room = max(2, height - len(foot))
    regions = _ordered({target.region for target in cells}, order.region_order)
    accounts = sorted({target.account for target in cells})
    body = _fitting(cells, accounts, regions, width, room) if len(accounts) <= MOST_ROWS else None
    if body is None:
        body = _folded(cells, regions, units, width, room)
    return tuple(_cut(line, width) for line in [*body, *foot])


def totals_line(cells: Mapping[Target, Cell], preferences: Preferences) -> str:
    """Return how many instances stand where, and how long the rest may take."""
    counts = Counter(cell.standing for cell in cells.values())
    known = ", ".join(f"{_SIGNS[each]} {counts[each]} {each}" for each in Standing if counts[each])
    text = f"{counted(len(cells), 'instance')}: {known}" if known else "no instances"
    left = seconds_left(cells, preferences)
    return text + (f"; about {duration(left)} to go" if left else "")


def painted(lines: Iterable[str]) -> Text:
    """Return lines with colours for a screen that has them."""
    text = Text("\n".join(lines), no_wrap=True, overflow="ellipsis")
    for standing, style in _STYLES.items():
        text.highlight_regex(rf"{_SIGNS[standing]} (\d+ )?{standing}\b", style)
    return text


def sign_of(standing: Standing) -> str:
    """Return a state as its sign and its word."""
    return f"{_SIGNS[standing]} {standing}"


# Cells --------------------------------------------------------------------------------------------


def _fitting(
    cells: Mapping[Target, Cell],
    accounts: Sequence[str],
    regions: Sequence[str],
    width: int,
    room: int,
) -> list[str] | None:
    """Return the grid that says most within the screen, if one does; best in a single block."""
    grids = [_grid(cells, accounts, regions, look, width) for look in _LOOKS]
    beside = [lines for blocks, lines in grids if blocks <= 1 and len(lines) <= room]
    below = [lines for _, lines in grids if len(lines) <= room]
    return next(iter([*beside, *below]), None)


def _grid(
    cells: Mapping[Target, Cell],
    accounts: Sequence[str],
    regions: Sequence[str],
    look: Look,
    width: int,
) -> tuple[int, list[str]]:
    """Return in how many blocks the columns stand, and their lines."""
    names = short_names(regions) if look.short else {each: each for each in regions}
    texts = {target: _text(cell, look) for target, cell in cells.items()}
    widest = max((len(each) for each in [*texts.values(), *names.values()]), default=0)
    margin = max(len(each) for each in ["account", *accounts])
    columns = max(1, (width - margin) // (widest + 2))
    blocks = [regions[at : at + columns] for at in range(0, len(regions), columns)]
    lines: list[str] = []
    for block in blocks:
        lines += [""] if lines else []
        lines.append(_row("account", margin, [names[each] for each in block], widest))
        for account in accounts:
            row = [texts.get(Target(account, region), "") for region in block]
            lines.append(_row(account, margin, row, widest))
    return len(blocks), lines


def _row(head: str, margin: int, cells: Iterable[str], widest: int) -> str:
    return (head.ljust(margin) + "".join(f"  {cell:<{widest}}" for cell in cells)).rstrip()


def _text(cell: Cell, look: Look) -> str:
    age = f" {_age(cell.seconds)}" if look.seconds and cell.seconds is not None else ""
    return f"{sign_of(cell.standing)}{age}"


def _age(seconds: float) -> str:
    """Return seconds as short as a cell wants them: 42s, 3m05s, 1h10m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def _ordered(regions: Iterable[str], order: Sequence[str]) -> list[str]:
    ranks = {region: rank for rank, region in enumerate(order)}
    return sorted(regions, key=lambda region: (ranks.get(region, len(ranks)), region))


def short_names(regions: Iterable[str]) -> dict[str, str]:
    """Return short names; whole ones where two Regions would have the same."""
    short = {
        region: "".join(_PARTS.get(part, part) for part in region.split("-")) for region in regions
    }
    often = Counter(short.values())
    return {region: name if often[name] == 1 else region for region, name in short.items()}


# Counts -------------------------------------------------------------------------------------------


def _folded(
    cells: Mapping[Target, Cell],
    regions: Sequence[str],
    units: Mapping[str, str],
    width: int,
    room: int,
) -> list[str]:
    """Return counts by unit, or by Region where there are none, or more than the screen takes."""
    if units:
        unit_of = {target: units.get(target.account, "no unit") for target in cells}
        lines = _counts("unit", sorted(set(unit_of.values())), unit_of, cells, width)
        if len(lines) <= room:
            return lines
    lines = _counts("Region", regions, {each: each.region for each in cells}, cells, width)
    if len(lines) <= room:
        return lines
    shown = lines[: room - 1]
    return [*shown, f"… and {counted(len(lines) - len(shown), 'Region')} more"]


def _counts(
    head: str,
    keys: Sequence[str],
    key_of: Mapping[Target, str],
    cells: Mapping[Target, Cell],
    width: int,
) -> list[str]:
    """Return a row for each key, with a column for each state that occurs."""
    counts = Counter((key_of[target], cell.standing) for target, cell in cells.items())
    columns = [each for each in Standing if any(counts[key, each] for key in keys)]
    names = {
        key: key if len(key) <= _LONGEST_NAME else f"…{key[1 - _LONGEST_NAME :]}" for key in keys
    }
    margin = max(len(each) for each in [head, *names.values()])
    heads = _heads(columns, width - margin)
    lines = [head.ljust(margin) + "".join(f"  {each:>4}" for each in heads)]
    for key in keys:
        figures = [str(counts[key, each] or "") for each in columns]
        row = "".join(
            f"  {figure:>{max(4, len(above))}}"
            for figure, above in zip(figures, heads, strict=True)
        )
        lines.append(f"{names[key]:<{margin}}{row}".rstrip())
    return lines


def _heads(columns: Sequence[Standing], room: int) -> list[str]:
    """Return what stands above the counts: sign and word, or one of them; the totals have both."""
    both, words = [sign_of(each) for each in columns], [str(each) for each in columns]
    for heads in (both, words):
        if sum(2 + max(4, len(each)) for each in heads) <= room:
            return heads
    return [_SIGNS[each] for each in columns]


# The foot -----------------------------------------------------------------------------------------


def _cause_lines(clusters: Sequence[Cluster], width: int) -> list[str]:
    lines = [line for each in clusters[:_MOST_CAUSES] for line in _wrapped(cause_line(each), width)]
    rest = clusters[_MOST_CAUSES:]
    if rest:
        lines.append(f"{counted(sum(each.count for each in rest), 'instance')} for other reasons")
    return lines


def _phrases(line: str, width: int) -> list[str]:
    """Return a line wrapped behind its commas, so that a figure keeps its word."""
    held = re.sub(r"(?<![,;:]) ", "\N{NO-BREAK SPACE}", line)
    return [each.replace("\N{NO-BREAK SPACE}", " ") for each in _wrapped(held, width)]


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(
        line, width, subsequent_indent="  ", break_on_hyphens=False, max_lines=3, placeholder=" …"
    )


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"
