"""Elastic Load Balancing: target groups, who is in them, and how they are."""

from __future__ import annotations

import time as _clock
from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator, time
from tapcfn.local.services import wire
from tapcfn.local.services.balancers import listed, refuse_long, refuse_unknown
from tapcfn.local.services.listeners import balancers_of
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

# Every attribute of a target group behind an application load balancer, as it is without being set.
ATTRIBUTES: Mapping[str, str] = {
    "deregistration_delay.timeout_seconds": "300",
    "lambda.multi_value_headers.enabled": "false",
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "slow_start.duration_seconds": "0",
    "stickiness.app_cookie.cookie_name": "",
    "stickiness.app_cookie.duration_seconds": "86400",
    "stickiness.enabled": "false",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "stickiness.type": "lb_cookie",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
}
_UNUSED = ("Target.NotInUse", "Target group is not configured to receive traffic")
_STOPPED = ("Target.InvalidState", "Target is not in the running state")
_STARTING = ("Elb.RegistrationInProgress", "Target registration is in progress")
_UNKNOWN = ("Target.NotRegistered", "Target is not registered to the target group")


def _create(asked: Value, do: Do) -> Value:
    refuse_long(asked["Name"])
    _refuse_timing(asked)
    vpc = asked.get("VpcId")
    if vpc not in emulator.ec2.store("_vpcs") and asked.get("TargetType") != "lambda":
        raise RefusedError("ValidationError", f"The VPC ID '{vpc}' is not found")
    group = do(asked)["TargetGroups"][0]
    arn = group["TargetGroupArn"]
    versioned = {"ProtocolVersion": "HTTP1"} if "HTTP" in asked.get("Protocol", "") else {}
    also = {name: asked[name] for name in ("ProtocolVersion", "IpAddressType") if name in asked}
    _record(arn)["_also"] = {"IpAddressType": "ipv4", **versioned, **also}
    emulator.balancing.store("_tg_attrs")[arn] = listed(ATTRIBUTES)
    return {"TargetGroups": [_completed(group)]}


def _modify(asked: Value, do: Do) -> Value:
    record = emulator.balancing.store("_tgs").get(asked["TargetGroupArn"], {})
    _refuse_timing({**record, **asked})
    return {"TargetGroups": [_completed(each) for each in do(asked)["TargetGroups"]]}


def _refuse_timing(asked: Value) -> None:
    interval, timeout = (
        asked.get(f"HealthCheck{name}Seconds", usual)
        for name, usual in (("Interval", 30), ("Timeout", 5))
    )
    if timeout >= interval:
        message = "Health check timeout must be smaller than the interval"
        raise RefusedError("ValidationError", message)


def _describe(asked: Value, do: Do) -> Value:
    told = do({name: value for name, value in asked.items() if name != "LoadBalancerArn"})
    groups = [_completed(each) for each in told["TargetGroups"]]
    if asked.get("Names") and not groups:
        raise RefusedError("TargetGroupNotFound", "One or more target groups not found")
    balancer = asked.get("LoadBalancerArn")
    mine = [each for each in groups if not balancer or balancer in each["LoadBalancerArns"]]
    return told | {"TargetGroups": mine}


def _completed(group: Value) -> Value:
    arn = group["TargetGroupArn"]
    told: Value = group | _record(arn).get("_also", {})
    return told | {"LoadBalancerArns": balancers_of(arn)}


def _delete(asked: Value, do: Do) -> Value:
    """Refuse while a listener or a rule sends to it."""
    arn = asked["TargetGroupArn"]
    if arn in emulator.balancing.store("_tgs") and balancers_of(arn):
        message = f"Target group '{arn}' is currently in use by a listener or a rule"
        raise RefusedError("ResourceInUse", message)
    return do(asked)


def _modify_attributes(asked: Value, do: Do) -> Value:
    refuse_unknown(asked["Attributes"], ATTRIBUTES, "Target group")
    return do(asked)


# Targets ------------------------------------------------------------------------------------------


def _register(asked: Value, do: Do) -> Value:
    """Refuse instances that do not run, and remember when the others came."""
    arn = asked["TargetGroupArn"]
    if emulator.balancing.store("_tgs").get(arn, {}).get("TargetType") == "instance":
        stopped = [each["Id"] for each in asked["Targets"] if not is_running(each["Id"])]
        if stopped:
            message = "The following targets are not in a running state and cannot be registered: "
            raise RefusedError(
                "InvalidTarget", message + ", ".join(f"'{each}'" for each in stopped)
            )
    told = do(asked)
    for target in emulator.balancing.store("_targets")[arn]:
        target.setdefault("_since", _clock.time())
    return told


def is_running(instance: str) -> bool:
    """Tell whether an instance is there and runs."""
    known = emulator.ec2.store("_instances").get(instance)
    return known is not None and known["State"]["Name"] == "running"


def _health(asked: Value, do: Do) -> Value:
    """Say of each target whether it is in use, still starting or healthy."""
    do(asked)
    arn = asked["TargetGroupArn"]
    registered = emulator.balancing.store("_targets").get(arn, [])
    wanted = [each["Id"] for each in asked.get("Targets", ())]
    known = [each for each in registered if not wanted or each["Id"] in wanted]
    told = [_described(_record(arn), each, _state(arn, each)) for each in known]
    missing = [each for each in wanted if each not in {one["Id"] for one in registered}]
    told += [_described(_record(arn), {"Id": each}, ("unused", *_UNKNOWN)) for each in missing]
    return {"TargetHealthDescriptions": told}


def _described(group: Mapping[str, Any], target: Value, state: tuple[str, ...]) -> Value:
    port = target.get("Port", group["Port"])
    checked = group["HealthCheckPort"]
    health = dict(zip(("State", "Reason", "Description"), state, strict=False))
    return {
        "Target": {"Id": target["Id"], "Port": port},
        "HealthCheckPort": str(port) if checked == "traffic-port" else checked,
        "TargetHealth": health,
    }


def _state(arn: str, target: Value) -> tuple[str, ...]:
    group = _record(arn)
    if not balancers_of(arn):
        return "unused", *_UNUSED
    if group["TargetType"] == "instance" and not is_running(target["Id"]):
        return "unused", *_STOPPED
    passed = (_clock.time() - target.get("_since", 0.0)) * time.speed()
    if time.speed() and passed < group["HealthCheckIntervalSeconds"]:
        return "initial", *_STARTING
    return ("healthy",)


def healthy(name: str) -> float | None:
    """Return how many targets of a group are healthy; a metric knows it by the end of its ARN."""
    for arn in emulator.balancing.store("_tgs"):
        if arn.endswith(f":{name}"):
            states = [
                _state(arn, each)[0] for each in emulator.balancing.store("_targets").get(arn, ())
            ]
            return float(states.count("healthy"))
    return None


def _record(arn: str) -> dict[str, Any]:
    found: dict[str, Any] = emulator.balancing.store("_tgs")[arn]
    return found


FRONTS: Mapping[str, Front] = {
    "CreateTargetGroup": _create,
    "ModifyTargetGroup": _modify,
    "DescribeTargetGroups": _describe,
    "DeleteTargetGroup": _delete,
    "ModifyTargetGroupAttributes": _modify_attributes,
    "RegisterTargets": _register,
    "DescribeTargetHealth": _health,
}

install = partial(wire.install, "elbv2", FRONTS)
