"""The real clock, whose sleep ends early when the run is interrupted."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class WallClock:
    """Monotonic seconds; `interrupt` wakes whoever sleeps."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def now(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, or return at once after an interrupt."""
        if not self._stop.wait(seconds):
            return
        time.sleep(min(seconds, 0.05))

    @property
    def interrupted(self) -> bool:
        """Whether SIGINT or SIGTERM has come."""
        return self._stop.is_set()

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Let the first SIGINT or SIGTERM ask the run to stop, and the second end it at once."""

        def heed(_number: int, _frame: FrameType | None) -> None:
            if self._stop.is_set():
                os._exit(130)
            self._stop.set()

        before = {each: signal.signal(each, heed) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
