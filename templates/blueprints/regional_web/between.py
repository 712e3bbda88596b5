"""The stacks that need more than one Region to be there, and what each is told. (S2)"""

from __future__ import annotations

from collections.abc import Iterator

from tapcfn.model import Stack
from templates.blueprints.regional_web import compute, extras, monitoring, regions, ways
from templates.blueprints.regional_web.system import Given, System
from templates.layers import network
from templates.layers.peering import ROUTE_TABLE_IDS

# Route 53's health checks are of the whole world; their figures are in this Region.
DNS_REGION = "us-east-1"


def stacks(system: System) -> Iterator[Stack]:
    """Yield what needs more than one Region to be there."""
    settings = system.settings
    if settings.secrets == "replicated":
        yield regions.secret_of(system, settings.first)
    if settings.session_table:
        yield sessions_of(system)
    if settings.resilience:
        ends = (settings.first, settings.regions[-1])
        yield bucket_of(system, *ends)
        yield bucket_of(system, *reversed(ends))
    if settings.peering:
        for region in settings.regions[:-1]:
            yield peering_of(system, region)
        for region in settings.regions:
            yield routes_of(system, region)


def sessions_of(system: System) -> Stack:
    """Return the table of sessions."""
    settings = system.settings
    given = {f"Region{index}": region for index, region in enumerate(settings.regions)}
    return system.stack("sessions", settings.first, lambda: extras.build_sessions(settings), given)


def bucket_of(system: System, region: str, other: str) -> Stack:
    """Return one of the two buckets; the other is named, for each would wait for the other."""
    settings = system.settings
    given: Given = {"KeyArn": system.key(region)}
    if settings.enable_replication:
        given["DestinationBucketArn"] = extras.data_bucket_arn(settings, other)
        given["DestinationKeyArn"] = system.key(other)
        given["DestinationRegion"] = other
    return system.stack("bucket", region, lambda: extras.build_bucket(settings), given)


def peering_of(system: System, region: str) -> Stack:
    """Return the connections of a Region to all that stand behind it in the list."""
    settings = system.settings
    behind = settings.regions[settings.regions.index(region) + 1 :]
    given = system.from_network(region, network.Out.VPC_ID)
    for index, peer in enumerate(behind):
        given[f"PeerVpcId{index}"] = system.output("network", peer, network.Out.VPC_ID)
        given[f"PeerRegion{index}"] = peer
    return system.stack(
        "peering",
        region,
        lambda: ways.build_peering(settings, count=len(behind)),
        given,
        variant=str(len(behind)),
    )


def routes_of(system: System, region: str) -> Stack:
    """Return a Region's routes to all others."""
    settings, place = system.settings, system.settings.regions.index
    given = system.from_network(region, ROUTE_TABLE_IDS)
    peers = [each for each in settings.regions if each != region]
    for index, peer in enumerate(peers):
        owner, other = sorted((region, peer), key=place)
        key = ways.connection(place(other) - place(owner) - 1)
        given[f"PeerCidr{index}"] = settings.block(peer)
        given[ways.connection(index)] = system.output("peering", owner, key)
    return system.stack("routes", region, lambda: ways.build_routes(settings), given)


def dns_of(system: System) -> Iterator[Stack]:
    """Yield the name that leads visitors to a healthy Region, if it is wanted."""
    settings, output = system.settings, system.output
    if settings.dns_failover == "off":
        return
    given: Given = {
        "HostedZoneId": settings.hosted_zone_id,
        "DomainName": settings.domain_name,
    }
    for index, region in enumerate(settings.regions):
        given[f"Region{index}"] = region
        given[f"Balancer{index}"] = output("compute", region, compute.Out.DNS_NAME)
        given[f"BalancerZone{index}"] = output("compute", region, compute.Out.DNS_ZONE)
        given[f"Weight{index}"] = ways.weight(settings, region)
    yield system.stack("dns", DNS_REGION, lambda: ways.build_dns(settings), given)


def dashboard_of(system: System) -> Stack:
    """Return the dashboard of all Regions."""
    settings, output = system.settings, system.output
    given: Given = {}
    for index, region in enumerate(settings.regions):
        given[f"Region{index}"] = region
        for title, key in (
            ("LoadBalancer", compute.Out.BALANCER),
            ("TargetGroup", compute.Out.TARGET_GROUP),
            ("ScalingGroup", compute.Out.SCALING_GROUP),
        ):
            given[f"{title}{index}"] = output("compute", region, key)
    return system.stack(
        "dashboard", settings.first, lambda: monitoring.build_dashboard(settings), given
    )
