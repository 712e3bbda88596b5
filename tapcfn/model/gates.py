"""What must hold before a rollout goes on: what to look at, and for how long it must be good.

A field that is an `OutputOf` is known once its stack is deployed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from tapcfn.model.actions import Later
from tapcfn.model.places import Target


class Comparison(StrEnum):
    """How a sample of a metric is compared with its threshold to be good."""

    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class AlarmCheck:
    """CloudWatch alarms that must be OK; the names are of the alarms' own Region.

    An output may name several, with commas between.
    """

    target: Target
    alarms: tuple[Later, ...]


@dataclass(frozen=True, slots=True)
class MetricCheck:
    """A metric that must be on the right side of a threshold, in the Region that has the data.

    `dimensions` are (name, value) pairs; `period` is in seconds. A value below `lowest` is no
    measurement, such as the -1 of ReplicaLag where replication does not run; None takes any. A
    metric that is published only when it is not 0 never passes: watch it by an alarm that takes
    missing data for notBreaching.
    """

    target: Target
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, Later], ...]
    statistic: str
    comparison: Comparison
    threshold: float
    period: int = 60
    lowest: float | None = 0.0


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A Route 53 health check that most of its checkers must call healthy."""

    target: Target
    health_check_id: Later


@dataclass(frozen=True, slots=True)
class TargetHealthCheck:
    """A target group in which at least so many targets must be healthy, and none unhealthy."""

    target: Target
    target_group_arn: Later
    healthy: int = 1


@dataclass(frozen=True, slots=True)
class ProbeCheck:
    """A URL that must answer with one of these status codes, within `seconds`."""

    url: Later
    status: tuple[int, ...] = (200,)
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class CommandCheck:
    """A command of the user's that must exit with 0, within `seconds`; never through a shell."""

    words: tuple[str, ...]
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class ApprovalCheck:
    """A person who must say yes; asked once, and a no is the end."""

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


# Looks, or periods of a metric, that may be missing before the newest sample is too old.
_LOOKS_MISSED = 3


@dataclass(frozen=True, slots=True)
class Gate:
    """A check that must be good, without a break, for `hold` seconds; by `timeout` at the latest.

    Missing, stale and impossible samples are never good: the hold begins anew after them. So it
    does after a bad one, where something is waited for (a lag that falls); with `fails_at_once` a
    bad one is the end, where something must stay good (errors while a change bakes).

    `every` is the pause between two looks. `stale` is how old the newest sample may be, and how far
    apart two may be.
    """

    name: str
    check: Check
    hold: float = 0.0
    timeout: float = 600.0
    every: float = 15.0
    fails_at_once: bool = False
    stale: float | None = None

    @property
    def target(self) -> Target | None:
        """Where it looks, if it looks at AWS."""
        if isinstance(self.check, ProbeCheck | CommandCheck | ApprovalCheck):
            return None
        return self.check.target

    @property
    def stale_after(self) -> float:
        """The seconds after which a sample says nothing any more; by default three looks."""
        return self.stale if self.stale is not None else _LOOKS_MISSED * self._between_samples

    @property
    def _between_samples(self) -> float:
        """How far apart samples are at most, when nothing is wrong."""
        match self.check:
            case MetricCheck(period=period):
                return max(self.every, period)
            case ProbeCheck(seconds=seconds) | CommandCheck(seconds=seconds):
                return self.every + seconds
            case _:
                return self.every
