"""How the actions speak the query protocol: lists in requests, pages, and answers."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from xml.sax.saxutils import escape

from tapcfn.local import emulator
from tapcfn.local.emulator import Action, Answer, Params
from tapcfn.local.stack_sets.refusals import RefusedError, invalid

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
MOST_RESULTS = 100

Row = TypeVar("Row")


# Requests -----------------------------------------------------------------------------------------


def text(params: Params, name: str) -> str:
    """Return one parameter, or an empty string."""
    return emulator.parameter(params, name)


def is_true(params: Params, name: str) -> bool:
    """Read a boolean."""
    return text(params, name).lower() == "true"


def is_given(params: Params, name: str) -> bool:
    """Tell whether a parameter or anything inside it was sent; an empty list counts as sent."""
    return name in params or any(each.startswith(f"{name}.") for each in params)


def strings(params: Params, name: str) -> list[str]:
    """Return a list of strings."""
    return emulator.engine.extract_strings(params, name)


def structure(
    params: Params, name: str, fields: Iterable[str], lists: Iterable[str]
) -> dict[str, str | int | list[str]]:
    """Return those members of a structure that were sent."""
    found: dict[str, str | int | list[str]] = {
        each: text(params, f"{name}.{each}") for each in fields if f"{name}.{each}" in params
    }
    return found | {
        each: strings(params, f"{name}.{each}")
        for each in lists
        if is_given(params, f"{name}.{each}")
    }


def filters(params: Params, allowed: Iterable[str]) -> dict[str, str]:
    """Return what to filter by: name and wanted value."""
    found, number = {}, 1
    while name := text(params, f"Filters.member.{number}.Name"):
        if name not in tuple(allowed):
            raise invalid(f"Filter {name} is not supported")
        found[name] = text(params, f"Filters.member.{number}.Values")
        number += 1
    return found


# Answers ------------------------------------------------------------------------------------------


def answering(name: str, act: Callable[[Params], Mapping[str, Any]]) -> Action:
    """Return the emulator's form of an action that takes parameters and returns plain data."""

    def do(params: Params) -> Answer:
        try:
            told = act(params)
        except RefusedError as refused:
            return emulator.engine.error(refused.code, refused.message, refused.status)
        body = (
            f'<{name}Response xmlns="{NAMESPACE}"><{name}Result>{xml(told)}</{name}Result>'
            f"<ResponseMetadata><RequestId>{emulator.new_id()}</RequestId></ResponseMetadata>"
            f"</{name}Response>"
        )
        return 200, {"Content-Type": "application/xml"}, body.encode()

    return do


def message(answer: Answer) -> str:
    """Return what one of the emulator's refusals says."""
    found = re.search(r"<Message>(.*?)</Message>", answer[2].decode(), re.DOTALL)
    return html.unescape(found.group(1)) if found else ""


def xml(told: Any) -> str:
    """Write plain data as the query protocol does; None is left out."""
    if isinstance(told, Mapping):
        return "".join(
            f"<{name}>{xml(value)}</{name}>" for name, value in told.items() if value is not None
        )
    if isinstance(told, (list, tuple)):
        return "".join(f"<member>{xml(each)}</member>" for each in told)
    return str(told).lower() if isinstance(told, bool) else escape(str(told))


# Pages --------------------------------------------------------------------------------------------


def page(
    rows: Sequence[tuple[str, Row]],
    params: Params,
    scope: str,
    shown: Callable[[Row], Mapping[str, Any]],
) -> dict[str, Any]:
    """Return one page of rows with unique keys, which are shown in the order of these.

    Only what is on the page is put into words. The token names the last row shown, so that rows
    that come or go in between move nothing. It is good for the same `scope` only.
    """
    after = _after(text(params, "NextToken"), scope)
    left = sorted((row for row in rows if row[0] > after), key=lambda row: row[0])
    size = _size(text(params, "MaxResults"))
    here = left[:size]
    more = _token(scope, here[-1][0]) if len(left) > size else None
    return {"Summaries": [shown(row) for _, row in here], "NextToken": more}


def _size(told: str) -> int:
    if not told:
        return MOST_RESULTS
    if not told.isdigit() or not 1 <= int(told) <= MOST_RESULTS:
        raise invalid(f"MaxResults must be from 1 to {MOST_RESULTS}, not {told}")
    return int(told)


def _token(scope: str, key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, key]).encode()).decode()


def _after(token: str, scope: str) -> str:
    if not token:
        return ""
    try:
        where, key = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError):
        where, key = "", ""
    if where != scope or not isinstance(key, str):
        raise invalid("NextToken is not valid")
    return key
