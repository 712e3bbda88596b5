"""Ways between Regions: private ones from VPC to VPC, and the name that leads visitors to one."""

from __future__ import annotations

from troposphere import And, Equals, Not, Output, Parameter, Ref, Select

from tapcfn.templating import Template
from templates.blueprints.regional_web import parameters
from templates.blueprints.regional_web.settings import Settings
from templates.layers import dns, peering
from templates.layers._parameters import cidr

MOST_WEIGHT = 255
WHOLE = 100

TABLES = "CommaDelimitedList"


def connection(index: int) -> str:
    """Return the output of the connection to the peer with this number."""
    return f"Connection{index}"


def build_peering(settings: Settings, *, count: int) -> Template:
    """Return the connections of a Region's VPC to those of so many others. (S2-X12)"""
    template = Template("Private ways from this Region's VPC to those of others")
    vpc = Ref(parameters.vpc(template))
    peers = parameters.numbered(template, "PeerVpcId", count, "VPC")
    regions = parameters.numbered(template, "PeerRegion", count, "Name")
    for index, (peer, region) in enumerate(zip(peers, regions, strict=True)):
        made = peering.add(
            template,
            connection(index),
            vpc=vpc,
            peer=Ref(peer),
            peer_region=Ref(region),
            tags=settings.tags,
        )
        about = f"Id of the connection to Region {index}"
        template.add_output(Output(connection(index), Description=about, Value=Ref(made)))
    return template


def build_routes(settings: Settings) -> Template:
    """Return a Region's routes to all others: the second pass. (S2-X12)"""
    template = Template("Routes to the VPCs of all other Regions")
    ids = Ref(parameters.take(template, "RouteTableIds", "Ids of the route tables", TABLES))
    tables = [Select(index, ids) for index in range(settings.figures.route_tables)]
    for index in range(len(settings.others)):
        block = template.add_parameter(cidr(f"PeerCidr{index}", f"IPv4 block of peer {index}"))
        way = parameters.take(template, connection(index), f"Id of the connection to peer {index}")
        peering.add_routes(
            template, f"Route{index}To", connection=Ref(way), block=Ref(block), tables=tables
        )
    return template


def build_dns(settings: Settings) -> Template:
    """Return the name with one answer for each Region, and who checks them. (S2-21)

    A Region with weight 0 answers only when all others are unhealthy: it stands by.
    """
    template = Template("One name for all Regions, answered by the healthy ones")
    count = len(settings.regions)
    zone = parameters.take(template, "HostedZoneId", "Id of the zone of the name")
    name = parameters.take(template, "DomainName", "Name that visitors use")
    regions = parameters.numbered(template, "Region", count, "Name")
    hosts = parameters.numbered(template, "Balancer", count, "Host name of the load balancer")
    zones = parameters.numbered(template, "BalancerZone", count, "Zone of that host name")
    weights = [_weight(template, index) for index in range(count)]
    _not_all_zero(template, weights)
    for index in range(count):
        check = dns.check_endpoint(
            template,
            f"Check{index}",
            host=hosts[index],
            path=settings.figures.health_path,
            tags=settings.tags,
            label=Ref(regions[index]),
            tls=settings.tls,
        )
        dns.add_share(
            template,
            f"Answer{index}",
            zone=zone,
            name=name,
            answer=dns.Alias(hosts[index], zones[index]),
            share=dns.Share(Ref(regions[index]), weights[index], check),
        )
    return template


def weight(settings: Settings, region: str) -> str:
    """Return a Region's weight: all of it for the first, or the same for all."""
    stands_by = settings.dns_failover == "failover" and region != settings.first
    return "0" if stands_by else str(WHOLE)


def _weight(template: Template, index: int) -> Parameter:
    return template.add_parameter(
        Parameter(
            f"Weight{index}",
            Type="Number",
            MinValue=0,
            MaxValue=MOST_WEIGHT,
            Description=f"Share of Region {index} among all answers",
        )
    )


def _not_all_zero(template: Template, weights: list[Parameter]) -> None:
    """Refuse weights that are all 0: Route 53 would take them for an equal share. (S2-21)"""
    none = And(*(Equals(Ref(each), "0") for each in weights))
    template.add_rule(
        "NotAllZero",
        {
            "Assertions": [
                {"Assert": Not(none), "AssertDescription": "At least one Region must answer"}
            ]
        },
    )
