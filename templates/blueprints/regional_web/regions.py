"""The stacks of one Region, and what each is told. (S2)"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tapcfn.model import EMPTY, Stack, ZoneOf
from templates.blueprints.regional_web import (
    compute,
    data,
    extras,
    foundation,
    monitoring,
    networks,
)
from templates.blueprints.regional_web.system import Given, System
from templates.layers import network


def stacks(system: System, region: str) -> Iterator[Stack]:
    """Yield the stacks of one Region."""
    settings, first = system.settings, region == system.settings.first
    yield security_of(system, region)
    yield network_of(system, region)
    yield compute_of(system, region)
    if first:
        yield data_of(system)
    elif settings.read_replicas:
        yield replica_of(system, region)
    if settings.postgres != "off":
        yield postgres_of(system, region)
    yield monitoring_of(system, region)
    yield from _extras(system, region)


def _extras(system: System, region: str) -> Iterator[Stack]:
    """Yield what options add to one Region, and need nothing of another."""
    settings, first = system.settings, region == system.settings.first
    if settings.secrets == "regional":
        yield secret_of(system, region)
    if settings.vpc_lambda:
        yield probe_of(system, region)
    if settings.aws_config:
        yield config_of(system, region)
    if settings.cloudtrail and first:
        yield trail_of(system)


def security_of(system: System, region: str) -> Stack:
    """Return a Region's key, topic and log group."""
    settings, first = system.settings, region == system.settings.first
    shared = settings.kms_profile == "multi_region" and not first
    given = {"PrimaryKeyArn": system.key(settings.first)} if shared else EMPTY
    variant = "other" if foundation.differs(settings) and not first else ""
    return system.stack(
        "security", region, lambda: foundation.build(settings, first=first), given, variant=variant
    )


def network_of(system: System, region: str) -> Stack:
    """Return a Region's VPC and security groups, or the groups in a VPC of others."""
    settings, existing = system.settings, system.existing(region)
    given: Given = {"AllowedSshCidr": settings.ssh_block(region)}
    if settings.flow_logs:
        given["KeyArn"] = system.key(region)
    if existing:
        given["VpcId"] = existing.vpc_id
        given["SubnetIds"] = ",".join(existing.subnet_ids)
        given["PrivateSubnetIds"] = ",".join(existing.private)
    else:
        given |= settings.figures.parameters(settings.block(region))
        given |= {f"AvailabilityZone{zone}": ZoneOf(zone) for zone in range(settings.figures.zones)}
    variant = "existing" if existing else ""
    return system.stack(
        "network",
        region,
        lambda: networks.build(settings, existing=existing is not None),
        given,
        variant=variant,
    )


def compute_of(system: System, region: str) -> Stack:
    """Return a Region's balancer and fleet."""
    settings, names = system.settings, system.settings.names
    ami = settings.ami
    given: Given = {
        "KeyArn": system.key(region),
        "TopicArn": system.topic(region),
        "LoadBalancerName": names.short("alb", region),
        "TargetGroupName": names.short("tg", region),
        "ImageId": ami if isinstance(ami, str) else ami[region],
        **system.from_network(
            region,
            network.Out.VPC_ID,
            network.Out.SUBNET_IDS,
            network.Out.PRIVATE_SUBNET_IDS,
            networks.Out.BALANCER_GROUP_ID,
            networks.Out.INSTANCE_GROUP_ID,
        ),
        **_certificate(system, region),
    }
    return system.stack("compute", region, lambda: compute.build(settings), given)


def _certificate(system: System, region: str) -> Given:
    settings = system.settings
    if not settings.tls:
        return {}
    if settings.certificates:
        return {"CertificateArn": settings.certificates[region]}
    return {"DomainName": settings.domain_name, "HostedZoneId": settings.hosted_zone_id}


def monitoring_of(system: System, region: str) -> Stack:
    """Return a Region's alarms on targets and network."""
    settings, existing = system.settings, system.existing(region)
    output = system.output
    given: Given = {
        "TopicArn": system.topic(region),
        "LoadBalancer": output("compute", region, compute.Out.BALANCER),
        "TargetGroup": output("compute", region, compute.Out.TARGET_GROUP),
    }
    if monitoring.asks_for_group(settings):
        given["ScalingGroup"] = output("compute", region, compute.Out.SCALING_GROUP)
    nat_gateways = 0 if existing else settings.figures.nat_gateways
    if nat_gateways:
        given |= system.from_network(region, network.Out.NAT_GATEWAY_IDS)
    engines = _engines(system, region)
    parts = (
        *(engines if settings.regional_dashboards else ()),
        *(["existing"] * bool(existing)),
    )
    return system.stack(
        "monitoring",
        region,
        lambda: monitoring.build(settings, nat_gateways=nat_gateways, engines=engines),
        given,
        variant="-".join(parts),
    )


def _engines(system: System, region: str) -> Sequence[str]:
    """Return the databases of a Region."""
    settings = system.settings
    mysql = region == settings.first or settings.read_replicas
    return (*(["mysql"] if mysql else []), *(["postgres"] * (settings.postgres != "off")))


def _around(system: System, region: str) -> Given:
    """Return what a database takes from its Region."""
    return {
        "KeyArn": system.key(region),
        "TopicArn": system.topic(region),
        **system.from_network(
            region,
            network.Out.VPC_ID,
            network.Out.PRIVATE_SUBNET_IDS,
            networks.Out.INSTANCE_GROUP_ID,
        ),
    }


def data_of(system: System) -> Stack:
    """Return the one MySQL database."""
    first = system.settings.first
    return system.stack(
        "data", first, lambda: data.build_mysql(system.settings), _around(system, first)
    )


def replica_of(system: System, region: str) -> Stack:
    """Return a replica of it."""
    source = system.output("data", system.settings.first, data.Out.ARN)
    given = {**_around(system, region), "SourceArn": source}
    return system.stack("replica", region, lambda: data.build_replica(system.settings), given)


def postgres_of(system: System, region: str) -> Stack:
    """Return a Region's PostgreSQL database."""
    given = _around(system, region)
    if system.settings.postgres == "managed":
        given["MultiAz"] = str(region == system.settings.first).lower()
    return system.stack("postgres", region, lambda: data.build_postgres(system.settings), given)


def secret_of(system: System, region: str) -> Stack:
    """Return the application's secret: a Region's own, or the one that others copy."""
    settings = system.settings
    others = settings.others if settings.secrets == "replicated" else ()
    given: Given = {"KeyArn": system.key(region)}
    for index, other in enumerate(others):
        given[f"CopyRegion{index}"] = other
        given[f"CopyKeyArn{index}"] = system.key(other)
    return system.stack(
        "secret", region, lambda: extras.build_secret(settings, copies=len(others)), given
    )


def probe_of(system: System, region: str) -> Stack:
    """Return the function that tests what can be reached from a VPC."""
    given: Given = {
        "KeyArn": system.key(region),
        "Host": system.output("compute", region, compute.Out.DNS_NAME),
        **system.from_network(region, network.Out.VPC_ID, network.Out.PRIVATE_SUBNET_IDS),
    }
    return system.stack("probe", region, lambda: extras.build_probe(system.settings), given)


def config_of(system: System, region: str) -> Stack:
    """Return a Region's recorder and rules."""
    first = region == system.settings.first
    given = {"KeyArn": system.key(region)}
    variant = "" if first else "other"
    return system.stack(
        "config",
        region,
        lambda: extras.build_config(system.settings, first=first),
        given,
        variant=variant,
    )


def trail_of(system: System) -> Stack:
    """Return the trail of the whole account."""
    first = system.settings.first
    given = {"KeyArn": system.key(first)}
    return system.stack("trail", first, lambda: extras.build_trail(system.settings), given)
