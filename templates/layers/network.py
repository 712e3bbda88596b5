"""A VPC over several Availability Zones: subnets of one or more kinds, and their ways out.

The zones are parameters: `Fn::GetAZs` answers differently as zones appear, and a changed zone
replaces its subnet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from troposphere import GetAtt, Join, Output, Parameter, Ref, ec2

from tapcfn.templating import Template
from templates.layers._parameters import cidr
from templates.layers._tags import tagged
from templates.layers._values import Value

ANYWHERE = "0.0.0.0/0"


class Out(StrEnum):
    """What other layers may ask this one for."""

    VPC_ID = "VpcId"
    SUBNET_IDS = "SubnetIds"
    PRIVATE_SUBNET_IDS = "PrivateSubnetIds"
    NAT_GATEWAY_IDS = "NatGatewayIds"


class Way(StrEnum):
    """How the subnets of a tier reach the internet."""

    GATEWAY = "gateway"
    NAT_EACH_ZONE = "a NAT gateway in each zone"
    NAT_SHARED = "one NAT gateway"
    NONE = "not at all"


@dataclass(frozen=True, slots=True)
class Tier:
    """Subnets of one kind, one CIDR block for each zone, starting at the first zone.

    `kind` starts their logical IDs. `addresses` gives every instance a public IPv4 address. NAT
    gateways stand in the subnets of the first tier whose way out is the gateway.
    """

    kind: str
    blocks: Sequence[str]
    way: Way
    addresses: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """A VPC in a template: what other parts of the same template refer to."""

    vpc: ec2.VPC
    gateway: ec2.InternetGateway
    attachment: ec2.VPCGatewayAttachment
    zones: Sequence[Parameter]
    subnets: Mapping[str, Sequence[ec2.Subnet]]
    tables: Mapping[str, Sequence[ec2.RouteTable]]
    nat_gateways: Sequence[ec2.NatGateway]


def public(blocks: Sequence[str]) -> Tier:
    """Return a tier of public subnets."""
    return Tier("Public", blocks, Way.GATEWAY, addresses=True)


def private(blocks: Sequence[str], way: Way = Way.NAT_EACH_ZONE) -> Tier:
    """Return a tier of private subnets.

    A NAT gateway and a route table in each zone mean that the loss of a zone takes no other
    zone's way out.
    """
    return Tier("Private", blocks, way)


def add(
    template: Template,
    *,
    name: Value,
    vpc_cidr: str,
    tiers: Sequence[Tier],
    tags: Mapping[str, str],
) -> Network:
    """Add a VPC with an internet gateway and its tiers; its CIDR blocks are parameters' defaults.

    `name` is the VPC's Name tag. The zones' names are parameters without a default.
    """
    network = _vpc(template, name, vpc_cidr, tags, zones=max(len(tier.blocks) for tier in tiers))
    work = _Work(template, tags, network, {}, {}, [])
    for tier in tiers:
        work.add_tier(tier)
    return Network(
        network.vpc,
        network.gateway,
        network.attachment,
        network.zones,
        work.subnets,
        work.tables,
        work.nat_gateways,
    )


def publish(template: Template, network: Network) -> None:
    """Add the outputs: the VPC, the subnets of each kind, and the NAT gateways if there are any.

    The subnets that stand first in the template are `SubnetIds`; private ones beside them have an
    output of their own.
    """
    template.add_output(Output(Out.VPC_ID, Description="Id of the VPC", Value=Ref(network.vpc)))
    for index, (kind, subnets) in enumerate(network.subnets.items()):
        key = Out.SUBNET_IDS if index == 0 else f"{kind}SubnetIds"
        template.add_output(_ids(key, f"Ids of the {kind.lower()} subnets", subnets))
    if network.nat_gateways:
        about = "Ids of the NAT gateways"
        template.add_output(_ids(Out.NAT_GATEWAY_IDS, about, network.nat_gateways))


def _vpc(
    template: Template, name: Value, vpc_cidr: str, tags: Mapping[str, str], *, zones: int
) -> Network:
    block = template.add_parameter(cidr("VpcCidr", "IPv4 block of the VPC", vpc_cidr))
    vpc = template.add(
        ec2.VPC(
            "Vpc",
            CidrBlock=Ref(block),
            EnableDnsSupport=True,
            EnableDnsHostnames=True,
            Tags=tagged(tags, name),
        )
    )
    gateway = template.add(ec2.InternetGateway("InternetGateway", Tags=tagged(tags)))
    attachment = template.add(
        ec2.VPCGatewayAttachment(
            "GatewayAttachment", VpcId=Ref(vpc), InternetGatewayId=Ref(gateway)
        )
    )
    names = [template.add_parameter(_zone(index)) for index in range(zones)]
    return Network(vpc, gateway, attachment, names, {}, {}, [])


def _zone(index: int) -> Parameter:
    return Parameter(
        f"AvailabilityZone{index}",
        Type="AWS::EC2::AvailabilityZone::Name",
        Description=f"Zone of the subnets {index}; each subnet of a kind needs another zone",
    )


@dataclass(slots=True)
class _Work:
    """A network while its tiers are added to the template."""

    template: Template
    tags: Mapping[str, str]
    network: Network
    subnets: dict[str, Sequence[ec2.Subnet]]
    tables: dict[str, Sequence[ec2.RouteTable]]
    nat_gateways: list[ec2.NatGateway]

    def add_tier(self, tier: Tier) -> None:
        """Add the subnets of one kind with their route tables and their way out."""
        tables = self._tables(tier)
        self.tables[tier.kind] = tables
        self.subnets[tier.kind] = [
            self._subnet(tier, index, block, tables[index % len(tables)])
            for index, block in enumerate(tier.blocks)
        ]
        if tier.way is Way.GATEWAY:
            self._gateway_route(tier.kind, tables[0])
        elif tier.way is not Way.NONE:
            self._nat_routes(tier, tables)

    def _tables(self, tier: Tier) -> list[ec2.RouteTable]:
        """Add one route table, or one for each zone where each zone has a way out of its own."""
        title = f"{tier.kind}RouteTable"
        if tier.way is Way.NAT_EACH_ZONE:
            return [self._table(f"{title}{index}") for index in range(len(tier.blocks))]
        return [self._table(title)]

    def _table(self, title: str) -> ec2.RouteTable:
        return self.template.add(
            ec2.RouteTable(title, VpcId=Ref(self.network.vpc), Tags=tagged(self.tags))
        )

    def _subnet(self, tier: Tier, index: int, block: str, table: ec2.RouteTable) -> ec2.Subnet:
        """Add one subnet and put it on its route table."""
        kind = tier.kind
        parameter = self.template.add_parameter(
            cidr(
                f"{kind}SubnetCidr{index}",
                f"IPv4 block of the {kind.lower()} subnet {index}",
                block,
            )
        )
        subnet = self.template.add(
            ec2.Subnet(
                f"{kind}Subnet{index}",
                VpcId=Ref(self.network.vpc),
                AvailabilityZone=Ref(self.network.zones[index]),
                CidrBlock=Ref(parameter),
                MapPublicIpOnLaunch=tier.addresses,
                Tags=tagged(self.tags),
            )
        )
        self.template.add(
            ec2.SubnetRouteTableAssociation(
                f"{kind}Subnet{index}Route", SubnetId=Ref(subnet), RouteTableId=Ref(table)
            )
        )
        return subnet

    def _gateway_route(self, kind: str, table: ec2.RouteTable) -> None:
        self.template.add(
            ec2.Route(
                f"{kind}DefaultRoute",
                RouteTableId=Ref(table),
                DestinationCidrBlock=ANYWHERE,
                GatewayId=Ref(self.network.gateway),
                DependsOn=[self.network.attachment.title],
            )
        )

    def _nat_routes(self, tier: Tier, tables: Sequence[ec2.RouteTable]) -> None:
        """Lead each route table through the NAT gateway of its zone, or the one through the one."""
        for index, table in enumerate(tables):
            gateway = self._nat_gateway(index)
            number = "" if tier.way is Way.NAT_SHARED else str(index)
            self.template.add(
                ec2.Route(
                    f"{tier.kind}DefaultRoute{number}",
                    RouteTableId=Ref(table),
                    DestinationCidrBlock=ANYWHERE,
                    NatGatewayId=Ref(gateway),
                )
            )

    def _nat_gateway(self, index: int) -> ec2.NatGateway:
        """Add a NAT gateway with a fixed address, working before the first private route uses it.

        Its dependencies matter at the end too: an address can't be given back while it is mapped.
        """
        kind, subnets = next(iter(self.subnets.items()))
        subnet = subnets[index]
        address = self.template.add(
            ec2.EIP(
                f"NatAddress{index}",
                Domain="vpc",
                DependsOn=[self.network.attachment.title],
                Tags=tagged(self.tags),
            )
        )
        gateway = self.template.add(
            ec2.NatGateway(
                f"NatGateway{index}",
                SubnetId=Ref(subnet),
                AllocationId=GetAtt(address, "AllocationId"),
                DependsOn=[f"{kind}DefaultRoute", f"{subnet.title}Route"],
                Tags=tagged(self.tags),
            )
        )
        self.nat_gateways.append(gateway)
        return gateway


def _ids(
    key: str, description: str, resources: Sequence[ec2.Subnet] | Sequence[ec2.NatGateway]
) -> Output:
    ids = Join(",", [Ref(resource) for resource in resources])
    return Output(key, Description=f"{description}, in the order of the zones", Value=ids)
