"""VPC endpoints: private ways from a VPC to AWS services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from awacs.aws import Action, Allow, Principal, Statement
from troposphere import Sub, ec2

from tapcfn.templating import Template
from templates.layers import _iam
from templates.layers._tags import tagged
from templates.layers._values import Value


def add_interface(
    template: Template,
    title: str,
    *,
    service: str,
    vpc: Value,
    subnets: Sequence[Value],
    security_group: Value,
    allowed: Sequence[Statement],
    tags: Mapping[str, str],
) -> ec2.VPCEndpoint:
    """Add an interface endpoint with private DNS; the VPC needs DNS support and host names.

    Private DNS captures every name of the service in the VPC: those of other owners too.
    Without a security group of its own it would stand behind the VPC's default one.
    """
    return template.add(
        ec2.VPCEndpoint(
            title,
            VpcEndpointType="Interface",
            ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{service}"),
            VpcId=vpc,
            SubnetIds=list(subnets),
            SecurityGroupIds=[security_group],
            PrivateDnsEnabled=True,
            PolicyDocument=_iam.document(*allowed),
            Tags=tagged(tags),
        )
    )


def anybody_may(sid: str, action: Action, resource: Value) -> Statement:
    """Return a statement of an endpoint's policy: whoever comes this way may do only this."""
    return Statement(
        Sid=sid, Effect=Allow, Principal=Principal("*"), Action=[action], Resource=[resource]
    )
