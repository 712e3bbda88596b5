"""AWS clients for the inside of the local cloud: boto3 whose requests never leave the process.

A provisioner does its work as CloudFormation does on AWS, by calling the service's own API. The
request goes straight to the emulator's front door in this process, in the account and Region of
the stack that is being deployed. Only worker threads may call: the loop cannot wait for itself.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import io
import os
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.session import Session

from tapcfn.local import emulator

TIMEOUT_SECONDS = 60.0

_CREDENTIAL = re.compile(r"Credential=[^/]+/")
_UNCHECKED = "local"  # the emulator reads the access key as the account and checks no signature
_session = Session()
_clients: dict[tuple[str, str], Any] = {}
_making = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_inside: contextvars.ContextVar[bool] = contextvars.ContextVar("inside", default=False)


def attach(loop: asyncio.AbstractEventLoop) -> None:
    """Say on which loop the emulator answers."""
    global _loop  # noqa: PLW0603
    _loop = loop


def client(service: str, *, region: str = "") -> Any:
    """Return a client of a service in the current account and, unless told, the current Region."""
    key = (service, region or emulator.region())
    with _making:
        if key not in _clients:
            _clients[key] = _make(*key)
        return _clients[key]


def is_inside() -> bool:
    """Tell whether a stack asks, which waits for itself, and not somebody outside."""
    return _inside.get()


def on_loop(do: Callable[..., Any], *given: Any) -> Any:
    """Run something of the emulator's own on its loop, where it may touch its stores, and wait."""
    if _loop is None:
        raise RuntimeError("calls.attach was never called")
    outcome: concurrent.futures.Future[Any] = concurrent.futures.Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            outcome.set_result(context.run(do, *given))
        except Exception as error:  # carried to the thread that waits
            outcome.set_exception(error)

    _loop.call_soon_threadsafe(run)
    try:
        return outcome.result(TIMEOUT_SECONDS)
    finally:
        emulator.handlers.keep_name_seed(context)


def _make(service: str, region: str) -> Any:
    made = _session.create_client(
        service,
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        aws_access_key_id="000000000000",
        aws_secret_access_key=_UNCHECKED,
        config=Config(
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    made.meta.events.register("before-send", _send)
    return made


def _send(request: Any, **_: Any) -> Any:
    """Carry one prepared request to the emulator and bring back its answer."""
    if _loop is None:
        raise RuntimeError("calls.attach was never called")
    scope, body = _scope(request), _body(request.body)
    status, headers, content = asyncio.run_coroutine_threadsafe(_ask(scope, body), _loop).result(
        TIMEOUT_SECONDS
    )
    return AWSResponse(request.url, status, headers, _Raw(content))


async def _ask(scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Drive the emulator's application through one request."""
    parts: list[bytes] = []
    start: dict[str, Any] = {}
    _inside.set(True)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    await emulator.asgi_app(scope, receive, send)
    headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in start["headers"]}
    return start["status"], headers, b"".join(parts)


def _scope(request: Any) -> dict[str, Any]:
    url = urlsplit(request.url)
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    headers["host"] = url.netloc
    headers["authorization"] = _CREDENTIAL.sub(
        f"Credential={emulator.account_id()}/", headers.get("authorization", ""), count=1
    )
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": request.method,
        "path": unquote(url.path) or "/",
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", url.port),
    }


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _body(body: Any) -> bytes:
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body)


class _Raw(io.BytesIO):
    """The body of an answer, in the shape that botocore reads."""

    def stream(self, amt: int = 65536, **_: Any) -> Iterator[bytes]:
        """Yield the body piece by piece."""
        while piece := self.read(amt):
            yield piece
