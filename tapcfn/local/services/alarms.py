"""CloudWatch alarms: what they say, what is refused, and when they go off.

An alarm is judged whenever metric data are put, metric math included, and one that says what
missing data mean also when alarms are described. What somebody sets stays until data are put.
"""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import measures, metrics
from tapcfn.local.services.refusal import RefusedError

# What an alarm may say besides what the emulator keeps.
_MORE = (
    *("Metrics", "ThresholdMetricId", "EvaluateLowSampleCountPercentile"),
    *("InsufficientDataActions", "ActionsSuppressor"),
    *("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod"),
)
# What the emulator makes up for an alarm that did not say it.
_MADE_UP = ("Statistic", "Period", "Threshold", "DatapointsToAlarm")

_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
_MISSING_DATA = ("breaching", "notBreaching", "ignore", "missing")
_CROSSED, _UNCHECKED = "Threshold Crossed", "Unchecked"
_DAY, _WEEK, _HOUR = 86400, 604800, 3600


def install() -> None:
    """Put refusals before the emulator's actions, and memory behind them."""
    emulator.cloudwatch.wrap_alarms(_keeping)
    emulator.cloudwatch.judge_alarms(_judged)
    emulator.cloudwatch.wrap_describing_alarms(_judging)
    emulator.cloudwatch.wrap_metric_data(_calculating)
    emulator.cloudwatch.let_dashboards_be_tagged()


def _keeping(put: Callable[..., emulator.Answer]) -> Callable[..., emulator.Answer]:
    def act(params: Any, asked: Mapping[str, Any], *protocol: bool) -> emulator.Answer:
        if not asked:  # a form of the query protocol, which no client of ours speaks
            return put(params, asked, *protocol)
        if refused := _refused(asked):
            return emulator.cloudwatch.error("ValidationError", refused, *protocol)
        answer = put(params, asked, *protocol)
        record = emulator.cloudwatch.alarm(asked["AlarmName"])
        if record is not None and emulator.succeeded(answer):
            for name in _MADE_UP:
                if name not in asked:
                    record.pop(name, None)
            record |= {name: asked[name] for name in _MORE if name in asked}
        return answer

    return act


# Refusals -----------------------------------------------------------------------------------------


def _refused(asked: Mapping[str, Any]) -> str:
    """Say why CloudWatch would not take an alarm, or nothing."""
    refused = _foreign_action(asked)
    if not refused and "AlarmRule" not in asked:
        refused = _unclear_metric(asked) or _bad_evaluation(asked)
    return refused


def _foreign_action(asked: Mapping[str, Any]) -> str:
    for action in (each for name in _ACTIONS for each in asked.get(name) or ()):
        parts = action.split(":")
        if len(parts) > 3 and parts[3] and parts[3] != emulator.region():
            return f"Invalid region {parts[3]} specified. Only {emulator.region()} is supported."
    return ""


def _unclear_metric(asked: Mapping[str, Any]) -> str:
    metrics, name = asked.get("Metrics"), asked.get("MetricName")
    if bool(metrics) == bool(name):
        return "Exactly one of MetricName and Metrics must be specified"
    if metrics:
        returned = [each for each in metrics if each.get("ReturnData", True)]
        if len(returned) != 1 and not asked.get("ThresholdMetricId"):
            return "Exactly one element of the metrics list should return data."
        return ""
    statistics = [key for key in ("Statistic", "ExtendedStatistic") if asked.get(key)]
    if len(statistics) != 1:
        return "Exactly one of Statistic and ExtendedStatistic must be specified"
    return "" if asked.get("Period") else "Period must not be null"


def _bad_evaluation(asked: Mapping[str, Any]) -> str:
    periods, period = asked.get("EvaluationPeriods", 1), asked.get("Period", 60)
    if asked.get("DatapointsToAlarm", 1) > periods:
        return "DatapointsToAlarm must be less than or equal to EvaluationPeriods"
    if asked.get("TreatMissingData", "missing") not in _MISSING_DATA:
        return f"Option '{asked['TreatMissingData']}' of TreatMissingData is not supported"
    longest = _WEEK if period >= _HOUR else _DAY
    if periods * period > longest:
        return f"Metrics cannot be checked across more than {longest} seconds"
    return ""


# Judging ------------------------------------------------------------------------------------------

_BREACHES: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def _judged(alarm: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the state of an alarm and why, or None if there is nothing to judge it by."""
    scripted = measures.alarm_state(str(alarm["AlarmName"]))
    if scripted is not None:
        return scripted
    breaches = _BREACHES.get(str(alarm.get("ComparisonOperator")))
    if breaches is None or "Threshold" not in alarm:
        return None
    values = _values(alarm)
    there = [value for value in values if value is not None]
    treated = alarm.get("TreatMissingData", "missing")
    if not there:
        return _judged_by_nothing(treated, len(values))
    bad = sum(breaches(value, alarm["Threshold"]) for value in there)
    state = _state(alarm, bad, len(values) - len(there), len(there))
    told = ", ".join(f"{value:g}" for value in there)
    return state, (
        f"{_CROSSED}: {bad} out of the last {len(values)} datapoints [{told}] "
        f"breach {alarm['ComparisonOperator']} {alarm['Threshold']:g}"
    )


def _judged_by_nothing(treated: str, periods: int) -> tuple[str, str] | None:
    """Judge by missing data alone, where an alarm says what that means."""
    if treated not in ("breaching", "notBreaching"):
        return None
    bad = treated == "breaching"
    return "ALARM" if bad else "OK", (
        f"{_CROSSED}: no datapoints were received for {periods} period(s) and {periods} missing "
        f"datapoint(s) were treated as [{'Breaching' if bad else 'NonBreaching'}]."
    )


def _state(alarm: Mapping[str, Any], bad: int, missing: int, there: int) -> str:
    """Return the state for so many bad, missing and existing datapoints."""
    enough = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
    treated = alarm.get("TreatMissingData", "missing")
    if treated == "breaching":
        bad += missing
    elif treated != "notBreaching" and bad == there < enough:
        return "ALARM" if treated == "missing" else str(alarm["StateValue"])
    return "ALARM" if bad >= enough else "OK"


def _values(alarm: Mapping[str, Any]) -> list[float | None]:
    """Return one value for each of the last periods, the present one included."""
    queries = alarm.get("Metrics") or [_own_metric(alarm)]
    period = metrics.period_of(queries)
    last = int(time.time() // period)
    times = [n * period for n in range(last - alarm["EvaluationPeriods"] + 1, last + 1)]
    returned = next(each["Id"] for each in queries if each.get("ReturnData", True))
    found = metrics.series(queries, times)[returned]
    return [found.get(at) for at in times]


def _own_metric(alarm: Mapping[str, Any]) -> dict[str, Any]:
    names = ("Namespace", "MetricName", "Dimensions")
    return {
        "Id": "own",
        "MetricStat": {
            "Metric": {name: alarm.get(name) for name in names},
            "Period": alarm.get("Period"),
            "Stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic", ""),
        },
    }


def _judging(describe: Callable[..., emulator.Answer]) -> Callable[..., emulator.Answer]:
    """Judge what may have changed by itself before it is told, but not what somebody has set.

    That is an alarm that says what missing data mean, or that looks at what nobody has to put, and
    one whose state a script says.
    """

    def act(*asked: Any) -> emulator.Answer:
        for alarm in list(emulator.cloudwatch.alarms().values()):
            by_nobody = str(alarm.get("StateReason")).startswith((_CROSSED, _UNCHECKED))
            if measures.alarm_state(alarm["AlarmName"]) or (by_nobody and _changes(alarm)):
                emulator.cloudwatch.evaluate(alarm)
        return describe(*asked)

    return act


def _changes(alarm: Mapping[str, Any]) -> bool:
    """Tell whether an alarm may go off, or be quiet again, without any data being put."""
    looked_at = [each.get("MetricStat") for each in alarm.get("Metrics") or [_own_metric(alarm)]]
    return alarm.get("TreatMissingData") in ("breaching", "notBreaching") or any(
        measures.is_measured(each["Metric"]) for each in looked_at if each
    )


# Metric data --------------------------------------------------------------------------------------


def _calculating(do: Callable[..., emulator.Answer]) -> Callable[..., emulator.Answer]:
    """Answer queries with expressions, of metrics without dimensions, which the emulator takes
    for those with any, and of what nobody has to put; the others are the emulator's.
    """

    def act(params: Any, asked: Mapping[str, Any], *protocol: bool) -> emulator.Answer:
        queries = (asked or {}).get("MetricDataQueries") or []
        if not any(each.get("Expression") or _is_ours(each) for each in queries):
            return do(params, asked, *protocol)
        period = metrics.period_of(queries)
        start, end = (emulator.cloudwatch.seconds(asked[name]) for name in ("StartTime", "EndTime"))
        times = range(int(start // period) * period, math.ceil(end), period)
        try:
            found = metrics.series(queries, times)
        except RefusedError as refused:
            return emulator.cloudwatch.error(refused.code, str(refused), *protocol)
        told = [
            _result(each, found[each["Id"]]) for each in queries if each.get("ReturnData", True)
        ]
        return emulator.cloudwatch.metric_data(told, *protocol)

    return act


def _is_ours(query: Mapping[str, Any]) -> bool:
    metric = query.get("MetricStat", {}).get("Metric", {})
    return not metric.get("Dimensions") or measures.is_measured(metric)


def _result(query: Mapping[str, Any], found: Mapping[int, float]) -> dict[str, Any]:
    told = {"Id": query["Id"], "Label": query.get("Label", query["Id"]), "StatusCode": "Complete"}
    return told | {"Timestamps": list(found), "Values": list(found.values())}
