"""Waiting on a clock that is turned by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapcfn.errors import StillRunningError
from tapcfn.waits import Deadline, Pace, Patience, settle
from tests.fakes import FakeClock


@pytest.mark.parametrize(
    ("elapsed", "pause"),
    [(0.0, 0.3), (5.9, 0.3), (6.0, 0.3), (20.0, 1.0), (40.0, 2.0), (4000.0, 2.0)],
)
def test_pauses_follow_the_time_that_has_passed(elapsed: float, pause: float) -> None:
    """Short operations are seen at once, long ones are asked about rarely."""
    assert pause == pytest.approx(Pace().pause(elapsed))


@given(st.floats(0, 1e6), st.floats(0.01, 10), st.floats(0, 1), st.floats(0.01, 60))
def test_a_pause_is_never_nothing_and_never_above_the_cap(
    elapsed: float, first: float, share: float, cap: float
) -> None:
    """Whatever the figures: no busy loop, and no unexpected silence."""
    pause = Pace(first, share, cap).pause(elapsed)

    assert 0 < pause <= cap


def test_an_answer_that_is_settled_is_returned_without_a_pause() -> None:
    """Nobody waits for what is there."""
    clock = FakeClock()

    answer = settle("it", read=lambda: "done", settled=lambda _: True, patience=Patience(clock))

    assert "done" == answer
    assert [] == clock.slept


def test_waiting_reads_until_the_answer_is_accepted() -> None:
    """The accepted answer is returned; whether it is a good one is the caller's to say."""
    clock = FakeClock()
    answers = iter(["moving", "moving", "failed"])

    answer = settle(
        "it",
        read=lambda: next(answers),
        settled=lambda seen: seen != "moving",
        patience=Patience(clock),
        pace=Pace(first=1.0, share=0.5, cap=9.0),
    )

    assert "failed" == answer
    assert [1.0, 1.0] == clock.slept


@pytest.mark.parametrize(
    ("deadline", "slept"),
    [(0.9, []), (1.0, [1.0]), (4.0, [1.0, 1.0, 1.0]), (5.0, [1.0, 1.0, 1.0, 1.5])],
)
def test_the_deadline_is_never_overslept(deadline: float, slept: list[float]) -> None:
    """Pauses grow, and the one that would end too late is not begun."""
    clock = FakeClock(start=1000.0)

    with pytest.raises(StillRunningError, match=f"it: has not settled after {sum(slept):.0f} s"):
        settle(
            "it",
            read=lambda: "moving",
            settled=lambda _: False,
            patience=Patience(clock, deadline),
            pace=Pace(first=1.0, share=0.5, cap=9.0),
        )

    assert slept == clock.slept


@given(st.floats(0, 1000))
def test_no_deadline_is_overslept(deadline: float) -> None:
    """Whatever the deadline, with our own pace."""
    clock = FakeClock()

    with pytest.raises(StillRunningError):
        settle("it", read=lambda: 0, settled=lambda _: False, patience=Patience(clock, deadline))

    assert clock.now() <= deadline


def test_a_deadline_passes_when_its_moment_is_there() -> None:
    """Reading it lets no time pass."""
    clock = FakeClock(start=50.0)
    deadline = Deadline.after(clock, 10.0)

    before = deadline.passed
    clock.sleep(9.9)
    nearly = deadline.passed
    clock.sleep(0.1)

    assert (False, False, True) == (before, nearly, deadline.passed)


def test_an_interrupt_ends_a_wait_at_the_next_look() -> None:
    """However far the deadline is; nothing is slept any more. (X-35)"""
    clock = FakeClock()
    patience = Patience(clock, 3600.0, lambda: clock.now() >= 1.0)

    with pytest.raises(StillRunningError):
        settle(
            "it", read=lambda: 0, settled=lambda _: False, patience=patience, pace=Pace(first=0.5)
        )

    assert [0.5, 0.5] == clock.slept


def test_a_person_may_take_time_to_answer() -> None:
    """What a run waits for is counted from when it goes on."""
    clock = FakeClock()
    patience = Patience(clock, 60.0)
    clock.sleep(1000.0)
    late = patience.is_over

    patience.renew()

    assert (True, False, 60.0) == (late, patience.is_over, patience.left)


@pytest.mark.parametrize(
    ("elapsed", "pause"),
    [
        (0.0, 5.0),  # slow, since it never took less than minutes
        (90.0, 5.0),
        (93.0, 2.0),  # up to just before it usually ends, and no further
        (95.0, 0.3),
        (100.0, 0.3),
        (110.0, 0.3),
        (111.0, 2.0),  # unusually long: as if nothing were known
    ],
)
def test_pauses_follow_what_it_usually_takes(elapsed: float, pause: float) -> None:
    """Slow until 5 % before the known end, close until 10 % behind it."""
    assert pause == pytest.approx(Pace().pause(elapsed, 100.0))


@given(st.floats(0, 1e5), st.floats(0, 1e5))
def test_no_known_end_is_slept_through(elapsed: float, usual: float) -> None:
    """A look comes before an operation usually ends, however long ago the last one was."""
    pause = Pace().pause(elapsed, usual)

    assert 0.3 <= pause <= 5.0
    assert pause <= max(usual - elapsed, 2.0)


def test_pauses_are_shaken_by_a_fifth() -> None:
    """So that many runs that began together do not ask together."""
    pauses = [Pace(draw=lambda drawn=drawn: drawn).shake() for drawn in (0.0, 0.5, 1.0)]

    assert [0.8, 1.0, 1.2] == pytest.approx(pauses)
