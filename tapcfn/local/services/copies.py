"""EC2: snapshots and images with their keys, and copies of them in another Region.

They hold no data, and take their time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from tapcfn.local import emulator, time
from tapcfn.local.services import wire
from tapcfn.local.services.records import Record, Shelf
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.volumes import key_arn
from tapcfn.local.services.wire import Do, Front, Value

_images = Shelf("ec2", "image")
_tasks = Shelf("ec2", "snapshot-task")
_USUAL_KEY = "alias/aws/ebs"
_ALIKE = ("Architecture", "RootDeviceName", "RootDeviceType", "VirtualizationType", "Hypervisor")


def _call(operation: str, **asked: Any) -> Value:
    return wire.call("ec2", operation, emulator.ec2.ACTIONS[operation], asked)


# Snapshots ----------------------------------------------------------------------------------------


def _create_snapshot(asked: Value, do: Do) -> Value:
    told = do(asked)
    volume = emulator.ec2.store("_volumes")[asked["VolumeId"]]
    record = emulator.ec2.store("_snapshots")[told["SnapshotId"]]
    record["KmsKeyId"] = volume.get("KmsKeyId") if volume["Encrypted"] else None
    _begin(record)
    return told | _key(record) | {"State": record["State"], "Progress": record["Progress"]}


def _create_snapshots(asked: Value, _: Do) -> Value:
    """Take one of each volume of an instance."""
    identifier = asked["InstanceSpecification"]["InstanceId"]
    instance = emulator.ec2.store("_instances").get(identifier)
    if instance is None:
        raise _no_instance(identifier)
    rest = {name: asked[name] for name in ("Description", "TagSpecifications") if name in asked}
    volumes = [each["Ebs"]["VolumeId"] for each in instance["BlockDeviceMappings"]]
    return {"Snapshots": [_call("CreateSnapshot", VolumeId=each, **rest) for each in volumes]}


def _begin(record: dict[str, Any]) -> None:
    """Let a snapshot take its time: pending until then."""
    name = f"{emulator.place()}/{record['VolumeId']}"
    began, ends = time.span("CreateSnapshot", name)
    task = {"SnapshotId": record["SnapshotId"], "Began": began, "Ends": ends}
    _tasks.put(record["SnapshotId"], task)
    _settle()


def _settle() -> None:
    """Let each snapshot that is on its way be as far as it is by now."""
    known = emulator.ec2.store("_snapshots")
    for task in _tasks.everything():
        share, record = time.share(task["Began"], task["Ends"]), known.get(task["SnapshotId"])
        if record is not None:
            record["State"] = "completed" if share == 1.0 else "pending"
            record["Progress"] = f"{share:.0%}"
        if record is None or share == 1.0:
            _tasks.remove(task["SnapshotId"])


def _copy_snapshot(asked: Value, do: Do) -> Value:
    """Copy one with the key that is asked for; what is encrypted stays so, by a key from here."""
    told = do(asked)
    record = emulator.ec2.store("_snapshots")[told["SnapshotId"]]
    _encrypt(record, asked)
    return told


def _encrypt(record: dict[str, Any], asked: Value) -> None:
    record["Encrypted"] = bool(record["Encrypted"] or asked.get("Encrypted"))
    record["KmsKeyId"] = asked.get("KmsKeyId", _USUAL_KEY) if record["Encrypted"] else None


def _describe_snapshots(asked: Value, do: Do) -> Value:
    _settle()
    told, known = do(asked), emulator.ec2.store("_snapshots")
    told["Snapshots"] = [
        each | _key(known.get(each["SnapshotId"], {})) for each in told["Snapshots"]
    ]
    return told


def _key(record: Mapping[str, Any]) -> Value:
    key = record.get("KmsKeyId") or (_USUAL_KEY if record.get("Encrypted") else "")
    return {"KmsKeyId": key_arn(key)} if key else {}


# Images -------------------------------------------------------------------------------------------


def _create_image(asked: Value, _: Do) -> Value:
    """Make an image of an instance, with a snapshot of each of its volumes."""
    instance = emulator.ec2.store("_instances").get(asked["InstanceId"])
    if instance is None:
        raise _no_instance(asked["InstanceId"])
    mappings = [
        {"DeviceName": each["DeviceName"], "Ebs": _snapped(each["Ebs"]["VolumeId"])}
        for each in instance["BlockDeviceMappings"]
    ]
    alike = {"Architecture": "x86_64", "RootDeviceName": mappings[0]["DeviceName"]}
    alike |= {"RootDeviceType": "ebs", "VirtualizationType": "hvm", "Hypervisor": "xen"}
    return _keep(asked, {**alike, "BlockDeviceMappings": mappings})


def _snapped(volume: str) -> Record:
    made = _call("CreateSnapshot", VolumeId=volume)
    record = emulator.ec2.store("_volumes")[volume]
    return _disk(made["SnapshotId"]) | {"VolumeType": record["VolumeType"]}


def _disk(snapshot: str) -> Record:
    record = emulator.ec2.store("_snapshots")[snapshot]
    told = {"SnapshotId": snapshot, "VolumeSize": record["VolumeSize"]}
    return told | {"Encrypted": record["Encrypted"], "DeleteOnTermination": True}


def _copy_image(asked: Value, _: Do) -> Value:
    """Copy an image and its snapshots from another Region, or from this one; by a token, once."""
    token = asked.get("ClientToken")
    for each in _images.everything():
        if token and each.get("ClientToken") == token:
            return {"ImageId": each["ImageId"]}
    with emulator.request_scope(emulator.account_id(), asked["SourceRegion"]):
        found = _call("DescribeImages", ImageIds=[asked["SourceImageId"]])["Images"]
    if not found:
        raise _missing(asked["SourceImageId"])
    mappings = [
        {**each, "Ebs": each["Ebs"] | _copied(each["Ebs"], asked)}
        for each in found[0]["BlockDeviceMappings"]
    ]
    alike = {name: found[0][name] for name in _ALIKE}
    alike["SourceImageId"], alike["SourceImageRegion"] = (
        asked["SourceImageId"],
        asked["SourceRegion"],
    )
    alike["ClientToken"] = token or ""
    began, ends = time.span("CopyImage", f"{emulator.place()}/{asked['Name']}")
    alike |= {"Began": began, "Ends": ends}
    return _keep(asked, {**alike, "BlockDeviceMappings": mappings})


def _copied(disk: Value, asked: Value) -> Record:
    """Copy the snapshot behind a disk; a public image has none that could be seen."""
    if "SnapshotId" not in disk:
        return {"Encrypted": bool(asked.get("Encrypted") or disk.get("Encrypted"))}
    keys = {name: asked[name] for name in ("Encrypted", "KmsKeyId") if name in asked}
    made = _call(
        "CopySnapshot",
        SourceSnapshotId=disk["SnapshotId"],
        SourceRegion=asked["SourceRegion"],
        **keys,
    )
    return _disk(made["SnapshotId"])


def _keep(asked: Value, image: Record) -> Value:
    if any(each["Name"] == asked["Name"] for each in _images.everything()):
        message = f"AMI name {asked['Name']} is already in use by another AMI"
        raise RefusedError("InvalidAMIName.Duplicate", message)
    identifier = "ami-" + emulator.new_id().replace("-", "")[:17]
    _images.put(
        identifier,
        {
            **image,
            "ImageId": identifier,
            "Name": asked["Name"],
            "Description": asked.get("Description", ""),
            "ImageLocation": f"{emulator.account_id()}/{asked['Name']}",
            "OwnerId": emulator.account_id(),
            "Public": False,
            "ImageType": "machine",
            "CreationDate": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        },
    )
    for specification in asked.get("TagSpecifications", ()):
        if specification["ResourceType"] == "image":
            emulator.ec2.store("_tags")[identifier] = list(specification["Tags"])  # type: ignore[assignment]
    return {"ImageId": identifier}


def _describe_images(asked: Value, do: Do) -> Value:
    told = do(asked)
    there = {each["ImageId"] for each in told["Images"]}
    told["Images"] += [
        each | {"State": _state(each), "Tags": emulator.ec2.store("_tags").get(each["ImageId"], [])}
        for each in _images.everything()
        if each["ImageId"] not in there and _is_meant(each, asked)
    ]
    return told


def _state(image: Record) -> str:
    """Return the state of an image: a copy is pending at first."""
    ready = time.share(image.get("Began", 0.0), image.get("Ends", 0.0)) == 1.0
    return "available" if ready else "pending"


def _is_meant(image: Record, asked: Value) -> bool:
    owners, names = asked.get("Owners") or ["self"], asked.get("ImageIds")
    told = {"name": image["Name"], "state": _state(image), "image-id": image["ImageId"]}
    return (
        (not names or image["ImageId"] in names)
        and bool({"self", image["OwnerId"]} & set(owners))
        and all(
            any(fnmatchcase(told[each["Name"]], pattern) for pattern in each["Values"])
            for each in asked.get("Filters", ())
            if each["Name"] in told
        )
    )


def _deregister(asked: Value, do: Do) -> Value:
    if not _images.get(asked["ImageId"]):
        return do(asked)
    _images.remove(asked["ImageId"])
    return {}


def _no_instance(identifier: str) -> RefusedError:
    message = f"The instance ID '{identifier}' does not exist"
    return RefusedError("InvalidInstanceID.NotFound", message)


def _missing(image: str) -> RefusedError:
    return RefusedError("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")


FRONTS: Mapping[str, Front] = {
    "CopyImage": _copy_image,
    "CopySnapshot": _copy_snapshot,
    "CreateImage": _create_image,
    "CreateSnapshot": _create_snapshot,
    "CreateSnapshots": _create_snapshots,
    "DeregisterImage": _deregister,
    "DescribeImages": _describe_images,
    "DescribeSnapshots": _describe_snapshots,
}

install = partial(wire.install, "ec2", FRONTS)
