"""Gates are held on a clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tapcfn.errors import CloudError, StillRunningError
from tapcfn.events import Event, GateJudged, Waiting
from tapcfn.gates import GateStatus, Reading, Sample, Verdict
from tapcfn.holding import bake, own_time
from tapcfn.model import (
    AlarmCheck,
    ApprovalCheck,
    CommandCheck,
    Comparison,
    Gate,
    MetricCheck,
)
from tapcfn.waits import Patience
from tests.fakes import HOME, FakeClock

ERRORS = AlarmCheck(HOME, ("errors",))
LAG = MetricCheck(HOME, "AWS/RDS", "ReplicaLag", (), "Maximum", Comparison.AT_MOST, 0.0)

WELL = Reading((Sample(0.0, True, "OK"),))
ILL = Reading((Sample(0.0, False, "ALARM", "errors ALARM"),))
NOTHING = Reading((Sample(0.0, None),))


class Scene:
    """A gate held on a fake clock: what is read, look by look, and what is told."""

    def __init__(
        self, gate: Gate, *readings: Reading | CloudError, seconds: float = 3600.0
    ) -> None:
        self.gate = gate
        self.clock = FakeClock(start=1000.0)
        self.patience = Patience(self.clock, seconds, lambda: self.interrupted)
        self.interrupted = False
        self.told: list[Event] = []
        self.looks: list[float] = []
        self.readings = list(readings)
        self.meanwhile: Callable[[], None] = lambda: None

    def read(self, gate: Gate, seconds: float) -> Reading:
        """Return the next reading; the last one goes on and on."""
        assert gate is self.gate
        self.looks.append(seconds)
        self.meanwhile()
        reading = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        if isinstance(reading, CloudError):
            raise reading
        return reading

    def hold(self) -> Verdict:
        """Hold the gate until it is over; return what was told of it last."""
        bake(
            (self.gate,),
            0.0,
            self.read,
            patience=self.patience,
            notify=self.told.append,
            unit="network",
        )
        return [each.verdict for each in self.told if isinstance(each, GateJudged)][-1]

    def judged(self) -> list[tuple[GateStatus, str]]:
        """Return what was told of the gate."""
        return [
            (each.verdict.status, each.verdict.reason)
            for each in self.told
            if isinstance(each, GateJudged)
        ]


def a_gate(**differing: Any) -> Gate:
    return Gate(**{"name": "errors", "check": ERRORS, "hold": 30.0, "timeout": 120.0, **differing})


def test_a_gate_is_looked_at_until_it_has_been_good_for_long_enough() -> None:
    """Every 15 seconds; a bad look on the way begins the hold anew."""
    scene = Scene(a_gate(), WELL, ILL, WELL)

    verdict = scene.hold()

    assert (GateStatus.PASSED, [30.0, 45.0, 60.0]) == (
        verdict.status,
        [each.at for each in verdict.samples],
    )
    assert [0.0, 15.0, 30.0, 45.0, 60.0] == scene.looks
    assert [15.0] * 4 == scene.clock.slept


def test_each_change_is_told_once_and_the_end_with_its_samples() -> None:
    """With the unit that waits, and where the gate looks."""
    scene = Scene(a_gate(), NOTHING, ILL, ILL, WELL)

    verdict = scene.hold()

    assert [
        (GateStatus.WAITING, "missing"),
        (GateStatus.WAITING, "bad: errors ALARM"),
        (GateStatus.WAITING, "good for 0 s of 30 s"),
        (GateStatus.PASSED, "good for 30 s"),
    ] == scene.judged()
    assert GateJudged("network", HOME, "errors", verdict, a_gate(), 75.0) == scene.told[-1]


def test_a_long_wait_is_not_silent() -> None:
    """Where nothing changes, a heartbeat says every 30 seconds that the run is alive."""
    scene = Scene(a_gate(), ILL)

    scene.hold()

    beats = [each for each in scene.told if isinstance(each, Waiting)]
    assert [(("gate errors",), seconds) for seconds in (30.0, 60.0, 90.0)] == [
        (each.waiting_on, each.seconds) for each in beats
    ]


def test_a_gate_fails_at_its_time_out_and_not_later() -> None:
    """The last look is at that moment, not after the next pause."""
    scene = Scene(a_gate(timeout=100.0), ILL)

    verdict = scene.hold()

    assert GateStatus.FAILED is verdict.status
    assert "not passed in 100 s: bad: errors ALARM" == verdict.reason
    assert [90.0, 100.0] == scene.looks[-2:]


def test_what_must_stay_good_fails_at_once() -> None:
    """Nobody waits for an alarm to go on ringing."""
    scene = Scene(a_gate(fails_at_once=True), WELL, ILL)

    assert GateStatus.FAILED is scene.hold().status
    assert [0.0, 15.0] == scene.looks


def lag(*values: tuple[float, float]) -> Reading:
    """Return a whole reading of minutes, by how many seconds ago each ended."""
    return Reading(tuple(Sample(-ago, value == 0, value, "", 60.0) for ago, value in values), True)


def test_a_whole_reading_takes_the_place_of_those_before() -> None:
    """A value that was corrected later counts as it is now, and a lost look is no break."""
    gate = a_gate(check=LAG, hold=120.0, every=60.0, timeout=600.0)
    throttled = CloudError("lag: throttled", passing=True)
    scene = Scene(
        gate,
        NOTHING,
        lag((0.0, 7.0)),
        throttled,
        lag((0.0, 0.0), (60.0, 0.0), (120.0, 0.0)),
    )

    verdict = scene.hold()

    assert (GateStatus.PASSED, 180.0) == (verdict.status, scene.looks[-1])
    assert [60.0, 120.0, 180.0] == [each.at for each in verdict.samples]


def test_ages_are_counted_from_the_end_of_the_look() -> None:
    """An answer that took long says how old its samples were when it came."""
    scene = Scene(a_gate(hold=0.0), Reading((Sample(-5.0, True),)))
    scene.meanwhile = lambda: scene.clock.sleep(20.0)

    assert [15.0] == [each.at for each in scene.hold().samples]


def test_a_look_that_fails_is_missing() -> None:
    """What passes by itself is asked again, and breaks the hold of a gate that is looked at."""
    scene = Scene(a_gate(), WELL, CloudError("busy", passing=True), WELL)

    verdict = scene.hold()

    assert (GateStatus.PASSED, 60.0) == (verdict.status, scene.looks[-1])
    assert (GateStatus.WAITING, "missing: busy") in scene.judged()


@pytest.mark.parametrize(
    ("error", "looks"),
    [
        (CloudError("no permission", lasting=True), [0.0]),
        (CloudError("no such metric"), [0.0, 15.0, 30.0, 45.0, 60.0]),
    ],
)
def test_a_gate_that_cannot_be_read_fails(error: CloudError, looks: list[float]) -> None:
    """At once where it never can be, else after a minute: no data is no pass. (X-12)"""
    scene = Scene(a_gate(timeout=3000.0), error)

    verdict = scene.hold()

    assert (GateStatus.FAILED, f"cannot be read: {error}") == (verdict.status, verdict.reason)
    assert looks == scene.looks


def test_the_deadline_of_the_run_is_not_overslept() -> None:
    """The gate is not decided then: a later run asks it again. (R-31)"""
    scene = Scene(a_gate(), ILL, seconds=40.0)

    with pytest.raises(StillRunningError, match="gate errors: not decided after 30 s: bad"):
        scene.hold()

    assert [15.0, 15.0] == scene.clock.slept


def test_an_interrupt_ends_the_wait_before_another_look() -> None:
    """However long the gate would wait. (X-35)"""
    scene = Scene(a_gate(), ILL)
    scene.clock.at(1015.0, lambda: setattr(scene, "interrupted", True))

    with pytest.raises(StillRunningError, match="interrupted"):
        scene.hold()

    assert [0.0] == scene.looks


def test_what_an_interrupted_look_saw_decides_nothing() -> None:
    """A command that was ended by Ctrl-C has not failed."""
    scene = Scene(a_gate(fails_at_once=True), ILL)
    scene.meanwhile = lambda: setattr(scene, "interrupted", True)

    with pytest.raises(StillRunningError, match="interrupted"):
        scene.hold()

    assert [] == scene.told


@pytest.mark.parametrize("yes", [True, False])
def test_the_time_that_a_person_takes_does_not_count(yes: bool) -> None:
    """Not for the gate, which is open for an hour, and not for the run, which has a minute."""
    gate = a_gate(check=ApprovalCheck("go on?"), hold=0.0)
    scene = Scene(gate, Reading((Sample(0.0, yes),)), seconds=60.0)
    scene.meanwhile = lambda: scene.clock.sleep(3600.0)

    verdict = scene.hold()

    assert (GateStatus.PASSED if yes else GateStatus.FAILED) is verdict.status
    assert 60.0 == scene.patience.left


class Oven:
    """Some gates beside each other; what each reads depends on the seconds that have passed."""

    def __init__(self, **reads: Callable[[float], Reading]) -> None:
        self.reads = reads
        self.clock = FakeClock(start=1000.0)
        self.looks: list[tuple[str, float]] = []

    def bake(self, *gates: Gate, seconds: float, patience: float = 10_000.0) -> str:
        """Bake and return why a gate failed."""
        return bake(
            gates,
            seconds,
            self.read,
            patience=Patience(self.clock, patience),
            notify=lambda event: None,
        )

    def read(self, gate: Gate, seconds: float) -> Reading:
        """Note the look."""
        self.looks.append((gate.name, self.clock.now() - 1000.0))
        return self.reads[gate.name](self.clock.now() - 1000.0)


def test_an_alarm_that_fires_while_it_bakes_fails_at_once() -> None:
    """Nobody waits for the end of the bake to hear of it."""
    oven = Oven(errors=lambda now: ILL if now >= 420 else WELL)

    fault = oven.bake(a_gate(), seconds=600.0)

    assert "gate errors: bad: errors ALARM" == fault
    assert 420.0 <= oven.clock.now() - 1000.0 < 450.0


def test_gates_bake_beside_each_other() -> None:
    """Two holds of 30 seconds and a bake of a minute take a minute."""
    oven = Oven(errors=lambda now: WELL, lag=lambda now: WELL)

    assert "" == oven.bake(a_gate(), a_gate(name="lag"), seconds=60.0)
    assert 60.0 == oven.clock.now() - 1000.0
    assert {"errors", "lag"} == {name for name, _ in oven.looks}


def test_a_gate_that_has_passed_is_looked_at_until_its_neighbours_have() -> None:
    """The short one is good for its 30 seconds; what goes wrong after that is seen all the same."""
    oven = Oven(lag=lambda now: ILL if now >= 300 else WELL, errors=lambda now: WELL)
    short, long = a_gate(name="lag", fails_at_once=True), a_gate(hold=660.0, timeout=1320.0)

    fault = oven.bake(short, long, seconds=0.0)

    assert "gate lag: bad: errors ALARM" == fault
    assert 300.0 <= oven.clock.now() - 1000.0 < 330.0


def test_what_is_bad_in_between_holds_anew_beside_its_neighbours() -> None:
    """Past its own time as well, for as long as a neighbour may still take; all hold at the end."""
    oven = Oven(
        lag=lambda now: ILL if 600 <= now < 650 else WELL,
        errors=lambda now: WELL,
    )
    short, long = a_gate(name="lag"), a_gate(hold=660.0, timeout=1320.0)

    assert "" == oven.bake(short, long, seconds=0.0)
    assert 680.0 <= oven.clock.now() - 1000.0 <= 700.0


def test_what_stays_bad_fails_with_the_last_of_its_neighbours() -> None:
    """A gate that was good once and is not at the end has not held."""
    oven = Oven(lag=lambda now: ILL if now >= 600 else WELL, errors=lambda now: WELL)
    short, long = a_gate(name="lag"), a_gate(hold=660.0, timeout=1320.0)

    fault = oven.bake(short, long, seconds=0.0)

    assert "gate lag: not passed in 1320 s: bad: errors ALARM" == fault
    assert 1320.0 == oven.clock.now() - 1000.0


def test_all_gates_are_looked_at_once_more_when_the_last_has_passed() -> None:
    """What went wrong since its last look has not held at the end."""
    oven = Oven(lag=lambda now: ILL if now >= 655 else WELL, errors=lambda now: WELL)
    short = a_gate(name="lag", fails_at_once=True, every=50.0)
    long = a_gate(hold=660.0, timeout=1320.0)

    assert "gate lag: bad: errors ALARM" == oven.bake(short, long, seconds=0.0)
    assert 660.0 == oven.clock.now() - 1000.0


def test_people_are_asked_after_the_bake() -> None:
    """There is nothing to judge before."""
    oven = Oven(ok=lambda now: WELL)
    gate = Gate("ok", ApprovalCheck("go on?"))

    assert "" == oven.bake(gate, seconds=60.0)
    assert [("ok", 60.0)] == oven.looks


def asked(name: str, **differing: Any) -> Gate:
    """Return a gate on a command, which is run again until it is good."""
    check = CommandCheck(("true",))
    return Gate(**{"name": name, "check": check, "timeout": 500.0, **differing})


def test_what_is_asked_has_a_share_of_its_own() -> None:
    """What is measured may take all of its time, and what is asked after it all of that."""
    oven = Oven(
        errors=lambda now: WELL if now >= 85 else ILL, smoke=lambda now: WELL if now >= 600 else ILL
    )
    gates = (asked("smoke"), a_gate())

    assert 620.0 == own_time(gates, 0.0)
    assert "" == oven.bake(*gates, seconds=0.0, patience=own_time(gates, 0.0))
    assert 120.0 == next(at for name, at in oven.looks if name == "smoke")
    assert 600.0 <= oven.clock.now() - 1000.0 <= 620.0


def test_what_is_measured_is_looked_at_while_others_are_asked() -> None:
    """An alarm that goes off during the smoke test, and one during the person's lunch."""
    for ask in (asked("ask"), Gate("ask", ApprovalCheck("go on?"))):
        oven = Oven(errors=lambda now: ILL if now >= 400 else WELL, ask=lambda now: ILL)

        def lunch(now: float, oven: Oven = oven) -> Reading:
            oven.clock.sleep(3600.0)
            return WELL

        if isinstance(ask.check, ApprovalCheck):
            oven.reads["ask"] = lunch

        fault = oven.bake(ask, a_gate(fails_at_once=True), seconds=60.0)

        assert "gate errors: bad: errors ALARM" == fault


def test_an_hour_for_an_answer_is_no_hour_for_the_gates() -> None:
    """Those that hold are asked once more and need not hold anew; a person is asked once."""
    oven = Oven(errors=lambda now: WELL)

    def lunch(now: float) -> Reading:
        oven.clock.sleep(3600.0)
        return WELL

    oven.reads["ok"] = lunch
    gates = (Gate("ok", ApprovalCheck("go on?")), a_gate(hold=660.0, timeout=1320.0))

    assert "" == oven.bake(*gates, seconds=0.0, patience=own_time(gates, 0.0))
    assert [660.0] == [at for name, at in oven.looks if name == "ok"]
    assert ("errors", 4260.0) == oven.looks[-1]


def test_a_command_that_takes_long_is_no_gap_for_what_is_measured() -> None:
    """Nobody could look meanwhile: the hold need not begin anew, and what is bad is still seen."""
    oven = Oven(errors=lambda now: WELL)

    def slow(now: float) -> Reading:
        oven.clock.sleep(300.0)
        return WELL

    oven.reads["smoke"] = slow
    gates = (asked("smoke"), a_gate(hold=660.0, timeout=700.0))

    assert "" == oven.bake(*gates, seconds=0.0)
    assert [660.0] == [at for name, at in oven.looks if name == "smoke"]
    assert ("errors", 960.0) == oven.looks[-1]


def test_people_are_asked_last() -> None:
    """Nobody is bothered where the smoke test has not been good."""
    oven = Oven(smoke=lambda now: ILL, ok=lambda now: WELL)
    gates = (Gate("ok", ApprovalCheck("go on?")), asked("smoke"))

    assert "gate smoke: not passed in 500 s: bad: errors ALARM" == oven.bake(*gates, seconds=0.0)
    assert {"smoke"} == {name for name, _ in oven.looks}


def test_a_bake_without_gates_is_a_wait_that_the_deadline_ends() -> None:
    """The rest can go on another day."""
    assert "" == (oven := Oven()).bake(seconds=60.0)
    assert 60.0 == oven.clock.now() - 1000.0
    with pytest.raises(StillRunningError, match="still being watched"):
        Oven().bake(seconds=60.0, patience=30.0)
