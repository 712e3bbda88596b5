"""EC2: launch templates, whose every update is a new version, and their default version."""

from __future__ import annotations

from typing import Any

from tapcfn.local.provisioners._ec2 import ec2, retag
from tapcfn.local.provisioners.fitting import fitted
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    as_list,
    gone_is_fine,
    key_values,
    picked,
    tag_map,
)

_KIND = "launch-template"


def _create(wanted: Wanted) -> Made:
    tags = key_values(tag_map(_tags(wanted.properties)))
    born = {"TagSpecifications": [{"ResourceType": _KIND, "Tags": tags}]} if tags else {}
    made = ec2().create_launch_template(
        LaunchTemplateName=wanted.name("LaunchTemplateName"),
        LaunchTemplateData=_data(wanted),
        **picked(wanted.properties, "VersionDescription"),
        **born,
    )["LaunchTemplate"]["LaunchTemplateId"]
    return _made(made)


def _update(wanted: Wanted) -> Made:
    template = wanted.physical_id
    if wanted.changed("LaunchTemplateData", "VersionDescription"):
        ec2().create_launch_template_version(
            LaunchTemplateId=template,
            LaunchTemplateData=_data(wanted),
            **picked(wanted.properties, "VersionDescription"),
        )
    _retag(wanted)
    return _made(template)


def _data(wanted: Wanted) -> Any:
    return fitted("ec2", "RequestLaunchTemplateData", wanted["LaunchTemplateData"])


def _tags(properties: Any) -> list[Any]:
    """Return the tags of the template itself; those of what it launches stand in its data."""
    specifications = as_list(properties.get("TagSpecifications"))
    if any(each["ResourceType"] != _KIND for each in specifications):
        raise ResourceRefusedError("'TagSpecifications' may only tag the launch template itself")
    return [tag for each in specifications for tag in each["Tags"]]


def _retag(wanted: Wanted) -> None:
    now, before = ({"Tags": _tags(each)} for each in (wanted.properties, wanted.before))
    told = Wanted(wanted.type, wanted.logical_id, wanted.stack, now, before, wanted.physical_id)
    retag(told)


def _made(template: str) -> Made:
    found = ec2().describe_launch_templates(LaunchTemplateIds=[template])["LaunchTemplates"][0]
    numbers = {name: str(found[name]) for name in ("LatestVersionNumber", "DefaultVersionNumber")}
    return Made(template, {"LaunchTemplateId": template, **numbers})


def _delete(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_launch_template(LaunchTemplateId=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        "AWS::EC2::LaunchTemplate",
        create=_create,
        update=_update,
        delete=_delete,
        create_only=("LaunchTemplateName",),
    ),
)
