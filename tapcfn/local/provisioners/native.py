"""Types that the emulator provides well but for a name that is taken or a property it passes over.

Each of these calls the emulator's own handler and adds what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.fitting import refuse_other
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    already_exists,
    document,
    flag,
    gone_is_fine,
)

LONGEST_STANDARD, LONGEST_ADVANCED = 4096, 8192


def _native_create(wanted: Wanted) -> Made:
    handler = emulator.handlers.native(wanted.type)["create"]
    return Made(*calls.on_loop(handler, wanted.logical_id, wanted.properties, wanted.stack))


def _native_update(wanted: Wanted) -> Made:
    handler = emulator.handlers.native(wanted.type)
    more = (wanted.logical_id,) if handler.get("update_with_logical_id") else ()
    return Made(
        *calls.on_loop(
            handler["update"],
            *(wanted.physical_id, wanted.before, wanted.properties, wanted.stack, *more),
        )
    )


def _native_delete(wanted: Wanted) -> None:
    handler = emulator.handlers.native(wanted.type)["delete"]
    calls.on_loop(handler, wanted.physical_id, wanted.properties)


def _named(
    resource_type: str, prop: str, is_taken: Callable[[str], bool], **more: Any
) -> Provisioner:
    """Return a type whose create is refused when the name that the template gives is taken."""

    def create(wanted: Wanted) -> Made:
        name = wanted.get(prop)
        if name and is_taken(str(name)):
            raise already_exists(resource_type, str(name))
        return _native_create(wanted)

    return Provisioner(
        resource_type, create=create, update=_native_update, delete=_native_delete, **more
    )


def _role_is_taken(name: str) -> bool:
    with gone_is_fine():
        calls.client("iam").get_role(RoleName=name)
        return True
    return False


def _policy_is_taken(name: str) -> bool:
    pages = calls.client("iam").get_paginator("list_policies").paginate(Scope="Local")
    return any(policy["PolicyName"] == name for page in pages for policy in page["Policies"])


# SNS topic: the emulator passes over all but its name and display name ----------------------------

_TOPIC_ATTRIBUTES = (
    *("KmsMasterKeyId", "TracingConfig", "SignatureVersion", "ContentBasedDeduplication"),
    *("FifoThroughputScope", "ArchivePolicy"),
)
_TOPIC_ELSE = frozenset({"TopicName", "DisplayName", "FifoTopic", "Subscription", "Tags"})


def _create_topic(wanted: Wanted) -> Made:
    _refuse_topic(wanted)
    made = _native_create(wanted)
    _set_topic(made.physical_id, wanted)
    return made


def _update_topic(wanted: Wanted) -> Made:
    _refuse_topic(wanted)
    made = _native_update(wanted)
    _set_topic(made.physical_id, wanted)
    return made


def _refuse_topic(wanted: Wanted) -> None:
    refuse_other(wanted.type, wanted.properties, _TOPIC_ELSE | {*_TOPIC_ATTRIBUTES})
    only_fifo = ("ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy")
    for name in only_fifo:
        if wanted.get(name) and not flag(wanted.get("FifoTopic", False)):
            raise ResourceRefusedError(f"Invalid parameter: {name} is for FIFO topics only")


def _set_topic(arn: str, wanted: Wanted) -> None:
    for name in _TOPIC_ATTRIBUTES:
        if wanted.changed(name):
            value = wanted.get(name, "")
            text = str(value).lower() if isinstance(value, bool) else document(value)
            calls.client("sns").set_topic_attributes(
                TopicArn=arn, AttributeName=name, AttributeValue=text
            )


# SNS topic policy: the emulator passes over topics that are not there -----------------------------


def _create_policy(wanted: Wanted) -> Made:
    _find_topics(wanted)
    return _native_create(wanted)


def _update_policy(wanted: Wanted) -> Made:
    _find_topics(wanted)
    return _native_update(wanted)


def _find_topics(wanted: Wanted) -> None:
    """Let SNS say that a topic is missing, before any policy is set."""
    for topic in wanted["Topics"]:
        calls.client("sns").get_topic_attributes(TopicArn=topic)


# SSM parameter: the emulator takes policies that it cannot tell, and values off their pattern ----


def _create_parameter(wanted: Wanted) -> Made:
    _refuse_parameter(wanted)
    return _native_create(wanted)


def _update_parameter(wanted: Wanted) -> Made:
    _refuse_parameter(wanted)
    return _native_update(wanted)


def _refuse_parameter(wanted: Wanted) -> None:
    if wanted.get("Policies"):
        raise ResourceRefusedError("the local cloud does not model policies of parameters")
    value, pattern = str(wanted["Value"]), wanted.get("AllowedPattern")
    if pattern and not re.search(str(pattern), value):
        raise ResourceRefusedError(
            f"Parameter value, cannot be validated against allowedPattern: {pattern}"
        )
    longest = LONGEST_ADVANCED if wanted.get("Tier") == "Advanced" else LONGEST_STANDARD
    if len(value) > longest and wanted.get("Tier") != "Intelligent-Tiering":
        raise ResourceRefusedError(
            f"Standard tier parameters support a maximum parameter value of {longest} characters."
        )


PROVISIONERS = (
    _named(
        "AWS::IAM::Role", "RoleName", _role_is_taken, create_only=("RoleName", "Path"), tags="Tags"
    ),
    _named(
        "AWS::IAM::ManagedPolicy",
        "ManagedPolicyName",
        _policy_is_taken,
        create_only=("ManagedPolicyName", "Description", "Path"),
    ),
    Provisioner(
        "AWS::SSM::Parameter",
        create=_create_parameter,
        update=_update_parameter,
        delete=_native_delete,
        create_only=("Name",),
    ),
    Provisioner(
        "AWS::SNS::Topic",
        create=_create_topic,
        update=_update_topic,
        delete=_native_delete,
        create_only=("TopicName", "FifoTopic"),
        tags="Tags",
    ),
    Provisioner(
        "AWS::SNS::TopicPolicy",
        create=_create_policy,
        update=_update_policy,
        delete=_native_delete,
    ),
)
