"""What runs inside the local cloud's process: the emulator behind a thin front of our own.

The front answers a few private endpoints under `/_tapcfn/`, with which `server` recognises and
steers the process, and passes every other request on.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from tapcfn.errors import UsageError
from tapcfn.local import (
    answers,
    calls,
    change_sets,
    checks,
    documents,
    emulator,
    events,
    exports,
    ledger,
    policies,
    properties,
    provisioners,
    time,
    values,
)
from tapcfn.local.faults import hooks as faults
from tapcfn.local.stack_sets import api as stack_sets

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/_tapcfn/"
SAVE_SECONDS = 2.0

# What functions find besides their own code and boto3.
FUNCTIONS = Path(__file__).with_name("functions")


def main() -> None:
    """Serve until SIGTERM on the socket that the parent left open."""
    install()
    # Not asyncio.run: it would wait for every resource operation that is still running.
    loop = asyncio.new_event_loop()
    loop.run_until_complete(_serve(int(os.environ["TAPCFN_LOCAL_SOCKET"])))


def install() -> None:
    """Teach the emulator everything that the local cloud adds; once, before it serves."""
    time.set_speed(float(os.environ.get("TAPCFN_LOCAL_SPEED", "0")))
    time.set_seed(int(os.environ.get("TAPCFN_LOCAL_SEED", "0")))
    emulator.wrap_operations(_at_home(emulator.run_on_threads()))
    faults.install(os.environ.get("TAPCFN_LOCAL_FAULTS", ""))
    emulator.wrap_operations(time.lasting(emulator.place))
    emulator.let_imports_exist()
    properties.install()
    exports.install()
    policies.install()
    events.install()
    answers.install()
    provisioners.install()
    documents.install()
    emulator.let_functions_import(str(FUNCTIONS))
    change_sets.install_pages()
    values.install()
    ledger.install()
    checks.install()
    change_sets.install()
    stack_sets.install()


def _at_home(needs_thread: Callable[[str], bool]) -> Callable[..., Callable[..., Any]]:
    """Let the emulator's own handlers run on its loop, for which they were written.

    Ours call services and the types that block wait, so these stay on their thread.
    """

    def around(_: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def act(resource_type: str, *rest: Any) -> Any:
            if provisioners.is_ours(resource_type) or needs_thread(resource_type):
                return do(resource_type, *rest)
            return calls.on_loop(do, resource_type, *rest)

        return act

    return around


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer our own endpoints and pass the rest to the emulator."""
    if scope["type"] == "http" and scope["path"].startswith(PREFIX):
        await _answer(scope, receive, send)
        return
    if scope["type"] == "lifespan":
        send = _settling(send)
    await faults.serve(emulator.asgi_app, scope, receive, send)


def _settling(send: Send) -> Send:
    """Settle interrupted stacks once the state is loaded and before anybody is answered."""

    async def after(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "lifespan.startup.complete":
            ledger.settle_interrupted()
        await send(message)

    return after


async def _serve(handle: int) -> None:
    calls.attach(asyncio.get_running_loop())
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _finish, ended)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, _finish, ended)
    config = Config()
    config.bind = [f"fd://{handle}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.shutdown_timeout = 3
    saving = asyncio.create_task(_keep_saving())
    await serve(app, config, shutdown_trigger=ended.wait)
    saving.cancel()


async def _keep_saving() -> None:
    """Save whenever stacks have settled, so that a crash costs no more than what was moving."""
    saved = 0
    while True:
        await asyncio.sleep(SAVE_SECONDS)
        if events.written() != saved and not (ledger.moving() or stack_sets.moving()):
            saved = events.written()
            emulator.save()


def _finish(ended: asyncio.Event) -> None:
    """Save first: a custom resource in flight can hang the rest until SIGKILL."""
    emulator.save()
    ended.set()


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    body = await _body(receive)
    action = _ENDPOINTS.get(scope["path"].removeprefix(PREFIX))
    try:
        status, told = (200, action(body)) if action else (404, {"error": "no such endpoint"})
    except UsageError as error:
        status, told = 400, {"error": str(error)}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


async def _body(receive: Receive) -> dict[str, Any]:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return dict(json.loads(b"".join(parts) or b"{}"))


def _identity(_: dict[str, Any]) -> dict[str, Any]:
    return {"pid": os.getpid(), "token": os.environ["TAPCFN_LOCAL_TOKEN"]}


def _status(_: dict[str, Any]) -> dict[str, Any]:
    return {
        "speed": time.speed(),
        "moving": len(ledger.moving()) + stack_sets.moving(),
        "accounts": sorted(emulator.accounts() | {"000000000000"}),
        "supported": sorted(provisioners.supported()),
        "stored_only": sorted(provisioners.STORED_ONLY),
        "notes": list(provisioners.NOTES),
    }


def _speed(body: dict[str, Any]) -> dict[str, Any]:
    time.set_speed(float(body["speed"]))
    return {"speed": time.speed()}


def _reset(_: dict[str, Any]) -> dict[str, Any]:
    emulator.clear()
    faults.reset()
    return {"reset": True}


_ENDPOINTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "identity": _identity,
    "status": _status,
    "speed": _speed,
    "reset": _reset,
    "faults": faults.endpoint,
}
