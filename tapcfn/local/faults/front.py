"""The front of the emulator: an ASGI application that answers some calls otherwise.

A request is read whole, matched with the table, and then refused, lost, cut, delayed or passed on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tapcfn.local.faults import asked, replies
from tapcfn.local.faults.asked import Call, Signature
from tapcfn.local.faults.replies import Reply
from tapcfn.local.faults.stale import Memory
from tapcfn.local.faults.state import Faults
from tapcfn.local.faults.table import Fault

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# How often a delayed answer looks whether it is wanted at once.
GLANCE_SECONDS = 0.05

_ACCOUNT = re.compile(rb"<Account>([0-9]{12})</Account>")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call on its way to the emulator."""

    app: App
    scope: Scope
    body: bytes
    call: Call
    faults: Faults

    async def ask(self) -> Reply:
        """Let the emulator answer."""
        return await _ask(self.app, self.scope, replies.real_token(self.call, self.body))

    async def aside(self, action: str, params: dict[str, str]) -> Reply:
        """Ask the same service something else, as the same caller."""
        form = {"Action": action, "Version": "2010-05-15", **params}
        return await _ask(self.app, self.scope, urlencode(form).encode())


async def serve(
    app: App, faults: Faults, memory: Memory, *, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer one signed request as the table wants it; pass on what nobody signed."""
    signed = asked.signature(scope)
    if signed is None:
        await app(scope, receive, send)
        return
    body = await _read(receive)
    if body is None:
        return
    account = await _account(app, scope, signed)
    exchange = Exchange(app, scope, body, asked.read(scope, body, signed, account), faults)
    reply = await _answer(exchange, memory)
    await (_hang_up(send) if reply is None else _tell(send, reply))


async def _answer(exchange: Exchange, memory: Memory) -> Reply | None:
    """Return the answer, or None if there is to be none."""
    call, faults = exchange.call, exchange.faults
    if not faults.admits(call):
        return replies.throttled(call)
    remembers = faults.has("stale_read")
    if remembers:
        await memory.note_write(call, exchange.aside)
    older = memory.older(call) if remembers else None
    fault = faults.for_call(call, lambda fault: _is_able(fault, call, older))
    if fault is not None:
        return older if fault.do == "stale_read" else await _ACTS[fault.do](fault, exchange)
    reply = await exchange.ask()
    if remembers:
        memory.saw(call, reply)
    return reply


def _is_able(fault: Fault, call: Call, older: Reply | None) -> bool:
    """Tell whether the fault can happen to this call at all."""
    if fault.do == "stale_read":
        return older is not None
    return fault.do != "empty_page" or replies.has_pages(call)


# What can happen ----------------------------------------------------------------------------------


async def _throttle(_: Fault, exchange: Exchange) -> Reply:
    return replies.throttled(exchange.call)


async def _expire(_: Fault, exchange: Exchange) -> Reply:
    return replies.expired(exchange.call)


async def _error(fault: Fault, exchange: Exchange) -> Reply:
    message = fault.reason or f"{fault.code}: the table of faults says so"
    return replies.refusal(exchange.call, fault.code, fault.status, message)


async def _drop(_: Fault, __: Exchange) -> None:
    return None


async def _lose_answer(_: Fault, exchange: Exchange) -> None:
    await exchange.ask()


async def _delay(fault: Fault, exchange: Exchange) -> Reply:
    """Answer late: the effect is there at once. What ends the table or the process ends the wait.

    Seconds of the caller's clock, whatever the speed: it is timeouts that they are measured by.
    """
    reply = await exchange.ask()
    loop = asyncio.get_running_loop()
    due = loop.time() + fault.seconds
    while (left := due - loop.time()) > 0 and not exchange.faults.answered.is_set():
        await asyncio.sleep(min(left, GLANCE_SECONDS))
    return reply


async def _truncate(_: Fault, exchange: Exchange) -> Reply:
    return (await exchange.ask()).cut()


async def _empty(_: Fault, exchange: Exchange) -> Reply:
    return replies.emptied(exchange.call, await exchange.ask())


async def _reword(fault: Fault, exchange: Exchange) -> Reply:
    return (await exchange.ask()).reworded(fault.word, fault.instead)


async def _meanwhile(fault: Fault, exchange: Exchange) -> Reply:
    """Let somebody else's call come first; one that is refused is the table's mistake, and told."""
    theirs = await exchange.aside(fault.action, dict(fault.params))
    return theirs if theirs.status >= 400 else await exchange.ask()


_ACTS: dict[str, Callable[[Fault, Exchange], Awaitable[Reply | None]]] = {
    "throttle": _throttle,
    "error": _error,
    "drop": _drop,
    "lost_answer": _lose_answer,
    "delay": _delay,
    "truncate": _truncate,
    "expire_token": _expire,
    "empty_page": _empty,
    "meanwhile": _meanwhile,
    "reword": _reword,
}


# HTTP ---------------------------------------------------------------------------------------------


async def _ask(app: App, scope: Scope, body: bytes) -> Reply:
    """Drive the application through one request and return its answer."""
    started: dict[str, Any] = {}
    parts: list[bytes] = []
    waiting: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    waiting.put_nowait({"type": "http.request", "body": body, "more_body": False})
    length = (b"content-length", str(len(body)).encode())
    kept = [pair for pair in scope["headers"] if pair[0].lower() != length[0]]

    async def receive() -> MutableMapping[str, Any]:
        return await waiting.get()

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        else:
            parts.append(message.get("body", b""))

    await app({**scope, "headers": [*kept, length]}, receive, send)
    return Reply(started["status"], tuple(started.get("headers", ())), b"".join(parts))


async def _account(app: App, scope: Scope, signed: Signature) -> str:
    """Return the caller's account; who assumed a role has a key that only STS knows."""
    if signed.key.isdigit():
        return signed.key
    credential = f"{signed.key}/20260101/{signed.region}/sts/aws4_request"
    headers = [
        (b"host", b"localhost"),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"authorization", f"AWS4-HMAC-SHA256 Credential={credential}, Signature=0".encode()),
    ]
    asking = {**scope, "method": "POST", "path": "/", "raw_path": b"/", "query_string": b""}
    form = urlencode({"Action": "GetCallerIdentity", "Version": "2011-06-15"})
    reply = await _ask(app, {**asking, "headers": headers}, form.encode())
    found = _ACCOUNT.search(reply.body)
    return found.group(1).decode() if found else ""


async def _read(receive: Receive) -> bytes | None:
    """Return the body of a request, or None if the caller left before its end."""
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _tell(send: Send, reply: Reply) -> None:
    headers = list(reply.headers)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body, "more_body": reply.is_broken})


async def _hang_up(send: Send) -> None:
    """Close the connection without an answer.

    ASGI has no word for it, and a server makes a 500 of silence. `100 Continue` is no answer, and
    after it the server can only close.
    """
    await send({"type": "http.response.start", "status": 100, "headers": []})
