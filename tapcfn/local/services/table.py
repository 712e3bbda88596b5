"""Requests and answers of the services that speak JSON, as tables of actions.

An action takes what is asked and returns what is told; None lets the emulator's own answer.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services.refusal import RefusedError

Asked = Mapping[str, Any]
Act = Callable[[Asked], Mapping[str, Any] | None]
Handle = Callable[..., Awaitable[tuple[int, Mapping[str, str], bytes]]]
# Finds the action that a request is for, by verb, path and action header; None if it is not ours.
Pick = Callable[[str, str, str], Act | None]

HEADERS = {"Content-Type": "application/x-amz-json-1.1"}
PAGE = 100


def install(service: str, actions: Mapping[str, Act]) -> None:
    """Put actions, by name, before those of a service of the emulator."""
    install_picked(service, lambda _verb, _path, name: actions.get(name))


def install_picked(service: str, pick: Pick) -> None:
    """Put the actions that `pick` finds before those of a service of the emulator."""
    emulator.wrap_service(service, lambda handle: _answering(pick, handle))


def add(service: str, prefix: str, actions: Mapping[str, Act]) -> None:
    """Add a service that the emulator lacks, by the beginning of its action headers."""

    def pick(_verb: str, _path: str, name: str) -> Act:
        return actions.get(name) or (lambda _: _unknown(name))

    emulator.add_service(service, prefix, _answering(pick, None))


def _unknown(name: str) -> Mapping[str, Any]:
    raise RefusedError("UnknownOperationException", f"The local cloud lacks {name}")


def _answering(pick: Pick, otherwise: Handle | None) -> Handle:
    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        act = pick(method, path, str(headers.get("x-amz-target", "")).rpartition(".")[2])
        try:
            told = act(json.loads(body or b"{}")) if act else None
        except RefusedError as refused:
            return emulator.json_error(refused.code, str(refused), refused.status)
        if told is None and otherwise is not None:
            return await otherwise(method, path, headers, body, query)
        return 200, dict(HEADERS), json.dumps(told).encode()

    return handle


def page(name: str, found: Sequence[Any], asked: Asked) -> dict[str, Any]:
    """Return the page of a list that was asked for, with the token of the next one."""
    start = int(asked.get("NextToken") or 0)
    end = start + int(asked.get("MaxResults") or PAGE)
    more = {"NextToken": str(end)} if end < len(found) else {}
    return {name: list(found[start:end]), **more}


def retagged(tags: Sequence[Any], asked: Asked) -> list[Any]:
    """Return tags with some of them set (`Tags`) or removed (`TagKeys`)."""
    new = {tag["Key"]: tag for tag in asked.get("Tags") or ()}
    gone = {*new, *(asked.get("TagKeys") or ())}
    return [tag for tag in tags if tag["Key"] not in gone] + list(new.values())
