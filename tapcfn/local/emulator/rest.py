"""API Gateway."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from ministack.services import apigateway_v1 as _apigateway


def store(name: str) -> MutableMapping[str, Any]:
    """Return one of API Gateway's stores, as the current account and Region see it."""
    return getattr(_apigateway, name)  # type: ignore[no-any-return]


def serve(
    *,
    keep: Callable[..., Any],
    route: Callable[..., Any],
    execute: Callable[..., Any],
    invoke: Callable[..., Any],
    answer: Callable[..., Any],
) -> None:
    """Replace how API Gateway makes deployments, finds methods, takes calls and runs functions.

    `answer` is around all that a call comes to.

    Each is given the emulator's own function and returns what stands in its place.
    """
    _apigateway._create_deployment = keep(_apigateway._create_deployment)
    _apigateway._match_resource_tree = route(_apigateway._match_resource_tree)
    _apigateway._match_greedy_fallback = route(_apigateway._match_greedy_fallback)
    _apigateway._handle_execute_in_scope = answer(_apigateway._handle_execute_in_scope)
    _apigateway._execute_in_scope = execute(_apigateway._execute_in_scope)
    _apigateway._invoke_lambda_proxy_v1 = invoke(_apigateway._invoke_lambda_proxy_v1)


def wrap_stage_updates(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace UpdateStage by what `wrap` makes of it."""
    _apigateway._update_stage = wrap(_apigateway._update_stage)


def function_behind(uri: str) -> str:
    """Return the ARN of the function that an integration leads to."""
    return str(_apigateway._extract_lambda_ref_from_integration_uri(uri))


def find_everywhere() -> None:
    """Let calls that carry no credentials reach the APIs and domain names of every account."""

    def api(wanted: str) -> tuple[str, str] | None:
        keys = list(_apigateway._rest_apis._data)
        return next(((key[0], key[1]) for key in keys if key[2] == wanted), None)

    def domain(wanted: str) -> tuple[str, str, str] | None:
        keys = list(_apigateway._domain_names._data)
        return next((key for key in keys if key[2].lower() == wanted.lower()), None)

    _apigateway.find_api_scope = api
    _apigateway.find_domain_scope = domain
