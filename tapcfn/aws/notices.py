"""Telling by AWS: a message on an SNS topic, and a URL that Secrets Manager keeps."""

from __future__ import annotations

import json

from tapcfn.aws.calls import told
from tapcfn.aws.session import Clients
from tapcfn.errors import UsageError
from tapcfn.model import Target
from tapcfn.notices.notice import Notice, document_of, text_of

# SNS takes so many characters of a subject, ASCII and on one line.
_LONGEST_SUBJECT = 99


def publish(clients: Clients, topic: str, notice: Notice) -> None:
    """Publish once: a text for people, the document for programs; attributes to filter by.

    Raises `CloudError` where the service refuses.
    """
    _, _, _, region, account, name = topic.split(":")
    target = Target(account, region)
    document, text = json.dumps(document_of(notice), sort_keys=True), text_of(notice)
    programs = dict.fromkeys(("sqs", "lambda", "http", "https"), document)
    attributes = {
        "verdict": str(notice.when),
        "command": notice.command,
        "system": notice.system,
        "environment": notice.environment,
    }
    with told(f"topic {name}", target):
        clients("sns", target).publish(
            TopicArn=topic,
            Subject=_subject(notice.title),
            Message=json.dumps({"default": text, "email": text, **programs}),
            MessageStructure="json",
            MessageAttributes={
                key: {"DataType": "String", "StringValue": value}
                for key, value in attributes.items()
            },
            **(_in_order(notice) if name.endswith(".fifo") else {}),
        )


def _subject(title: str) -> str:
    plain = title.encode("ascii", errors="replace").decode()
    return " ".join(plain.split())[:_LONGEST_SUBJECT]


def _in_order(notice: Notice) -> dict[str, str]:
    """Return what a topic asks for that keeps the order and drops what it has had."""
    return {
        "MessageGroupId": f"{notice.system}-{notice.environment}"[:128],
        "MessageDeduplicationId": f"{notice.run}-{notice.part}".replace(" ", "-")[:128],
    }


def url_kept(clients: Clients, secret: str, target: Target) -> str:
    """Return the URL that a secret holds, whole or as `url` of its JSON.

    `target` is asked for a secret that is named and not given as an ARN. Raises `CloudError` where
    it can't be read, and `UsageError`, without its text, where it is something else.
    """
    if secret.startswith("arn:"):
        target = Target(secret.split(":")[4], secret.split(":")[3])
    with told(f"secret {secret}", target):
        answer = clients("secretsmanager", target).get_secret_value(SecretId=secret)
    text = str(answer.get("SecretString") or "").strip()
    if not text.startswith("{"):
        return text
    try:
        url = json.loads(text).get("url")
    except json.JSONDecodeError:
        url = None
    if not isinstance(url, str):
        raise UsageError(f'secret {secret}: is JSON without "url"')
    return url
