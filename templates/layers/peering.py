"""Private ways between the VPCs of two Regions: a connection in one of them, routes in both.

The routes need the connection, and the connection both VPCs, so that routes are a second pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from troposphere import Join, Output, Ref, ec2

from tapcfn.templating import Template
from templates.layers._tags import tagged
from templates.layers._values import Value
from templates.layers.network import Network

ROUTE_TABLE_IDS = "RouteTableIds"


def publish_tables(template: Template, network: Network) -> None:
    """Add the output with the ids of all route tables, kind after kind."""
    tables = [Ref(table) for kind in network.tables.values() for table in kind]
    about = "Ids of the route tables, kind after kind"
    template.add_output(Output(ROUTE_TABLE_IDS, Description=about, Value=Join(",", tables)))


def add(
    template: Template,
    title: str,
    *,
    vpc: Value,
    peer: Value,
    peer_region: Value,
    tags: Mapping[str, str],
) -> ec2.VPCPeeringConnection:
    """Add a connection to a VPC of the same account, which accepts it by itself.

    The two blocks of addresses must not overlap.
    """
    return template.add(
        ec2.VPCPeeringConnection(
            title, VpcId=vpc, PeerVpcId=peer, PeerRegion=peer_region, Tags=tagged(tags)
        )
    )


def add_routes(
    template: Template,
    title: str,
    *,
    connection: Value,
    block: Value,
    tables: Sequence[Value],
) -> None:
    """Lead the peer's block of addresses over the connection, from each of these route tables."""
    for index, table in enumerate(tables):
        template.add(
            ec2.Route(
                f"{title}{index}",
                RouteTableId=table,
                DestinationCidrBlock=block,
                VpcPeeringConnectionId=connection,
            )
        )
