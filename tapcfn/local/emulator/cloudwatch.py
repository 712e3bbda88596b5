"""CloudWatch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from ministack.services import cloudwatch as _cloudwatch

from tapcfn.local.emulator.core import Answer


def alarms() -> MutableMapping[str, dict[str, Any]]:
    """Return the metric alarms of the current account and Region."""
    return _cloudwatch._alarms  # type: ignore[no-any-return]


def wrap_alarms(wrap: Callable[[Callable[..., Answer]], Callable[..., Answer]]) -> None:
    """Replace CloudWatch's putting of metric and of composite alarms by what `wrap` makes of it."""
    _cloudwatch._put_metric_alarm = wrap(_cloudwatch._put_metric_alarm)
    _cloudwatch._put_composite_alarm = wrap(_cloudwatch._put_composite_alarm)


def alarm(name: str) -> dict[str, Any] | None:
    """Return CloudWatch's record of an alarm of the current account and Region."""
    found: dict[str, Any] | None = _cloudwatch._alarms.get(name)
    return found or _cloudwatch._composite_alarms.get(name)


def error(code: str, message: str, *protocol: bool) -> Answer:
    """Return a refusal of CloudWatch's; `protocol` is what its actions are told after the rest."""
    is_cbor, is_json = protocol
    answer: Answer = _cloudwatch._error(code, message, 400, use_json=is_json, use_cbor=is_cbor)
    return answer


def tag(arn: str, new: Mapping[str, str], gone: list[str]) -> None:
    """Set and remove tags of an alarm or a dashboard, those among them that only AWS may set."""
    tags = {**_cloudwatch._resource_tags.get(arn, {}), **new}
    _cloudwatch._resource_tags[arn] = {k: v for k, v in tags.items() if k not in gone}


def let_dashboards_be_tagged() -> None:
    """Let CloudWatch's calls about tags take dashboards, as they take alarms."""
    validate = _cloudwatch._validate_alarm_tag_arn

    def check(arn: str, **protocol: bool) -> Answer | None:
        there = any(each["DashboardArn"] == arn for each in _cloudwatch._dashboards.values())
        return None if there else validate(arn, **protocol)

    _cloudwatch._validate_alarm_tag_arn = check


def points(namespace: Any, name: Any, dimensions: list[dict[str, str]]) -> list[Any]:
    """Return the points of a metric with just these dimensions."""
    key = _cloudwatch._dims_key(_cloudwatch._dims_from_list(dimensions))
    return list(_cloudwatch._metrics.get((namespace, name, key)) or ())


def wrap_metric_data(wrap: Callable[[Callable[..., Answer]], Callable[..., Answer]]) -> None:
    """Replace GetMetricData by what `wrap` makes of it."""
    _cloudwatch._get_metric_data = wrap(_cloudwatch._get_metric_data)


def seconds(value: Any) -> float:
    """Return a time of a request as seconds."""
    return float(_cloudwatch._parse_ts(value))


def metric_data(results: list[dict[str, Any]], *protocol: bool) -> Answer:
    """Return the answer of GetMetricData; each result has its timestamps in seconds."""
    is_cbor, _ = protocol
    told = [
        {**each, "Timestamps": [_cloudwatch._ts_iso(at) for at in each["Timestamps"]]}
        for each in results
    ]
    if not is_cbor:
        return _cloudwatch._json_ok({"MetricDataResults": told})  # type: ignore[no-any-return]
    packed = [_cloudwatch._cbor_metric_data_result(each) for each in told]
    return _cloudwatch._cbor_ok({"MetricDataResults": packed})  # type: ignore[no-any-return]


def wrap_describing_alarms(wrap: Callable[[Callable[..., Answer]], Callable[..., Answer]]) -> None:
    """Replace DescribeAlarms by what `wrap` makes of it."""
    _cloudwatch._describe_alarms = wrap(_cloudwatch._describe_alarms)


def evaluate(alarm: dict[str, Any]) -> None:
    """Have an alarm judged now."""
    _cloudwatch._evaluate_alarm(alarm)


def judge_alarms(judge: Callable[[Mapping[str, Any]], tuple[str, str] | None]) -> None:
    """Let `judge` say in which state an alarm is, and why."""

    def evaluate(alarm: dict[str, Any]) -> None:
        judged = judge(alarm)
        if judged is None or judged[0] == alarm["StateValue"]:
            return
        before, (state, reason) = alarm["StateValue"], judged
        now = int(time.time())
        alarm |= {"StateValue": state, "StateReason": reason, "StateUpdatedTimestamp": now}
        _cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
        _cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
        _cloudwatch._evaluate_parent_alarms(alarm)

    _cloudwatch._evaluate_alarm = evaluate


def statistic(points: list[Any], name: str) -> float | None:
    """Return a statistic of points of a metric."""
    found: float | None = _cloudwatch._stat_value(_cloudwatch._calc_stats(points), name, points)
    return found
