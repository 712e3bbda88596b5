"""Parameters that the stacks of more than one system declare."""

from __future__ import annotations

from troposphere import Parameter

from tapcfn.templating import Template
from templates.layers._parameters import key_arn
from templates.layers.existing_network import SUBNETS, VPC

SECURITY_GROUP = "AWS::EC2::SecurityGroup::Id"


def take(template: Template, title: str, description: str, kind: str = "String") -> Parameter:
    """Declare a parameter without a default, and return it."""
    return template.add_parameter(Parameter(title, Type=kind, Description=description))


def vpc(template: Template) -> Parameter:
    """Declare the Region's VPC."""
    return take(template, "VpcId", "Id of this Region's VPC", VPC)


def subnets(template: Template, title: str, kind: str) -> Parameter:
    """Declare subnets of the Region's VPC."""
    return take(template, title, f"Ids of the {kind} subnets", SUBNETS)


def group(template: Template, title: str, what: str) -> Parameter:
    """Declare a security group of the Region's VPC."""
    return take(template, title, f"Id of the security group of {what}", SECURITY_GROUP)


def key(template: Template) -> Parameter:
    """Declare the Region's key."""
    return template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
