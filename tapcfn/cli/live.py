"""The plan as a table that is redrawn while it is carried out, for people at a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console as Screen
from rich.console import Group
from rich.live import Live as RichLive
from rich.table import Table
from rich.text import Text

from tapcfn.cli.live_sets import Boards
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
from tapcfn.report.matrix import painted
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
        table = self._table() if self._names else None
        taken = len(self._names) + 3 if table else 0
        lines = self._boards.lines(self._screen.width, max(self._screen.height - 1 - taken, 1))
        parts = [table] if table else []
        return Group(*parts, *([painted(lines)] if lines else []))

    def _table(self) -> Table:
        left = self._left()
        caption = f"about {duration(left)} to go" if left else None
        title = f"stacks are called {self._dropped}…" if self._dropped else None
        table = Table(
            box=None,
            pad_edge=False,
            expand=False,
            title=title,
            title_justify="left",
            caption=caption,
        )
        for head in ("stack", "Region", "status", "s"):
            table.add_column(head, overflow="ellipsis", no_wrap=True)
        table.add_column("last")  # the one that gives way on a narrow screen
        for name in self._names:
            table.add_row(
                self._short(name),
                self._regions[name],
                f"[{self._style[name]}]{self._status[name].removesuffix('_IN_PROGRESS')}[/]",
                self._seconds(name),
                Text(self._last[name], no_wrap=True, overflow="ellipsis"),
            )
        return table

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
