"""Alarms and charts look at metrics that AWS publishes: their dimensions, statistic and period."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.templates.systems import System, every_choice


def of(*dimensions: str) -> frozenset[frozenset[str]]:
    """Return the one set of dimensions under which a metric has data."""
    return frozenset({frozenset(dimensions)})


API = of("ApiName", "Stage")
BALANCER = of("LoadBalancer")
TARGETS = of("LoadBalancer", "TargetGroup")
COPIES = of("SourceBucket", "DestinationBucket", "RuleId")
COUNT, MEAN, EITHER = {"Sum"}, {"Average"}, {"Sum", "Average"}
ANY = {"Sum", "Average", "Minimum", "Maximum"}

# What AWS documents: the dimensions under which there is data, and the statistics with a meaning.
KNOWN: Mapping[tuple[str, str], tuple[frozenset[frozenset[str]], set[str]]] = {
    ("AWS/ApiGateway", "Count"): (API, COUNT),
    ("AWS/ApiGateway", "4XXError"): (API, EITHER),
    ("AWS/ApiGateway", "5XXError"): (API, EITHER),
    ("AWS/ApiGateway", "Latency"): (API, MEAN),
    ("AWS/ApplicationELB", "HealthyHostCount"): (TARGETS, {"Minimum"}),
    ("AWS/ApplicationELB", "UnHealthyHostCount"): (TARGETS, {"Maximum"}),
    ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count"): (BALANCER, COUNT),
    ("AWS/ApplicationELB", "HTTPCode_Target_2XX_Count"): (BALANCER, COUNT),
    ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"): (BALANCER, COUNT),
    ("AWS/ApplicationELB", "RequestCount"): (BALANCER, COUNT),
    ("AWS/ApplicationELB", "TargetResponseTime"): (BALANCER, MEAN),
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits"): (of("TableName"), EITHER),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): (of("TableName"), EITHER),
    ("AWS/DynamoDB", "ReadThrottleEvents"): (of("TableName"), COUNT),
    ("AWS/DynamoDB", "WriteThrottleEvents"): (of("TableName"), COUNT),
    ("AWS/DynamoDB", "SystemErrors"): (of("TableName", "Operation"), COUNT),
    ("AWS/DynamoDB", "ReplicationLatency"): (of("TableName", "ReceivingRegion"), MEAN),
    ("AWS/EC2", "CPUUtilization"): (of("AutoScalingGroupName") | of("InstanceId"), MEAN),
    ("AWS/EC2", "NetworkIn"): (of("AutoScalingGroupName"), EITHER),
    ("AWS/EC2", "NetworkOut"): (of("AutoScalingGroupName"), EITHER),
    ("AWS/EC2", "StatusCheckFailed"): (of("AutoScalingGroupName"), {"Maximum", "Sum"}),
    ("AWS/Lambda", "Duration"): (of("FunctionName"), MEAN),
    ("AWS/Lambda", "Errors"): (of("FunctionName"), COUNT),
    ("AWS/Lambda", "Invocations"): (of("FunctionName"), COUNT),
    ("AWS/NATGateway", "ErrorPortAllocation"): (of("NatGatewayId"), COUNT),
    ("AWS/NATGateway", "PacketsDropCount"): (of("NatGatewayId"), EITHER),
    ("AWS/RDS", "CPUUtilization"): (of("DBInstanceIdentifier"), MEAN),
    ("AWS/RDS", "DatabaseConnections"): (of("DBInstanceIdentifier"), ANY),
    ("AWS/RDS", "FreeableMemory"): (of("DBInstanceIdentifier"), ANY),
    ("AWS/RDS", "FreeStorageSpace"): (of("DBInstanceIdentifier"), ANY),
    ("AWS/RDS", "ReplicaLag"): (of("DBInstanceIdentifier"), ANY),
    ("AWS/Route53", "HealthCheckStatus"): (of("HealthCheckId"), {"Minimum"}),
    ("AWS/S3", "BucketSizeBytes"): (of("BucketName", "StorageType"), MEAN),
    ("AWS/S3", "ReplicationLatency"): (COPIES, {"Average", "Maximum"}),
    ("AWS/S3", "BytesPendingReplication"): (COPIES, {"Average", "Maximum"}),
    ("AWS/S3", "OperationsPendingReplication"): (COPIES, {"Average", "Maximum"}),
    ("AWS/S3", "OperationsFailedReplication"): (COPIES, COUNT),
}

DAILY = {("AWS/S3", "BucketSizeBytes")}


@dataclass(frozen=True)
class Watched:
    """One use of a metric."""

    where: str
    metric: tuple[str, str]
    dimensions: frozenset[str]
    stat: str
    period: int


def of_alarm(where: str, alarm: Mapping[str, Any]) -> Iterator[Watched]:
    """Yield the metrics of an alarm; an expression has none of its own."""
    for query in alarm.get("Metrics", ()):
        if stat := query.get("MetricStat"):
            yield _alarmed(where, stat["Metric"], stat["Stat"], stat["Period"])
    if "MetricName" in alarm:
        yield _alarmed(where, alarm, alarm["Statistic"], alarm["Period"])


def _alarmed(where: str, metric: Mapping[str, Any], stat: str, period: int) -> Watched:
    dimensions = frozenset(each["Name"] for each in metric.get("Dimensions", ()))
    return Watched(where, (metric["Namespace"], metric["MetricName"]), dimensions, stat, period)


def of_dashboard(where: str, dashboard: Mapping[str, Any]) -> Iterator[Watched]:
    """Yield the metrics of every chart."""
    body = dashboard["DashboardBody"]["Fn::Sub"]
    for widget in json.loads(body if isinstance(body, str) else body[0])["widgets"]:
        if widget["type"] == "metric":
            chart = widget["properties"]
            for line in chart["metrics"]:
                yield from _charted(where, chart, line)


def _charted(where: str, chart: Mapping[str, Any], line: list[Any]) -> Iterator[Watched]:
    options = line[-1] if isinstance(line[-1], dict) else {}
    words = [each for each in line if isinstance(each, str)]
    if words:
        stat = options.get("stat", chart["stat"])
        period = options.get("period", chart["period"])
        yield Watched(where, (words[0], words[1]), frozenset(words[2::2]), stat, period)


def watched(system: System, keys: Mapping[str, Any]) -> tuple[list[Watched], set[tuple[str, str]]]:
    """Return all uses of metrics in a rollout, and the metrics that it makes itself."""
    found: list[Watched] = []
    made: set[tuple[str, str]] = set()
    for stack in system.rollout(**keys).stacks:
        for title, resource in stack.template.document["Resources"].items():
            where, properties = f"{stack.template.layer}.{title}", resource.get("Properties", {})
            match resource["Type"]:
                case "AWS::CloudWatch::Alarm":
                    found += of_alarm(where, properties)
                case "AWS::CloudWatch::Dashboard":
                    found += of_dashboard(where, properties)
                case "AWS::Logs::MetricFilter":
                    for each in properties["MetricTransformations"]:
                        made.add((each["MetricNamespace"], each["MetricName"]))
    return found, made


@every_choice
def test_every_metric_exists(system: System, keys: Mapping[str, Any]) -> None:
    """Q-1: with other dimensions, or under another statistic, there is no data, and no alarm."""
    found, made = watched(system, keys)
    for each in found:
        if each.metric in made:
            assert each.dimensions == frozenset(), each
            continue
        assert each.metric in KNOWN, each
        dimensions, stats = KNOWN[each.metric]
        assert each.dimensions in dimensions, each
        assert each.stat in stats, each
        assert each.period % 60 == 0, each
        assert (each.period == 86_400) == (each.metric in DAILY), each


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"MetricName": "ThrottledRequests"}, "an unknown metric"),
        ({"Dimensions": [{"Name": "Api", "Value": "x"}]}, "another dimension"),
        ({"Statistic": "Maximum"}, "another statistic"),
        ({"Period": 45}, "another period"),
    ],
)
def test_the_table_is_awake(wrong: Mapping[str, Any], why: str) -> None:
    """A suite of right alarms proves nothing unless a wrong one is seen."""
    right = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": "x"}],
        "Statistic": "Sum",
        "Period": 300,
    }

    def is_right(alarm: Mapping[str, Any]) -> bool:
        (each,) = of_alarm("layer.Alarm", alarm)
        dimensions, stats = KNOWN.get(each.metric, (of("none"), set()))
        return each.dimensions in dimensions and each.stat in stats and each.period % 60 == 0

    assert is_right(right)
    assert not is_right({**right, **wrong}), why
