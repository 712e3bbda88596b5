"""EC2: launch templates, kept whole, and what a version of one says."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value


def _create(asked: Value, do: Do) -> Value:
    told = do(asked)
    record = emulator.ec2.store("_launch_templates")[told["LaunchTemplate"]["LaunchTemplateId"]]
    record["Versions"][-1]["LaunchTemplateData"] = asked["LaunchTemplateData"]
    record.pop("Tags", None)  # they lie in EC2's own store of tags, where they can be changed
    return told


def _create_version(asked: Value, do: Do) -> Value:
    told = do(asked)
    made = told["LaunchTemplateVersion"]
    record = emulator.ec2.store("_launch_templates")[made["LaunchTemplateId"]]
    data = copy.deepcopy(asked["LaunchTemplateData"])
    if source := asked.get("SourceVersion"):
        data = _version(record, source)["LaunchTemplateData"] | data
    record["Versions"][-1]["LaunchTemplateData"] = data
    return {"LaunchTemplateVersion": made | {"LaunchTemplateData": _told(data)}}


def _describe(asked: Value, do: Do) -> Value:
    told = do(asked)
    if (asked.get("LaunchTemplateIds") or asked.get("LaunchTemplateNames")) and not told[
        "LaunchTemplates"
    ]:
        message = "At least one of the launch templates specified in the request does not exist."
        raise RefusedError("InvalidLaunchTemplateId.NotFound", message)
    return told


def _describe_versions(asked: Value, do: Do) -> Value:
    versions = [
        each | {"LaunchTemplateData": _told(_data_of(each))}
        for each in do(asked)["LaunchTemplateVersions"]
    ]
    return {"LaunchTemplateVersions": versions}


def _data_of(version: Mapping[str, Any]) -> Value:
    record = emulator.ec2.store("_launch_templates")[version["LaunchTemplateId"]]
    return dict(_version(record, str(version["VersionNumber"]))["LaunchTemplateData"])


def _told(data: Value) -> Value:
    if "MetadataOptions" not in data:
        return data
    return data | {"MetadataOptions": {"State": "applied", **data["MetadataOptions"]}}


def resolved(template: Mapping[str, Any]) -> tuple[Mapping[str, Any], Value]:
    """Return the record of a launch template and the version that a specification means."""
    known = emulator.ec2.store("_launch_templates")
    identifier, name = template.get("LaunchTemplateId"), template.get("LaunchTemplateName")
    for record in known.values():
        if identifier == record["LaunchTemplateId"] or name == record["LaunchTemplateName"]:
            return record, _version(record, str(template.get("Version") or "$Default"))
    message = (
        f"The specified launch template, with template ID {identifier or name}, does not exist."
    )
    raise RefusedError("InvalidLaunchTemplateId.NotFound", message)


def _version(record: Mapping[str, Any], asked: str) -> Value:
    special = {"$Latest": "LatestVersionNumber", "$Default": "DefaultVersionNumber"}
    number = str(record[special[asked]]) if asked in special else asked
    for version in record["Versions"]:
        if str(version["VersionNumber"]) == number:
            return dict(version)
    message = f"Could not find launch template version {asked} of {record['LaunchTemplateId']}."
    raise RefusedError("InvalidLaunchTemplateId.VersionNotFound", message)


FRONTS: Mapping[str, Front] = {
    "CreateLaunchTemplate": _create,
    "CreateLaunchTemplateVersion": _create_version,
    "DescribeLaunchTemplates": _describe,
    "DescribeLaunchTemplateVersions": _describe_versions,
}

install = partial(wire.install, "ec2", FRONTS)
