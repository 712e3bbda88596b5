"""What must hold before a rollout goes on: what to look at, and for how long it must be good."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from tapcfn.model.places import Target


class Comparison(StrEnum):
    """How a sample of a metric is compared with its threshold to be good."""

    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class AlarmCheck:
    """CloudWatch alarms that must be OK; the names are of the alarms' own Region."""

    target: Target
    alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetricCheck:
    """A metric that must be on the right side of a threshold, in the Region that has the data.

    `dimensions` are (name, value) pairs; `period` is in seconds.
    """

    target: Target
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    comparison: Comparison
    threshold: float
    period: int = 60


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A Route 53 health check that most of its checkers must call healthy."""

    target: Target
    health_check_id: str


@dataclass(frozen=True, slots=True)
class TargetHealthCheck:
    """A target group in which at least so many targets must be healthy, and none unhealthy."""

    target: Target
    target_group_arn: str
    healthy: int = 1


@dataclass(frozen=True, slots=True)
class ProbeCheck:
    """A URL that must answer with one of these status codes, within `seconds`."""

    url: str
    status: tuple[int, ...] = (200,)
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class CommandCheck:
    """A command of the user's that must exit with 0, within `seconds`; never through a shell."""

    words: tuple[str, ...]
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class ApprovalCheck:
    """A person who must say yes."""

    question: str


Check: TypeAlias = (
    AlarmCheck
    | MetricCheck
    | HealthCheck
    | TargetHealthCheck
    | ProbeCheck
    | CommandCheck
    | ApprovalCheck
)


@dataclass(frozen=True, slots=True)
class Gate:
    """A check that must be good, without a break, for `hold` seconds; by `timeout` at the latest.

    Missing, stale and impossible samples are never good. `every` is the pause between two looks.
    """

    name: str
    check: Check
    hold: float = 0.0
    timeout: float = 600.0
    every: float = 15.0
