"""What must hold between two moves: copies that are up to date, a target that is well. (O-10)"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tapcfn.model import (
    AlarmCheck,
    ApprovalCheck,
    Comparison,
    Gate,
    MetricCheck,
    OutputOf,
    Target,
    TargetHealthCheck,
)
from templates.layers import metrics
from templates.layers.alarms import Metric

MINUTE = 60.0

# Before anybody is disturbed: the replica has kept up for long.
CLOSE_SECONDS = 5
CLOSE_FOR = 30 * MINUTE
PENDING_FOR = 15 * MINUTE
PATIENCE = 120 * MINUTE

# A metric has a point a minute; to look more often brings nothing while nobody waits.
RARELY = MINUTE
OFTEN = 20.0

# While nobody can write: five points of one minute each, and then no longer than must be.
DRAINED_FOR = 5 * MINUTE
DRAIN_AT_MOST = 15 * MINUTE

# While traffic moves: twice what S4-18's alarms need for two periods each.
HEALTHY = 2
WELL_AT_MOST = 22 * MINUTE

STOPPED = "Is every write to the source database and bucket stopped, and will it stay so?"


@dataclass(frozen=True, slots=True)
class Watched:
    """What gates look at. What is an output is known once its stack is deployed."""

    target: Target
    database: str
    bucket: str
    copies: str
    rule: str
    targets: OutputOf
    alarms: OutputOf
    noticed_within: float

    def keeps_up(self) -> Iterator[Gate]:
        """Yield what holds while the source is written to: little is missing at any time."""
        yield self._lag("replica-keeps-up", Comparison.BELOW, CLOSE_SECONDS, CLOSE_FOR, PATIENCE)
        yield self._pending("objects-keep-up", PENDING_FOR, PATIENCE)
        yield self._targets(PATIENCE)

    def drained(self) -> Iterator[Gate]:
        """Yield what holds once writes have stopped: nothing is missing. -1 is no lag at all."""
        yield self._lag("replica-drained", Comparison.AT_MOST, 0, DRAINED_FOR, DRAIN_AT_MOST)
        yield self._pending("objects-drained", DRAINED_FOR, DRAIN_AT_MOST)

    def well(self) -> Iterator[Gate]:
        """Yield what holds while the target serves, for as long as its slowest alarm needs."""
        yield self._targets(WELL_AT_MOST)
        alarms = AlarmCheck(self.target, (self.alarms,))
        yield Gate("alarms", alarms, self.noticed_within, WELL_AT_MOST, RARELY)

    def comes_back(self, rule: str, target: Target) -> Gate:
        """Return what holds while the target's bucket copies to the source's: nothing waits.

        S3 tells in the Region of the copies, here the source, and only while there is something to
        copy: one look is enough.
        """
        metric = metrics.replication_pending(self.copies, self.bucket, rule)
        good = Comparison.AT_MOST, 0.0
        return _metric("objects-come-back", metric, target, good, 0.0, PATIENCE)

    @staticmethod
    def stopped() -> Gate:
        """Return the question whether writes have stopped, where no parameter group stops them."""
        return Gate("writes-stopped", ApprovalCheck(STOPPED))

    def _targets(self, timeout: float) -> Gate:
        check = TargetHealthCheck(self.target, self.targets, healthy=HEALTHY)
        return Gate("targets-healthy", check, timeout=timeout, every=RARELY)

    def _lag(
        self, name: str, comparison: Comparison, seconds: float, hold: float, timeout: float
    ) -> Gate:
        metric = metrics.replica_lag(self.database)
        return _metric(name, metric, self.target, (comparison, seconds), hold, timeout)

    def _pending(self, name: str, hold: float, timeout: float) -> Gate:
        metric = metrics.replication_pending(self.bucket, self.copies, self.rule)
        return _metric(name, metric, self.target, (Comparison.AT_MOST, 0), hold, timeout)


def _metric(
    name: str,
    metric: Metric,
    target: Target,
    good: tuple[Comparison, float],
    hold: float,
    timeout: float,
) -> Gate:
    dimensions = tuple(sorted((key, str(value)) for key, value in metric.dimensions.items()))
    check = MetricCheck(
        target, metric.namespace, metric.name, dimensions, "Maximum", good[0], good[1]
    )
    every = OFTEN if hold <= DRAINED_FOR else RARELY
    return Gate(name, check, hold, timeout, every)
