"""Security groups for the tiers of a system: web, application, database, and ssh for people."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from troposphere import GetAtt, Output, Parameter, ec2

from tapcfn.templating import Template
from templates.layers import security_groups
from templates.layers._values import Value

WEB_PORTS = {80: "HTTP", 443: "HTTPS"}
APP_PORT = 8080
DATABASE_PORTS = {3306: "MySQL", 5432: "PostgreSQL"}
SSH_PORT = 22


class Out(StrEnum):
    """What other layers may ask this one for."""

    WEB = "WebGroupId"
    APP = "AppGroupId"
    DATABASE = "DatabaseGroupId"
    SSH = "SshGroupId"


def add(
    template: Template, *, vpc: Value, ssh_block: Parameter | Value, tags: Mapping[str, str]
) -> None:
    """Add a group for each tier: each lets in the tier before it, and databases call nobody."""
    web = security_groups.add(
        template,
        "WebGroup",
        vpc=vpc,
        description="HTTP and HTTPS from anywhere",
        ingress=[
            security_groups.from_block(port, f"{name} from anywhere", security_groups.ANYWHERE)
            for port, name in WEB_PORTS.items()
        ],
        tags=tags,
    )
    app = security_groups.add(
        template,
        "AppGroup",
        vpc=vpc,
        description="The application, from the web tier",
        ingress=[security_groups.from_group(APP_PORT, "From the web tier", _id(web))],
        tags=tags,
    )
    database = _database(template, vpc, app, tags)
    ssh = security_groups.add(
        template,
        "SshGroup",
        vpc=vpc,
        description="ssh from the given block",
        ingress=[security_groups.from_block(SSH_PORT, "ssh from the block", ssh_block)],
        tags=tags,
    )
    for key, group in zip(Out, (web, app, database, ssh), strict=True):
        template.add_output(
            Output(key, Description=f"Id of the group {group.title}", Value=_id(group))
        )


def _database(
    template: Template, vpc: Value, app: ec2.SecurityGroup, tags: Mapping[str, str]
) -> ec2.SecurityGroup:
    return security_groups.add(
        template,
        "DatabaseGroup",
        vpc=vpc,
        description="Databases, from the application tier",
        ingress=[
            security_groups.from_group(port, f"{name} from the application tier", _id(app))
            for port, name in DATABASE_PORTS.items()
        ],
        egress=security_groups.NOTHING_OUT,
        tags=tags,
    )


def _id(group: ec2.SecurityGroup) -> GetAtt:
    return GetAtt(group, "GroupId")
