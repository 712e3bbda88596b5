"""CloudWatch: metric alarms, composite alarms and dashboards."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.fitting import fitted, refuse_other
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    already_exists,
    document,
    gone_is_fine,
    tag_changes,
)

LONGEST_NAME = 255

_DASHBOARD = frozenset({"DashboardName", "DashboardBody", "Tags"})

# What the service knows and the emulator does nothing with.
_NOT_HERE = ("EvaluationCriteria", "EvaluationInterval", "EvaluationWindow", "WarmUpConfiguration")


def _cloudwatch() -> Any:
    return calls.client("cloudwatch")


# Alarms -------------------------------------------------------------------------------------------


def _alarm(resource_type: str, shape: str, put: Callable[..., Any]) -> Provisioner:
    """Return one of the two types of alarm: `put` is the call that creates and changes it."""

    def create(wanted: Wanted) -> Made:
        name = wanted.name("AlarmName", longest=LONGEST_NAME)
        if wanted.get("AlarmName") and _is_taken(name):
            raise already_exists(resource_type, name)
        put(AlarmName=name, **_asked(wanted, shape))
        return _tagged(name, wanted)

    def update(wanted: Wanted) -> Made:
        put(AlarmName=wanted.physical_id, **_asked(wanted, shape))
        return _tagged(wanted.physical_id, wanted)

    return Provisioner(
        resource_type,
        create=create,
        update=update,
        delete=_delete_alarm,
        create_only=("AlarmName",),
        tags="Tags",
    )


def _asked(wanted: Wanted, shape: str) -> dict[str, Any]:
    """Return what a template says of an alarm, but for its name and tags."""
    said = {k: v for k, v in wanted.properties.items() if k not in ("AlarmName", "Tags")}
    for name in _NOT_HERE:
        if name in said:
            raise ResourceRefusedError(f"the local cloud does not model {wanted.type}.{name}")
    asked: dict[str, Any] = fitted("cloudwatch", shape, said)
    return asked


def _is_taken(name: str) -> bool:
    kinds = ["MetricAlarm", "CompositeAlarm"]
    found = _cloudwatch().describe_alarms(AlarmNames=[name], AlarmTypes=kinds)
    return bool(found["MetricAlarms"] or found["CompositeAlarms"])


def _tagged(name: str, wanted: Wanted) -> Made:
    """Tag an alarm, also with what CloudWatch lets only CloudFormation write."""
    arn = f"arn:aws:cloudwatch:{emulator.region()}:{emulator.account_id()}:alarm:{name}"
    calls.on_loop(emulator.cloudwatch.tag, arn, *tag_changes(wanted))
    return Made(name, {"Arn": arn})


def _delete_alarm(wanted: Wanted) -> None:
    """Delete it; an alarm that a composite alarm needs is refused by the service."""
    _cloudwatch().delete_alarms(AlarmNames=[wanted.physical_id])


def _put_metric(**asked: Any) -> None:
    _cloudwatch().put_metric_alarm(**asked)


def _put_composite(**asked: Any) -> None:
    _cloudwatch().put_composite_alarm(**asked)


# Dashboard ----------------------------------------------------------------------------------------


def _create_dashboard(wanted: Wanted) -> Made:
    name = wanted.name("DashboardName", longest=LONGEST_NAME)
    if wanted.get("DashboardName") and _dashboard_is_taken(name):
        raise already_exists(wanted.type, name)
    return _put_dashboard(name, wanted)


def _put_dashboard(name: str, wanted: Wanted) -> Made:
    refuse_other(wanted.type, wanted.properties, _DASHBOARD)
    body = document(wanted["DashboardBody"])
    if not isinstance(_parsed(body), Mapping):
        raise ResourceRefusedError(
            "The field DashboardBody must be a valid JSON object (Service: CloudWatch, "
            f"Status Code: 400, Request ID: {emulator.new_id()})"
        )
    _cloudwatch().put_dashboard(DashboardName=name, DashboardBody=body)
    calls.on_loop(emulator.cloudwatch.tag, _dashboard_arn(name), *tag_changes(wanted))
    return Made(name)


def _dashboard_arn(name: str) -> str:
    """Return the ARN of a dashboard, which belongs to no Region."""
    return f"arn:aws:cloudwatch::{emulator.account_id()}:dashboard/{name}"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _dashboard_is_taken(name: str) -> bool:
    with gone_is_fine():
        _cloudwatch().get_dashboard(DashboardName=name)
        return True
    return False


def _delete_dashboard(wanted: Wanted) -> None:
    with gone_is_fine():
        _cloudwatch().delete_dashboards(DashboardNames=[wanted.physical_id])


PROVISIONERS = (
    _alarm("AWS::CloudWatch::Alarm", "PutMetricAlarmInput", _put_metric),
    _alarm("AWS::CloudWatch::CompositeAlarm", "PutCompositeAlarmInput", _put_composite),
    Provisioner(
        "AWS::CloudWatch::Dashboard",
        create=_create_dashboard,
        update=lambda wanted: _put_dashboard(wanted.physical_id, wanted),
        delete=_delete_dashboard,
        create_only=("DashboardName",),
        tags="Tags",
    ),
)
