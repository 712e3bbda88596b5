"""EC2: Amazon's public images, one for each Region, and the SSM parameters that name them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.wire import Do, Front, Value

_PREFIX = "/aws/service/ami-amazon-linux-latest/"
_AMAZON = "137112412989"
# What the public parameters name: the last part of the parameter, and the image's own name.
_IMAGES = {
    "al2023-ami-kernel-default-x86_64": "al2023-ami-2023.9.20251117.1-kernel-6.1-x86_64",
    "al2023-ami-kernel-default-arm64": "al2023-ami-2023.9.20251117.1-kernel-6.1-arm64",
    "al2023-ami-minimal-kernel-default-x86_64": "al2023-ami-minimal-2023.9.20251117.1-x86_64",
    "al2023-ami-minimal-kernel-default-arm64": "al2023-ami-minimal-2023.9.20251117.1-arm64",
    "amzn2-ami-hvm-x86_64-gp2": "amzn2-ami-hvm-2.0.20251110.1-x86_64-gp2",
    "amzn2-ami-kernel-5.10-hvm-arm64-gp2": "amzn2-ami-kernel-5.10-hvm-2.0.20251110.1-arm64-gp2",
}


def install() -> None:
    """Let SSM tell the public parameters, in each Region with an image of that Region."""
    emulator.ssm.publish_images(_Parameters())
    wire.install("ec2", FRONTS)


class _Parameters(Mapping[str, str]):
    """The image that a public parameter names in the Region that is asked."""

    def __getitem__(self, name: str) -> str:
        suffix = name.removeprefix(_PREFIX)
        if name == suffix or suffix not in _IMAGES:
            raise KeyError(name)
        return _identifier(suffix)

    def __iter__(self) -> Iterator[str]:
        return (_PREFIX + suffix for suffix in _IMAGES)

    def __len__(self) -> int:
        return len(_IMAGES)


def _identifier(suffix: str) -> str:
    digest = hashlib.sha256(f"{emulator.region()}/{suffix}".encode()).hexdigest()
    return f"ami-{digest[:17]}"


def _describe(asked: Value, do: Do) -> Value:
    """Add the public images of this Region to those that are asked for by id or by owner."""
    told = do(asked)
    ids, owners = asked.get("ImageIds", ()), asked.get("Owners", ())
    if ids or set(owners) & {"amazon", _AMAZON}:
        public = (_image(suffix, name) for suffix, name in _IMAGES.items())
        told["Images"] += [each for each in public if _is_meant(each, ids, asked)]
    return told


def _is_meant(image: Value, ids: Any, asked: Value) -> bool:
    filters = {each["Name"]: each["Values"] for each in asked.get("Filters", ())}
    told = {"name": image["Name"], "architecture": image["Architecture"], "state": "available"}
    return (not ids or image["ImageId"] in ids) and all(
        any(fnmatchcase(told[name], pattern) for pattern in patterns)
        for name, patterns in filters.items()
        if name in told
    )


def _image(suffix: str, name: str) -> Value:
    architecture = "arm64" if "arm64" in suffix else "x86_64"
    volume = {"DeleteOnTermination": True, "VolumeSize": 8, "VolumeType": "gp3", "Encrypted": False}
    return {
        "ImageId": _identifier(suffix),
        "Name": name,
        "ImageLocation": f"amazon/{name}",
        "Description": "Amazon Linux",
        "Architecture": architecture,
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": volume}],
        "RootDeviceName": "/dev/xvda",
        "RootDeviceType": "ebs",
        "State": "available",
        "OwnerId": _AMAZON,
        "ImageOwnerAlias": "amazon",
        "Public": True,
        "ImageType": "machine",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "EnaSupport": True,
        "PlatformDetails": "Linux/UNIX",
    }


FRONTS: Mapping[str, Front] = {"DescribeImages": _describe}
