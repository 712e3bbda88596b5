"""Send notices beside a run: nobody waits for a channel before the end, and then not for long."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tapcfn.errors import TapcfnError
from tapcfn.notices.notice import Notice
from tapcfn.notices.sending import Answer, Limits, Sent, send
from tapcfn.ports import Clock

# Makes one attempt; raises `TapcfnError` for what no other attempt would mend.
Once: TypeAlias = Callable[[Notice], Answer]

# Seconds that the end of a command waits for all channels together.
LONGEST = 30.0


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to tell, by its name for people."""

    name: str
    once: Once


@dataclass(slots=True)
class _Line:
    """What one channel still has to send, one after another, in a thread of its own."""

    channel: Channel
    waiting: queue.SimpleQueue[Notice | None] = field(default_factory=queue.SimpleQueue)
    given: list[Notice] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    thread: threading.Thread | None = None


class Post:
    """Every channel's line."""

    def __init__(self, channels: Sequence[Channel], limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._lines = tuple(_Line(each) for each in channels)

    def send(self, notice: Notice) -> None:
        """Have every channel send this, after what it has been given before; return at once."""
        for line in self._lines:
            line.given.append(notice)
            line.waiting.put(notice)
            if line.thread is None:
                self._start(line)

    def _start(self, line: _Line) -> None:
        thread = threading.Thread(target=self._work, args=(line,), daemon=True)
        with contextlib.suppress(RuntimeError):  # no thread to be had: it is told as given up
            thread.start()
            line.thread = thread

    def close(self, longest: float = LONGEST) -> tuple[Sent, ...]:
        """Wait for what is under way, but not for ever; return how each notice was sent."""
        for line in self._lines:
            line.waiting.put(None)
        deadline = time.monotonic() + longest
        for line in self._lines:
            if line.thread is not None:
                line.thread.join(max(0.0, deadline - time.monotonic()))
        return tuple(each for line in self._lines for each in _ends(line, longest))

    def _work(self, line: _Line) -> None:
        while (notice := line.waiting.get()) is not None:
            line.sent.append(self._sent(line.channel, notice))

    def _sent(self, channel: Channel, notice: Notice) -> Sent:
        once = channel.once
        try:
            return send(channel.name, lambda: once(notice), notice, self._limits, self._clock)
        except TapcfnError as error:
            return Sent(channel.name, notice, 0, str(error))
        except Exception as error:  # its text may hold the URL
            return Sent(channel.name, notice, 0, f"fault in here: {type(error).__name__}")


def _ends(line: _Line, longest: float) -> tuple[Sent, ...]:
    """Return what came of each notice; what is still under way is given up."""
    sent = tuple(line.sent)
    late = f"given up after {longest:g} s"
    return sent + tuple(Sent(line.channel.name, each, 0, late) for each in line.given[len(sent) :])
