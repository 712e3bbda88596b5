"""SQS: queues and queue policies; what the emulator's keep, and what they pass over."""

from __future__ import annotations

from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    already_exists,
    document,
    flag,
    gone_is_fine,
    tag_changes,
    tag_map,
)

QUEUE = "AWS::SQS::Queue"
LONGEST = 80
FIFO = ".fifo"

# Each attribute with what it is when the template leaves it out.
_ATTRIBUTES = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
    "KmsMasterKeyId": "",
    "KmsDataKeyReusePeriodSeconds": "300",
    "SqsManagedSseEnabled": "true",
    "RedrivePolicy": "",
    "RedriveAllowPolicy": "",
}
_FIFO_ATTRIBUTES = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}


def _sqs() -> Any:
    return calls.client("sqs")


# Queue --------------------------------------------------------------------------------------------


def _create(wanted: Wanted) -> Made:
    name = _name(wanted)
    with gone_is_fine():
        _sqs().get_queue_url(QueueName=name)
        raise already_exists(QUEUE, name)
    given = [key for key in _names(wanted) if key in wanted.properties]
    attributes = {key: _text(wanted, key) for key in {*given, "SqsManagedSseEnabled"}}
    fifo = {"FifoQueue": "true"} if _is_fifo(wanted) else {}
    tags = tag_map(wanted.get("Tags"))
    url = _sqs().create_queue(QueueName=name, Attributes=attributes | fifo, tags=tags)["QueueUrl"]
    return _made(url)


def _name(wanted: Wanted) -> str:
    """Return the name, which ends in .fifo just if the queue is one."""
    fifo, given = _is_fifo(wanted), str(wanted.get("QueueName") or "")
    if given and given.endswith(FIFO) != fifo:
        raise ResourceRefusedError(_FIFO_NAME if fifo else _PLAIN_NAME)
    if given or not fifo:
        return wanted.name("QueueName", longest=LONGEST)
    return wanted.name("QueueName", longest=LONGEST - len(FIFO)) + FIFO


_PLAIN_NAME = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
_FIFO_NAME = (
    "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
    "must end with .fifo suffix and be 1 to 80 in length."
)


def _is_fifo(wanted: Wanted) -> bool:
    return flag(wanted.get("FifoQueue"))


def _names(wanted: Wanted) -> dict[str, str]:
    return _ATTRIBUTES | (_FIFO_ATTRIBUTES if _is_fifo(wanted) else {})


def _text(wanted: Wanted, name: str) -> str:
    """Return an attribute as the text that SQS takes; a key of one's own ends SSE-SQS."""
    value = wanted.get(name)
    if value is None:
        off = name == "SqsManagedSseEnabled" and wanted.get("KmsMasterKeyId")
        return "false" if off else _names(wanted)[name]
    if isinstance(value, bool):
        return str(value).lower()
    return document(value)


def _update(wanted: Wanted) -> Made:
    encryption = ("KmsMasterKeyId", "SqsManagedSseEnabled")
    changed = {key: _text(wanted, key) for key in _names(wanted) if wanted.changed(key)}
    if wanted.changed(*encryption):
        changed |= {key: _text(wanted, key) for key in encryption}
    if changed:
        _sqs().set_queue_attributes(QueueUrl=wanted.physical_id, Attributes=changed)
    put, removed = tag_changes(wanted)
    if removed:
        _sqs().untag_queue(QueueUrl=wanted.physical_id, TagKeys=removed)
    if put:
        _sqs().tag_queue(QueueUrl=wanted.physical_id, Tags=put)
    return _made(wanted.physical_id)


def _delete(wanted: Wanted) -> None:
    with gone_is_fine():
        _sqs().delete_queue(QueueUrl=wanted.physical_id)


def _made(url: str) -> Made:
    told = _sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    name = url.rpartition("/")[2]
    return Made(url, {"Arn": told["QueueArn"], "QueueName": name, "QueueUrl": url})


# Queue policy: the emulator passes over queues that are not there --------------------------------


def _put_policy(wanted: Wanted) -> Made:
    policy = document(wanted["PolicyDocument"])
    for url in wanted["Queues"]:
        _sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    for url in wanted["Queues"]:
        _sqs().set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    _clear([url for url in wanted.before.get("Queues") or () if url not in wanted["Queues"]])
    name = wanted.physical_id or wanted.name("Id", longest=LONGEST)
    return Made(name, {"Id": name})


def _drop_policy(wanted: Wanted) -> None:
    _clear(list(wanted.get("Queues") or ()))


def _clear(urls: list[str]) -> None:
    for url in urls:
        with gone_is_fine():
            _sqs().set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


PROVISIONERS = (
    Provisioner(
        QUEUE,
        create=_create,
        update=_update,
        delete=_delete,
        create_only=("FifoQueue", "QueueName"),
        tags="Tags",
    ),
    Provisioner(
        "AWS::SQS::QueuePolicy", create=_put_policy, update=_put_policy, delete=_drop_policy
    ),
)
