"""The `GateCloud` port, kept by boto3: alarms, metrics, health checks and targets, only read."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.aws.calls import code_of, told
from tapcfn.aws.firmly import Firmly
from tapcfn.aws.limits import home_of
from tapcfn.aws.session import Clients
from tapcfn.gates import Reading, Sample, data_of, is_good
from tapcfn.model import AlarmCheck, HealthCheck, MetricCheck, Target, TargetHealthCheck
from tapcfn.waits import Patience

# How many alarms can be asked for by name at once. (CloudWatch)
_MOST_NAMES = 100

# Our clock only says roughly which hours to ask for: it may be so many periods wrong, half an hour
# for a minute. What came when, and how old that is, is told by the answers.
_SKEW = 30

# A checker looks every 10 or 30 seconds; what it said before that many is no news.
_OLD_CHECK = 120.0

_NOT_FOUND = frozenset({"NoSuchHealthCheck", "TargetGroupNotFound"})


class AwsGates:
    """AWS, or an endpoint that behaves like it, as gates see it.

    A read is made once here, which botocore repeats a few times: whoever holds a gate looks again.
    """

    def __init__(self, clients: Clients, patience: Patience) -> None:
        self._clients = clients
        self._firmly = Firmly(patience, clients.renew)

    def alarms(self, check: AlarmCheck) -> Reading:
        """Return one sample: whether all of the alarms are OK."""
        return self._look("cloudwatch", check.target, "alarms", lambda on: _alarms(on, check))

    def metric(self, check: MetricCheck, seconds: float) -> Reading:
        """Return a sample for each whole period of the last `seconds`."""
        target = data_of(check)
        return self._look(
            "cloudwatch", target, check.metric, lambda on: _metric(on, check, seconds)
        )

    def health_check(self, check: HealthCheck) -> Reading:
        """Return one sample: whether most checkers say Success."""
        home = Target(check.target.account, home_of(check.target.region))
        name = str(check.health_check_id)
        return self._look("route53", home, name, lambda on: _health_check(on, check))

    def target_health(self, check: TargetHealthCheck) -> Reading:
        """Return one sample: how many targets are healthy."""
        name = str(check.target_group_arn)
        return self._look("elbv2", check.target, name, lambda on: _target_health(on, check))

    def _look(
        self, service: str, target: Target, subject: str, read: Callable[[Any], Reading]
    ) -> Reading:
        def look() -> Reading:
            with told(subject, target):
                try:
                    return read(self._clients(service, target))
                except ClientError as error:
                    if code_of(error) not in _NOT_FOUND:
                        raise
                    return _one(False, "absent", f"{subject} ({target}) is not there")

        return self._firmly.look(look)


def _one(good: bool | None, value: float | str | None, text: str) -> Reading:
    """Return a reading of this moment."""
    return Reading((Sample(0.0, good, value, text),))


# Alarms -------------------------------------------------------------------------------------------


def _alarms(client: Any, check: AlarmCheck) -> Reading:
    names = tuple(map(str, check.alarms))
    found = dict(_described(client, names))
    states = {name: found.get(name, ("absent", "")) for name in names}
    wrong = {name: each for name, each in states.items() if each[0] != "OK"}
    if not wrong:
        return _one(True, "OK", f"{len(states)} OK")
    bad = [name for name, each in wrong.items() if each[0] in {"ALARM", "absent"}]
    told = {name: wrong[name] for name in bad or wrong}
    text = "; ".join(f"{name} {state}{_because(why)}" for name, (state, why) in told.items())
    return _one(False if bad else None, next(iter(told.values()))[0], text)


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _described(client: Any, names: tuple[str, ...]) -> Iterable[tuple[str, tuple[str, str]]]:
    """Yield the state of each alarm that is there, and why; OK of part of the data is none."""
    pages = client.get_paginator("describe_alarms")
    for first in range(0, len(names), _MOST_NAMES):
        asked = list(names[first : first + _MOST_NAMES])
        kinds = ["MetricAlarm", "CompositeAlarm"]
        for page in pages.paginate(AlarmNames=asked, AlarmTypes=kinds):
            for alarm in [*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())]:
                yield alarm["AlarmName"], _state(alarm)


def _state(alarm: Mapping[str, Any]) -> tuple[str, str]:
    state, doubt = alarm["StateValue"], alarm.get("EvaluationState", "")
    if state == "OK" and doubt:
        return doubt, alarm.get("EvaluationStateReason", "") or "OK by part of the data"
    return state, alarm.get("StateReason", "")


# Metrics ------------------------------------------------------------------------------------------


def _metric(client: Any, check: MetricCheck, seconds: float) -> Reading:
    period = check.period
    ours, skew = time.time(), _SKEW * period
    start = (ours - seconds - skew) // period * period
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[_query(check)], StartTime=_utc(start), EndTime=_utc(ours + skew)
    )
    values: dict[float, float] = {}
    status, now = "no answer", None
    for page in pages:
        now = _date(page)
        for result in page["MetricDataResults"]:
            status = result["StatusCode"]
            stamps = (each.timestamp() for each in result["Timestamps"])
            values.update(zip(stamps, result["Values"], strict=True))
    if status != "Complete" or now is None:
        why = f"{check.metric}: {status}" if now else "the answer has no date"
        return Reading((Sample(0.0, None, None, why),), whole=True)
    return Reading(_points(check, values, now, seconds), whole=True)


def _query(check: MetricCheck) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in check.dimensions]
    metric = {"Namespace": check.namespace, "MetricName": check.metric, "Dimensions": dimensions}
    asked = {"Metric": metric, "Period": check.period, "Stat": check.statistic}
    return {"Id": "gate", "MetricStat": asked}


def _points(
    check: MetricCheck, values: Mapping[float, float], now: float, seconds: float
) -> tuple[Sample, ...]:
    """Return a sample for each period that is over; one that nothing came of is missing.

    Periods after the newest point may still come.
    """
    period = check.period
    whole = [at for at in values if now - seconds - period < at <= now - period]
    if not whole:
        return (Sample(0.0, None, None, f"no data of {check.namespace} {check.metric}"),)
    times = range(int(min(whole)), int(max(whole)) + 1, period)
    return tuple(_point(check, values.get(at), at + period - now) for at in times)


def _point(check: MetricCheck, value: float | None, at: float) -> Sample:
    span = float(check.period)
    if value is None:
        return Sample(at, None, None, "no data", span)
    good = is_good(check, value)
    how = "" if good is not None else ", which is no measurement"
    shown = value if math.isfinite(value) else None  # JSON has no other numbers
    return Sample(at, good, shown, f"{check.metric} is {value:g}{how}", span)


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _date(answer: Mapping[str, Any]) -> float | None:
    """Return the time at which an answer was given, by the clock of who gave it."""
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(told).timestamp() if told else None


# Health -------------------------------------------------------------------------------------------


def _health_check(client: Any, check: HealthCheck) -> Reading:
    answer = client.get_health_check_status(HealthCheckId=check.health_check_id)
    now = _date(answer)
    reports = [each["StatusReport"] for each in answer["HealthCheckObservations"]]
    fresh = [
        each["Status"]
        for each in reports
        if now is not None and now - each["CheckedTime"].timestamp() <= _OLD_CHECK
    ]
    healthy = sum(status.startswith("Success") for status in fresh)
    value = f"{healthy} of {len(fresh)}"
    if not fresh:
        return _one(None, value, "no checker has looked of late")
    first = next((each for each in fresh if not each.startswith("Success")), "")
    return _one(healthy * 2 > len(fresh), value, f"{value} checkers say Success{_because(first)}")


def _target_health(client: Any, check: TargetHealthCheck) -> Reading:
    answer = client.describe_target_health(TargetGroupArn=check.target_group_arn)
    health = [each["TargetHealth"] for each in answer["TargetHealthDescriptions"]]
    states = Counter(each["State"] for each in health)
    unhealthy = sum(count for state, count in states.items() if state.startswith("unhealthy"))
    good: bool | None = not unhealthy and states["healthy"] >= check.healthy
    if not good and not unhealthy and states["initial"]:
        good = None  # they may still become healthy
    counted = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    reasons = sorted({each["Description"] for each in health if each.get("Description")})
    text = f"{counted or 'no targets'}; {check.healthy} healthy wanted" if not good else counted
    return _one(good, states["healthy"], text + _because(reasons[0] if reasons else ""))
