"""The two layouts: which subnets, ways out, figures and open ports a Region has. (S2-3, S2-X10)"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from templates.layers import databases, network
from templates.layers.network import Tier, Way
from templates.layers.scaling import Size
from templates.layers.user_data import HEALTH_PATH

# Subnets are this many bits smaller than the VPC: /24 in a /16.
SUBNET_BITS = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """The figures of one layout.

    `public` and `private` are the numbers of the subnets among those of equal size in the VPC.
    `size` and `log_days` are what counts where the settings say nothing.
    """

    public: tuple[int, ...]
    private: tuple[int, ...]
    way: Way
    size: Size
    log_days: int
    cpu_high: int
    cpu_low: int
    health_path: str
    ssh_from_vpc: bool
    database_ports: tuple[int, ...]

    @property
    def zones(self) -> int:
        """How many Availability Zones the layout takes."""
        return len(self.public)

    @property
    def nat_gateways(self) -> int:
        """How many NAT gateways it has."""
        return 1 if self.way is Way.NAT_SHARED else len(self.private)

    @property
    def route_tables(self) -> int:
        """How many route tables it has: one public, and the private ones."""
        return 1 + self.nat_gateways

    def tiers(self, vpc_cidr: str) -> tuple[Tier, Tier]:
        """Return the public and the private subnets of a VPC with this block."""
        return (
            network.public([subnet(vpc_cidr, number) for number in self.public]),
            network.private([subnet(vpc_cidr, number) for number in self.private], self.way),
        )

    def parameters(self, vpc_cidr: str) -> Mapping[str, str]:
        """Return the parameters that move a network's template to another block."""
        given = {"VpcCidr": vpc_cidr}
        for tier in self.tiers(vpc_cidr):
            for index, block in enumerate(tier.blocks):
                given[f"{tier.kind}SubnetCidr{index}"] = block
        return given


STANDARD = Layout(
    public=(1, 2),
    private=(10, 11),
    way=Way.NAT_EACH_ZONE,
    size=Size(1, 3),
    log_days=30,
    cpu_high=60,
    cpu_low=10,
    health_path="/",
    ssh_from_vpc=False,
    database_ports=(databases.PORTS["mysql"],),
)

# Its database group is one tier for both engines.
THREE_AZ = Layout(
    public=(0, 2, 4),
    private=(1, 3, 5),
    way=Way.NAT_SHARED,
    size=Size(1, 6, 2),
    log_days=14,
    cpu_high=70,
    cpu_low=20,
    health_path=HEALTH_PATH,
    ssh_from_vpc=True,
    database_ports=(databases.PORTS["mysql"], databases.PORTS["postgres"]),
)


def subnet(block: str, number: int) -> str:
    """Return the block of the subnet with this number in a VPC's block."""
    vpc = ipaddress.IPv4Network(block)
    first = ipaddress.IPv4Network((int(vpc.network_address), vpc.prefixlen + SUBNET_BITS))
    return following(str(first), number)


def following(block: str, count: int) -> str:
    """Return the block of equal size that stands so many places behind this one."""
    first = ipaddress.IPv4Network(block)
    start = int(first.network_address) + count * first.num_addresses
    return str(ipaddress.IPv4Network((start, first.prefixlen)))
