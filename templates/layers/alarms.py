"""CloudWatch alarms: a threshold, for so many periods of so many seconds.

An alarm's actions must be in its own Region (L-10). What missing data means follows the kind of
metric (C-9): nothing happened for counts of errors, nothing is healthy for counts of healthy
hosts, and for replication the last state stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from troposphere import cloudwatch

from tapcfn.templating import Template
from templates.layers._tags import tagged
from templates.layers._values import Value


class Missing(StrEnum):
    """What it means that a metric has no data."""

    NOT_BREACHING = "notBreaching"
    BREACHING = "breaching"
    IGNORE = "ignore"
    UNKNOWN = "missing"


class Compare(StrEnum):
    """When the threshold is breached."""

    ABOVE = "GreaterThanThreshold"
    AT_LEAST = "GreaterThanOrEqualToThreshold"
    BELOW = "LessThanThreshold"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as CloudWatch knows it: exactly these dimensions, or there is no data."""

    namespace: str
    name: str
    dimensions: Mapping[str, Value] = field(default_factory=dict)

    def dimension_list(self) -> list[cloudwatch.MetricDimension]:
        """Return the dimensions as an alarm has them."""
        return [
            cloudwatch.MetricDimension(Name=name, Value=value)
            for name, value in self.dimensions.items()
        ]


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: `threshold` crossed in `periods` periods of `seconds` each.

    Of several metrics the sum counts, such as that of read and write throttles; one of them
    without data counts as zero.
    """

    title: str
    description: str
    metric: Metric | tuple[Metric, ...]
    stat: str
    threshold: float
    periods: int = 2
    seconds: int = 300
    compare: Compare = Compare.ABOVE
    missing: Missing = Missing.NOT_BREACHING

    @property
    def noticed_within(self) -> float:
        """The seconds in which it has gone off once something is wrong: a minute for CloudWatch."""
        return self.periods * self.seconds + 60.0


def add(
    template: Template,
    alarm: Alarm,
    *,
    tags: Mapping[str, str],
    actions: Sequence[Value] = (),
    ok_actions: Sequence[Value] = (),
) -> cloudwatch.Alarm:
    """Add an alarm; the actions are ARNs of its own Region: a topic, a scaling policy. (L-10)"""
    made = cloudwatch.Alarm(
        alarm.title,
        AlarmDescription=alarm.description,
        Threshold=alarm.threshold,
        EvaluationPeriods=alarm.periods,
        ComparisonOperator=str(alarm.compare),
        TreatMissingData=str(alarm.missing),
        Tags=tagged(tags),
        **_watched(alarm),
    )
    if actions:
        made.AlarmActions = list(actions)
    if ok_actions:
        made.OKActions = list(ok_actions)
    return template.add(made)


def _watched(alarm: Alarm) -> dict[str, Any]:
    """Return the properties that say what is watched: one metric, or a sum."""
    if isinstance(alarm.metric, tuple):
        return {"Metrics": _sum(alarm.metric, alarm)}
    watched: dict[str, Any] = {
        "Namespace": alarm.metric.namespace,
        "MetricName": alarm.metric.name,
        "Statistic": alarm.stat,
        "Period": alarm.seconds,
    }
    if alarm.metric.dimensions:
        watched["Dimensions"] = alarm.metric.dimension_list()
    return watched


def _sum(metrics: Sequence[Metric], alarm: Alarm) -> list[cloudwatch.MetricDataQuery]:
    terms = [f"FILL(m{index}, 0)" for index in range(len(metrics))]
    return [
        cloudwatch.MetricDataQuery(
            Id="total", Expression=" + ".join(terms), Label=alarm.description, ReturnData=True
        ),
        *(_query(index, metric, alarm) for index, metric in enumerate(metrics)),
    ]


def _query(index: int, metric: Metric, alarm: Alarm) -> cloudwatch.MetricDataQuery:
    return cloudwatch.MetricDataQuery(
        Id=f"m{index}",
        MetricStat=cloudwatch.MetricStat(
            Metric=cloudwatch.Metric(
                Namespace=metric.namespace,
                MetricName=metric.name,
                Dimensions=metric.dimension_list(),
            ),
            Period=alarm.seconds,
            Stat=alarm.stat,
        ),
        ReturnData=False,
    )
