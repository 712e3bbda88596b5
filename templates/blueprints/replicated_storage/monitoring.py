"""What watches replicated_storage: log groups, one dashboard, and an alarm if it is asked for."""

from __future__ import annotations

from troposphere import Output, Parameter, Ref, Select

from tapcfn.templating import Template
from templates.blueprints.replicated_storage.network import PRIVATE_CIDRS
from templates.blueprints.replicated_storage.settings import EXTRA_DAYS, Settings
from templates.layers import alarms, dashboards, log_groups, metrics, notifications, storage
from templates.layers._parameters import key_arn
from templates.layers._values import Value

LOG_DAYS = 14
CPU_PERCENT = 80

LOG_GROUP_NAME = "LogGroupName"
APPLICATION_GROUP_NAME = "ApplicationLogGroupName"


def build(settings: Settings) -> Template:
    """Return the application's log group, the dashboard, and what the options add."""
    template = Template("The application's log group and its dashboard")
    key = template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
    group = log_groups.add(
        template,
        "LogGroup",
        name=settings.log_group,
        days=LOG_DAYS,
        key=key,
        tags=settings.tags,
        keep_data=settings.keep_data,
        label=f"{settings.prefix}-log-group",
    )
    template.add_output(
        Output(LOG_GROUP_NAME, Description="Name of the log group", Value=Ref(group))
    )
    dashboards.add(
        template,
        "Dashboard",
        name=f"{settings.name}-monitoring",
        widgets=[_widget(settings)],
        tags=settings.tags,
        values=_nat_gateways(template) if settings.packet_drops == "nat" else None,
    )
    if settings.extra_log_groups:
        _application_group(template, settings, key)
    if settings.cpu_alarm:
        _cpu_alarm(template, settings, key)
    return template


def _application_group(template: Template, settings: Settings, key: Parameter) -> None:
    group = log_groups.add(
        template,
        "ApplicationLogGroup",
        name=settings.application_group,
        days=EXTRA_DAYS,
        key=key,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    template.add_output(
        Output(
            APPLICATION_GROUP_NAME,
            Description="Name of the applications' log group",
            Value=Ref(group),
        )
    )


def _cpu_alarm(template: Template, settings: Settings, key: Parameter) -> None:
    """Add the alarm for one instance, and the topic that hears of it. (S0-X7)"""
    email = None
    if settings.alarm_email:
        email = template.add_parameter(
            Parameter("AlarmEmail", Type="String", Description="Address that is told of alarms")
        )
    topic = notifications.add(template, key=key, tags=settings.tags, email=email)
    instance = template.add_parameter(
        Parameter(
            "WatchedInstance",
            Type="AWS::EC2::Instance::Id",
            Description="Id of the instance that the alarm watches",
        )
    )
    alarm = alarms.Alarm(
        "CpuAlarm",
        "The instance is busy",
        metrics.instance_cpu(Ref(instance)),
        "Average",
        CPU_PERCENT,
    )
    alarms.add(template, alarm, tags=settings.tags, actions=[Ref(topic)])


def _widget(settings: Settings) -> dashboards.Widget:
    """Return the one widget: the primary bucket's size, and dropped packets if asked for."""
    shown = "bucket size" if settings.packet_drops == "none" else "bucket size and packet drops"
    return dashboards.Widget(
        title=f"{settings.name}: {shown}",
        lines=[_bucket_size(settings), *_dropped_packets(settings)],
        width=dashboards.ROW,
        height=8,
        axes={"left": {"label": "Bytes"}, "right": {"label": "Packets"}},
    )


def _bucket_size(settings: Settings) -> dashboards.Line:
    """Return the line of the bucket's size, with a period of its own: S3 measures once a day."""
    bucket = storage.bucket_name(settings.primary_bucket)
    return dashboards.Line(
        ("AWS/S3", "BucketSizeBytes"),
        {"BucketName": bucket, "StorageType": "StandardStorage"},
        {"label": "Primary bucket size", "period": dashboards.DAY, "yAxis": "left"},
    )


def _dropped_packets(settings: Settings) -> list[dashboards.Line]:
    label = "VPC packet drops"
    if settings.packet_drops == "flow_log":
        options = {"label": f"{label} (rejected)", "yAxis": "right"}
        return [dashboards.Line(settings.metric, options=options)]
    if settings.packet_drops == "nat":
        return [
            dashboards.Line(
                ("AWS/NATGateway", "PacketsDropCount"),
                {"NatGatewayId": f"${{NatGatewayId{index}}}"},
                {"label": f"{label} (NAT gateway {index})", "yAxis": "right"},
            )
            for index in range(len(PRIVATE_CIDRS))
        ]
    return []


def _nat_gateways(template: Template) -> dict[str, Value]:
    """Declare the parameter with the NAT gateways' ids, and return each of them by its name."""
    ids = template.add_parameter(
        Parameter(
            "NatGatewayIds",
            Type="CommaDelimitedList",
            Description="Ids of the NAT gateways, in the order of the zones",
        )
    )
    return {f"NatGatewayId{index}": Select(index, Ref(ids)) for index in range(len(PRIVATE_CIDRS))}
