"""CloudWatch: what a service measures by itself, as a table scripts it, or as it usually is.

Without a script a healthy replica does not lag, a global table replicates within half a second,
S3 has nothing left to replicate, balancers count healthy targets, and health checks are well. What
somebody puts counts instead.
"""

from __future__ import annotations

import time as _clock
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tapcfn.local import emulator, time
from tapcfn.local.faults import hooks
from tapcfn.local.faults.measures import Course
from tapcfn.local.services import targets

Point = dict[str, float]
Dimensions = Sequence[Mapping[str, str]]

# Points in one period, at most.
_MOST = 60


def points(metric: Mapping[str, Any], times: Sequence[int], period: int) -> list[Any]:
    """Return the points of a metric: what was put, but where a script says otherwise."""
    namespace, name = str(metric.get("Namespace")), str(metric.get("MetricName"))
    dimensions = metric.get("Dimensions") or []
    put = emulator.cloudwatch.points(namespace, name, dimensions)
    course = _course(namespace, name, dimensions)
    usual = None if put else _usual(namespace, name, _values(dimensions))
    if course is None and usual is None:
        return put
    kept = [each for each in put if course is None or course.at(each["Timestamp"]) is None]
    return [*kept, *_samples(course, usual, times, period)]


def is_measured(metric: Mapping[str, Any]) -> bool:
    """Tell whether a metric has points that nobody has put."""
    namespace, name = str(metric.get("Namespace")), str(metric.get("MetricName"))
    dimensions = metric.get("Dimensions") or []
    if _course(namespace, name, dimensions) is not None:
        return True
    return _usual(namespace, name, _values(dimensions)) is not None


def alarm_state(name: str) -> tuple[str, str] | None:
    """Return the state of an alarm that a script has now, and why."""
    course, now = hooks.running().measures.alarm(emulator.place(), name), _clock.time()
    state = course.at(now) if course is not None else None
    return (str(state), course.reason_at(now)) if course is not None and state else None


def is_healthy(health_check: str) -> bool | None:
    """Tell what the newest point of a health check's own metric says; None where one is missing."""
    dimensions = [{"Name": "HealthCheckId", "Value": health_check}]
    course = _course("AWS/Route53", "HealthCheckStatus", dimensions)
    told = course.at(_clock.time()) if course is not None else None
    if told is not None:
        return None if isinstance(told, str) else told >= 1
    put = emulator.cloudwatch.points("AWS/Route53", "HealthCheckStatus", dimensions)
    newest = max(put, key=lambda point: float(point["Timestamp"]), default={"Value": 1.0})
    return float(newest["Value"]) >= 1


def _samples(
    course: Course | None, usual: float | None, times: Sequence[int], period: int
) -> Iterator[Point]:
    """Yield the points of each of the periods, as far as they have been."""
    step, now = _step(course, period), _clock.time()
    for begins in times:
        for number in range(round(period / step)):
            moment = begins + number * step
            told = course.at(moment) if course is not None else None
            value = usual if told is None else told
            if moment <= now and isinstance(value, float):
                yield {"Timestamp": moment, "Value": value}


def _step(course: Course | None, period: int) -> float:
    """Return the seconds between two points: a minute of AWS, where something may change."""
    if course is None:
        return float(period)
    minute = 60 / time.speed() if time.speed() else 0.0
    return max(period / _MOST, min(float(period), minute))


def _course(namespace: str, name: str, dimensions: Dimensions) -> Course | None:
    names = {key: [value] for key, value in _values(dimensions).items()}
    if "HealthCheckId" in names:  # its id is known to nobody beforehand; its address is
        known = emulator.route53.health_checks().get(names["HealthCheckId"][0], {})
        names["HealthCheckId"] += [str(known.get("config", {}).get("FullyQualifiedDomainName"))]
    return hooks.running().measures.metric(emulator.place(), namespace, name, names)


def _values(dimensions: Dimensions) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in dimensions}


# As it usually is ---------------------------------------------------------------------------------


def _usual(namespace: str, name: str, dimensions: Mapping[str, str]) -> float | None:
    """Return what a metric that a service measures by itself usually says, or None."""
    known = _USUAL.get((namespace, name))
    return known(dimensions) if known else None


def _lag(dimensions: Mapping[str, str]) -> float | None:
    record = emulator.rds.store("_instances").get(dimensions.get("DBInstanceIdentifier", ""), {})
    return 0.0 if record.get("ReadReplicaSourceDBInstanceIdentifier") else None


def _latency(dimensions: Mapping[str, str]) -> float | None:
    """Return the milliseconds in which a global table usually has an item in another Region."""
    names = {"TableName", "ReceivingRegion"}
    if dimensions.keys() != names or dimensions["ReceivingRegion"] == emulator.region():
        return None
    if dimensions["TableName"] not in emulator.dynamodb.tables():
        return None
    with emulator.request_scope(emulator.account_id(), dimensions["ReceivingRegion"]):
        return 500.0 if dimensions["TableName"] in emulator.dynamodb.tables() else None


def _replication(dimensions: Mapping[str, str]) -> float | None:
    rules = emulator.s3.replication_rules(dimensions.get("SourceBucket", ""))
    to = f":::{dimensions.get('DestinationBucket')}"
    is_there = any(
        each.get("ID") == dimensions.get("RuleId")
        and str((each.get("Destination") or {}).get("Bucket", "")).endswith(to)
        for each in rules
    )
    return 0.0 if is_there else None


def _health(dimensions: Mapping[str, str]) -> float | None:
    there = dimensions.get("HealthCheckId") in emulator.route53.health_checks()
    return 1.0 if there else None


def _hosts(dimensions: Mapping[str, str]) -> float | None:
    if dimensions.keys() != {"LoadBalancer", "TargetGroup"}:
        return None
    return targets.healthy(dimensions["TargetGroup"])


_USUAL: Mapping[tuple[str, str], Callable[[Mapping[str, str]], float | None]] = {
    ("AWS/ApplicationELB", "HealthyHostCount"): _hosts,
    ("AWS/DynamoDB", "ReplicationLatency"): _latency,
    ("AWS/RDS", "ReplicaLag"): _lag,
    ("AWS/Route53", "HealthCheckStatus"): _health,
    ("AWS/S3", "BytesPendingReplication"): _replication,
    ("AWS/S3", "OperationsFailedReplication"): _replication,
    ("AWS/S3", "OperationsPendingReplication"): _replication,
    ("AWS/S3", "ReplicationLatency"): _replication,
}
