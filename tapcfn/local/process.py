"""What runs inside the local cloud's process: the emulator behind a thin front of our own.

The front answers a few private endpoints under `/_tapcfn/`, with which `server` recognises and
steers the process, and passes every other request on.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from time import monotonic
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
    early,
    emulator,
    events,
    exports,
    families,
    ledger,
    notifications,
    options,
    policies,
    properties,
    provisioners,
    record,
    reverting,
    time,
    triggers,
    values,
)
from tapcfn.local.faults import hooks as faults
from tapcfn.local.services import database_passwords
from tapcfn.local.stack_sets import api as stack_sets

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/_tapcfn/"
SAVE_SECONDS = 2.0
# How often to look for the record, how long it may be missing, and how long until it is written.
RECORD_SECONDS = 1.0
LOST_SECONDS = 2.0
UNWRITTEN_SECONDS = 60.0
# To save thousands of stacks takes long, and nothing is answered meanwhile: at most so much of it.
SAVE_SHARE = 0.05

# A custom resource whose function has ended may still be answered by what the function left behind.
AFTER_SECONDS = 1.0
UNANSWERED = (
    "CloudFormation did not receive a response from your Custom Resource. Please check your logs. "
    "If you are using the Python cfn-response module, you may need to update your Lambda function "
    "code so that CloudFormation can attach the updated version."
)

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
    time.set_seed(_seed())
    emulator.steps.wrap_operations(_at_home(emulator.steps.run_on_threads()))
    notifications.install()
    table, file = (os.environ.get(f"TAPCFN_LOCAL_{name}", "") for name in ("FAULTS", "FAULTS_FILE"))
    faults.install(table, file)
    emulator.steps.wrap_operations(time.lasting(emulator.place))
    emulator.steps.let_imports_exist()
    properties.install()
    early.install()
    exports.install()
    reverting.install()
    options.install()
    policies.install()
    events.install()
    answers.install()
    provisioners.install()
    triggers.install()
    documents.install()
    emulator.steps.hurry_custom_resources(_patience, UNANSWERED)
    emulator.functions.let_import(str(FUNCTIONS))
    change_sets.install_pages()
    values.install()
    ledger.install()
    families.install()
    options.install_answers()
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


def _patience(timeout: float) -> float:
    """Return how long to wait for an answer: the timeout at the speed of everything else."""
    return max(AFTER_SECONDS, timeout / time.speed()) if time.speed() else AFTER_SECONDS


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
    config.graceful_timeout = 0.25  # clients keep their connections: nobody waits for those
    config.shutdown_timeout = 3
    tasks = [asyncio.create_task(each) for each in (_keep_saving(), _watch_record(ended))]
    await serve(app, config, shutdown_trigger=ended.wait)
    for task in tasks:
        task.cancel()


async def _keep_saving() -> None:
    """Save whenever stacks have settled, so that a crash costs no more than what was moving."""
    saved, pause = 0, SAVE_SECONDS
    while True:
        await asyncio.sleep(pause)
        settled = not (ledger.moving() or stack_sets.moving())
        if events.written() != saved and settled and _is_known():
            saved, began = events.written(), monotonic()
            emulator.save()
            pause = max(SAVE_SECONDS, (monotonic() - began) / SAVE_SHARE)


async def _watch_record(ended: asyncio.Event) -> None:
    """End when the record of this process is gone: nobody can find it any more.

    Its folder was deleted, or belongs to another process by now, so nothing more is saved there.
    The starter writes the record once we answer; it may have been killed before that.
    """
    seen, missed = False, 0.0
    while missed < (UNWRITTEN_SECONDS if not seen and _is_awaited() else LOST_SECONDS):
        await asyncio.sleep(RECORD_SECONDS)
        known = _is_known()
        seen, missed = seen or known, 0.0 if known else missed + RECORD_SECONDS
    emulator.save_no_more()
    faults.answer_now()
    ended.set()


def _home() -> Path:
    return Path(os.environ["TAPCFN_LOCAL_HOME"])


def _is_awaited() -> bool:
    """Tell whether there is a place for the record, and none in it."""
    return _home().is_dir() and record.read(_home()) is None


def _is_known() -> bool:
    """Tell whether the record is there and speaks of this very process."""
    found = record.read(_home())
    return found is not None and found.token == os.environ["TAPCFN_LOCAL_TOKEN"]


def _finish(ended: asyncio.Event) -> None:
    """Save first: a custom resource in flight can hang the rest until SIGKILL."""
    if _is_known():
        emulator.save()
        record.saved_mark(_home()).touch()
    else:
        emulator.save_no_more()
    faults.answer_now()
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


def _seed() -> int:
    return int(os.environ.get("TAPCFN_LOCAL_SEED", "0"))


def _status(_: dict[str, Any]) -> dict[str, Any]:
    return {
        "speed": time.speed(),
        "seed": _seed(),
        **faults.summary(),
        "moving": len(ledger.moving()) + stack_sets.moving(),
        "accounts": sorted(emulator.accounts() | {"000000000000"}),
        "supported": sorted(provisioners.supported()),
        "stored_only": sorted(provisioners.STORED_ONLY),
        "notes": list(provisioners.NOTES),
    }


def _speed(body: dict[str, Any]) -> dict[str, Any]:
    speed = float(body["speed"])
    if not 0 <= speed < math.inf:
        raise UsageError(f"{body['speed']} is no speed; allowed: a number from 0")
    time.set_speed(speed)
    return {"speed": time.speed()}


def _reset(_: dict[str, Any]) -> dict[str, Any]:
    emulator.clear()
    faults.reset()
    return {"reset": True}


def _zones(body: dict[str, Any]) -> dict[str, Any]:
    for account, zones in body["zones"].items():
        with emulator.request_scope(account, "us-east-1"):
            for identifier, name in zones.items():
                emulator.route53.add_zone(identifier, name)
    return {"zones": True}


_ENDPOINTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "identity": _identity,
    "status": _status,
    "speed": _speed,
    "reset": _reset,
    "faults": faults.endpoint,
    "login": database_passwords.opens,
    "zones": _zones,
}
