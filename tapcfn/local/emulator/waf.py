"""WAF."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import waf as _waf

from tapcfn.local.emulator.core import Change


def wrap_web_acls(**wraps: Callable[[Change], Change]) -> None:
    """Replace WAF's `create`, `update` or `delete` of a web ACL by what is made of it."""
    for verb, wrap in wraps.items():
        name = f"_{verb}_web_acl"
        setattr(_waf, name, wrap(getattr(_waf, name)))


def web_acls(scope: str) -> list[dict[str, Any]]:
    """Return the web ACLs of a scope in the current account and Region."""
    return list(_waf._values_for_scope(_waf._web_acls, scope))


def guarding_acls() -> frozenset[str]:
    """Return the ARNs of the web ACLs that guard something in the current account and Region."""
    return frozenset(_waf._associations.values())
