"""Times as lines have them, and as a page says them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

from tapcfn.report.recorded import Line
from tapcfn.report.text import duration

# Steps of an axis that people can count in, in seconds.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)

# How many steps an axis has at most: their labels stand beside each other on a phone.
_MOST_STEPS = 5


def moment(text: object) -> float | None:
    """Return a time as seconds since 1970, or None for what is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None


def told_at(line: Line) -> float:
    """Return when a line was told; 0 where it says no time."""
    return moment(line["ts"]) or 0.0


def in_utc(seconds: float) -> str:
    """Return a time for people, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def axis(seconds: float) -> tuple[float, tuple[str, ...]]:
    """Return how long an axis is that has room for `seconds`, and what stands along it."""
    for step in _STEPS:
        if seconds <= step * _MOST_STEPS:
            break
    else:
        step = math.ceil(seconds / _MOST_STEPS / 86400) * 86400
    count = max(1, math.ceil(seconds / step))
    return float(step * count), tuple(_labels(step, count))


def _labels(step: int, count: int) -> Iterator[str]:
    for number in range(count + 1):
        yield length(step * number)


def length(seconds: float) -> str:
    """Return a length of time without what is zero: 2 h, 1 h 30 min, 45 s."""
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole // 60 % 60, "min"), (whole % 60, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0"


def took(seconds: float) -> str:
    """Return how long something took; below ten seconds with a tenth."""
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)
