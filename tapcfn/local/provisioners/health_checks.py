"""Route 53: health checks of endpoints, of other checks and of alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.dns import SERVICE, client, tag
from tapcfn.local.provisioners.fitting import fitted
from tapcfn.local.provisioners.resource import (
    EMPTY,
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    gone_is_fine,
)

_ENDPOINT = {"FailureThreshold": 3, "RequestInterval": 30, "MeasureLatency": False}
_PORTS = {"HTTP": 80, "HTTP_STR_MATCH": 80, "HTTPS": 443, "HTTPS_STR_MATCH": 443}
_FIXED = ("Type", "MeasureLatency", "RequestInterval")
_INTERVALS = (10, 30)
_MOST_FAILURES = 10
_FEWEST_REGIONS = 3


def _create(wanted: Wanted) -> Made:
    config = _config(wanted)
    made = client().create_health_check(CallerReference=emulator.new_id(), HealthCheckConfig=config)
    identifier = made["HealthCheck"]["Id"]
    tag("healthcheck", identifier, wanted, "HealthCheckTags")
    return Made(identifier, {"HealthCheckId": identifier})


def _update(wanted: Wanted) -> Made:
    """Send all that can change; what the template no longer says goes back to what is usual.

    What cannot change asks for another health check, which takes the place of this one.
    """
    identifier, config = wanted.physical_id, _config(wanted)
    before = _full(wanted.before["HealthCheckConfig"])
    if any(config.get(name) != before.get(name) for name in _FIXED):
        return _create(replace(wanted, before=EMPTY))
    now = {name: value for name, value in config.items() if name not in _FIXED}
    calls.on_loop(emulator.route53.limit_health_check, identifier, frozenset(config))
    client().update_health_check(HealthCheckId=identifier, **now)
    tag("healthcheck", identifier, wanted, "HealthCheckTags")
    return Made(identifier, {"HealthCheckId": identifier})


def _full(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a template says of a health check, with what is usual where it says nothing."""
    config: dict[str, Any] = fitted(SERVICE, "HealthCheckConfig", dict(said))
    kind = config["Type"]
    made: dict[str, Any] = {"Inverted": False, "Disabled": False}
    if kind not in ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"):
        made |= _ENDPOINT | {"EnableSNI": kind.startswith("HTTPS")}
        made |= {"Port": _PORTS[kind]} if kind in _PORTS else {}
    return made | config


def _config(wanted: Wanted) -> dict[str, Any]:
    made = _full(wanted["HealthCheckConfig"])
    if fault := _fault(made):
        raise ResourceRefusedError(
            f"Invalid parameter : {fault} (Service: Route53, Status Code: 400, "
            f"Request ID: {emulator.new_id()})"
        )
    _require_alarm(made)
    return made


def _fault(config: Mapping[str, Any]) -> str:
    """Say what Route 53 would not take, or nothing."""
    kind = config["Type"]
    if kind == "CALCULATED":
        asked = {"ChildHealthChecks", "HealthThreshold"}
    elif kind == "CLOUDWATCH_METRIC":
        asked = {"AlarmIdentifier"}
    else:
        asked = {"Port"} | ({"SearchString"} if kind.endswith("_STR_MATCH") else set())
        if not config.keys() & {"FullyQualifiedDomainName", "IPAddress"}:
            return "Basic health checks must specify an IP address or a fully qualified domain name"
        if config["RequestInterval"] not in _INTERVALS:
            return f"Request interval must be one of {list(_INTERVALS)}"
        if not 1 <= config["FailureThreshold"] <= _MOST_FAILURES:
            return f"Failure threshold must be from 1 to {_MOST_FAILURES}"
        if 0 < len(config.get("Regions", ())) < _FEWEST_REGIONS:
            return f"At least {_FEWEST_REGIONS} Regions must be specified"
    missing = sorted(asked - config.keys())
    return f"A health check of type {kind} needs {', '.join(missing)}" if missing else ""


def _require_alarm(config: Mapping[str, Any]) -> None:
    alarm = config.get("AlarmIdentifier")
    if alarm is None:
        return
    cloudwatch = calls.client("cloudwatch", region=alarm["Region"])
    if not cloudwatch.describe_alarms(AlarmNames=[alarm["Name"]])["MetricAlarms"]:
        raise ResourceRefusedError(
            f"The specified alarm {alarm['Name']} does not exist in {alarm['Region']}"
        )


def _delete(wanted: Wanted) -> None:
    with gone_is_fine():
        client().delete_health_check(HealthCheckId=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        "AWS::Route53::HealthCheck",
        create=_create,
        update=_update,
        delete=_delete,
        create_only=tuple(f"HealthCheckConfig/{name}" for name in _FIXED),
        conditional=("HealthCheckConfig",),
    ),
)
