"""What botocore's models say: which action a REST request is, and what a page consists of."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from botocore.exceptions import UnknownServiceError
from botocore.session import Session

# Services that sign under another name than the one that boto3 calls them by.
_CLIENT_NAMES = {
    "elasticloadbalancing": "elbv2",
    "email": "ses",
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
}
TOKEN = "NextToken"  # noqa: S105
_session = Session()


@dataclass(frozen=True, slots=True)
class _Route:
    operation: str
    method: str
    path: re.Pattern[str]
    query: frozenset[str]
    headers: frozenset[str]
    weight: int


@dataclass(frozen=True, slots=True)
class Page:
    """Which elements of an answer hold the members of a page, and which the token of the next."""

    members: tuple[str, ...]
    token: str


def client_name(signing_name: str) -> str:
    """Return the name by which boto3 calls the service that signs under this one."""
    return _CLIENT_NAMES.get(signing_name, signing_name)


def protocol(service: str) -> str:
    """Return the service's protocol, empty if it is not known."""
    model = _model(service)
    return str(model.resolved_protocol) if model else ""


def rest_operation(
    service: str, method: str, path: str, query: Collection[str], headers: Collection[str]
) -> str:
    """Return the action that a REST request asks for: the one that explains most of it."""
    path = path.rstrip("/") or "/"
    found = [
        route
        for route in _routes(service)
        if route.method == method
        and route.query <= set(query)
        and route.headers <= set(headers)
        and route.path.fullmatch(path)
    ]
    return max(found, key=lambda route: route.weight).operation if found else ""


@cache
def page_of(service: str, operation: str) -> Page | None:
    """Return how the action pages, or None if it does not."""
    model = _model(service)
    if model is None or operation not in model.operation_names:
        return None
    asked = model.operation_model(operation).input_shape
    told = model.operation_model(operation).output_shape
    token = _token_of(asked) and _token_of(told)
    if not token:
        return None
    lists = [
        str(shape.serialization.get("name", name))
        for name, shape in told.members.items()
        if shape.type_name == "list"
    ]
    return Page(tuple(lists), str(told.members[token].serialization.get("name", token)))


def _token_of(shape: Any) -> str:
    names = shape.members if shape is not None else ()
    return next((name for name in names if name.lower() == TOKEN.lower()), "")


@cache
def _model(service: str) -> Any:
    try:
        return _session.get_service_model(service)
    except UnknownServiceError:
        return None


@cache
def _routes(service: str) -> tuple[_Route, ...]:
    model = _model(service)
    if model is None:
        return ()
    return tuple(_route(model.operation_model(name)) for name in model.operation_names)


def _route(operation: Any) -> _Route:
    path, _, query = operation.http["requestUri"].partition("?")
    needed: dict[str, set[str]] = {"querystring": set(), "header": set()}
    shape = operation.input_shape
    for name in shape.required_members if shape is not None else ():
        where = shape.members[name].serialization
        if where.get("location") in needed:
            needed[where["location"]].add(where["name"])
    asked = {key for key, _ in parse_qsl(query, keep_blank_values=True)} | needed["querystring"]
    headers = {name.lower() for name in needed["header"]}
    literal = len([part for part in path.split("/") if part and "{" not in part])
    return _Route(
        operation=operation.name,
        method=operation.http["method"],
        path=_pattern(path.rstrip("/") or "/"),
        query=frozenset(asked),
        headers=frozenset(headers),
        weight=len(asked) + len(headers) + literal,
    )


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", path)
    return re.compile(
        "".join(
            re.escape(part) if not part.startswith("{") else ".+" if part[-2] == "+" else "[^/]+"
            for part in parts
        ),
        re.DOTALL,
    )
