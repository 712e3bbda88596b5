"""How often a notice is tried, and how long a receiver may ask to wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tapcfn.notice_settings import When
from tapcfn.notices.notice import Notice
from tapcfn.notices.sending import Answer, Limits, seconds_of, send
from tests.fakes.clock import FakeClock

NOTICE = Notice("apply", "shop", "prod", When.SUCCESS, "run-1")
NOW = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Tue, 01 Jan 2030 12:00:30 GMT", 30.0),
        ("Tue, 01 Jan 2030 11:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("²", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(after: str, seconds: float | None) -> None:
    """Whatever else stands there is as if nothing did."""
    assert seconds == seconds_of(after, NOW)


@pytest.mark.parametrize(
    ("answers", "fault", "slept"),
    [
        ([Answer(200)], "", []),
        ([Answer(500), Answer(502), Answer(204)], "", [0.5, 1.0]),
        ([Answer(None, "no answer in time")] * 3, "no answer in time (3 attempts)", [0.5, 1.0]),
        ([Answer(400, "invalid_payload")], "answered 400 (invalid_payload)", []),
        ([Answer(500), Answer(403)], "answered 403 (2 attempts)", [0.5]),
        ([Answer(429, after="2"), Answer(200)], "", [2.0]),
        ([Answer(503, after="11")], "answered 503, and asks to wait for 11 s", []),
        ([Answer(429, after="nonsense"), Answer(200)], "", [0.5]),
    ],
)
def test_what_passes_is_tried_again(answers: list[Answer], fault: str, slept: list[float]) -> None:
    """Three attempts in all, longer pauses each time, and no long wait for anybody."""
    clock = FakeClock()
    left = iter(answers)

    sent = send("it", lambda: next(left), NOTICE, Limits(), clock)

    assert (fault, slept, []) == (sent.fault, clock.slept, list(left))
