"""Security groups: who may reach which ports, and what may go out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from troposphere import Parameter, ec2

from tapcfn.templating import Template
from templates.layers._tags import tagged
from templates.layers._values import Value, value

ANYWHERE = "0.0.0.0/0"
ANYWHERE_IPV6 = "::/0"

EVERYTHING_OUT = ec2.SecurityGroupRule(
    IpProtocol="-1", CidrIp=ANYWHERE, Description="Everything out"
)

# A group without egress rules gets one that allows everything; this one leads nowhere.
NOTHING_OUT = ec2.SecurityGroupRule(
    IpProtocol="-1", CidrIp="127.0.0.1/32", Description="Nothing out"
)


EVERYTHING_OUT_IPV6 = ec2.SecurityGroupRule(
    IpProtocol="-1", CidrIpv6=ANYWHERE_IPV6, Description="Everything out by IPv6"
)


def from_anywhere(port: int, what: str, *, ipv6: bool) -> list[ec2.SecurityGroupRule]:
    """Return the rules that open one TCP port to everybody: by IPv4, and by IPv6 if it is used."""
    rules = [from_block(port, what, ANYWHERE)]
    if ipv6:
        rules.append(
            ec2.SecurityGroupRule(
                IpProtocol="tcp",
                FromPort=port,
                ToPort=port,
                CidrIpv6=ANYWHERE_IPV6,
                Description=f"{what} by IPv6",
            )
        )
    return rules


def from_block(port: int, what: str, block: Parameter | Value) -> ec2.SecurityGroupRule:
    """Return a rule that opens one TCP port to an IPv4 CIDR block."""
    return ec2.SecurityGroupRule(
        IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp=value(block), Description=what
    )


def from_group(port: int, what: str, group: Parameter | Value) -> ec2.SecurityGroupRule:
    """Return a rule that opens one TCP port to the members of another group, named by its id."""
    return ec2.SecurityGroupRule(
        IpProtocol="tcp",
        FromPort=port,
        ToPort=port,
        SourceSecurityGroupId=value(group),
        Description=what,
    )


def add(
    template: Template,
    title: str,
    *,
    vpc: Value,
    description: str,
    ingress: Sequence[ec2.SecurityGroupRule],
    egress: ec2.SecurityGroupRule = EVERYTHING_OUT,
    tags: Mapping[str, str],
    name: Value = "",
    label: Value = "",
) -> ec2.SecurityGroup:
    """Add a group; `name` is its GroupName where a contract needs one, `label` its Name tag."""
    group = ec2.SecurityGroup(
        title,
        GroupDescription=description,
        VpcId=vpc,
        SecurityGroupIngress=list(ingress),
        SecurityGroupEgress=[egress],
        Tags=tagged(tags, label),
    )
    if name:
        group.GroupName = name
    return template.add(group)
