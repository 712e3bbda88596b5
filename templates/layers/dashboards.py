"""Dashboards: JSON whose Regions and ids CloudFormation fills in.

A dashboard belongs to the whole account, not to a Region (L-9): it is deployed once, and each
widget names the Region that its metrics come from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from troposphere import Sub, cloudwatch

from tapcfn.templating import Template
from templates.layers._tags import tagged
from templates.layers._values import Value
from templates.layers.alarms import Metric

PERIOD = 300
DAY = 86_400

# The width of a whole row of widgets.
ROW = 24


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of a widget: namespace and name, dimensions, and what differs from the widget.

    `options` are CloudWatch's own: label, stat, period, yAxis, region, id, expression.
    """

    metric: tuple[str, str]
    dimensions: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def json(self) -> list[Any]:
        """Return the line as a dashboard's JSON has it."""
        pairs = [text for pair in self.dimensions.items() for text in pair]
        return [*self.metric, *pairs, *([dict(self.options)] if self.options else [])]


def line(metric: Metric, **options: Any) -> Line:
    """Return a metric as a line; its dimensions are texts, with `${Name}` as in a widget."""
    dimensions = {name: str(each) for name, each in metric.dimensions.items()}
    return Line((metric.namespace, metric.name), dimensions, options)


@dataclass(frozen=True, slots=True)
class Widget:
    """One chart. Texts may hold `${Name}` for what `add` is told of, or a pseudo parameter."""

    title: str
    lines: Sequence[Line]
    stat: str = "Average"
    period: int = PERIOD
    region: str = "${AWS::Region}"
    width: int = 12
    height: int = 6
    axes: Mapping[str, Any] = field(default_factory=dict)

    def json(self, x: int, y: int) -> dict[str, Any]:
        """Return the widget at its place on the dashboard's grid."""
        properties = {
            "title": self.title,
            "view": "timeSeries",
            "stacked": False,
            "region": self.region,
            "period": self.period,
            "stat": self.stat,
            "metrics": [line.json() for line in self.lines],
        }
        if self.axes:
            properties["yAxis"] = dict(self.axes)
        return {
            "type": "metric",
            "x": x,
            "y": y,
            "width": self.width,
            "height": self.height,
            "properties": properties,
        }


def add(
    template: Template,
    title: str,
    *,
    name: Value,
    widgets: Sequence[Widget],
    tags: Mapping[str, str],
    values: Mapping[str, Value] | None = None,
) -> cloudwatch.Dashboard:
    """Add a dashboard; `values` are what the widgets' `${Name}`s stand for."""
    text = json.dumps({"widgets": _placed(widgets)}, sort_keys=True, separators=(",", ":"))
    body = Sub(text, dict(values)) if values else Sub(text)
    return template.add(
        cloudwatch.Dashboard(title, DashboardName=name, DashboardBody=body, Tags=tagged(tags))
    )


def _placed(widgets: Sequence[Widget]) -> list[dict[str, Any]]:
    """Put the widgets in rows, left to right; a row is as high as its highest widget."""
    placed, x, y, height = [], 0, 0, 0
    for widget in widgets:
        if x + widget.width > ROW:
            x, y, height = 0, y + height, 0
        placed.append(widget.json(x, y))
        x, height = x + widget.width, max(height, widget.height)
    return placed
