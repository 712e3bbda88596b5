"""Answers as each protocol writes them: refusals, cut bodies, pages without members."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from tapcfn.local import emulator
from tapcfn.local.faults import models
from tapcfn.local.faults.asked import Call

_EMPTY_PAGE = "tapcfn-empty-page."


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer; a broken one ends with the connection."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    is_broken: bool = False

    def with_body(self, body: bytes) -> Reply:
        """Return the same answer with another body and the length that belongs to it."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != b"content-length")
        length = (b"content-length", str(len(body)).encode())
        return replace(self, headers=(*kept, length), body=body)

    def reworded(self, word: str, instead: str) -> Reply:
        """Return the answer with another word wherever this one is a whole value."""
        value = re.compile(rf"(?<=[>\"]){re.escape(word)}(?=[<\"])")
        return self.with_body(value.sub(instead, self.body.decode()).encode())

    def cut(self) -> Reply:
        """Return the answer with half of its body.

        XML is cut as if that were all: it no longer parses. Anything else keeps its length and the
        connection ends within it, for botocore takes half a JSON body for an empty answer.
        """
        half = self.body[: len(self.body) // 2]
        if any(name.lower() == b"content-type" and b"xml" in text for name, text in self.headers):
            return self.with_body(half)
        whole = self.with_body(self.body)
        return replace(whole, body=half, is_broken=True)


# Refusals -----------------------------------------------------------------------------------------


def refusal(call: Call, code: str, status: int, message: str) -> Reply:
    """Return an error as the call's protocol writes it."""
    identifier = emulator.new_id()
    kind, body = _WRITERS.get(call.protocol, _in_query)(code, status, message, identifier)
    if call.service == "s3":
        kind, body = _in_s3(code, message, identifier)
    headers = (
        (b"content-type", kind.encode()),
        (b"x-amzn-requestid", identifier.encode()),
        (b"x-amzn-errortype", code.encode()),
        *(((b"smithy-protocol", b"rpc-v2-cbor"),) if call.protocol == "cbor" else ()),
    )
    return Reply(status, headers, b"").with_body(body)


def throttled(call: Call) -> Reply:
    """Return what the service says to a caller that asks too often."""
    if call.service == "s3":
        return refusal(call, "SlowDown", 503, "Please reduce your request rate.")
    if call.protocol == "ec2":
        return refusal(call, "RequestLimitExceeded", 503, "Request limit exceeded.")
    code = "Throttling" if call.protocol in ("query", "rest-xml") else "ThrottlingException"
    return refusal(call, code, 400, "Rate exceeded")


def expired(call: Call) -> Reply:
    """Return what the service says to credentials whose time is over."""
    if call.service == "s3":
        return refusal(call, "ExpiredToken", 400, "The provided token has expired.")
    if call.protocol == "ec2":
        return refusal(call, "RequestExpired", 400, "Request has expired.")
    in_xml = call.protocol in ("query", "rest-xml")
    code, status = ("ExpiredToken", 403) if in_xml else ("ExpiredTokenException", 400)
    message = "The security token included in the request is expired"
    return refusal(call, code, status, message)


def _in_query(code: str, status: int, message: str, identifier: str) -> tuple[str, bytes]:
    fault = "Sender" if status < 500 else "Receiver"
    text = (
        f"<ErrorResponse><Error><Type>{fault}</Type><Code>{escape(code)}</Code>"
        f"<Message>{escape(message)}</Message></Error>"
        f"<RequestId>{identifier}</RequestId></ErrorResponse>"
    )
    return "text/xml", text.encode()


def _in_ec2(code: str, _: int, message: str, identifier: str) -> tuple[str, bytes]:
    text = (
        f"<Response><Errors><Error><Code>{escape(code)}</Code>"
        f"<Message>{escape(message)}</Message></Error></Errors>"
        f"<RequestID>{identifier}</RequestID></Response>"
    )
    return "text/xml", text.encode()


def _in_s3(code: str, message: str, identifier: str) -> tuple[str, bytes]:
    text = (
        f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        f"<RequestId>{identifier}</RequestId></Error>"
    )
    return "application/xml", text.encode()


def _in_json(code: str, _: int, message: str, __: str) -> tuple[str, bytes]:
    text = json.dumps({"__type": code, "message": message})
    return "application/x-amz-json-1.1", text.encode()


def _in_cbor(code: str, _: int, message: str, __: str) -> tuple[str, bytes]:
    pairs = ("__type", code, "message", message)
    return "application/cbor", b"\xa2" + b"".join(map(_cbor_text, pairs))


def _cbor_text(text: str) -> bytes:
    """Write one text of up to 65,535 bytes."""
    written = text.encode()
    return b"\x79" + len(written).to_bytes(2) + written


_WRITERS = {
    "query": _in_query,
    "rest-xml": _in_query,
    "ec2": _in_ec2,
    "json": _in_json,
    "rest-json": _in_json,
    "cbor": _in_cbor,
}


# Pages --------------------------------------------------------------------------------------------


def has_pages(call: Call) -> bool:
    """Tell whether the call may be answered by an empty page: once for each real one."""
    if call.protocol not in _EMPTIED or models.page_of(call.service, call.operation) is None:
        return False
    return not _token(call).startswith(_EMPTY_PAGE)


def emptied(call: Call, reply: Reply) -> Reply:
    """Return the page without its members and with a token that leads to the page itself."""
    page = models.page_of(call.service, call.operation)
    if page is None or reply.status != 200:
        return reply
    token = _EMPTY_PAGE + _token(call)
    return reply.with_body(_EMPTIED[call.protocol](call, page, token, reply.body))


def real_token(call: Call, body: bytes) -> bytes:
    """Return the request with the token that led to the empty page, or as it is."""
    if not _token(call).startswith(_EMPTY_PAGE):
        return body
    name, token = _token_name(call), _token(call).removeprefix(_EMPTY_PAGE)
    asked = {key: value for key, value in call.params.items() if key != name}
    asked |= {name: token} if token else {}
    return (json.dumps(asked) if call.protocol == "json" else urlencode(asked)).encode()


def _token_name(call: Call) -> str:
    return next((key for key in call.params if key.lower() == models.TOKEN.lower()), models.TOKEN)


def _token(call: Call) -> str:
    return str(call.params.get(_token_name(call), ""))


def _emptied_xml(call: Call, page: models.Page, token: str, body: bytes) -> bytes:
    text = body.decode()
    for name in page.members:
        text = re.sub(rf"<{name}>.*</{name}>", f"<{name}/>", text, flags=re.DOTALL)
    text = re.sub(rf"<{page.token}>.*</{page.token}>|<{page.token}/>", "", text, flags=re.DOTALL)
    end = f"</{call.operation}{'Result' if call.protocol == 'query' else 'Response'}>"
    told = f"<{page.token}>{escape(token)}</{page.token}>"
    return text.replace(end, told + end, 1).encode()


def _emptied_json(_: Call, page: models.Page, token: str, body: bytes) -> bytes:
    told = json.loads(body)
    empty: dict[str, object] = {name: [] for name in page.members if name in told}
    return json.dumps(told | empty | {page.token: token}).encode()


_EMPTIED = {"query": _emptied_xml, "ec2": _emptied_xml, "json": _emptied_json}
