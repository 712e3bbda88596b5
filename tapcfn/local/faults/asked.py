"""Who asks for what: the account, Region, service and action that a signed request names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tapcfn.local.faults import models

_SCOPE = re.compile(r"Credential=([^/,]+)/[^/]+/([^/]*)/([^/]+)/aws4_request")
_ROLE = re.compile(r"arn:[^:]*:iam::([0-9]{12}):role/")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an AWS API. An AssumeRole counts for the account of the role."""

    account: str
    region: str
    service: str
    operation: str
    protocol: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request's signature says before its body is read."""

    key: str
    region: str
    service: str


def headers_of(scope: MutableMapping[str, Any]) -> dict[str, str]:
    """Return the headers of a request by their lower-case names."""
    return {
        name.decode("latin-1").lower(): text.decode("latin-1") for name, text in scope["headers"]
    }


def signature(scope: MutableMapping[str, Any]) -> Signature | None:
    """Return who signed a request, in its header or in its query; None if nobody did."""
    query = dict(parse_qsl(scope.get("query_string", b"").decode()))
    told = headers_of(scope).get("authorization", "")
    found = _SCOPE.search(told) or _SCOPE.search(f"Credential={query.get('X-Amz-Credential', '')}")
    return Signature(*found.groups()) if found else None


def read(scope: MutableMapping[str, Any], body: bytes, signed: Signature, account: str) -> Call:
    """Return the call that a signed request of this account makes."""
    service = models.client_name(signed.service)
    protocol, operation, params = _asks(scope, body, service)
    role = _ROLE.match(str(params.get("RoleArn", ""))) if operation == "AssumeRole" else None
    return Call(
        account=role.group(1) if role else account,
        region=signed.region,
        service=service,
        operation=operation,
        protocol=protocol,
        params=params,
    )


def _asks(
    scope: MutableMapping[str, Any], body: bytes, service: str
) -> tuple[str, str, Mapping[str, Any]]:
    """Return the protocol, the action and, where they are to be had, its parameters."""
    headers, path = headers_of(scope), scope["path"]
    query = dict(parse_qsl(scope.get("query_string", b"").decode(), keep_blank_values=True))
    if "smithy-protocol" in headers:
        return "cbor", path.rpartition("/")[2], {}
    if "x-amz-target" in headers:
        return "json", headers["x-amz-target"].rpartition(".")[2], _json(body)
    form = query | (_form(body) if "form-urlencoded" in headers.get("content-type", "") else {})
    if "Action" in form:
        return ("ec2" if service == "ec2" else "query"), form["Action"], form
    operation = models.rest_operation(service, scope["method"], path, query, headers)
    return models.protocol(service), operation, query


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _json(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
