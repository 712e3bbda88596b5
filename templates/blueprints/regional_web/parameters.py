"""Parameters that more than one stack of the system declares."""

from __future__ import annotations

from troposphere import Parameter

from tapcfn.templating import Template
from templates.blueprints._parameters import group, key, subnets, take, vpc

__all__ = ["group", "key", "numbered", "subnets", "take", "topic", "vpc"]


def topic(template: Template) -> Parameter:
    """Declare the Region's topic for alarms. (L-10)"""
    return take(template, "TopicArn", "ARN of this Region's topic for alarms")


def numbered(template: Template, title: str, count: int, what: str) -> list[Parameter]:
    """Declare one parameter for each of so many Regions."""
    return [
        take(template, f"{title}{index}", f"{what} of Region {index}") for index in range(count)
    ]
