"""Whether every rule of a template can be asked: the emulator passes over those that it cannot.

It evaluates the others itself, and refuses with the description of the assertion that fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.checks.request import Refusal, Request


def can_be_asked(request: Request) -> Refusal | None:
    """Refuse a rule that asks for resources or attributes of the account that are not kept."""
    rules = request.template.get("Rules")
    declared = request.template.get("Parameters") or {}
    for name, rule in (rules if isinstance(rules, dict) else {}).items():
        lacking = sorted(set(_lacking(rule, declared)))
        if lacking:
            return Refusal(
                f"The local cloud does not provide what rule {name} asks for: {', '.join(lacking)}"
            )
    return None


def _lacking(node: Any, declared: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _lacking(each, declared)
    elif isinstance(node, dict):
        for function, asked in node.items():
            yield from _unknown(*_asked(function, asked, declared))
            yield from _lacking(asked, declared)


def _unknown(kind: str, attribute: str) -> Iterator[str]:
    known = emulator.engine.listed_in_rules(kind)
    if kind and known is None:
        yield kind
    elif known is not None and not attribute.startswith("Tags.") and attribute not in {"", *known}:
        yield f"{attribute} of {kind}"


def _asked(function: str, asked: Any, declared: Mapping[str, Any]) -> tuple[str, str]:
    """Return the type and the attribute that a function asks for, or nothing."""
    if function == "Fn::RefAll":
        return str(asked), ""
    if function not in ("Fn::ValueOf", "Fn::ValueOfAll") or not isinstance(asked, list):
        return "", ""
    first, attribute = (str(each) for each in (*asked, "", "")[:2])
    if function == "Fn::ValueOfAll":
        return first, attribute
    kind = str((declared.get(first) or {}).get("Type", ""))
    return emulator.engine.type_in_rules(kind), attribute
