"""The real clock, whose sleep an interrupt ends early, and what signals do to a command."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tapcfn.cli.interrupts import on_signals


class WallClock:
    """Monotonic seconds; an interrupt wakes whoever sleeps."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def now(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, or return at once after an interrupt."""
        if self._stop.wait(seconds):
            time.sleep(min(seconds, 0.05))

    @property
    def interrupted(self) -> bool:
        """Whether SIGINT or SIGTERM has come."""
        return self._stop.is_set()

    def go_on(self) -> None:
        """Take an interrupt as heeded: what comes after it may wait, and be interrupted in turn."""
        self._stop.clear()

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Let the first SIGINT or SIGTERM ask the run to stop, and the second end it at once."""

        def heed() -> None:
            if self._stop.is_set():
                os._exit(130)
            self._stop.set()

        with on_signals(heed):
            yield

    @contextmanager
    def raising_on_signals(self) -> Iterator[None]:
        """Let SIGTERM end a command as Ctrl-C does: by an exception, so that it cleans up.

        Threads that wait for something wake up, and wait no longer.
        """

        def stop() -> None:
            self._stop.set()
            raise KeyboardInterrupt

        with on_signals(stop):
            yield
