"""Whether a gate lets a rollout go on: a pure function of its samples and of the time.

Times are seconds since the gate was opened. What was measured before, or has begun before, says
nothing of what the gate waits for, and does not count.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tapcfn.intrinsics import partition_of
from tapcfn.model import (
    AlarmCheck,
    ApprovalCheck,
    Comparison,
    Gate,
    HealthCheck,
    MetricCheck,
    Target,
    TargetHealthCheck,
)

# Two times that are closer than this are the same: they are differences of others.
_HAIR = 0.001

# How many samples a verdict shows that is not about all of them.
_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Sample:
    """What one look saw, or one period of a metric came to.

    `good` is None where that cannot be told: nothing was there, or what was there is impossible.
    `at` is the moment of the look, or the end of the period, and `covers` its length.
    """

    at: float
    good: bool | None
    value: float | str | None = None
    text: str = ""
    covers: float = 0.0

    @property
    def begins(self) -> float:
        """The first moment that the sample says something of."""
        return self.at - self.covers


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look brought. The `at` of its samples is minus their age, on the source's own clock.

    A `whole` reading says all that there is since the gate was opened: it takes the place of the
    readings before it, so that what comes late still counts.
    """

    samples: tuple[Sample, ...]
    whole: bool = False


class GateStatus(StrEnum):
    """Where a gate stands."""

    WAITING = "waiting"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a gate stands, why, and the samples that say so, oldest first."""

    status: GateStatus
    reason: str
    samples: tuple[Sample, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether no later sample can change it."""
        return self.status is not GateStatus.WAITING


class GateCloud(Protocol):
    """What gates ask of AWS. Each reading is of now, and raises `CloudError` where there is none.

    What is not there is a bad sample that names it.
    """

    def alarms(self, check: AlarmCheck) -> Reading:
        """Return one sample: whether all of the alarms are OK."""
        ...

    def metric(self, check: MetricCheck, seconds: float) -> Reading:
        """Return a sample for each whole period of the last `seconds`; a whole reading."""
        ...

    def health_check(self, check: HealthCheck) -> Reading:
        """Return one sample: whether most checkers say Success."""
        ...

    def target_health(self, check: TargetHealthCheck) -> Reading:
        """Return one sample: how many targets are healthy."""
        ...


def judge(gate: Gate, samples: Iterable[Sample], now: float) -> Verdict:
    """Return where the gate stands `now`, whatever the order of the samples."""
    counted = sorted(
        (each for each in samples if each.begins >= -_HAIR and each.at <= now + _HAIR), key=_order
    )
    if bad := _fatal(gate, counted):
        until = counted[: counted.index(bad) + 1]
        return Verdict(GateStatus.FAILED, _said(bad, "bad"), tuple(until[-_SHOWN:]))
    run = _unbroken(gate, counted)
    is_fresh = bool(run) and now - run[-1].at <= gate.stale_after + _HAIR
    if is_fresh and _lasts(run) >= gate.hold - _HAIR:
        return Verdict(GateStatus.PASSED, f"good for {_lasts(run):.0f} s", tuple(run))
    why, shown = _why(gate, counted, run, now), tuple(counted[-_SHOWN:])
    if now >= gate.timeout:
        return Verdict(GateStatus.FAILED, f"not passed in {gate.timeout:.0f} s: {why}", shown)
    return Verdict(GateStatus.WAITING, why, shown)


def _order(sample: Sample) -> tuple[object, ...]:
    """Sort by time; of two at the same moment, the one that is not good is the newer one."""
    good = sample.good is not True
    return sample.at, good, str(sample.good), sample.text, str(sample.value), sample.covers


def _fatal(gate: Gate, counted: list[Sample]) -> Sample | None:
    at_once = gate.fails_at_once or isinstance(gate.check, ApprovalCheck)
    return next((each for each in counted if at_once and each.good is False), None)


def _unbroken(gate: Gate, counted: list[Sample]) -> list[Sample]:
    """Return the newest good samples, back to the first gap or sample that is not good."""
    run: list[Sample] = []
    for each in reversed(counted):
        if each.good is not True or (run and _gap(each, run[-1]) > _most_between(gate, each)):
            break
        run.append(each)
    return run[::-1]


def _gap(earlier: Sample, later: Sample) -> float:
    return later.begins - earlier.at


def _most_between(gate: Gate, sample: Sample) -> float:
    """Return how far apart two samples may be: looks somewhat, periods follow each other."""
    return sample.covers / 2 or gate.stale_after + _HAIR


def _lasts(run: list[Sample]) -> float:
    return run[-1].at - run[0].begins


def _why(gate: Gate, counted: list[Sample], run: list[Sample], now: float) -> str:
    """Say what keeps a gate from passing."""
    if not counted:
        return "no sample yet"
    newest = counted[-1]
    if now - newest.at > gate.stale_after + _HAIR:
        return f"no sample for {now - newest.at:.0f} s"
    if run:
        return f"good for {_lasts(run):.0f} s of {gate.hold:.0f} s"
    return _said(newest, "bad" if newest.good is False else "missing")


def _said(sample: Sample, how: str) -> str:
    said = sample.text or ("" if sample.value is None else str(sample.value))
    return f"{how}: {said}" if said else how


# Metrics ------------------------------------------------------------------------------------------

_GOOD: Mapping[Comparison, Callable[[float, float], bool]] = {
    Comparison.BELOW: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.ABOVE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
}

# Metrics of services that are no Region's are in one Region only, by partition. (CloudWatch)
_VIRGINIA = {"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}
_KEPT_IN: Mapping[str, Mapping[str, str]] = {
    "AWS/Billing": _VIRGINIA,
    "AWS/CloudFront": _VIRGINIA,
    "AWS/GlobalAccelerator": {"aws": "us-west-2"},
    "AWS/Route53": _VIRGINIA,
}


def is_good(check: MetricCheck, value: float) -> bool | None:
    """Whether a value is on the right side; None for one that is no measurement. (O-10)"""
    if not math.isfinite(value) or (check.lowest is not None and value < check.lowest):
        return None
    return _GOOD[check.comparison](value, check.threshold)


def data_of(check: MetricCheck) -> Target:
    """Return where a metric's data is: for services that are no Region's, not where one asks."""
    asked = check.target
    kept = _KEPT_IN.get(check.namespace, {})
    return Target(asked.account, kept.get(partition_of(asked.region), asked.region))
