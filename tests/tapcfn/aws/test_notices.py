"""Telling by AWS, call by call: a topic's message and a secret's text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tapcfn.aws.notices import publish, url_kept
from tapcfn.errors import CloudError, UsageError
from tapcfn.notice_settings import When
from tapcfn.notices.notice import Notice, document_of, text_of
from tests.tapcfn.aws.wire import HERE, Wires

TOPIC = f"arn:aws:sns:{HERE.region}:{HERE.account}:told"
URL = "https://hooks.example/services/T0/B0/not-to-be-told"
NOTICE = Notice("apply", "shöp\n", "prod" * 40, When.SUCCESS, "run-1", part="phase one")


def message(**more: Any) -> dict[str, Any]:
    """Return the request that is to be made."""
    document = json.dumps(document_of(NOTICE), sort_keys=True)
    told = {
        "verdict": "success",
        "command": "apply",
        "system": "shöp\n",
        "environment": "prod" * 40,
    }
    return {
        "TopicArn": TOPIC,
        "Subject": ("sh?p , " + "prod" * 40)[:99],
        "Message": json.dumps(
            {
                **dict.fromkeys(("default", "email"), text_of(NOTICE)),
                **dict.fromkeys(("sqs", "lambda", "http", "https"), document),
            }
        ),
        "MessageStructure": "json",
        "MessageAttributes": {
            key: {"DataType": "String", "StringValue": value} for key, value in told.items()
        },
        **more,
    }


def test_people_get_a_text_and_programs_the_document(wires: Wires) -> None:
    """The subject is ASCII, on one line and short, as SNS wants it."""
    wires.to("sns").answers("publish", {"MessageId": "m-1"}, **message())

    publish(wires, TOPIC, NOTICE)  # type: ignore[arg-type]


def test_a_topic_that_keeps_the_order_gets_what_it_asks_for(wires: Wires) -> None:
    """The same notice of the same run comes through once."""
    group = ("shöp\n-" + "prod" * 40)[:128]
    wires.to("sns").answers(
        "publish",
        {"MessageId": "m-1"},
        **message(
            TopicArn=f"{TOPIC}.fifo",
            MessageGroupId=group,
            MessageDeduplicationId="run-1-phase-one",
        ),
    )

    publish(wires, f"{TOPIC}.fifo", NOTICE)  # type: ignore[arg-type]


def test_a_topic_that_refuses_is_named(wires: Wires) -> None:
    """By its name and place, not by a page."""
    wires.to("sns").fails("publish", "AuthorizationError", "not you")

    with pytest.raises(CloudError, match=rf"topic told \({HERE}\): .*not you"):
        publish(wires, TOPIC, NOTICE)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [URL, f" {URL}\n", json.dumps({"url": URL, "team": "a"})])
@pytest.mark.parametrize(
    "name", ["slack", f"arn:aws:secretsmanager:{HERE.region}:{HERE.account}:secret:slack-Ab12Cd"]
)
def test_a_secret_holds_the_url_or_json(wires: Wires, name: str, text: str) -> None:
    """As the console writes it, or as key and value."""
    wires.to("secretsmanager").answers("get_secret_value", {"SecretString": text}, SecretId=name)

    assert URL == url_kept(wires, name, HERE)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ['{"other": "x-not-to-be-told"}', "{x-not-to-be-told"])
def test_a_secret_that_holds_something_else_is_not_repeated(wires: Wires, text: str) -> None:
    """It is a secret all the same."""
    wires.to("secretsmanager").says("get_secret_value", {"SecretString": text})

    with pytest.raises(UsageError) as caught:
        url_kept(wires, "slack", HERE)  # type: ignore[arg-type]

    assert 'secret slack: is JSON without "url"' == str(caught.value)
