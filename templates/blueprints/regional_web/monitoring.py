"""A Region's alarms on targets and network, its dashboard, and the dashboard of all Regions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from troposphere import Join, Output, Ref, Select

from tapcfn.templating import Template
from templates.blueprints.regional_web import parameters
from templates.blueprints.regional_web.settings import Settings
from templates.layers import alarms, dashboards, metrics
from templates.layers._values import Value
from templates.layers.dashboards import Widget, line

REGIONS = "Regions"

IDS = "CommaDelimitedList"


def build(settings: Settings, *, nat_gateways: int, engines: Sequence[str]) -> Template:
    """Return a Region's alarms; `engines` are the databases on its own dashboard. (S2-24)"""
    template = Template("A Region's alarms")
    topic = Ref(parameters.topic(template))
    balancer = Ref(parameters.take(template, "LoadBalancer", "Balancer as metrics name it"))
    targets = Ref(parameters.take(template, "TargetGroup", "Target group as metrics name it"))
    watched = [_healthy(balancer, targets), *_nat_alarms(template, nat_gateways)]
    if asks_for_group(settings):
        group = Ref(parameters.take(template, "ScalingGroup", "Name of the scaling group"))
    if settings.resilience:
        watched.append(_sick(group))
    for alarm in watched:
        alarms.add(template, alarm, tags=settings.tags, actions=[topic])
    if settings.regional_dashboards:
        dashboards.add(
            template,
            "Dashboard",
            name=settings.names.label("web"),
            widgets=list(_regional_widgets(settings, engines)),
            tags=settings.tags,
            values={"LoadBalancer": balancer, "ScalingGroup": group},
        )
    return template


def asks_for_group(settings: Settings) -> bool:
    """Say whether a Region's alarms and dashboard are about its scaling group too."""
    return settings.resilience or settings.regional_dashboards


def _healthy(balancer: Value, targets: Value) -> alarms.Alarm:
    return alarms.Alarm(
        "NoHealthyHost",
        "Not one instance is healthy",
        metrics.healthy_hosts(balancer, targets),
        "Minimum",
        1,
        compare=alarms.Compare.BELOW,
        missing=alarms.Missing.BREACHING,
    )


def _sick(group: Value) -> alarms.Alarm:
    """Return the alarm that tells of a sick instance within a minute. (S2-X14)"""
    return alarms.Alarm(
        "InstanceStatus",
        "An instance fails a status check",
        metrics.group_status_check(group),
        "Maximum",
        0,
        periods=1,
        seconds=60,
    )


def _nat_alarms(template: Template, count: int) -> list[alarms.Alarm]:
    """Return an alarm for each NAT gateway; a VPC that was there already has none of ours."""
    if not count:
        return []
    ids = Ref(parameters.take(template, "NatGatewayIds", "Ids of the NAT gateways", IDS))
    return [
        alarms.Alarm(
            f"NatPorts{index}",
            f"NAT gateway {index} has no port left for a connection",
            metrics.nat_port_errors(Select(index, ids)),
            "Sum",
            0,
        )
        for index in range(count)
    ]


def _regional_widgets(settings: Settings, engines: Sequence[str]) -> Iterator[Widget]:
    """Yield the charts of one Region. (S2-X9)"""
    yield Widget("Processors", [line(metrics.group_cpu("${ScalingGroup}"))])
    yield Widget("Response time", [line(metrics.balancer_response_time("${LoadBalancer}"))])
    if engines:
        shown = [metrics.database_cpu(settings.names.database(engine)) for engine in engines]
        yield Widget("Databases: processors", [line(each) for each in shown])


# All Regions (S2-18) ------------------------------------------------------------------------------


def build_dashboard(settings: Settings) -> Template:
    """Return the dashboard of all Regions; an account has one of a name. (L-9)"""
    template = Template("The dashboard of all Regions")
    count, values = len(settings.regions), {}
    for title, what in (
        ("Region", "Name"),
        ("LoadBalancer", "Balancer, as metrics name it,"),
        ("TargetGroup", "Target group, as metrics name it,"),
        ("ScalingGroup", "Scaling group"),
    ):
        for parameter in parameters.numbered(template, title, count, what):
            values[str(parameter.title)] = Ref(parameter)
    widgets = [each for index in range(count) for each in _widgets(index)]
    dashboards.add(
        template,
        "Dashboard",
        name=settings.names.of("web"),
        widgets=[*widgets, *_database_widgets(settings)],
        tags=settings.tags,
        values=values,
    )
    regions = Join(",", [values[f"Region{index}"] for index in range(count)])
    template.add_output(Output(REGIONS, Description="All Regions, the first first", Value=regions))
    return template


def _widgets(index: int) -> Iterator[Widget]:
    """Yield the charts of one of the Regions, two in a row."""
    balancer, group = f"${{LoadBalancer{index}}}", f"${{ScalingGroup{index}}}"
    region = f"${{Region{index}}}"
    healthy = metrics.healthy_hosts(balancer, f"${{TargetGroup{index}}}")
    yield Widget(
        f"{region}: response time and requests",
        [
            line(metrics.balancer_response_time(balancer), label="Seconds", yAxis="left"),
            line(metrics.balancer_requests(balancer), label="Requests", stat="Sum", yAxis="right"),
        ],
        region=region,
    )
    yield Widget(
        f"{region}: instances",
        [
            line(metrics.group_cpu(group), label="Processors, percent", yAxis="left"),
            line(healthy, label="Healthy", stat="Minimum", yAxis="right"),
        ],
        region=region,
    )
    yield Widget(
        f"{region}: network",
        [
            line(metrics.group_network_in(group), label="Bytes in"),
            line(metrics.group_network_out(group), label="Bytes out"),
        ],
        region=region,
    )


def _database_widgets(settings: Settings) -> Iterator[Widget]:
    """Yield the charts of the one database."""
    region = "${Region0}"
    identifier = settings.names.database("mysql", region)
    yield Widget(
        "Database: processors and connections",
        [
            line(metrics.database_cpu(identifier), label="Percent", yAxis="left"),
            line(metrics.database_connections(identifier), label="Connections", yAxis="right"),
        ],
        region=region,
    )
    yield Widget(
        "Database: free storage",
        [line(metrics.database_free_storage(identifier), label="Bytes")],
        region=region,
    )
