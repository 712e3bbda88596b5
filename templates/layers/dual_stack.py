"""IPv6 beside IPv4: a block from Amazon for the VPC, a part of it for each subnet, and ways out.

Every IPv6 address is a public one; what keeps private subnets private is a gateway that only lets
connections out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from troposphere import Cidr, GetAtt, Ref, Select, ec2

from tapcfn.templating import Template
from templates.layers._tags import tagged
from templates.layers.network import Network, Tier, Way

ANYWHERE = "::/0"

# Amazon's block is a /56: 256 subnets of /64, the only size that a subnet takes.
_SUBNETS = 256
_HOST_BITS = "64"


def add(
    template: Template, network: Network, tiers: Sequence[Tier], *, tags: Mapping[str, str]
) -> None:
    """Give the VPC and every subnet an IPv6 block, and every tier that has a way out its route.

    A subnet's number is its place among all subnets: new ones may only be added behind.
    """
    block = template.add(
        ec2.VPCCidrBlock("Ipv6Block", VpcId=Ref(network.vpc), AmazonProvidedIpv6CidrBlock=True)
    )
    blocks = Cidr(Select(0, GetAtt(network.vpc, "Ipv6CidrBlocks")), _SUBNETS, _HOST_BITS)
    every = [subnet for tier in tiers for subnet in network.subnets[tier.kind]]
    for number, subnet in enumerate(every):
        subnet.Ipv6CidrBlock = Select(number, blocks)
        subnet.AssignIpv6AddressOnCreation = True
        subnet.DependsOn = [block.title]
    out = _egress_gateway(template, network, tags)
    for tier in tiers:
        for index, table in enumerate(network.tables[tier.kind]):
            template.add(_route(f"{tier.kind}Ipv6Route{index}", tier, table, network, out))


def _egress_gateway(
    template: Template, network: Network, tags: Mapping[str, str]
) -> ec2.EgressOnlyInternetGateway:
    return template.add(
        ec2.EgressOnlyInternetGateway("EgressGateway", VpcId=Ref(network.vpc), Tags=tagged(tags))
    )


def _route(
    title: str,
    tier: Tier,
    table: ec2.RouteTable,
    network: Network,
    out: ec2.EgressOnlyInternetGateway,
) -> ec2.Route:
    route = ec2.Route(title, RouteTableId=Ref(table), DestinationIpv6CidrBlock=ANYWHERE)
    if tier.way is Way.GATEWAY:
        route.GatewayId = Ref(network.gateway)
        route.DependsOn = [network.attachment.title]
    else:
        route.EgressOnlyInternetGatewayId = Ref(out)
    return route
