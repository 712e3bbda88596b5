"""Take a snapshot of every volume of the instances with a tag. (O-14)

EC2 takes no token for it: a tag on the snapshots says what they are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done, failed, running
from tapcfn.aws.paging import pages, whole
from tapcfn.model import EMPTY, SnapshotVolumes

TAG = "tapcfn:snapshot"

_ALIVE = ["pending", "running", "stopping", "stopped"]
_MOST_NAMED = 5

Snapshots = Mapping[str, Mapping[str, Any]]


def look(door: Door, action: SnapshotVolumes, _token: str) -> ActionState:
    """Return DONE when each volume has a snapshot; those of instances that are gone count too."""
    snapshots = _snapshots(door, action)
    volumes = [each for found in _volumes(door, action).values() for each in found]
    if not volumes and not snapshots:
        key, value = action.tag
        return failed(f"there are no instances with {key}={value}")
    if any(each not in snapshots for each in volumes):
        return ABSENT
    return _state(snapshots)


def begin(door: Door, action: SnapshotVolumes, _token: str) -> Facts:
    """Begin with each instance that has a volume without one: all of its volumes at one moment."""
    snapshots = _snapshots(door, action)
    tags = [{"Key": TAG, "Value": action.snapshot_name}]
    tags += [{"Key": "Name", "Value": action.snapshot_name}]
    for instance, volumes in _volumes(door, action).items():
        if any(each not in snapshots for each in volumes):
            door("ec2", action.target).create_snapshots(
                InstanceSpecification={"InstanceId": instance},
                Description=f"{action.snapshot_name}: {instance}",
                TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags}],
            )
    return EMPTY


def _state(snapshots: Snapshots) -> ActionState:
    states = [each["State"] for each in snapshots.values()]
    count = f"{states.count('completed')} of {len(states)} snapshots"
    names = sorted(each["SnapshotId"] for each in snapshots.values())
    facts = {"snapshots": str(len(names)), "first": ", ".join(names[:_MOST_NAMED])}
    if all(each == "completed" for each in states):
        return done(count, facts)
    return running(count, facts)


def _volumes(door: Door, action: SnapshotVolumes) -> dict[str, list[str]]:
    """Return the volumes of each instance with the tag."""
    key, value = action.tag
    wanted = {f"tag:{key}": [value], "instance-state-name": _ALIVE}
    filters = [{"Name": name, "Values": values} for name, values in wanted.items()]
    found = _rows(door, action, "describe_instances", "Reservations", Filters=filters)
    instances = [instance for each in found for instance in each["Instances"]]
    return {
        each["InstanceId"]: [
            mapped["Ebs"]["VolumeId"]
            for mapped in each.get("BlockDeviceMappings", ())
            if "Ebs" in mapped
        ]
        for each in instances
    }


def _snapshots(door: Door, action: SnapshotVolumes) -> Snapshots:
    """Return the snapshots that are for this, by volume; one that went wrong is none."""
    filters = [{"Name": f"tag:{TAG}", "Values": [action.snapshot_name]}]
    asked = {"OwnerIds": ["self"], "Filters": filters}
    found = _rows(door, action, "describe_snapshots", "Snapshots", **asked)
    return {each["VolumeId"]: each for each in found if each["State"] != "error"}


def _rows(
    door: Door, action: SnapshotVolumes, operation: str, key: str, **asked: Any
) -> Iterable[Any]:
    client = door("ec2", action.target)
    return whole(lambda: [row for page in pages(client, operation, **asked) for row in page[key]])
