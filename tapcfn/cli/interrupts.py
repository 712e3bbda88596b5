"""SIGINT and SIGTERM, from the first moment of the program to its last: never without a word."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Signals that came while nobody could act on them: before a command, and after its end."""

    def __init__(self) -> None:
        self._noted = 0

    def hold(self) -> None:
        """Note signals from now on; the second one ends the program at once."""
        for each in _SIGNALS:
            signal.signal(each, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._noted += 1
        if self._noted > 1:
            os._exit(130)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Let a signal end a command by an exception; so does one that was noted before."""
        with on_signals(_stop):
            if self._noted:
                self._noted = 0
                raise KeyboardInterrupt
            yield


def _stop() -> None:
    raise KeyboardInterrupt


@contextmanager
def on_signals(act: Callable[[], None]) -> Iterator[None]:
    """Do this on a signal, and afterwards what was done before."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        act()

    before = {each: signal.signal(each, handle) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
