"""When a target is asked about again, on a clock that is turned by hand."""

from __future__ import annotations

import pytest

from tapcfn.sweeps import Sweeps, Watched
from tapcfn.waits import Pace
from tests.fakes import HOME, FakeClock


def gaps(pace: Pace, *watched: Watched, looks: int = 5, throttled: bool = False) -> list[float]:
    """Ask so often about operations, and return the pauses between."""
    clock = FakeClock()
    sweeps = Sweeps(clock, pace)
    pauses = []
    for _ in range(looks):
        pause = sweeps.due(HOME, watched) - clock.now()
        pauses.append(round(pause, 3))
        clock.sleep(pause)
        sweeps.begin(HOME)
        sweeps.end(HOME, throttled=throttled)
    return pauses


def test_the_most_urgent_operation_sets_the_pace() -> None:
    """One that is about to end is not made to wait for one that takes an hour."""
    assert [1.0, 0.3, 0.3, 0.3, 0.3] == gaps(Pace(), Watched(0.0, 3600.0), Watched(0.0, 2.0))


def test_where_many_move_one_sweep_a_second_is_the_most() -> None:
    """Six stacks that are about to end; of five, each is seen at once. (D-19)"""
    crowd = [Watched(0.0)] * 6

    assert [0.3, 1.0, 1.0, 1.0, 1.0] == gaps(Pace(), *crowd)
    assert [0.3] * 5 == gaps(Pace(), *crowd[1:])


def test_few_that_are_left_of_many_are_still_a_crowd() -> None:
    """One sweep a second from the first stack to the last: others of the run may be in between."""
    clock = FakeClock()
    sweeps = Sweeps(clock, Pace())
    sweeps.end(HOME)

    assert 1.0 == sweeps.due(HOME, [Watched(0.0)], 50)
    assert 0.3 == sweeps.due(HOME, [Watched(0.0)], 5)


def test_a_throttle_doubles_the_pause_and_an_answer_halves_it() -> None:
    """Up to eight times; back step by step."""
    clock = FakeClock()
    sweeps = Sweeps(clock, Pace(share=0.0))
    pauses = []
    for throttled in (True, True, True, True, False, False, False):
        sweeps.end(HOME, throttled=throttled)
        pauses.append(sweeps.due(HOME, [Watched(0.0)]) - clock.now())

    assert [0.6, 1.2, 2.4, 2.4, 1.2, 0.6, 0.3] == pytest.approx(pauses)


def test_each_pause_is_shaken_anew_and_then_stands() -> None:
    """Asked twice when the next look is due, it says the same."""
    drawn = iter([0.0, 1.0])
    clock = FakeClock()
    sweeps = Sweeps(clock, Pace(draw=lambda: next(drawn)))

    sweeps.end(HOME)
    first = [sweeps.due(HOME, [Watched(0.0)]) for _ in range(2)]
    sweeps.end(HOME)

    assert [0.24, 0.24] == pytest.approx(first)
    assert 0.36 == pytest.approx(sweeps.due(HOME, [Watched(0.0)]))
