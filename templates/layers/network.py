"""A VPC over several Availability Zones: public subnets, one security group, flow logs, NAT.

The zones are parameters: `Fn::GetAZs` answers differently as zones appear, and a changed zone
replaces its subnet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from troposphere import GetAtt, Join, Output, Parameter, Ref, ec2

from tapcfn.templating import Template
from templates.layers import flow_logs
from templates.layers._parameters import cidr, key_arn
from templates.layers._tags import tagged

ANYWHERE = "0.0.0.0/0"


class Out(StrEnum):
    """What other layers may ask this one for."""

    VPC_ID = "VpcId"
    SUBNET_IDS = "SubnetIds"
    SECURITY_GROUP_ID = "SecurityGroupId"
    PRIVATE_SUBNET_IDS = "PrivateSubnetIds"
    NAT_GATEWAY_IDS = "NatGatewayIds"


@dataclass(frozen=True, slots=True)
class Subnets:
    """One CIDR block for each zone; every list starts at the first zone."""

    public: Sequence[str]
    private: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Vpc:
    """What every part of a network refers to."""

    template: Template
    tags: Mapping[str, str]
    vpc: ec2.VPC
    gateway: ec2.InternetGateway
    attachment: ec2.VPCGatewayAttachment
    zones: Sequence[Parameter]


def build(
    *,
    prefix: str,
    vpc_cidr: str,
    subnets: Subnets,
    tags: Mapping[str, str],
    keep_data: bool,
    recorded: Sequence[flow_logs.FlowLog] = (),
) -> Template:
    """Return a VPC with a public subnet in each zone, and a web security group.

    Private subnets come with a NAT gateway and a route table in each zone, so that the loss of a
    zone takes no other zone's way out. The CIDR blocks become the defaults of parameters.
    """
    template = Template("A VPC with public subnets and a security group for the web")
    network = _vpc(template, prefix, vpc_cidr, tags, zones=len(subnets.public))
    public = _public_subnets(network, subnets.public)
    template.add_output(_ids(Out.SUBNET_IDS, "Ids of the public subnets", public))
    _security_group(network, prefix)
    if subnets.private:
        _private_subnets(network, public, subnets.private)
    if recorded:
        key = template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
        for each in recorded:
            flow_logs.add(template, each, vpc=network.vpc, key=key, tags=tags, keep_data=keep_data)
    return template


def _vpc(
    template: Template, prefix: str, vpc_cidr: str, tags: Mapping[str, str], *, zones: int
) -> _Vpc:
    block = template.add_parameter(cidr("VpcCidr", "IPv4 block of the VPC", vpc_cidr))
    vpc = template.add(
        ec2.VPC(
            "Vpc",
            CidrBlock=Ref(block),
            EnableDnsSupport=True,
            EnableDnsHostnames=True,
            Tags=tagged(tags, f"{prefix}-vpc"),
        )
    )
    gateway = template.add(ec2.InternetGateway("InternetGateway", Tags=tagged(tags)))
    attachment = template.add(
        ec2.VPCGatewayAttachment(
            "GatewayAttachment", VpcId=Ref(vpc), InternetGatewayId=Ref(gateway)
        )
    )
    template.add_output(Output(Out.VPC_ID, Description="Id of the VPC", Value=Ref(vpc)))
    names = [template.add_parameter(_zone(index)) for index in range(zones)]
    return _Vpc(template, tags, vpc, gateway, attachment, names)


def _zone(index: int) -> Parameter:
    return Parameter(
        f"AvailabilityZone{index}",
        Type="AWS::EC2::AvailabilityZone::Name",
        Description=f"Zone of the subnets {index}; each subnet of a kind needs another zone",
    )


# Public side ----------------------------------------------------------------------------------


def _public_subnets(network: _Vpc, blocks: Sequence[str]) -> list[ec2.Subnet]:
    """Add a public subnet for each zone, all on one route table that leads to the internet."""
    table = _route_table(network, "PublicRouteTable")
    network.template.add(
        ec2.Route(
            "PublicDefaultRoute",
            RouteTableId=Ref(table),
            DestinationCidrBlock=ANYWHERE,
            GatewayId=Ref(network.gateway),
            DependsOn=[network.attachment.title],
        )
    )
    return [
        _subnet(network, index, block, table=table, kind="Public")
        for index, block in enumerate(blocks)
    ]


def _subnet(
    network: _Vpc, index: int, block: str, *, table: ec2.RouteTable, kind: str
) -> ec2.Subnet:
    """Add one subnet and put it on its route table."""
    template = network.template
    parameter = template.add_parameter(
        cidr(f"{kind}SubnetCidr{index}", f"IPv4 block of the {kind.lower()} subnet {index}", block)
    )
    subnet = template.add(
        ec2.Subnet(
            f"{kind}Subnet{index}",
            VpcId=Ref(network.vpc),
            AvailabilityZone=Ref(network.zones[index]),
            CidrBlock=Ref(parameter),
            MapPublicIpOnLaunch=kind == "Public",
            Tags=tagged(network.tags),
        )
    )
    template.add(
        ec2.SubnetRouteTableAssociation(
            f"{kind}Subnet{index}Route", SubnetId=Ref(subnet), RouteTableId=Ref(table)
        )
    )
    return subnet


def _route_table(network: _Vpc, title: str) -> ec2.RouteTable:
    return network.template.add(
        ec2.RouteTable(title, VpcId=Ref(network.vpc), Tags=tagged(network.tags))
    )


def _security_group(network: _Vpc, prefix: str) -> None:
    """Add the group that lets one block of addresses reach the web ports, and everything out."""
    allowed = network.template.add_parameter(
        cidr("AllowedCidr", "IPv4 block that may reach ports 443 and 80")
    )
    group = network.template.add(
        ec2.SecurityGroup(
            "SecurityGroup",
            GroupName=f"{prefix}-security-group",
            GroupDescription="HTTPS and HTTP from the allowed block",
            VpcId=Ref(network.vpc),
            SecurityGroupIngress=[
                _ingress(443, "HTTPS", allowed),
                _ingress(80, "HTTP", allowed),
            ],
            SecurityGroupEgress=[
                ec2.SecurityGroupRule(
                    IpProtocol="-1", CidrIp=ANYWHERE, Description="Everything out"
                )
            ],
            Tags=tagged(network.tags, f"{prefix}-sg"),
        )
    )
    network.template.add_output(
        Output(
            Out.SECURITY_GROUP_ID,
            Description="Id of the security group",
            Value=GetAtt(group, "GroupId"),
        )
    )


def _ingress(port: int, protocol: str, allowed: Parameter) -> ec2.SecurityGroupRule:
    return ec2.SecurityGroupRule(
        IpProtocol="tcp",
        FromPort=port,
        ToPort=port,
        CidrIp=Ref(allowed),
        Description=f"{protocol} from the allowed block",
    )


# Private side ---------------------------------------------------------------------------------


def _private_subnets(network: _Vpc, public: list[ec2.Subnet], blocks: Sequence[str]) -> None:
    """Add a private subnet for each zone, with a way out through the same zone's NAT gateway."""
    subnets, gateways = [], []
    for index, block in enumerate(blocks):
        table = _route_table(network, f"PrivateRouteTable{index}")
        subnets.append(_subnet(network, index, block, table=table, kind="Private"))
        gateways.append(_nat_gateway(network, index, public[index]))
        network.template.add(
            ec2.Route(
                f"PrivateDefaultRoute{index}",
                RouteTableId=Ref(table),
                DestinationCidrBlock=ANYWHERE,
                NatGatewayId=Ref(gateways[index]),
            )
        )
    network.template.add_output(_ids(Out.PRIVATE_SUBNET_IDS, "Ids of the private subnets", subnets))
    network.template.add_output(_ids(Out.NAT_GATEWAY_IDS, "Ids of the NAT gateways", gateways))


def _nat_gateway(network: _Vpc, index: int, subnet: ec2.Subnet) -> ec2.NatGateway:
    """Add a NAT gateway with a fixed address, working before the first private route uses it.

    Its dependencies matter at the end too: an address can't be given back while it is mapped.
    """
    address = network.template.add(
        ec2.EIP(
            f"NatAddress{index}",
            Domain="vpc",
            DependsOn=[network.attachment.title],
            Tags=tagged(network.tags),
        )
    )
    return network.template.add(
        ec2.NatGateway(
            f"NatGateway{index}",
            SubnetId=Ref(subnet),
            AllocationId=GetAtt(address, "AllocationId"),
            DependsOn=["PublicDefaultRoute", f"{subnet.title}Route"],
            Tags=tagged(network.tags),
        )
    )


def _ids(
    key: Out, description: str, resources: Sequence[ec2.Subnet] | Sequence[ec2.NatGateway]
) -> Output:
    ids = Join(",", [Ref(resource) for resource in resources])
    return Output(key, Description=f"{description}, in the order of the zones", Value=ids)
