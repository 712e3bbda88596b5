"""The faults that are in force in this process, and where they take hold of the emulator."""

from __future__ import annotations

from typing import Any

from tapcfn.errors import UsageError
from tapcfn.local import emulator
from tapcfn.local.faults import front, invocations, resources, validation
from tapcfn.local.faults.front import App, Receive, Scope, Send
from tapcfn.local.faults.stale import Memory
from tapcfn.local.faults.state import Faults
from tapcfn.local.faults.table import Table, parse

_faults = Faults(Table())
_memory = Memory()
_file = ""


def install(text: str = "", file: str = "") -> None:
    """Take hold of the emulator's operations and actions, once, and put a table in force.

    `file` is where the table was read, to be told. Raises `UsageError` for a wrong table, before
    anything is installed.
    """
    replace(text, file)
    emulator.steps.wrap_operations(resources.around(lambda: _faults))
    validation.install(lambda: _faults)
    invocations.install()


def running() -> Faults:
    """Return the faults that are in force now."""
    return _faults


def replace(text: str, file: str = "") -> None:
    """Put another table in force, from zero, and let go of what is stuck; raise `UsageError`."""
    global _file  # noqa: PLW0603
    _begin(parse(text), abandon=False)
    _file = file


def summary() -> dict[str, Any]:
    """Return how many faults are in force, and the file that they are from, if any."""
    table = _faults.table
    count = len(table.faults) + len(table.measures) + bool(table.throttle)
    return {"faults": count, "faults_file": _file}


def reset() -> None:
    """Begin the same table anew; what is stuck belongs to a cloud that is no more."""
    _begin(_faults.table, abandon=True)


def answer_now() -> None:
    """Let go of every delayed answer: the process is about to end."""
    _faults.answered.set()


def endpoint(body: dict[str, Any]) -> dict[str, Any]:
    """Answer the private endpoint: take a table if there is one, and tell what happened."""
    if "table" in body:
        if not isinstance(body["table"], str):
            raise UsageError("table of faults: table must be a text")
        replace(body["table"], str(body.get("file", "")))
    return _faults.told()


async def serve(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in front of the application, and aside if no call can meet a fault."""
    if scope["type"] != "http" or _faults.leaves_calls_alone:
        await app(scope, receive, send)
        return
    await front.serve(app, _faults, _memory, scope=scope, receive=receive, send=send)


def _begin(table: Table, *, abandon: bool) -> None:
    global _faults, _memory
    _faults.end(abandon=abandon)
    _faults, _memory = Faults(table), Memory()
