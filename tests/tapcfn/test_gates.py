"""A gate is a function of its samples and of the time: what passes, what fails, what waits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapcfn.gates import GateStatus, Sample, data_of, is_good, judge
from tapcfn.model import (
    AlarmCheck,
    ApprovalCheck,
    CommandCheck,
    Comparison,
    Gate,
    MetricCheck,
    Target,
)
from tests.fakes import HOME

PASSED, FAILED, WAITING = GateStatus.PASSED, GateStatus.FAILED, GateStatus.WAITING
LAG = MetricCheck(HOME, "AWS/RDS", "ReplicaLag", (), "Maximum", Comparison.AT_MOST, 0.0)
ERRORS = AlarmCheck(HOME, ("errors",))
GOOD = {"+": True, "-": False, "?": None}


def a_gate(**differing: Any) -> Gate:
    """Return a gate that must be good for a minute, looked at every 15 seconds."""
    return Gate(**{"name": "errors", "check": ERRORS, "hold": 60.0, **differing})


def looks(text: str) -> list[Sample]:
    """Return a look every 15 seconds: + is good, - bad and ? missing; a blank is none."""
    return [
        Sample(number * 15.0, GOOD[each], text=f"look {number}")
        for number, each in enumerate(text)
        if each != " "
    ]


def periods(text: str) -> list[Sample]:
    """Return a sample for each minute since the gate was opened."""
    return [
        Sample((number + 1) * 60.0, GOOD[each], covers=60.0)
        for number, each in enumerate(text)
        if each != " "
    ]


@pytest.mark.parametrize(
    ("seen", "now", "status", "reason"),
    [
        ("", 0, WAITING, "no sample yet"),
        ("+", 0, WAITING, "good for 0 s of 60 s"),
        ("++++", 45, WAITING, "good for 45 s of 60 s"),
        ("+++++", 60, PASSED, "good for 60 s"),
        ("-+++++", 75, PASSED, "good for 60 s"),
        ("++++-", 60, WAITING, "bad: look 4"),
        ("++-++", 60, WAITING, "good for 15 s of 60 s"),  # flapping begins anew
        ("++?++", 60, WAITING, "good for 15 s of 60 s"),  # so does missing
        ("++++?", 60, WAITING, "missing: look 4"),
        ("?????", 60, WAITING, "missing: look 4"),
        ("+   +", 60, WAITING, "good for 0 s of 60 s"),  # too far apart to be unbroken
        ("+  ++", 60, PASSED, "good for 60 s"),
        ("+++++", 105, PASSED, "good for 60 s"),
        ("+++++", 106, WAITING, "no sample for 46 s"),  # the newest is stale
        ("++++-", 600, FAILED, "not passed in 600 s: no sample for 540 s"),
        (" " * 36 + "+++++", 600, PASSED, "good for 60 s"),  # just in time
        (" " * 36 + "++++-", 600, FAILED, "not passed in 600 s: bad: look 40"),
        (" " * 37 + "++++", 600, FAILED, "not passed in 600 s: good for 45 s of 60 s"),
    ],
)
def test_what_is_waited_for_must_be_good_without_a_break(
    seen: str, now: float, status: GateStatus, reason: str
) -> None:
    """A bad sample begins the hold anew, and only the time-out is the end. (D-9)"""
    verdict = judge(a_gate(), looks(seen), now)

    assert (status, reason) == (verdict.status, verdict.reason)


@pytest.mark.parametrize(
    ("seen", "status", "reason"),
    [
        ("+++-", FAILED, "bad: look 3"),
        ("+-+++++", FAILED, "bad: look 1"),
        ("?????", WAITING, "missing: look 4"),  # nobody has said that it is bad
        ("?+++++", PASSED, "good for 60 s"),
    ],
)
def test_what_must_stay_good_fails_at_the_first_bad_sample(
    seen: str, status: GateStatus, reason: str
) -> None:
    """While a change bakes an alarm is the end; missing data only begin the hold anew."""
    samples = looks(seen)
    verdict = judge(a_gate(fails_at_once=True), samples, samples[-1].at)

    assert (status, reason) == (verdict.status, verdict.reason)


@pytest.mark.parametrize(
    ("seen", "now", "status"),
    [
        ("+++++", 300, PASSED),
        ("++++", 240, WAITING),
        ("+++++", 480, PASSED),  # what comes late is not stale before three periods
        ("+++++", 481, WAITING),
        ("++ ++++", 420, WAITING),  # a period of which nothing came
        ("++?+++++", 480, PASSED),
        ("+++-+++", 420, WAITING),
    ],
)
def test_periods_of_a_metric_must_follow_each_other(
    seen: str, now: float, status: GateStatus
) -> None:
    """Five good minutes are five periods in a row, and the newest is not old. (O-10)"""
    verdict = judge(a_gate(check=LAG, hold=300.0), periods(seen), now)

    assert status is verdict.status


def test_a_gate_without_a_hold_passes_at_one_good_look() -> None:
    """And not before there is one."""
    gate = a_gate(hold=0.0)

    assert WAITING is judge(gate, [], 0.0).status
    assert PASSED is judge(gate, looks("+"), 0.0).status


def test_what_was_measured_before_the_gate_was_opened_does_not_count() -> None:
    """A minute that began before a change says nothing of the change; nor does a later moment."""
    gate = a_gate(check=LAG, hold=0.0)
    early = Sample(30.0, True, covers=60.0)

    assert "no sample yet" == judge(gate, [early], 60.0).reason
    assert "no sample yet" == judge(gate, looks(" +"), 10.0).reason


@pytest.mark.parametrize("good", [False, None])
def test_of_two_samples_at_one_moment_the_worse_counts(good: bool | None) -> None:
    """Whichever comes first."""
    both = [Sample(0.0, True, text="b"), Sample(0.0, good, text="a")]

    for samples in (both, both[::-1]):
        assert WAITING is judge(a_gate(hold=0.0), samples, 0.0).status


def test_a_verdict_shows_the_samples_that_decided() -> None:
    """The run that passed; all up to the bad one; and at most thirty where none decided."""
    passed = judge(a_gate(), looks("-+?+++++"), 105.0)
    failed = judge(a_gate(fails_at_once=True), looks("++-++"), 60.0)
    waiting = judge(a_gate(), looks("-" * 40), 585.0)

    assert looks("   +++++") == list(passed.samples)
    assert looks("++-") == list(failed.samples)
    assert [looks("-" * 40)[-30:], False] == [list(waiting.samples), waiting.is_over]


def test_a_no_is_the_end() -> None:
    """Nobody is asked twice."""
    gate = a_gate(check=ApprovalCheck("go on?"), hold=0.0)

    assert FAILED is judge(gate, [Sample(5.0, False, "no", "declined")], 5.0).status


@pytest.mark.parametrize(
    ("gate", "seconds"),
    [
        (a_gate(), 45.0),
        (a_gate(stale=20.0), 20.0),
        (a_gate(check=LAG), 180.0),
        (a_gate(check=replace(LAG, period=300)), 900.0),
        (a_gate(check=CommandCheck(("true",), 60.0)), 225.0),  # a slow one is not stale by itself
    ],
)
def test_a_sample_is_stale_after_three_looks(gate: Gate, seconds: float) -> None:
    """Unless the gate says when."""
    assert seconds == gate.stale_after


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [("<", True, False, False), ("<=", True, True, False), (">", False, False, True),
     (">=", False, True, True)],
)  # fmt: skip
def test_a_value_is_compared_with_the_threshold(
    comparison: str, below: bool, at: bool, above: bool
) -> None:
    """On all sides of it."""
    check = replace(LAG, comparison=Comparison(comparison), threshold=5.0)

    assert [below, at, above] == [is_good(check, value) for value in (4.9, 5.0, 5.1)]


@pytest.mark.parametrize("value", [-1.0, -0.1, float("nan"), float("inf"), float("-inf")])
def test_an_impossible_value_is_missing(value: float) -> None:
    """A lag of -1 says that replication does not run, which is no lag of less than 1. (O-10)"""
    assert is_good(LAG, value) is None
    assert is_good(replace(LAG, comparison=Comparison.ABOVE), value) is None


def test_a_metric_may_be_negative() -> None:
    """Where the check says so."""
    assert is_good(replace(LAG, lowest=None), -5.0) is True
    assert is_good(replace(LAG, lowest=-10.0), -5.0) is True


@pytest.mark.parametrize(
    ("namespace", "region", "where"),
    [
        ("AWS/RDS", "eu-west-1", "eu-west-1"),
        ("AWS/Route53", "eu-west-1", "us-east-1"),
        ("AWS/Route53", "cn-north-1", "cn-northwest-1"),
        ("AWS/Route53", "us-gov-east-1", "us-gov-west-1"),
        ("AWS/GlobalAccelerator", "eu-west-1", "us-west-2"),
    ],
)
def test_a_metric_is_read_where_its_data_is(namespace: str, region: str, where: str) -> None:
    """Metrics of services that are no Region's are in one only; elsewhere they seem missing."""
    check = replace(LAG, namespace=namespace, target=Target("111111111111", region))

    assert Target("111111111111", where) == data_of(check)


# Whatever the samples -----------------------------------------------------------------------------

MOMENTS = st.integers(0, 60).map(lambda number: number * 5.0)
SAMPLES = st.lists(st.builds(Sample, MOMENTS, st.sampled_from([True, False, None])), max_size=12)
STEADY = st.text("++++++++++-? ", max_size=20).map(looks)
GATES = st.builds(
    a_gate,
    hold=st.sampled_from([0.0, 15.0, 60.0]),
    timeout=st.sampled_from([60.0, 300.0]),
    fails_at_once=st.booleans(),
)
few = settings(max_examples=60, deadline=None)


@few
@given(GATES, SAMPLES, MOMENTS, st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(
    gate: Gate, samples: list[Sample], now: float, shuffled: Any
) -> None:
    """They may arrive in any."""
    others = list(samples)
    shuffled.shuffle(others)

    assert judge(gate, samples, now) == judge(gate, others, now)


@few
@given(GATES, SAMPLES | STEADY, MOMENTS, MOMENTS, st.sampled_from([False, None]))
def test_a_sample_that_is_not_good_never_makes_a_gate_pass(
    gate: Gate, samples: list[Sample], now: float, moment: float, good: bool | None
) -> None:
    """However many more of them there are; and what has failed goes on having failed."""
    before = judge(gate, samples, now).status
    after = judge(gate, [*samples, Sample(moment, good)], now).status

    assert after is not PASSED or before is PASSED
    assert before is not FAILED or after is FAILED


@few
@given(GATES, st.integers(5, 20), st.integers(0, 3), st.sampled_from([False, None]))
def test_nothing_passes_with_a_sample_in_its_hold_that_is_not_good(
    gate: Gate, length: int, back: int, good: bool | None
) -> None:
    """Bad, missing or impossible, with everything else good."""
    samples = looks("+" * length)
    samples[-1 - back] = replace(samples[-1 - back], good=good)
    gate = replace(gate, hold=60.0)

    assert PASSED is judge(gate, looks("+" * length), samples[-1].at).status
    assert PASSED is not judge(gate, samples, samples[-1].at).status


@few
@given(GATES, st.text("+++++-? ", max_size=9), st.integers(0, 6), st.integers(0, 60))
def test_what_passes_has_been_good_for_the_hold(
    gate: Gate, before: str, good: int, later: float
) -> None:
    """Without a sample among them that is not, and with a newest one that is not stale."""
    samples = looks(before + "+" * good)
    now = 15.0 * len(before) + 15.0 * good + later
    verdict = judge(gate, samples, now)
    if verdict.status is not PASSED:
        return
    first, last = verdict.samples[0], verdict.samples[-1]

    assert all(each.good for each in samples if first.at <= each.at <= now)
    assert last.at - first.begins >= gate.hold
    assert now - last.at <= gate.stale_after
