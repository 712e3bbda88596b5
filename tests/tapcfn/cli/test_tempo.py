"""Minutes of AWS on the local cloud: what waits for them, and what measures them."""

from __future__ import annotations

import pytest

from tapcfn.cli.tempo import FastClock, fast, rarely
from tapcfn.events import Diagnosed, Event, Waiting
from tapcfn.gates import Reading, Sample
from tapcfn.model import AlarmCheck, Comparison, Gate, MetricCheck
from tests.fakes import FakeClock
from tests.fakes.builders import HOME

LAG = MetricCheck(HOME, "Tap", "Lag", (), "Average", Comparison.BELOW, 5.0, 300)


@pytest.mark.parametrize(("speed", "waited"), [(20.0, 30.0), (1.0, 600.0), (0.0, 0.0)])
def test_what_is_waited_for_passes_in_full(speed: float, waited: float) -> None:
    """Ten minutes of AWS take a share of them here, and nothing at speed 0."""
    wall = FakeClock(start=1000.0)
    clock = FastClock(wall, speed)
    began = clock.now()

    clock.sleep(600.0)

    assert 600.0 == pytest.approx(clock.now() - began)
    assert waited == pytest.approx(wall.now() - 1000.0)


def test_what_takes_time_of_its_own_takes_no_more() -> None:
    """A look of two seconds does not make a sample a minute old."""
    wall = FakeClock()
    clock = FastClock(wall, 60.0)
    began = clock.now()

    wall.sleep(2.0)

    assert 2.0 == clock.now() - began


@pytest.mark.parametrize(("speed", "period", "window"), [(100.0, 3, 6.0), (0.0, 1, 2.0)])
def test_a_metric_is_asked_for_by_the_clock_of_this_machine(
    speed: float, period: int, window: float
) -> None:
    """And what it says is told by the clock of the gate: ages and periods."""
    asked: list[tuple[Gate, float]] = []

    def read(gate: Gate, seconds: float) -> Reading:
        asked.append((gate, seconds))
        return Reading((Sample(-float(period), True, 1.0, covers=float(period)),), whole=True)

    reading = fast(read, speed)(Gate("lag", LAG, hold=600.0), 600.0)

    ((gate, seconds),) = asked
    assert isinstance(gate.check, MetricCheck)
    assert (period, window, window) == (gate.check.period, gate.hold, seconds)
    assert Reading((Sample(-300.0, True, 1.0, covers=300.0),), whole=True) == reading


def test_what_has_no_period_is_asked_as_it_is() -> None:
    """An alarm is what it is at this moment."""
    gate, reading = Gate("quiet", AlarmCheck(HOME, ("a",))), Reading((Sample(0.0, True),))

    assert reading is fast(lambda asked, _: reading if asked is gate else Reading(()), 20.0)(
        gate, 9.0
    )


def test_signs_of_life_follow_the_clock_on_the_wall() -> None:
    """Ten minutes that pass in a second are not told twenty times."""
    wall, told = FakeClock(), list[Event]()
    tell = rarely(told.append, wall)
    for seconds in (0.0, 10.0, 25.0, 10.0):
        wall.sleep(seconds)
        tell(Waiting(("gate lag",), wall.now()))
    tell(Diagnosed("info", "all is told"))

    assert [Waiting(("gate lag",), 35.0), Diagnosed("info", "all is told")] == told
