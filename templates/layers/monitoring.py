"""The application's log group, and one dashboard with one widget.

A dashboard belongs to the whole account, not to a Region (L-9): it is deployed once, and its
widget names the Region that its metrics come from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from troposphere import Output, Parameter, Ref, Select, Sub, cloudwatch, logs

from tapcfn.templating import Template
from templates.layers._parameters import key_arn
from templates.layers._retention import retained
from templates.layers._tags import tagged

PERIOD = 300
DAY = 86_400


class Out(StrEnum):
    """What other layers may ask this one for."""

    LOG_GROUP_NAME = "LogGroupName"


@dataclass(frozen=True, slots=True)
class LogGroup:
    """A log group: its name, what its Name tag says, and how many days it remembers."""

    name: str
    label: str
    days: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What the one widget of a dashboard shows.

    `bucket` is a bucket's name as text for `Fn::Sub`. Dropped packets are those of `metric`
    (namespace and name), or those of `nat_gateways` NAT gateways, or not shown.
    """

    name: str
    title: str
    bucket: str
    metric: tuple[str, str] | None = None
    nat_gateways: int = 0


def build(
    *, log_group: LogGroup, dashboard: Dashboard, tags: Mapping[str, str], keep_data: bool
) -> Template:
    """Return an encrypted log group and a dashboard."""
    template = Template("The application's log group and its dashboard")
    key = template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
    group = template.add(
        retained(
            logs.LogGroup(
                "LogGroup",
                LogGroupName=log_group.name,
                RetentionInDays=log_group.days,
                KmsKeyId=Ref(key),
                Tags=tagged(tags, log_group.label),
            ),
            keep_data,
        )
    )
    template.add_output(
        Output(Out.LOG_GROUP_NAME, Description="Name of the log group", Value=Ref(group))
    )
    template.add(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=dashboard.name,
            DashboardBody=_body(template, dashboard),
            Tags=tagged(tags),
        )
    )
    return template


def _body(template: Template, dashboard: Dashboard) -> Sub:
    """Return the dashboard's JSON, with the Region and all ids filled in by CloudFormation."""
    widget = {
        "type": "metric",
        "x": 0,
        "y": 0,
        "width": 24,
        "height": 8,
        "properties": {
            "title": dashboard.title,
            "view": "timeSeries",
            "stacked": False,
            "region": "${AWS::Region}",
            "period": PERIOD,
            "stat": "Average",
            "metrics": [_bucket_size(dashboard.bucket), *_dropped_packets(dashboard)],
            "yAxis": {"left": {"label": "Bytes"}, "right": {"label": "Packets"}},
        },
    }
    text = json.dumps({"widgets": [widget]}, sort_keys=True, separators=(",", ":"))
    return Sub(text, _nat_gateway_ids(template, dashboard.nat_gateways))


def _bucket_size(bucket: str) -> list[Any]:
    """Return the line of a bucket's size, with a period of its own: S3 measures it once a day."""
    return [
        *("AWS/S3", "BucketSizeBytes", "BucketName", bucket, "StorageType", "StandardStorage"),
        {"label": "Primary bucket size", "period": DAY, "yAxis": "left"},
    ]


def _dropped_packets(dashboard: Dashboard) -> list[list[Any]]:
    if dashboard.metric:
        return [[*dashboard.metric, {"label": "VPC packet drops (rejected)", "yAxis": "right"}]]
    return [
        [
            *("AWS/NATGateway", "PacketsDropCount", "NatGatewayId", f"${{NatGatewayId{index}}}"),
            {"label": f"VPC packet drops (NAT gateway {index})", "yAxis": "right"},
        ]
        for index in range(dashboard.nat_gateways)
    ]


def _nat_gateway_ids(template: Template, count: int) -> dict[str, Select]:
    """Declare the parameter with the NAT gateways' ids, and return each of them by its name."""
    if not count:
        return {}
    ids = template.add_parameter(
        Parameter(
            "NatGatewayIds",
            Type="CommaDelimitedList",
            Description="Ids of the NAT gateways, in the order of the zones",
        )
    )
    return {f"NatGatewayId{index}": Select(index, Ref(ids)) for index in range(count)}
