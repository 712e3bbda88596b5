"""The default security groups of a Region's VPCs, closed.

Whatever names no group gets its VPC's default one, which lets its members talk to each other and
anybody out. CloudFormation cannot take rules away that it did not make: a function does.
"""

from __future__ import annotations

from collections.abc import Mapping

from awacs import ec2
from awacs.aws import Allow, Statement
from troposphere import GetAtt, Parameter, Sub
from troposphere.cloudformation import CustomResource

from tapcfn.templating import Template
from templates.layers import custom_resources
from templates.layers._values import Value

HANDLER = custom_resources.Handler(
    "close_default_groups", "Takes every rule from default security groups", 300
)


class ClosedGroups(CustomResource):
    """The groups of the VPCs that there are now; another `Revision` looks again."""

    props = CustomResource.props | {"Revision": (str, True)}


def add(
    template: Template,
    *,
    name: str,
    revision: str,
    key: Parameter | Value | None,
    tags: Mapping[str, str],
    keep_data: bool,
) -> None:
    """Have the function `name` close them, when this is made and whenever `revision` changes."""
    function = custom_resources.add_function(
        template,
        "CloseGroups",
        HANDLER,
        name=name,
        may=(_find(), _revoke()),
        key=key,
        tags=tags,
        keep_data=keep_data,
    )
    template.add(
        ClosedGroups(
            "ClosedGroups",
            ServiceToken=GetAtt(function, "Arn"),
            ServiceTimeout=HANDLER.patience,
            Revision=revision,
            DependsOn=[custom_resources.once(function)],
        )
    )


def _find() -> Statement:
    """EC2 knows no resource for a description, so that `*` is all there is."""
    return Statement(
        Sid="FindGroups",
        Effect=Allow,
        Action=[ec2.DescribeSecurityGroups],
        Resource=["*"],
    )


def _revoke() -> Statement:
    """All groups: no ARN tells a default one."""
    groups = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:security-group/*"
    return Statement(
        Sid="TakeRulesAway",
        Effect=Allow,
        Action=[ec2.RevokeSecurityGroupEgress, ec2.RevokeSecurityGroupIngress],
        Resource=[Sub(groups)],
    )
