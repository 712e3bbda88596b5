"""Auto Scaling: how a group's size changes, who is told, what is measured, and what replaces it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.groups import group, reconcile, replace
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

_METRICS = (
    *("GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances"),
    *("GroupPendingInstances", "GroupStandbyInstances", "GroupTerminatingInstances"),
    *("GroupTotalInstances", "GroupInServiceCapacity", "GroupPendingCapacity"),
    *("GroupStandbyCapacity", "GroupTerminatingCapacity", "GroupTotalCapacity"),
)


# Size ---------------------------------------------------------------------------------------------


def _set_desired(asked: Value, _: Do) -> Value:
    record = group(asked["AutoScalingGroupName"])
    desired = asked["DesiredCapacity"]
    for bound, wrong in (
        ("MinSize", desired < record["MinSize"]),
        ("MaxSize", desired > record["MaxSize"]),
    ):
        if wrong:
            where = {"MinSize": "below min", "MaxSize": "above max"}[bound]
            message = f"New SetDesiredCapacity value {desired} is {where} value {record[bound]}"
            raise RefusedError("ValidationError", f"{message} for the AutoScalingGroup.")
    record["DesiredCapacity"] = desired
    reconcile(record)
    return {}


def _execute(asked: Value, _: Do) -> Value:
    """Carry out a simple policy; the others follow alarms, which measure nothing here."""
    policy = _policy(asked.get("AutoScalingGroupName", ""), asked["PolicyName"])
    record = group(policy["AutoScalingGroupName"])
    if policy["PolicyType"] != "SimpleScaling":
        message = f"Cannot execute {policy['PolicyType']} policies"
        raise RefusedError("ValidationError", message)
    now, by = record["DesiredCapacity"], policy["ScalingAdjustment"]
    wanted = {
        "ChangeInCapacity": now + by,
        "ExactCapacity": by,
        "PercentChangeInCapacity": now + round(now * by / 100),
    }[policy["AdjustmentType"]]
    record["DesiredCapacity"] = min(max(wanted, record["MinSize"]), record["MaxSize"])
    reconcile(record)
    return {}


def _policy(of: str, name: str) -> Value:
    for policy in emulator.scaling.store("_policies").values():
        mine = not of or policy["AutoScalingGroupName"] == of
        if mine and name in (policy["PolicyName"], policy["PolicyARN"]):
            return dict(policy)
    raise RefusedError("ValidationError", f"The policy {name} does not exist")


# Instances ----------------------------------------------------------------------------------------


def _terminate(asked: Value, _: Do) -> Value:
    for record in emulator.scaling.store("_asgs").values():
        for instance in record["Instances"]:
            if instance["InstanceId"] == asked["InstanceId"]:
                if asked["ShouldDecrementDesiredCapacity"]:
                    record["DesiredCapacity"] -= 1
                replace(record, instance)
                return {}
    message = (
        f"Instance Id not found - No managed instance found for instance ID {asked['InstanceId']}"
    )
    raise RefusedError("ValidationError", message)


def _refresh(asked: Value, do: Do) -> Value:
    told = do(asked)
    record = group(asked["AutoScalingGroupName"])
    for instance in list(record["Instances"]):
        replace(record, instance)
    return told


def _set_target_groups(attach: bool) -> Front:
    def act(asked: Value, _: Do) -> Value:
        record = group(asked["AutoScalingGroupName"])
        now = [each for each in record["TargetGroupARNs"] if each not in asked["TargetGroupARNs"]]
        wanted = [*now, *(asked["TargetGroupARNs"] if attach else ())]
        _change(asked["AutoScalingGroupName"], {"TargetGroupARNs": wanted})
        return {}

    return act


def _change(name: str, wanted: Value) -> None:
    fronts = emulator.scaling.ACTIONS["UpdateAutoScalingGroup"]
    wire.call(
        "autoscaling", "UpdateAutoScalingGroup", fronts, {"AutoScalingGroupName": name, **wanted}
    )


def _target_groups(asked: Value, _: Do) -> Value:
    arns = group(asked["AutoScalingGroupName"]).get("TargetGroupARNs", ())
    states = [{"LoadBalancerTargetGroupARN": each, "State": "InService"} for each in arns]
    return {"LoadBalancerTargetGroups": states}


# Policies, hooks and scheduled actions ------------------------------------------------------------


def _put_policy(asked: Value, do: Do) -> Value:
    """Keep the ARN of a policy that is put again."""
    name = asked["AutoScalingGroupName"]
    group(name)
    policies, key = emulator.scaling.store("_policies"), f"{name}/{asked['PolicyName']}"
    before = policies.get(key)
    told = do(asked)
    if before is None:
        return told
    arn = before["PolicyARN"]
    policies[key]["PolicyARN"] = arn
    for alarm in policies[key].get("Alarms", ()):
        emulator.cloudwatch.alarms()[alarm["AlarmName"]]["AlarmActions"] = [arn]
    return told | {"PolicyARN": arn}


def _policies(asked: Value, do: Do) -> Value:
    names = asked.get("PolicyNames")
    told = do(asked)["ScalingPolicies"]
    wanted = [
        each for each in told if not names or {each["PolicyName"], each["PolicyARN"]} & set(names)
    ]
    return {"ScalingPolicies": wanted}


def _delete_policy(asked: Value, do: Do) -> Value:
    policy = _policy(asked.get("AutoScalingGroupName", ""), asked["PolicyName"])
    return do({name: policy[name] for name in ("PolicyName", "AutoScalingGroupName")})


def _of_group(asked: Value, do: Do) -> Value:
    """Refuse what belongs to a group that is not there."""
    group(asked["AutoScalingGroupName"])
    return do(asked)


def _hooks(asked: Value, do: Do) -> Value:
    names = asked.get("LifecycleHookNames")
    known = emulator.scaling.store("_hooks")
    told = []
    for hook in do(asked)["LifecycleHooks"]:
        record = known[f"{hook['AutoScalingGroupName']}/{hook['LifecycleHookName']}"]
        more = {name: record[name] or None for name in ("NotificationTargetARN", "RoleARN")}
        longest = {"GlobalTimeout": min(172800, 100 * record["HeartbeatTimeout"])}
        if not names or hook["LifecycleHookName"] in names:
            told.append(hook | more | longest)
    return {"LifecycleHooks": told}


def _scheduled(asked: Value, do: Do) -> Value:
    names = asked.get("ScheduledActionNames")
    told = do(asked)["ScheduledUpdateGroupActions"]
    mine = [each for each in told if not names or each["ScheduledActionName"] in names]
    return {"ScheduledUpdateGroupActions": mine}


# Metrics and notifications ------------------------------------------------------------------------


def _enable_metrics(asked: Value, _: Do) -> Value:
    record = group(asked["AutoScalingGroupName"])
    known = {each["Metric"] for each in record.get("EnabledMetrics", ())}
    known |= set(asked.get("Metrics") or _METRICS)
    _set_metrics(record, known)
    return {}


def _disable_metrics(asked: Value, _: Do) -> Value:
    record = group(asked["AutoScalingGroupName"])
    known = {each["Metric"] for each in record.get("EnabledMetrics", ())}
    _set_metrics(record, known - set(asked.get("Metrics") or _METRICS))
    return {}


def _set_metrics(record: dict[str, Any], metrics: set[str]) -> None:
    for unknown in metrics.difference(_METRICS):
        raise RefusedError("ValidationError", f"Metric {unknown} is not a valid metric")
    record["EnabledMetrics"] = [
        {"Metric": each, "Granularity": "1Minute"} for each in _METRICS if each in metrics
    ]


def _notify(asked: Value, _: Do) -> Value:
    record = group(asked["AutoScalingGroupName"])
    record.setdefault("_notified", {})[asked["TopicARN"]] = asked["NotificationTypes"]
    return {}


def _stop_notifying(asked: Value, _: Do) -> Value:
    group(asked["AutoScalingGroupName"]).get("_notified", {}).pop(asked["TopicARN"], None)
    return {}


def _notifications(asked: Value, _: Do) -> Value:
    names = asked.get("AutoScalingGroupNames")
    told = [
        {"AutoScalingGroupName": name, "TopicARN": topic, "NotificationType": kind}
        for name, record in emulator.scaling.store("_asgs").items()
        if not names or name in names
        for topic, kinds in record.get("_notified", {}).items()
        for kind in kinds
    ]
    return {"NotificationConfigurations": told}


FRONTS: Mapping[str, Front] = {
    "SetDesiredCapacity": _set_desired,
    "ExecutePolicy": _execute,
    "TerminateInstanceInAutoScalingGroup": _terminate,
    "StartInstanceRefresh": _refresh,
    "AttachLoadBalancerTargetGroups": _set_target_groups(True),
    "DetachLoadBalancerTargetGroups": _set_target_groups(False),
    "DescribeLoadBalancerTargetGroups": _target_groups,
    "PutScalingPolicy": _put_policy,
    "DescribePolicies": _policies,
    "DeletePolicy": _delete_policy,
    "PutLifecycleHook": _of_group,
    "DescribeLifecycleHooks": _hooks,
    "PutScheduledUpdateGroupAction": _of_group,
    "DescribeScheduledActions": _scheduled,
    "EnableMetricsCollection": _enable_metrics,
    "DisableMetricsCollection": _disable_metrics,
    "PutNotificationConfiguration": _notify,
    "DeleteNotificationConfiguration": _stop_notifying,
    "DescribeNotificationConfigurations": _notifications,
}

install = partial(wire.install, "autoscaling", FRONTS)
