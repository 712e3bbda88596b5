"""Auto Scaling: groups whose instances are EC2's, and in the target groups that the group names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.launch_templates import resolved
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

_USUAL: Mapping[str, Any] = {
    "DefaultCooldown": 300,
    "HealthCheckType": "EC2",
    "HealthCheckGracePeriod": 0,
    "TerminationPolicies": ["Default"],
    "NewInstancesProtectedFromScaleIn": False,
    "CapacityRebalance": False,
    "TargetGroupARNs": [],
    "LoadBalancerNames": [],
    "DeletionProtection": "none",
}
_SOURCES = ("LaunchTemplate", "MixedInstancesPolicy", "LaunchConfigurationName", "InstanceId")


def install() -> None:
    """Let stack tags reach the instances of a group, as CloudFormation has it."""
    emulator.steps.propagate_stack_tags("AWS::AutoScaling::AutoScalingGroup")
    wire.install("autoscaling", FRONTS)


# Creating, changing, deleting ---------------------------------------------------------------------


def _create(asked: Value, do: Do) -> Value:
    name = asked["AutoScalingGroupName"]
    _refuse({**_USUAL, "DesiredCapacity": asked["MinSize"], **asked})
    do({**asked, "MinSize": 0, "DesiredCapacity": 0})  # the instances are not the emulator's
    record = group(name)
    try:
        _take({**_USUAL, "DesiredCapacity": asked["MinSize"], **asked}, record)
        for hook in asked.get("LifecycleHookSpecificationList", ()):
            act = emulator.scaling.ACTIONS["PutLifecycleHook"]
            wire.call(
                "autoscaling", "PutLifecycleHook", act, {**hook, "AutoScalingGroupName": name}
            )
    except RefusedError:
        _end(record, list(record["Instances"]))
        del emulator.scaling.store("_asgs")[name]
        raise
    return {}


def _update(asked: Value, _: Do) -> Value:
    record = group(asked["AutoScalingGroupName"])
    lowest, highest = (asked.get(size, record[size]) for size in ("MinSize", "MaxSize"))
    within = min(max(record["DesiredCapacity"], lowest), highest)
    wanted = {"DesiredCapacity": within, **asked}
    _refuse({**record, **wanted})
    _take(wanted, record)
    return {}


def _refuse(wanted: Mapping[str, Any]) -> None:
    """Refuse sizes that do not fit, and what is not there."""
    _refuse_sizes(*(wanted[name] for name in ("MinSize", "MaxSize", "DesiredCapacity")))
    if not any(wanted.get(source) for source in _SOURCES):
        listed = "LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy"
        _no(f"Valid requests must contain either {listed} parameter.")
    if template := _template(wanted):
        resolved(template)
    for subnet in _subnets(wanted):
        if subnet not in emulator.ec2.store("_subnets"):
            _no(f"The subnet ID '{subnet}' does not exist")
    for arn in wanted.get("TargetGroupARNs", ()):
        if arn not in emulator.balancing.store("_tgs"):
            _no("Provided Target Groups may not be valid. Please ensure they exist and try again.")


def _refuse_sizes(lowest: int, highest: int, desired: int) -> None:
    if lowest > highest:
        _no(f"Max bound, {highest}, must be greater than or equal to min bound, {lowest}")
    if not lowest <= desired <= highest:
        message = f"Desired capacity:{desired} must be between the specified min size:{lowest}"
        _no(f"{message} and max size:{highest}")


def _no(message: str) -> None:
    raise RefusedError("ValidationError", message)


def _take(wanted: Value, record: dict[str, Any]) -> None:
    """Let a group be as wanted, with as many instances as it then needs."""
    before = list(record.get("TargetGroupARNs", ()))
    record.update({name: value for name, value in wanted.items() if name != "Tags"})
    if wanted.get("LaunchTemplate"):
        found, _ = resolved(wanted["LaunchTemplate"])
        named = {name: found[name] for name in ("LaunchTemplateId", "LaunchTemplateName")}
        version = wanted["LaunchTemplate"].get("Version", "$Default")
        record["LaunchTemplate"] = {**named, "Version": version}
    zones = [emulator.ec2.store("_subnets")[each]["AvailabilityZone"] for each in _subnets(record)]
    if zones:
        record["AvailabilityZones"] = list(dict.fromkeys(zones))
    for arn in record.get("TargetGroupARNs", ()):
        if arn not in before:
            _register(arn, [each["InstanceId"] for each in record["Instances"]])
    for arn in before:
        if arn not in record["TargetGroupARNs"]:
            _deregister(arn, [each["InstanceId"] for each in record["Instances"]])
    reconcile(record)


def _subnets(record: Mapping[str, Any]) -> list[str]:
    return [each for each in str(record.get("VPCZoneIdentifier") or "").split(",") if each]


def _template(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return which launch template a group's instances come from, if any."""
    mixed = record.get("MixedInstancesPolicy") or {}
    nested = mixed.get("LaunchTemplate", {}).get("LaunchTemplateSpecification")
    found: Mapping[str, Any] = record.get("LaunchTemplate") or nested or {}
    return found


def _delete(asked: Value, do: Do) -> Value:
    record = group(asked["AutoScalingGroupName"])
    protection = record.get("DeletionProtection", "none")
    forced = asked.get("ForceDelete", False)
    if protection == "prevent-all-deletion" or (forced and protection != "none"):
        message = "You cannot delete an AutoScalingGroup while deletion protection is on."
        raise RefusedError("ResourceInUse", message)
    if record["Instances"] and not forced:
        message = "You cannot delete an AutoScalingGroup while there are instances or pending Spot "
        raise RefusedError("ResourceInUse", f"{message}instance request(s) still in the group.")
    _end(record, list(record["Instances"]))
    return do(asked)


# Instances ----------------------------------------------------------------------------------------


def reconcile(record: dict[str, Any]) -> None:
    """Launch or end instances until there are as many as desired."""
    surplus = len(record["Instances"]) - record["DesiredCapacity"]
    if surplus > 0:
        unprotected = [each for each in record["Instances"] if not each["ProtectedFromScaleIn"]]
        _end(record, unprotected[:surplus])
    while len(record["Instances"]) < record["DesiredCapacity"]:
        _launch(record)


def replace(record: dict[str, Any], instance: Mapping[str, Any]) -> None:
    """End one instance and launch another in its place."""
    _end(record, [instance])
    reconcile(record)


def _launch(record: dict[str, Any]) -> None:
    template = _template(record)
    if not template:
        _no("Only groups with a launch template can launch instances here")
    found, version = resolved(template)
    named = {name: found[name] for name in ("LaunchTemplateId", "LaunchTemplateName")}
    exact = {**named, "Version": str(version["VersionNumber"])}
    instance = _run(
        record, {"LaunchTemplateId": exact["LaunchTemplateId"], "Version": exact["Version"]}
    )
    record["Instances"].append(
        {
            "InstanceId": instance["InstanceId"],
            "InstanceType": instance["InstanceType"],
            "AvailabilityZone": instance["Placement"]["AvailabilityZone"],
            "LifecycleState": "InService",
            "HealthStatus": "Healthy",
            "LaunchTemplate": exact,
            "LaunchConfigurationName": "",
            "ProtectedFromScaleIn": record["NewInstancesProtectedFromScaleIn"],
        }
    )
    for arn in record.get("TargetGroupARNs", ()):
        _register(arn, [instance["InstanceId"]])


def _run(record: Mapping[str, Any], template: Value) -> Value:
    asked: Value = {"LaunchTemplate": template, "MinCount": 1, "MaxCount": 1}
    asked["TagSpecifications"] = [{"ResourceType": "instance", "Tags": _tags(record)}]
    if subnet := _emptiest(record):
        asked["SubnetId"] = subnet
    try:
        told = wire.call("ec2", "RunInstances", emulator.ec2.ACTIONS["RunInstances"], asked)
    except RefusedError as refusal:
        message = f"Launching a new EC2 instance. Status Reason: {refusal} "
        raise RefusedError(refusal.code, f"{message}Launching EC2 instance failed.") from refusal
    return dict(told["Instances"][0])


def _emptiest(record: Mapping[str, Any]) -> str:
    """Return the subnet in whose zone the group has fewest instances."""
    zones = [each["AvailabilityZone"] for each in record["Instances"]]
    known = emulator.ec2.store("_subnets")
    return min(
        _subnets(record), key=lambda each: zones.count(known[each]["AvailabilityZone"]), default=""
    )


def _tags(record: Mapping[str, Any]) -> list[Value]:
    own = {"Key": "aws:autoscaling:groupName", "Value": record["AutoScalingGroupName"]}
    more = [each for each in record.get("Tags", ()) if each.get("PropagateAtLaunch")]
    return [own, *({"Key": each["Key"], "Value": each["Value"]} for each in more)]


def _end(record: dict[str, Any], instances: Any) -> None:
    gone = [each["InstanceId"] for each in instances]
    record["Instances"] = [each for each in record["Instances"] if each["InstanceId"] not in gone]
    for arn in record.get("TargetGroupARNs", ()):
        _deregister(arn, gone)
    known = emulator.ec2.store("_instances")
    if present := [each for each in gone if each in known]:
        act = emulator.ec2.ACTIONS["TerminateInstances"]
        wire.call("ec2", "TerminateInstances", act, {"InstanceIds": present})


def _register(arn: str, instances: list[str]) -> None:
    _targets("RegisterTargets", arn, instances)


def _deregister(arn: str, instances: list[str]) -> None:
    if arn in emulator.balancing.store("_tgs"):
        _targets("DeregisterTargets", arn, instances)


def _targets(operation: str, arn: str, instances: list[str]) -> None:
    if instances:
        targets = [{"Id": each} for each in instances]
        act = emulator.balancing.ACTIONS[operation]
        wire.call("elbv2", operation, act, {"TargetGroupArn": arn, "Targets": targets})


# Reading ------------------------------------------------------------------------------------------


def _describe(asked: Value, _: Do) -> Value:
    names = asked.get("AutoScalingGroupNames")
    groups = emulator.scaling.store("_asgs").values()
    mine = [each for each in groups if not names or each["AutoScalingGroupName"] in names]
    return {"AutoScalingGroups": [_told(each) for each in mine]}


def _told(record: Mapping[str, Any]) -> Value:
    role = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    told = dict(record)
    told["ServiceLinkedRoleARN"] = (
        record.get("ServiceLinkedRoleARN") or f"arn:aws:iam::{emulator.account_id()}:role/{role}"
    )
    for name in ("LaunchTemplate", "LaunchConfigurationName", "Status"):
        told[name] = record.get(name) or None
    return told


def group(name: str) -> dict[str, Any]:
    """Return the record of a group, or refuse."""
    found: dict[str, Any] | None = emulator.scaling.store("_asgs").get(name)
    if found is None:
        raise RefusedError("ValidationError", "AutoScalingGroup name not found - null")
    return found


FRONTS: Mapping[str, Front] = {
    "CreateAutoScalingGroup": _create,
    "UpdateAutoScalingGroup": _update,
    "DeleteAutoScalingGroup": _delete,
    "DescribeAutoScalingGroups": _describe,
}
