"""Try to send a notice a few times, for a bounded time, and say in our own words how that went.

Nothing of a library's error is repeated: it may hold the URL, and the URL is a secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tapcfn.notices.notice import Notice
from tapcfn.ports import Clock

# An answer of this kind, and no answer at all, may be another one a moment later.
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient a channel is, in seconds; `attempts` in all.

    `longest_pause` bounds what a receiver may ask for by Retry-After.
    """

    connect: float = 3.0
    read: float = 5.0
    attempts: int = 3
    pause: float = 0.5
    longest_pause: float = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt: a status of HTTP, or None and why there is none.

    `word` is what the receiver said, where that can't be a secret; `after` is its Retry-After.
    """

    status: int | None
    word: str = ""
    after: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the notice has arrived."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def may_pass(self) -> bool:
        """Whether the same may be answered otherwise soon."""
        return self.status is None or self.status == _TOO_MANY or self.status >= 500

    @property
    def text(self) -> str:
        """Say it."""
        if self.status is None:
            return self.word
        return f"answered {self.status}{f' ({self.word})' if self.word else ''}"


@dataclass(frozen=True, slots=True)
class Sent:
    """How sending one notice by one channel ended; `fault` is empty where it has arrived."""

    channel: str
    notice: Notice
    attempts: int
    fault: str = ""


def send(
    channel: str, once: Callable[[], Answer], notice: Notice, limits: Limits, clock: Clock
) -> Sent:
    """Send until it has arrived, is refused for good, or enough was tried."""
    for attempt in range(1, limits.attempts + 1):
        answer = once()
        if answer.is_good:
            return Sent(channel, notice, attempt)
        if attempt == limits.attempts or not answer.may_pass:
            break
        pause = _pause(answer, attempt, limits)
        if pause > limits.longest_pause:
            wait = f"{answer.text}, and asks to wait for {pause:.0f} s"
            return Sent(channel, notice, attempt, wait)
        clock.sleep(pause)
    times = f" ({attempt} attempts)" if attempt > 1 else ""
    return Sent(channel, notice, attempt, answer.text + times)


def _pause(answer: Answer, attempt: int, limits: Limits) -> float:
    """Return the seconds to wait before the next attempt: those that are asked for, or our own."""
    asked = seconds_of(answer.after)
    own = min(limits.pause * 2 ** (attempt - 1), limits.longest_pause)
    return own if asked is None else asked


def seconds_of(after: str, now: datetime | None = None) -> float | None:
    """Return a Retry-After in seconds, given as such or as a date; None for what is neither."""
    text = after.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
