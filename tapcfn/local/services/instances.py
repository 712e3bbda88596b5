"""EC2: instances as requests and launch templates say, in the zone and network of a subnet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from ipaddress import IPv4Network
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.launch_templates import resolved
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.volumes import attach_volumes, detach_volumes
from tapcfn.local.services.wire import Do, Front, Value

_BY_PARAMETER = "resolve:ssm:"
# AWS keeps the first four addresses of a subnet.
_RESERVED = 4
_METADATA = {
    "State": "applied",
    "HttpTokens": "optional",
    "HttpPutResponseHopLimit": 1,
    "HttpEndpoint": "enabled",
    "HttpProtocolIpv6": "disabled",
    "InstanceMetadataTags": "disabled",
}
# What the emulator makes an instance of; the rest of a request is kept beside it.
_NATIVE = (
    *("ImageId", "InstanceType", "KeyName", "SubnetId", "UserData", "SecurityGroupIds"),
    *("IamInstanceProfile", "MinCount", "MaxCount", "TagSpecifications"),
)
_KEPT = ("EbsOptimized", "CpuOptions", "HibernationOptions", "EnclaveOptions", "MaintenanceOptions")
# How an instance's attributes are named by those who ask, and what they are without being set.
_ATTRIBUTES = {
    "userData": ("UserData", ""),
    "disableApiTermination": ("DisableApiTermination", False),
    "instanceInitiatedShutdownBehavior": ("InstanceInitiatedShutdownBehavior", "stop"),
    "ebsOptimized": ("EbsOptimized", False),
    "sourceDestCheck": ("SourceDestCheck", True),
}


# Launching ----------------------------------------------------------------------------------------


def _run(asked: Value, do: Do) -> Value:
    wanted = _completed(asked)
    _refuse(wanted)
    told = do({name: wanted[name] for name in _NATIVE if name in wanted})
    made = [_record(each["InstanceId"]) for each in told["Instances"]]
    for record in made:
        _settle(record, wanted)
    told["Instances"] = [_told(each) for each in told["Instances"]]
    return told


def _completed(asked: Value) -> Value:
    """Return a request with what its launch template says; the request itself counts more."""
    template = asked.get("LaunchTemplate")
    data = resolved(template)[1]["LaunchTemplateData"] if template else {}
    wanted = data | asked
    wanted["TagSpecifications"] = _merged_tags(data, asked)
    wanted["ImageId"] = _resolved_image(wanted.get("ImageId", ""))
    for interface in wanted.get("NetworkInterfaces", ())[:1]:
        wanted.setdefault("SubnetId", interface.get("SubnetId"))
        wanted.setdefault("SecurityGroupIds", interface.get("Groups", []))
        wanted["_public"] = interface.get("AssociatePublicIpAddress")
    return {name: value for name, value in wanted.items() if value is not None}


def _resolved_image(image: str) -> str:
    """Return an image's id, which a request may leave to a parameter of SSM."""
    if not image.startswith(_BY_PARAMETER):
        return image
    name = image.removeprefix(_BY_PARAMETER)
    found = emulator.ssm.value(name)
    if found is None:
        message = f"The parameter '{name}' does not exist in Systems Manager"
        raise RefusedError("InvalidParameterValue", message)
    return found


def _merged_tags(data: Value, asked: Value) -> list[Value]:
    tags: dict[str, dict[str, str]] = {}
    for each in (*data.get("TagSpecifications", ()), *asked.get("TagSpecifications", ())):
        mine = tags.setdefault(each["ResourceType"], {})
        mine.update({tag["Key"]: tag.get("Value", "") for tag in each.get("Tags", ())})
    return [
        {"ResourceType": kind, "Tags": [{"Key": key, "Value": text} for key, text in mine.items()]}
        for kind, mine in tags.items()
    ]


def _refuse(wanted: Value) -> None:
    image, subnet = wanted.get("ImageId"), wanted.get("SubnetId")
    if not image:
        raise RefusedError("MissingParameter", "The request must contain the parameter ImageId")
    if not re.fullmatch(r"ami-[0-9a-f]{8,17}", image):
        raise RefusedError("InvalidAMIID.Malformed", f'Invalid id: "{image}"')
    if subnet and subnet not in emulator.ec2.store("_subnets"):
        message = f"The subnet ID '{subnet}' does not exist"
        raise RefusedError("InvalidSubnetID.NotFound", message)
    for group in wanted.get("SecurityGroupIds", ()):
        if group not in emulator.ec2.store("_security_groups"):
            message = f"The security group '{group}' does not exist"
            raise RefusedError("InvalidGroup.NotFound", message)
    _refuse_profile(wanted.get("IamInstanceProfile") or {})


def _refuse_profile(profile: Mapping[str, str]) -> None:
    name, arn = profile.get("Name", ""), profile.get("Arn", "")
    if (name or arn) and emulator.ec2.instance_profile(iam_name=name, iam_arn=arn) is None:
        by = "name" if name else "arn"
        message = f"Value ({name or arn}) for parameter iamInstanceProfile.{by} is invalid."
        raise RefusedError("InvalidParameterValue", message)


def _settle(record: dict[str, Any], wanted: Value) -> None:
    """Put an instance into its zone and network, and keep what the emulator forgets."""
    subnet = emulator.ec2.store("_subnets").get(record["SubnetId"], {})
    zone = subnet.get("AvailabilityZone", f"{emulator.region()}a")
    placement = {
        key: wanted["Placement"][key] for key in ("Tenancy",) if key in wanted.get("Placement", {})
    }
    record["Placement"] = record["Placement"] | placement | {"AvailabilityZone": zone}
    record["Architecture"] = _architecture(record["InstanceType"])
    _address(record, subnet, wanted)
    monitored = wanted.get("Monitoring", {}).get("Enabled")
    record["Monitoring"] = {"State": "enabled" if monitored else "disabled"}
    record["_also"] = {
        **{name: wanted[name] for name in _KEPT if name in wanted},
        "MetadataOptions": _METADATA | wanted.get("MetadataOptions", {}),
    }
    for member, usual in _ATTRIBUTES.values():
        record[member] = wanted.get(member, usual)
    attach_volumes(record, wanted)


def _architecture(instance_type: str) -> str:
    """Return what an instance type runs on: Graviton families have a g after their number."""
    return "arm64" if re.match(r"[a-z]+\d+g", instance_type) else "x86_64"


def _address(record: dict[str, Any], subnet: Mapping[str, Any], wanted: Value) -> None:
    private = wanted.get("PrivateIpAddress") or _free_address(record, subnet)
    record["PrivateIpAddress"] = private
    place = "ec2" if emulator.region() == "us-east-1" else f"{emulator.region()}.compute"
    record["PrivateDnsName"] = f"ip-{private.replace('.', '-')}.{place}.internal"
    if not wanted.get("_public", subnet.get("MapPublicIpOnLaunch", False)):
        record["PublicIpAddress"] = record["PublicDnsName"] = ""


def _free_address(record: Mapping[str, Any], subnet: Mapping[str, Any]) -> str:
    if not subnet:
        return str(record["PrivateIpAddress"])
    taken = {
        each["PrivateIpAddress"]
        for each in emulator.ec2.store("_instances").values()
        if each["SubnetId"] == record["SubnetId"]
        and each is not record
        and each["State"]["Name"] != "terminated"
    }
    hosts = map(str, list(IPv4Network(subnet["CidrBlock"]))[_RESERVED:-1])
    return next(host for host in hosts if host not in taken)


# Reading ------------------------------------------------------------------------------------------


def _describe(asked: Value, do: Do) -> Value:
    told = do(asked)
    for reservation in told["Reservations"]:
        reservation["Instances"] = [_told(each) for each in reservation["Instances"]]
    return told


def _told(instance: Value) -> Value:
    record = _record(instance["InstanceId"])
    told: Value = instance | record.get("_also", {})
    told["Placement"] = instance["Placement"] | record["Placement"]
    for name in ("PublicIpAddress", "PublicDnsName", "PrivateDnsName", "PrivateIpAddress"):
        told[name] = record[name] or None
    told["Architecture"] = record["Architecture"]
    told["Monitoring"] = record["Monitoring"]
    return told


def _attribute(asked: Value, do: Do) -> Value:
    """Tell an attribute as it was set; the emulator tells what is usual."""
    told = do(asked)
    known = _ATTRIBUTES.get(asked["Attribute"])
    if known:
        member, usual = known
        told[member] = {"Value": _record(asked["InstanceId"]).get(member, usual)}
    return told


# Changing -----------------------------------------------------------------------------------------


def _modify(asked: Value, _: Do) -> Value:
    record = _existing(asked["InstanceId"])
    for name in ("InstanceType", *(member for member, _ in _ATTRIBUTES.values())):
        if name in asked:
            record[name] = asked[name]["Value"]
    if "EbsOptimized" in asked:
        record["_also"]["EbsOptimized"] = asked["EbsOptimized"]["Value"]
    if "Groups" in asked:
        _refuse({**record, "SecurityGroupIds": asked["Groups"], "IamInstanceProfile": None})
        known = emulator.ec2.store("_security_groups")
        record["SecurityGroups"] = [
            {"GroupId": each, "GroupName": known[each]["GroupName"]} for each in asked["Groups"]
        ]
    return {}


def _modify_metadata(asked: Value, _: Do) -> Value:
    record = _existing(asked["InstanceId"])
    options = {name: asked[name] for name in _METADATA if name in asked}
    record["_also"]["MetadataOptions"] = record["_also"]["MetadataOptions"] | options
    told = record["_also"]["MetadataOptions"]
    return {"InstanceId": asked["InstanceId"], "InstanceMetadataOptions": told}


def _monitoring(state: str) -> Front:
    def act(asked: Value, _: Do) -> Value:
        for instance in asked["InstanceIds"]:
            _existing(instance)["Monitoring"] = {"State": state}
        told = {"State": state}
        return {
            "InstanceMonitorings": [
                {"InstanceId": each, "Monitoring": told} for each in asked["InstanceIds"]
            ]
        }

    return act


def _terminate(asked: Value, do: Do) -> Value:
    """Refuse while an instance is protected; volumes that belong to it go with it."""
    for instance in asked["InstanceIds"]:
        record = emulator.ec2.store("_instances").get(instance, {})
        if record.get("DisableApiTermination"):
            message = f"The instance '{instance}' may not be terminated. Modify its "
            message += "'disableApiTermination' instance attribute and try again."
            raise RefusedError("OperationNotPermitted", message)
    told = do(asked)
    for instance in asked["InstanceIds"]:
        detach_volumes(_record(instance))
    return told


def _existing(instance: str) -> dict[str, Any]:
    if instance not in emulator.ec2.store("_instances"):
        message = f"The instance ID '{instance}' does not exist"
        raise RefusedError("InvalidInstanceID.NotFound", message)
    return _record(instance)


def _record(instance: str) -> dict[str, Any]:
    return emulator.ec2.store("_instances")[instance]


FRONTS: Mapping[str, Front] = {
    "RunInstances": _run,
    "DescribeInstances": _describe,
    "DescribeInstanceAttribute": _attribute,
    "ModifyInstanceAttribute": _modify,
    "ModifyInstanceMetadataOptions": _modify_metadata,
    "MonitorInstances": _monitoring("enabled"),
    "UnmonitorInstances": _monitoring("disabled"),
    "TerminateInstances": _terminate,
}

install = partial(wire.install, "ec2", FRONTS)
