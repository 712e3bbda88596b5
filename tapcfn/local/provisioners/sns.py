"""SNS subscriptions; topics and their policies are the emulator's, with what it leaves out."""

from __future__ import annotations

from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    document,
    flag,
    gone_is_fine,
)

# Each attribute of a subscription with what it is when the template leaves it out.
_ATTRIBUTES = {
    "DeliveryPolicy": "",
    "FilterPolicy": "",
    "FilterPolicyScope": "MessageAttributes",
    "RawMessageDelivery": "false",
    "RedrivePolicy": "",
    "SubscriptionRoleArn": "",
}


def _sns(wanted: Wanted) -> Any:
    """Return SNS in the topic's Region, which may be another one than the stack's."""
    return calls.client("sns", region=str(wanted.get("Region", "")))


def _create(wanted: Wanted) -> Made:
    _refuse_replay(wanted)
    made = _sns(wanted).subscribe(
        TopicArn=wanted["TopicArn"],
        Protocol=wanted["Protocol"],
        Endpoint=str(wanted.get("Endpoint", "")),
        ReturnSubscriptionArn=True,
        Attributes={name: _text(wanted, name) for name in _ATTRIBUTES if wanted.get(name)},
    )
    arn = made["SubscriptionArn"]
    return Made(arn, {"Arn": arn})


def _update(wanted: Wanted) -> Made:
    _refuse_replay(wanted)
    for name in _ATTRIBUTES:
        if wanted.changed(name):
            _sns(wanted).set_subscription_attributes(
                SubscriptionArn=wanted.physical_id,
                AttributeName=name,
                AttributeValue=_text(wanted, name),
            )
    return Made(wanted.physical_id, {"Arn": wanted.physical_id})


def _text(wanted: Wanted, name: str) -> str:
    value = wanted.get(name, _ATTRIBUTES[name])
    if name == "RawMessageDelivery":
        return "true" if flag(value) else "false"
    return document(value)


def _refuse_replay(wanted: Wanted) -> None:
    if wanted.get("ReplayPolicy"):
        raise ResourceRefusedError("The local cloud keeps no messages for a ReplayPolicy")


def _delete(wanted: Wanted) -> None:
    with gone_is_fine():
        _sns(wanted).unsubscribe(SubscriptionArn=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        "AWS::SNS::Subscription",
        create=_create,
        update=_update,
        delete=_delete,
        create_only=("Endpoint", "Protocol", "TopicArn"),
    ),
)
