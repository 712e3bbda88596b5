"""Copy a machine image into a Region, encrypted with a key of that Region. (O-14)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done, failed, running
from tapcfn.aws.calls import code_of
from tapcfn.model import EMPTY, CopyImage

_COMING = frozenset({"pending", "transient"})


def look(door: Door, action: CopyImage, _token: str) -> ActionState:
    """Return where the image of that name stands; one of another origin is not the one wanted."""
    image = _image(door, action)
    if image is None:
        return ABSENT
    facts = {"image_id": image["ImageId"], "image_name": action.image_name}
    if image["State"] in _COMING:
        return running(f"{image['ImageId']}: {image['State']}", facts)
    wrong = _fault(image, action)
    return failed(f"{image['ImageId']}: {wrong}", facts) if wrong else done("available", facts)


def begin(door: Door, action: CopyImage, token: str) -> Facts:
    """Begin the copy; a name that is taken is looked at, not copied over."""
    try:
        door("ec2", action.target).copy_image(
            SourceRegion=action.source_region,
            SourceImageId=str(action.image_id),
            Name=action.image_name,
            Encrypted=True,
            KmsKeyId=str(action.key_arn),
            ClientToken=token,
        )
    except ClientError as error:
        if code_of(error) != "InvalidAMIName.Duplicate":
            raise
    return EMPTY


def _image(door: Door, action: CopyImage) -> Mapping[str, Any] | None:
    named = [{"Name": "name", "Values": [action.image_name]}]
    found = door("ec2", action.target).describe_images(Owners=["self"], Filters=named)["Images"]
    return next(iter(found), None)


def _fault(image: Mapping[str, Any], action: CopyImage) -> str:
    """Return why an image is not the copy that is wanted, or nothing."""
    if image["State"] != "available":
        return image.get("StateReason", {}).get("Message") or str(image["State"])
    origin = image.get("SourceImageId", action.image_id)  # told of newer copies only
    if origin != action.image_id:
        return f"has the name, but is a copy of {origin}"
    disks = [each["Ebs"] for each in image.get("BlockDeviceMappings", ()) if "Ebs" in each]
    return "" if all(each.get("Encrypted") for each in disks) else "is not encrypted"
