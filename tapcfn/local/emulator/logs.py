"""CloudWatch Logs."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from ministack.services import cloudwatch_logs as _logs


def write(group: str, stream: str, line: str) -> None:
    """Write a line into a log group, if it is there, and make its stream if that is missing."""
    if group not in _logs._log_groups:
        return
    where = {"logGroupName": group, "logStreamName": stream}
    if stream not in _logs._log_groups[group]["streams"]:
        _logs._create_log_stream(where)
    event = {"timestamp": int(time.time() * 1000), "message": line}
    _logs._put_log_events({**where, "logEvents": [event]})


def groups() -> MutableMapping[str, dict[str, Any]]:
    """Return the log groups of the current account and Region."""
    return _logs._log_groups  # type: ignore[no-any-return]
