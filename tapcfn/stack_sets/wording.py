"""What services say, without what only its place and its moment tell: alike texts become equal."""

from __future__ import annotations

import re

from tapcfn.model import Target

# What says nothing of the cause is dropped; then the longer comes first: an ARN has an account.
_MARKS = (
    (
        re.compile(
            r"Resource handler returned message: \"(.*?)\""
            r" \(RequestToken: [^,)]*, HandlerErrorCode: (\w+)\)",
            re.DOTALL,
        ),
        r"\1 (\2)",
    ),
    (re.compile(r",?\s*(?:Extended )?Request ID: [^\s,)]+"), ""),
    (re.compile(r"\bRequest ?(?:Id|Token): [^\s,)]+"), "request {id}"),
    (re.compile(r"\barn:aws[a-z-]*:[^\s\"'(),;\]]*[^\s\"'(),;\].:]"), "{arn}"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "{id}"),
    (
        re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d[\d:.]*(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)?"),
        "{time}",
    ),
    # A Region or one of its zones: eu-west-1, us-gov-west-1, us-east-1a.
    (
        re.compile(
            r"\b(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov|-iso[a-z]?)?"
            r"-(?:central|(?:north|south)(?:east|west)?|east|west)-\d[a-z]?\b"
        ),
        "{region}",
    ),
    (re.compile(r"(?<!\d)\d{12}(?!\d)"), "{account}"),
    # vpc-0123456789abcdef0, and the older, shorter form.
    (re.compile(r"\b([a-z]+)-(?:[0-9a-f]{17}|[0-9a-f]{8})\b"), r"\1-{id}"),
    # What CloudFormation puts behind the names that it makes: site-Bucket-1ABCDEFGHIJ2K.
    (re.compile(r"-(?=[A-Za-z]*\d)(?:[A-Z0-9]{12,13}|[a-z0-9]{12}|[A-Za-z0-9]{12})\b"), "-{id}"),
)


def placeless(text: str, target: Target) -> str:
    """Return a text with placeholders for its own account and Region."""
    return text.replace(target.account, "{account}").replace(target.region, "{region}")


def normal(text: str, target: Target) -> str:
    """Return a text without accounts, Regions, ARNs, ids, times and endings of made-up names."""
    for pattern, word in _MARKS:
        text = pattern.sub(word, text)
    return " ".join(placeless(text, target).split())
