"""The dashboard and the alarms of the migration, during it and after it. (S4-17, S4-18)"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from troposphere import Join, Output, Parameter, Ref, Sub

from tapcfn.templating import Template
from templates.blueprints import _parameters as parameters
from templates.blueprints.region_migration.settings import Settings
from templates.layers import alarms, dashboards, metrics
from templates.layers.dashboards import DAY, Widget, line

EC2_CPU_PERCENT = 80

# What is watched: each a parameter, and a `${Name}` of the dashboard.
_WATCHED = {
    "TargetBucketName": "Name of the target bucket",
    "DatabaseId": "Identifier of the migrated database",
    "AutoScalingGroupName": "Name of the scaling group",
    "LoadBalancer": "Balancer as metrics name it",
}


class Out(StrEnum):
    """What people may ask this for."""

    DASHBOARD_ARN = "DashboardArn"
    ALARMS = "AlarmNames"


def build(settings: Settings) -> Template:
    """Return the dashboard and three alarms; every figure is of the target Region."""
    template = Template("What watches the migration")
    watched = {title: parameters.take(template, title, about) for title, about in _WATCHED.items()}
    targets = parameters.take(template, "TargetGroup", "Target group as metrics name it")
    made = [
        alarms.add(template, alarm, tags=settings.tags)
        for alarm in _alarms(settings, watched, targets)
    ]
    name = settings.names.of("migration-dashboard")
    widgets = [*_widgets(), *(_more_widgets() if settings.rich_dashboard else ())]
    dashboards.add(template, "Dashboard", name=name, widgets=widgets, tags=settings.tags)
    arn = Sub(f"arn:${{AWS::Partition}}:cloudwatch::${{AWS::AccountId}}:dashboard/{name}")
    template.add_output(Output(Out.DASHBOARD_ARN, Description="ARN of the dashboard", Value=arn))
    every = Join(",", [Ref(each) for each in made])
    template.add_output(Output(Out.ALARMS, Description="Names of the alarms", Value=every))
    return template


def _alarms(
    settings: Settings, watched: dict[str, Parameter], targets: Parameter
) -> Iterator[alarms.Alarm]:
    """Yield the three alarms, each over two periods of five minutes."""
    yield alarms.Alarm(
        "DatabaseCpu",
        f"The database's processors are above {settings.rds_cpu_threshold} percent",
        metrics.database_cpu(Ref(watched["DatabaseId"])),
        "Average",
        settings.rds_cpu_threshold,
    )
    yield alarms.Alarm(
        "InstanceCpu",
        f"The instances' processors are above {EC2_CPU_PERCENT} percent",
        metrics.group_cpu(Ref(watched["AutoScalingGroupName"])),
        "Average",
        EC2_CPU_PERCENT,
    )
    yield alarms.Alarm(
        "NoHealthyHost",
        "Not one instance is healthy",
        metrics.healthy_hosts(Ref(watched["LoadBalancer"]), Ref(targets)),
        "Minimum",
        1,
        compare=alarms.Compare.BELOW,
        missing=alarms.Missing.BREACHING,
    )


def noticed_within(settings: Settings) -> float:
    """Return the seconds in which the slowest alarm has gone off."""
    watched = {title: Parameter(title, Type="String") for title in (*_WATCHED, "TargetGroup")}
    every = _alarms(settings, watched, watched["TargetGroup"])
    return max(each.noticed_within for each in every)


def _widgets() -> Iterator[Widget]:
    """Yield the charts that are always there."""
    size = line(metrics.bucket_size("${TargetBucketName}"), label="Bytes")
    yield Widget("Target bucket: size, once a day", [size], period=DAY)
    yield Widget("Database: processors", [line(metrics.database_cpu("${DatabaseId}"))])
    yield Widget("Instances: processors", [line(metrics.group_cpu("${AutoScalingGroupName}"))])


def _more_widgets() -> Iterator[Widget]:
    """Yield the charts of `rich_dashboard`. (S4-X7)"""
    database, balancer = "${DatabaseId}", "${LoadBalancer}"
    yield Widget(
        "Database: connections and free memory",
        [
            line(metrics.database_connections(database), label="Connections", yAxis="left"),
            line(metrics.database_free_memory(database), label="Bytes", yAxis="right"),
        ],
    )
    yield Widget(
        "Load balancer: requests and good answers",
        [
            line(metrics.balancer_requests(balancer), label="Requests"),
            line(metrics.balancer_good_answers(balancer), label="2xx"),
        ],
        stat="Sum",
    )
    yield Widget(
        "Load balancer: response time",
        [line(metrics.balancer_response_time(balancer), label="Seconds")],
    )
