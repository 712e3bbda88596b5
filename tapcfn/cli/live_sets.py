"""The stack sets that are at work, each as a matrix of its pairs, kept up to date by events. (D-3)

One thread tells what happens while another draws.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

from tapcfn.events import (
    Event,
    InstanceMoved,
    InstancesMoved,
    SetOperationEnded,
    SetOperationStarted,
    StackEnded,
    WaveStarted,
)
from tapcfn.model import DetailedStatus, Preferences, Target
from tapcfn.report.matrix import matrix, totals_line
from tapcfn.stack_sets.causes import cluster
from tapcfn.stack_sets.cells import Cell, Standing

# The least lines for one set: its name, a head, a row, and the totals.
LEAST = 5


@dataclass(slots=True)
class Board:
    """One set: where each pair stands that has had its turn so far."""

    name: str
    preferences: Preferences
    wave: str = ""
    doing: str = ""
    cells: dict[Target, Cell] = field(default_factory=dict)
    since: dict[Target, float] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    is_over: bool = False

    def move(self, each: InstanceMoved, now: float) -> None:
        """Take over where one pair stands; its time counts while it is at work."""
        pair, began = each.target, self.since.get(each.target)
        if each.detailed == DetailedStatus.RUNNING:
            self.since.setdefault(pair, now)
            took = None
        else:
            took = None if began is None else now - began
        self.cells[pair] = Cell(each.detailed, took, each.cause or each.reason)
        if each.unit:
            self.units[pair.account] = each.unit

    def at(self, now: float) -> dict[Target, Cell]:
        """Return the cells, those at work with their age."""
        return {
            pair: replace(cell, seconds=now - self.since[pair])
            if cell.standing is Standing.RUNNING and pair in self.since
            else cell
            for pair, cell in self.cells.items()
        }


class Boards:
    """All sets of a run. Those that have ended make room for those at work."""

    def __init__(
        self, preferences: Mapping[str, Preferences], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._preferences = preferences
        self._now = now
        self._boards: dict[str, Board] = {}
        self._lock = Lock()

    def take(self, event: Event) -> None:
        """Take an event into the picture; others than those of sets change nothing."""
        with self._lock:
            self._take(event, self._now())

    def _take(self, event: Event, now: float) -> None:
        match event:
            case WaveStarted():
                board = self._board(event.stack_set)
                board.wave, board.is_over = event.wave, False
            case SetOperationStarted():
                board = self._board(event.stack_set)
                board.doing, board.is_over = event.action, False
                for pair in sorted(event.pairs):
                    board.cells[pair] = Cell(DetailedStatus.PENDING)
                    board.since.pop(pair, None)
            case InstancesMoved():
                for each in event.moved:
                    self._board(each.stack_set).move(each, now)
            case SetOperationEnded():
                self._board(event.stack_set).doing = str(event.status)
            case StackEnded() if event.stack in self._boards:
                self._boards[event.stack].is_over = True
            case _:
                return

    @property
    def are_shown(self) -> bool:
        """Whether there is a set to be drawn."""
        with self._lock:
            return any(each.cells for each in self._boards.values())

    def _board(self, name: str) -> Board:
        preferences = self._preferences.get(name, Preferences())
        return self._boards.setdefault(name, Board(name, preferences))

    def lines(self, width: int, height: int) -> list[str]:
        """Return a matrix for each set that is at work, or for all once none is; they fit."""
        with self._lock:
            shown = [each for each in self._boards.values() if each.cells]
            open_still = [each for each in shown if not each.is_over]
            whole = open_still or shown
            lines = [_one_line(each, width) for each in shown if each not in whole]
            for number, each in enumerate(whole):
                share = (height - len(lines)) // (len(whole) - number)
                lines += self._matrix(each, width, share)
        return lines if len(lines) <= height else [*lines[: max(height - 1, 0)], "…"]

    def _matrix(self, board: Board, width: int, height: int) -> list[str]:
        cells = board.at(self._now())
        if height < LEAST:
            return [_one_line(board, width)]
        failed = [
            (pair, cell.cause)
            for pair, cell in sorted(cells.items())
            if cell.standing is Standing.FAILED
        ]
        return [
            _head(board)[:width],
            *matrix(
                cells,
                width=width,
                height=height - 1,
                preferences=board.preferences,
                units=board.units,
                clusters=cluster(failed),
            ),
        ]


def _head(board: Board) -> str:
    wave = f", wave {board.wave}" if board.wave else ""
    return f"{board.name}{wave}: {board.doing}"


def _one_line(board: Board, width: int) -> str:
    return f"{board.name}: {totals_line(board.cells, board.preferences)}"[:width]
