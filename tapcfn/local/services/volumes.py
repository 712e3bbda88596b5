"""EC2: volumes with the key and throughput that they were given, their own or an instance's."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.wire import Do, Front, Value

_KEPT = ("KmsKeyId", "Throughput", "MultiAttachEnabled", "OutpostArn")
_NUMBERS = {"VolumeSize": "Size", "VolumeType": "VolumeType", "Iops": "Iops"}
GP3_THROUGHPUT = 125


def _create(asked: Value, do: Do) -> Value:
    told = do(asked)
    record = emulator.ec2.store("_volumes")[told["VolumeId"]]
    record.update({name: asked[name] for name in _KEPT if name in asked})
    return told | _also(record)


def _describe(asked: Value, do: Do) -> Value:
    told = do(asked)
    known = emulator.ec2.store("_volumes")
    told["Volumes"] = [each | _also(known[each["VolumeId"]]) for each in told["Volumes"]]
    return told


def _modify(asked: Value, do: Do) -> Value:
    told = do(asked)
    if "Throughput" in asked:
        emulator.ec2.store("_volumes")[asked["VolumeId"]]["Throughput"] = asked["Throughput"]
    return told


def _also(record: Mapping[str, Any]) -> Value:
    key = record.get("KmsKeyId")
    throughput = record.get("Throughput") or None
    return {"KmsKeyId": key_arn(key) if key else None, "Throughput": throughput}


def key_arn(key: str) -> str:
    """Return the ARN under which a key is told, whatever it was named by."""
    if key.startswith("arn:"):
        return key
    kind = "" if key.startswith("alias/") else "key/"
    return f"arn:aws:kms:{emulator.region()}:{emulator.account_id()}:{kind}{key}"


# Those of an instance -----------------------------------------------------------------------------


def attach_volumes(instance: dict[str, Any], wanted: Value) -> None:
    """Give an instance the volumes that its mappings ask for; the root device has one anyway."""
    zone = instance["Placement"]["AvailabilityZone"]
    root = instance["BlockDeviceMappings"][0]
    volumes = emulator.ec2.store("_volumes")
    volumes[root["Ebs"]["VolumeId"]]["AvailabilityZone"] = zone
    for mapping in wanted.get("BlockDeviceMappings", ()):
        if "Ebs" not in mapping:
            continue
        if mapping["DeviceName"] != root["DeviceName"]:
            instance["BlockDeviceMappings"].append(_another(root, mapping["DeviceName"]))
        _shape(_mapped(instance, mapping["DeviceName"]), mapping["Ebs"])
    for specification in wanted.get("TagSpecifications", ()):
        if specification["ResourceType"] == "volume":
            for mapping in instance["BlockDeviceMappings"]:
                tags: Any = copy.deepcopy(specification["Tags"])
                emulator.ec2.store("_tags")[mapping["Ebs"]["VolumeId"]] = tags


def _another(root: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Return a mapping like the root's with a new volume behind it."""
    volumes = emulator.ec2.store("_volumes")
    made = copy.deepcopy(volumes[root["Ebs"]["VolumeId"]])
    made["VolumeId"] = "vol-" + emulator.new_id().replace("-", "")[:17]
    made["Attachments"][0] |= {"VolumeId": made["VolumeId"], "Device": device}
    volumes[made["VolumeId"]] = made
    return {"DeviceName": device, "Ebs": root["Ebs"] | {"VolumeId": made["VolumeId"]}}


def _mapped(instance: Mapping[str, Any], device: str) -> dict[str, Any]:
    mappings = instance["BlockDeviceMappings"]
    return next(each["Ebs"] for each in mappings if each["DeviceName"] == device)


def _shape(mapped: dict[str, Any], ebs: Value) -> None:
    volume = emulator.ec2.store("_volumes")[mapped["VolumeId"]]
    volume.update({ours: ebs[name] for name, ours in _NUMBERS.items() if name in ebs})
    volume.update({name: ebs[name] for name in ("Encrypted", *_KEPT) if name in ebs})
    gp3 = volume["VolumeType"] == "gp3"
    volume["Throughput"] = ebs.get("Throughput", GP3_THROUGHPUT if gp3 else None)
    goes = ebs.get("DeleteOnTermination", True)
    mapped["DeleteOnTermination"] = goes
    volume["Attachments"][0]["DeleteOnTermination"] = goes


def detach_volumes(instance: Mapping[str, Any]) -> None:
    """Take an instance's volumes from it, and delete those that end with it."""
    volumes = emulator.ec2.store("_volumes")
    for mapping in instance["BlockDeviceMappings"]:
        volume = volumes.get(mapping["Ebs"]["VolumeId"])
        if volume is None:
            continue
        if mapping["Ebs"]["DeleteOnTermination"]:
            del volumes[volume["VolumeId"]]
        else:
            volume.update({"Attachments": [], "State": "available"})


FRONTS: Mapping[str, Front] = {
    "CreateVolume": _create,
    "DescribeVolumes": _describe,
    "ModifyVolume": _modify,
}

install = partial(wire.install, "ec2", FRONTS)
