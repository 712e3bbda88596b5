"""What a stage of a REST API serves: the deployment that it points at, or its canary's.

The emulator serves what the API is now. On AWS a deployment is a snapshot: a changed method is not
live until another deployment is made and a stage points at it. And a function answers API Gateway
only if its resource policy lets it, or the integration has credentials.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.grants import Ask, allows
from tapcfn.local.services.api_access import logging, refused

# Where a deployment keeps its snapshot, in the service's own record, which is saved and reset.
SNAPSHOT = "_resources"

SERVICE = "apigateway.amazonaws.com"
_FAILED = b'{"message": "Internal server error"}'

_served: ContextVar[Mapping[str, Any] | None] = ContextVar("served", default=None)
_calls: Counter[tuple[str, str]] = Counter()


def install() -> None:
    """Let deployments be snapshots, and stages and their canaries serve them."""
    emulator.rest.serve(
        keep=_keeping, route=_routing, execute=_executing, invoke=_invoking, answer=logging
    )
    emulator.rest.find_everywhere()


def _keeping(do: Callable[..., Any]) -> Callable[..., Any]:
    """Keep what the API is when the deployment is made."""

    def create(api: str, data: Any) -> Any:
        answer = do(api, data)
        if answer[0] < 400:
            made = emulator.rest.store("_deployments_v1")[api][json.loads(answer[2])["id"]]
            made[SNAPSHOT] = copy.deepcopy(emulator.rest.store("_resources")[api])
        return answer

    return create


def _executing(do: Callable[..., Any]) -> Callable[..., Any]:
    """Say for the time of a call which deployment answers it."""

    async def execute(request: Any, api: str, stage: str, *more: Any) -> Any:
        refusal = refused(api, stage, *more[:3])
        if refusal is not None:
            return refusal
        known = emulator.rest.store("_stages_v1").get(api, {}).get(stage)
        token = _served.set(_snapshot(api, known) if known else None)
        try:
            return await do(request, api, stage, *more)
        finally:
            _served.reset(token)

    return execute


def _snapshot(api: str, stage: Mapping[str, Any]) -> Mapping[str, Any] | None:
    chosen = stage.get("deploymentId")
    canary = stage.get("canarySettings") or {}
    if canary and _is_canary_turn((api, stage["stageName"]), canary.get("percentTraffic", 0.0)):
        chosen = canary["deploymentId"]
    deployment = emulator.rest.store("_deployments_v1").get(api, {}).get(chosen, {})
    found: Mapping[str, Any] | None = deployment.get(SNAPSHOT)
    return found


def _is_canary_turn(stage: tuple[str, str], percent: float) -> bool:
    """Give the canary its share call by call, the same calls every time."""
    _calls[stage] += 1
    number = _calls[stage]
    return int(number * percent / 100) > int((number - 1) * percent / 100)


def _routing(find: Callable[..., Any]) -> Callable[..., Any]:
    """Let the emulator look for a method in the snapshot; nothing else runs in the meantime."""

    def route(api: str, *more: Any) -> Any:
        resources, snapshot = emulator.rest.store("_resources"), _served.get()
        if snapshot is None:
            return find(api, *more)
        live = resources[api]
        resources[api] = snapshot
        try:
            return find(api, *more)
        finally:
            resources[api] = live

    return route


# Functions ----------------------------------------------------------------------------------------


def _invoking(do: Callable[..., Any]) -> Callable[..., Any]:
    """Fail a call to a function that does not let API Gateway in, as AWS does: with few words."""

    async def invoke(
        integration: Mapping[str, Any], api: str, stage: str, *more: Any, **at: Any
    ) -> Any:
        _, resource, _, verb = more[:4]
        source = f"{api}/{stage}/{verb}{resource['path']}"
        if not integration.get("credentials") and not _may_invoke(integration["uri"], source):
            return 500, {"Content-Type": "application/json"}, _FAILED
        return await do(integration, api, stage, *more, **at)

    return invoke


def _may_invoke(uri: str, source: str) -> bool:
    function = emulator.rest.function_behind(uri)
    policy = emulator.functions.policy(function)
    account = emulator.account_id()
    context = {
        "aws:SourceArn": f"arn:aws:execute-api:{emulator.region()}:{account}:{source}",
        "aws:SourceAccount": account,
    }
    return allows(policy, Ask(SERVICE, "lambda:InvokeFunction", function, context))
