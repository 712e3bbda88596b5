"""API Gateway: who may call an API by its resource policy, and the access log of a stage.

A call from this machine comes from the address that its X-Forwarded-For header names first, and
through the endpoint or network that X-Amzn-Vpce-Id and X-Amzn-Vpc-Id name. A condition on what a
call does not say counts as met where it allows, and as not met where it denies.
"""

from __future__ import annotations

import fnmatch
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from tapcfn.local import emulator

Answer = tuple[int, Mapping[str, str], bytes]

_HERE = "127.0.0.1"
_HEADERS = {"aws:sourcevpce": "x-amzn-vpce-id", "aws:sourcevpc": "x-amzn-vpc-id"}
_SAME = {"StringEquals", "StringLike", "IpAddress"}
_OTHER = {"StringNotEquals", "StringNotLike", "NotIpAddress"}


def source_ip(headers: Mapping[str, str]) -> str:
    """Return the address from which a call comes."""
    return str(headers.get("x-forwarded-for", _HERE)).split(",")[0].strip()


def refused(
    api: str, stage: str, verb: str, path: str, headers: Mapping[str, str]
) -> Answer | None:
    """Return why the policy of an API does not let a call in, or None."""
    policy = _policy(api)
    if not policy:
        return None
    account, region = emulator.account_id(), emulator.region()
    resource = f"arn:aws:execute-api:{region}:{account}:{api}/{stage}/{verb}/{path.lstrip('/')}"
    context = {key: headers[name] for key, name in _HEADERS.items() if name in headers}
    context["aws:sourceip"] = source_ip(headers)
    effects = {
        str(each["Effect"]) for each in _statements(policy) if _applies(each, resource, context)
    }
    if effects == {"Allow"}:
        return None
    shown = resource.replace(account, f"********{account[-4:]}")
    message = (
        "User: anonymous is not authorized to perform: execute-api:Invoke on resource: " + shown
    )
    told = {"Message": message + (" with an explicit deny" if "Deny" in effects else "")}
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "AccessDeniedException"}
    return 403, headers, json.dumps(told).encode()


def _policy(api: str) -> Mapping[str, Any]:
    text = (emulator.rest.store("_rest_apis").get(api) or {}).get("policy")
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:  # the service tells and takes it as the inside of a JSON string
        found = json.loads(json.loads(f'"{text}"'))
    return dict(found)


def _statements(policy: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    statements = policy.get("Statement") or ()
    yield from [statements] if isinstance(statements, dict) else statements


def _applies(statement: Mapping[str, Any], resource: str, context: Mapping[str, str]) -> bool:
    own = resource.split(":", 5)[5]
    wanted = [
        re.sub(r"^execute-api:/", own.split("/")[0] + "/", each)
        for each in _listed(statement.get("Resource"))
    ]
    named = any(fnmatch.fnmatchcase(text, each) for each in wanted for text in (resource, own))
    allows = statement["Effect"] == "Allow"
    return named and all(
        _holds(operator, key.lower(), values, context, unknown=allows)
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, values in keys.items()
    )


def _holds(
    operator: str, key: str, values: Any, context: Mapping[str, str], *, unknown: bool
) -> bool:
    if key not in context or operator not in _SAME | _OTHER:
        return unknown
    same = any(_fits(operator, context[key], each) for each in _listed(values))
    return same if operator in _SAME else not same


def _fits(operator: str, value: str, wanted: str) -> bool:
    if operator.endswith("IpAddress"):
        return ip_address(value) in ip_network(wanted, strict=False)
    return fnmatch.fnmatchcase(value, wanted)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


# Access logs --------------------------------------------------------------------------------------


def logging(do: Callable[..., Any]) -> Callable[..., Any]:
    """Write a line for each call of a stage that has an access log, in the format that it asks."""

    async def handle(api: str, stage: str, *call: Any) -> Any:
        began = time.time()
        answer = await do(api, stage, *call)
        known = emulator.rest.store("_stages_v1").get(api, {}).get(stage) or {}
        settings = known.get("accessLogSettings") or {}
        if settings.get("destinationArn"):
            words = _words(api, stage, call, answer, began)
            group = settings["destinationArn"].split(":log-group:")[-1].removesuffix(":*")
            emulator.logs.write(group, f"{api}/{stage}", _line(settings.get("format", ""), words))
        return answer

    return handle


def _line(template: str, words: Mapping[str, str]) -> str:
    return re.sub(
        r"\$context\.([A-Za-z.]+\w)", lambda found: words.get(found.group(1), "-"), template
    )


def _words(api: str, stage: str, call: Any, answer: Any, began: float) -> dict[str, str]:
    verb, path, headers = call[:3]
    status, _, body = answer
    return {
        "accountId": emulator.account_id(),
        "apiId": api,
        "extendedRequestId": emulator.new_id(),
        "httpMethod": verb,
        "identity.sourceIp": source_ip(headers or {}),
        "identity.userAgent": (headers or {}).get("user-agent", "-"),
        "path": f"/{stage}/{path.lstrip('/')}",
        "protocol": "HTTP/1.1",
        "requestId": emulator.new_id(),
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(began)),
        "requestTimeEpoch": str(int(began * 1000)),
        "resourcePath": "/" + path.lstrip("/"),
        "responseLatency": str(int((time.time() - began) * 1000)),
        "responseLength": str(len(body or b"")),
        "stage": stage,
        "status": str(status),
    }
