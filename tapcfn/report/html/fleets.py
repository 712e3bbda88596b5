"""Stack sets as tables: accounts down, Regions across, and why instances are not as wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tapcfn.model import Target
from tapcfn.report.recorded import Line, Recorded
from tapcfn.stack_sets.causes import Cluster, cluster
from tapcfn.stack_sets.cells import Cell, Standing

# Rows that stand open; of more, those in which all is well are folded.
_MOST_ROWS = 40

# Places that are named beside a cause.
_MOST_PLACES = 12

_SIGNS = {
    Standing.DONE: ("✓", "done", "good"),
    Standing.FAILED: ("✗", "failed", "bad"),
    Standing.RUNNING: ("»", "running", "warn"),
    Standing.PENDING: ("·", "pending", "calm"),
    Standing.CANCELLED: ("–", "cancelled", "warn"),
    Standing.SKIPPED: ("/", "skipped", "warn"),
}

_VERBS = {
    "add": ("+", "to add", "good"),
    "update": ("~", "to update", "calm"),
    "override": ("~", "to override", "calm"),
    "remove": ("−", "to remove", "bad"),
    "passed_over": ("/", "passed over", "warn"),
    "none": ("=", "as wanted", "calm"),
}


@dataclass(frozen=True, slots=True)
class Square:
    """One instance. `key` is the letter of its cause."""

    sign: str
    word: str
    tone: str
    key: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One account; a Region where it has no instance is None."""

    account: str
    squares: tuple[Square | None, ...]

    @property
    def is_bad(self) -> bool:
        """Whether an instance is not as wanted."""
        return any(each and each.tone in {"bad", "warn"} for each in self.squares)


@dataclass(frozen=True, slots=True)
class Why:
    """A cause, and where it struck."""

    key: str
    text: str
    count: int
    first: str
    places: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """One stack set; `folded` are rows that say nothing but that all is well."""

    name: str
    regions: tuple[str, ...]
    rows: tuple[Row, ...]
    folded: tuple[Row, ...]
    causes: tuple[Why, ...]
    counts: tuple[tuple[str, str, str, int], ...]
    total: int


def fleets_of(run: Recorded) -> tuple[Fleet, ...]:
    """Return every stack set that was planned or worked on."""
    squares: dict[str, dict[Target, Square]] = {}
    reasons: dict[str, dict[Target, str]] = {}
    for line in run.of("plan.instance"):
        sign, word, tone = _VERBS.get(line["verb"], ("?", line["verb"], "calm"))
        squares.setdefault(line["unit"], {})[_target(line)] = Square(sign, word, tone)
    for line in run.of("instance.status"):
        standing = Cell(line["detailed_status"]).standing
        sign, word, tone = _SIGNS[standing]
        target, why = _target(line), line.get("cause") or line["reason"] or ""
        squares.setdefault(line["unit"], {})[target] = Square(sign, word, tone, "", why)
        failures = reasons.setdefault(line["unit"], {})
        failures.pop(target, None)
        if standing is Standing.FAILED:
            failures[target] = why
    return tuple(
        _fleet(name, found, cluster(reasons.get(name, {}).items()))
        for name, found in squares.items()
    )


def _target(line: Line) -> Target:
    return Target(line["account"] or "", line["region"] or "")


def _fleet(name: str, squares: Mapping[Target, Square], clusters: Iterable[Cluster]) -> Fleet:
    causes = tuple(_why(number, each) for number, each in enumerate(clusters))
    keys = {place: each.key for each in causes for place in each.places}
    regions = tuple(sorted({each.region for each in squares}))
    rows = [
        Row(
            account,
            tuple(
                _lettered(squares.get(Target(account, region)), keys, f"{account}/{region}")
                for region in regions
            ),
        )
        for account in sorted({each.account for each in squares})
    ]
    open_rows = tuple(rows)
    folded: tuple[Row, ...] = ()
    if len(rows) > _MOST_ROWS:
        open_rows = tuple(each for each in rows if each.is_bad)
        folded = tuple(each for each in rows if not each.is_bad)
    counts = Counter((each.sign, each.word, each.tone) for each in squares.values())
    shown = tuple((*mark, number) for mark, number in sorted(counts.items(), key=_most))
    short = tuple(
        Why(each.key, each.text, each.count, each.first, each.places[:_MOST_PLACES], each.more)
        for each in causes
    )
    return Fleet(name, regions, open_rows, folded, short, shown, len(squares))


def _most(item: tuple[tuple[str, str, str], int]) -> tuple[int, str]:
    return -item[1], item[0][1]


def _lettered(square: Square | None, keys: Mapping[str, str], place: str) -> Square | None:
    if square is None or place not in keys or square.tone != "bad":
        return square
    return Square(square.sign, square.word, square.tone, keys[place], square.text)


def _why(number: int, each: Cluster) -> Why:
    places = tuple(str(pair) for pair in each.pairs)
    more = max(0, len(places) - _MOST_PLACES)
    return Why(_letters(number), each.reason, each.count, str(each.first), places, more)


def _letters(number: int) -> str:
    """Return A to Z, then AA and so on."""
    letters = ""
    while True:
        letters = chr(ord("A") + number % 26) + letters
        number = number // 26 - 1
        if number < 0:
            return letters
