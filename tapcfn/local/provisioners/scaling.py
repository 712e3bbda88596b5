"""Auto Scaling: groups and how they are updated, policies, lifecycle hooks, scheduled actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.fitting import fitted
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    Wanted,
    as_list,
    flag,
    gone_is_fine,
    tag_changes,
)

_SIZES = ("MinSize", "MaxSize", "DesiredCapacity")
_APART = ("AutoScalingGroupName", "Cooldown", "MetricsCollection", "NotificationConfigurations")
# What a rolling update or an instance refresh answers with new instances.
_LAUNCHED = ("LaunchTemplate", "MixedInstancesPolicy", "VPCZoneIdentifier")
_REPLACING = (
    "AutoScalingRollingUpdate",
    "AutoScalingReplacingUpdate",
    "AutoScalingInstanceRefresh",
)
_NOT_UPDATED = ("Tags", "LifecycleHookSpecificationList", "InstanceId", "TargetGroupARNs")


def _scaling() -> Any:
    return calls.client("autoscaling")


# Group --------------------------------------------------------------------------------------------


def _create_group(wanted: Wanted) -> Made:
    name = wanted.name("AutoScalingGroupName", longest=255)
    asked = _asked(wanted, "CreateAutoScalingGroupType")
    tags = [_tag(name, each) for each in as_list(wanted.get("Tags"))]
    _scaling().create_auto_scaling_group(
        **asked | ({"Tags": tags} if tags else {}), AutoScalingGroupName=name
    )
    _observe(name, wanted)
    return _made_group(name)


def _update_group(wanted: Wanted) -> Made:
    name = wanted.physical_id
    asked = _asked(wanted, "CreateAutoScalingGroupType")
    kept = _NOT_UPDATED + (_unmodified(wanted) if _ignores_sizes(wanted) else ())
    changes = {key: value for key, value in asked.items() if key not in kept}
    _scaling().update_auto_scaling_group(AutoScalingGroupName=name, **changes)
    _move(name, wanted)
    _retag(name, wanted)
    _observe(name, wanted)
    if wanted.changed(*_LAUNCHED) and any(kind in _policy(wanted) for kind in _REPLACING):
        _replace_instances(name)
    return _made_group(name)


def _asked(wanted: Wanted, shape: str) -> dict[str, Any]:
    """Return what the API takes for the properties, whose names and shapes differ a little."""
    given = {key: value for key, value in wanted.properties.items() if key not in _APART}
    given.pop("Tags", None)
    if "VPCZoneIdentifier" in given:
        given["VPCZoneIdentifier"] = ",".join(as_list(given["VPCZoneIdentifier"]))
    if "Cooldown" in wanted.properties:
        given["DefaultCooldown"] = wanted["Cooldown"]
    asked: dict[str, Any] = fitted("autoscaling", shape, given)
    return asked


def _policy(wanted: Wanted) -> Mapping[str, Any]:
    """Return the update policy that the template gives the group."""
    template = emulator.engine.running_template(wanted.stack)
    found: Mapping[str, Any] = template["Resources"][wanted.logical_id].get("UpdatePolicy") or {}
    return found


def _ignores_sizes(wanted: Wanted) -> bool:
    """Tell whether an update leaves sizes alone that the template has not changed."""
    policy = _policy(wanted).get("AutoScalingScheduledAction", {})
    return flag(policy.get("IgnoreUnmodifiedGroupSizeProperties", False))


def _unmodified(wanted: Wanted) -> tuple[str, ...]:
    return tuple(size for size in _SIZES if not wanted.changed(size))


def _replace_instances(name: str) -> None:
    """Replace every instance, one by one; what the new ones would signal is taken as sent."""
    for instance in _described(name)["Instances"]:
        _scaling().terminate_instance_in_auto_scaling_group(
            InstanceId=instance["InstanceId"], ShouldDecrementDesiredCapacity=False
        )


def _move(name: str, wanted: Wanted) -> None:
    """Detach and attach the target groups that differ."""
    now, before = (
        list(as_list(source.get("TargetGroupARNs")))
        for source in (wanted.properties, wanted.before)
    )
    if gone := [arn for arn in before if arn not in now]:
        _scaling().detach_load_balancer_target_groups(
            AutoScalingGroupName=name, TargetGroupARNs=gone
        )
    if new := [arn for arn in now if arn not in before]:
        _scaling().attach_load_balancer_target_groups(
            AutoScalingGroupName=name, TargetGroupARNs=new
        )


def _tag(group: str, tag: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ResourceId": group,
        "ResourceType": "auto-scaling-group",
        "Key": str(tag["Key"]),
        "Value": str(tag.get("Value", "")),
        "PropagateAtLaunch": flag(tag.get("PropagateAtLaunch", True)),
    }


def _retag(name: str, wanted: Wanted) -> None:
    _, removed = tag_changes(wanted)
    if removed:
        gone = [_tag(name, {"Key": key}) for key in removed]
        _scaling().delete_tags(Tags=gone)
    before = as_list(wanted.before.get("Tags"))
    put = [_tag(name, tag) for tag in as_list(wanted.get("Tags")) if tag not in before]
    if put:
        _scaling().create_or_update_tags(Tags=put)


def _observe(name: str, wanted: Wanted) -> None:
    """Set what is measured and who is told."""
    if wanted.changed("MetricsCollection"):
        _scaling().disable_metrics_collection(AutoScalingGroupName=name)
        for each in as_list(wanted.get("MetricsCollection")):
            asked = fitted("autoscaling", "EnableMetricsCollectionQuery", each)
            _scaling().enable_metrics_collection(AutoScalingGroupName=name, **asked)
    now, before = (
        {each["TopicARN"]: each for each in as_list(source.get("NotificationConfigurations"))}
        for source in (wanted.properties, wanted.before)
    )
    for topic in (topic for topic in before if topic not in now):
        _scaling().delete_notification_configuration(AutoScalingGroupName=name, TopicARN=topic)
    for topic, each in now.items():
        types = list(as_list(each.get("NotificationTypes")))
        _scaling().put_notification_configuration(
            AutoScalingGroupName=name, TopicARN=topic, NotificationTypes=types
        )


def _described(name: str) -> Any:
    found = _scaling().describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return next(iter(found["AutoScalingGroups"]), None)


def _made_group(name: str) -> Made:
    return Made(name, {"AutoScalingGroupARN": _described(name)["AutoScalingGroupARN"]})


def _delete_group(wanted: Wanted) -> None:
    if _described(wanted.physical_id):
        _scaling().delete_auto_scaling_group(
            AutoScalingGroupName=wanted.physical_id, ForceDelete=True
        )


# Policy, hook, scheduled action -------------------------------------------------------------------


def _put_policy(wanted: Wanted) -> Made:
    name = wanted.name("PolicyName", longest=255)
    if wanted.physical_id:
        name = wanted.physical_id.partition(":policyName/")[2]
    asked = fitted("autoscaling", "PutScalingPolicyType", wanted.properties)
    made = _scaling().put_scaling_policy(**asked | {"PolicyName": name})["PolicyARN"]
    return Made(made, {"Arn": made, "PolicyName": name})


def _delete_policy(wanted: Wanted) -> None:
    _if_group(wanted, "delete_policy", PolicyName=wanted.physical_id)


def _put_hook(wanted: Wanted) -> Made:
    name = wanted.physical_id or wanted.name("LifecycleHookName", longest=255)
    asked = fitted("autoscaling", "PutLifecycleHookType", wanted.properties)
    _scaling().put_lifecycle_hook(**asked | {"LifecycleHookName": name})
    return Made(name, {"LifecycleHookName": name})


def _delete_hook(wanted: Wanted) -> None:
    _if_group(wanted, "delete_lifecycle_hook", LifecycleHookName=wanted.physical_id)


def _put_action(wanted: Wanted) -> Made:
    name = wanted.physical_id or wanted.name("ScheduledActionName", longest=255)
    asked = _fitted_action(wanted)
    _scaling().put_scheduled_update_group_action(**asked | {"ScheduledActionName": name})
    return Made(name, {"ScheduledActionName": name})


def _fitted_action(wanted: Wanted) -> dict[str, Any]:
    times = {key: str(wanted[key]) for key in ("StartTime", "EndTime") if wanted.get(key)}
    rest = {key: value for key, value in wanted.properties.items() if key not in times}
    return fitted("autoscaling", "PutScheduledUpdateGroupActionType", rest) | times


def _delete_action(wanted: Wanted) -> None:
    _if_group(wanted, "delete_scheduled_action", ScheduledActionName=wanted.physical_id)


def _if_group(wanted: Wanted, operation: str, **asked: str) -> None:
    """Delete what belongs to a group, unless it went with the group."""
    name = wanted["AutoScalingGroupName"]
    with gone_is_fine():
        if _described(name):
            getattr(_scaling(), operation)(AutoScalingGroupName=name, **asked)


PROVISIONERS = (
    Provisioner(
        "AWS::AutoScaling::AutoScalingGroup",
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
        create_only=("InstanceId", "AutoScalingGroupName"),
        tags="Tags",
    ),
    Provisioner(
        "AWS::AutoScaling::ScalingPolicy",
        create=_put_policy,
        update=_put_policy,
        delete=_delete_policy,
        create_only=("AutoScalingGroupName", "PolicyName"),
    ),
    Provisioner(
        "AWS::AutoScaling::LifecycleHook",
        create=_put_hook,
        update=_put_hook,
        delete=_delete_hook,
        create_only=("AutoScalingGroupName", "LifecycleHookName"),
    ),
    Provisioner(
        "AWS::AutoScaling::ScheduledAction",
        create=_put_action,
        update=_put_action,
        delete=_delete_action,
        create_only=("AutoScalingGroupName",),
    ),
)
