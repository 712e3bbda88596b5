"""Encrypted log groups with an end to their memory."""

from __future__ import annotations

from collections.abc import Mapping

from troposphere import Parameter, logs

from tapcfn.templating import Template
from templates.layers._retention import retained
from templates.layers._tags import tagged
from templates.layers._values import Value, value


def add(
    template: Template,
    title: str,
    *,
    name: Value,
    days: int,
    key: Parameter | Value | None,
    tags: Mapping[str, str],
    keep_data: bool,
    label: str = "",
) -> logs.LogGroup:
    """Add a log group that remembers so many days; `key` is a key's ARN, never its id. (L-7)

    The name stands in the key's policy too, so that it is computed and never generated.
    """
    group = logs.LogGroup(title, LogGroupName=name, RetentionInDays=days, Tags=tagged(tags, label))
    if key is not None:
        group.KmsKeyId = value(key)
    return template.add(retained(group, keep_data))
