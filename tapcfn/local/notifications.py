"""Stack events told to the topics of the stack, in their order and in the service's form.

Whoever writes an event goes on at once: a thread of its own publishes them one after another. A
topic that is not there is told nothing.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.local import calls, emulator, options

SUBJECT = "AWS CloudFormation Notification"
_FIELDS = (
    *("StackId", "Timestamp", "EventId", "LogicalResourceId", "Namespace", "PhysicalResourceId"),
    *("PrincipalId", "ResourceProperties", "ResourceStatus", "ResourceStatusReason"),
    *("ResourceType", "StackName", "ClientRequestToken"),
)

_waiting: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()


def install() -> None:
    """Tell every event that is written from now on."""
    emulator.engine.watch_events(_note)
    threading.Thread(target=_publish_all, daemon=True, name="notifications").start()


def _note(event: Mapping[str, Any]) -> None:
    stack = emulator.engine.stacks().get(event["StackName"]) or {}
    for topic in options.topics_of(stack):
        _waiting.put((topic, _message(event)))


def _message(event: Mapping[str, Any]) -> str:
    told = {
        "ResourceProperties": "null",
        "ClientRequestToken": "null",
        **event,
        "Namespace": emulator.account_id(),
        "PrincipalId": emulator.account_id(),
    }
    return "".join(f"{name}='{told[name]}'\n" for name in _FIELDS)


def _publish_all() -> None:
    while True:
        topic, message = _waiting.get()
        region, account = topic.split(":")[3:5]
        with emulator.request_scope(account, region), suppress(ClientError):
            calls.client("sns").publish(TopicArn=topic, Subject=SUBJECT, Message=message)
