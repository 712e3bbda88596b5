"""The plan as a table that is redrawn while it is carried out, for people at a terminal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from rich.console import Console as Screen
from rich.console import Group
from rich.live import Live as RichLive
from rich.table import Table
from rich.text import Text

from tapcfn.cli.live_sets import LEAST, Boards
from tapcfn.events import (
    Event,
    InstancesMoved,
    OperationStarted,
    ResourceMoved,
    StackEnded,
    StackMoved,
)
from tapcfn.model import Ending
from tapcfn.plan import Plan
from tapcfn.report.instances import progress_lines
from tapcfn.report.matrix import painted, short_names
from tapcfn.report.names import common_beginning
from tapcfn.report.text import duration

_STYLES = {
    Ending.DONE: "green",
    Ending.UNCHANGED: "dim",
    Ending.FAILED: "bold red",
    Ending.BLOCKED: "bold red",
    Ending.SKIPPED: "yellow",
    Ending.RUNNING: "yellow",
}


# Between two columns; a column that is narrower tells nothing; a screen that takes short Regions.
_GAP = 2
_NARROWEST = 10
_NARROW = 80


def _line(text: str) -> Text | None:
    """Return one line that is cut where the screen ends; None for nothing."""
    return Text(text, no_wrap=True, overflow="ellipsis") if text else None


class Live:
    """A row for each stack: where it is, what it is doing, for how long, and its last event.

    Below them each stack set that is at work, as a matrix of its pairs.
    """

    def __init__(
        self,
        plan: Plan,
        left: Callable[[], float | None] = lambda: None,
        *,
        color: bool,
        screen: Screen | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = left
        self._screen = screen or Screen(stderr=True, no_color=not color)
        self._now, self._began = now, now()
        self._boards = Boards({each.name: each.stack_set.preferences for each in plan.sets}, now)
        self._names = [step.stack.name for step in plan.steps]
        self._regions = {step.stack.name: step.stack.target.region for step in plan.steps}
        short = short_names(set(self._regions.values()))
        self._short_regions = {name: short[region] for name, region in self._regions.items()}
        self._dropped = common_beginning(self._names)
        self._status = dict.fromkeys(self._names, "waiting")
        self._style = dict.fromkeys(self._names, "dim")
        self._last = dict.fromkeys(self._names, "")
        self._since: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._usual: dict[str, float | None] = {}
        self._live = RichLive(
            console=self._screen, get_renderable=self._picture, refresh_per_second=4
        )

    def __enter__(self) -> Live:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def notify(self, event: Event) -> None:
        """Take an event into the picture, or print it above."""
        self._boards.take(event)
        match event:
            case InstancesMoved():
                return
            case StackEnded(stack=name) if name not in self._names:
                self._say(event)
            case OperationStarted(stack=name):
                self._since[name] = self._now()
                self._usual[name] = event.usual
                self._status[name], self._style[name] = event.action, "cyan"
            case StackMoved(stack=name):
                self._status[name] = event.status
            case ResourceMoved(stack=name, event=moved):
                self._last[name] = f"{moved.logical_id} {moved.status}"
            case StackEnded(stack=name):
                self._took[name] = event.seconds
                self._status[name], self._style[name] = str(event.ending), _STYLES[event.ending]
                self._last[name] = event.cause
            case _:
                self._say(event)

    def _say(self, event: Event) -> None:
        for text in progress_lines(event, self._now() - self._began):
            self._screen.print(text, highlight=False, markup=False)

    def _picture(self) -> Group:
        """Return the stacks, and below them the stack sets that are at work, within the screen."""
        stacks = self._stacks() if self._names else []
        taken = sum(each.row_count + 1 if isinstance(each, Table) else 1 for each in stacks)
        lines = self._boards.lines(self._screen.width, max(self._screen.height - 1 - taken, 1))
        return Group(*stacks, *([painted(lines)] if lines else []))

    def _stacks(self) -> list[Table | Text]:
        """Return the table with what stands above and below it; on a low screen a part of it."""
        left = self._left()
        above = f"stacks are called {self._dropped}…" if self._dropped else ""
        below = f"about {duration(left)} to go" if left else ""
        room = self._screen.height - 2 - bool(above) - bool(below)
        room -= LEAST if self._boards.are_shown else 0
        shown = self._shown(max(room, 1))
        rest = self._rest(shown)
        parts = [_line(above), self._table(shown), _line(rest), _line(below)]
        return [each for each in parts if each is not None]

    def _shown(self, room: int) -> list[str]:
        """Return the stacks that find room: what has gone wrong and what is at work first."""
        if len(self._names) <= room:
            return self._names
        ranked = sorted(self._names, key=self._rank)[: max(room - 1, 1)]
        return [name for name in self._names if name in ranked]

    def _rank(self, name: str) -> int:
        if self._style[name] == _STYLES[Ending.FAILED]:
            return 0
        if name in self._since and name not in self._took:
            return 1
        return 3 if name in self._took else 2

    def _rest(self, shown: list[str]) -> str:
        """Return how many stacks found no room, by where they stand."""
        rest = Counter(self._status[name] for name in self._names if name not in shown)
        counts = ", ".join(f"{number} {word}" for word, number in rest.items())
        return f"… and {rest.total()} more: {counts}" if rest else ""

    def _table(self, shown: list[str]) -> Table:
        """Return the table; on a narrow screen the last event goes, and then the status is cut."""
        rows = [self._row(name) for name in shown]
        heads = ("stack", "Region", "status", "s")
        needs = [max(map(len, each)) for each in zip(heads, *rows, strict=True)]
        room = self._screen.width - sum(needs) - _GAP * len(heads)
        table = Table(box=None, pad_edge=False, expand=False)
        needs[2] = max(min(needs[2], _NARROWEST), needs[2] + min(room + _GAP, 0))
        for head, width in zip(heads, needs, strict=True):
            table.add_column(head, overflow="ellipsis", no_wrap=True, width=width)
        if room >= _NARROWEST:
            table.add_column("last", overflow="ellipsis", no_wrap=True, max_width=room)
        for name, (short, region, status, seconds) in zip(shown, rows, strict=True):
            last = [Text(self._last[name])] if room >= _NARROWEST else []
            table.add_row(short, region, Text(status, self._style[name]), seconds, *last)
        return table

    def _row(self, name: str) -> tuple[str, str, str, str]:
        status = self._status[name].removesuffix("_IN_PROGRESS")
        is_narrow = self._screen.width < _NARROW
        region = self._short_regions[name] if is_narrow else self._regions[name]
        return self._short(name), region, status, self._seconds(name)

    def _short(self, name: str) -> str:
        """Return a name without what all begin with, and without the Region that stands beside."""
        return name.removeprefix(self._dropped).removesuffix(f"-{self._regions[name]}")

    def _seconds(self, name: str) -> str:
        if name in self._took:
            return f"{self._took[name]:.0f}" if self._took[name] else ""
        if name not in self._since:
            return ""
        usual = self._usual[name]
        of = f" of ~{usual:.0f}" if usual is not None else ""
        return f"{self._now() - self._since[name]:.0f}{of}"
