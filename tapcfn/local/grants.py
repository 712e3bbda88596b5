"""Whether a resource policy lets a service do something, as services ask before they rely on it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Operators that compare text, and those of them that know wildcards. Another one, or a key that
# the call lacks, counts as met: a service knows more of its call than is known here.
_LIKE = frozenset({"ArnEquals", "ArnLike", "StringLike"})
_COMPARING = _LIKE | {"StringEquals"}


@dataclass(frozen=True, slots=True)
class Ask:
    """A call that a service makes for an account: what on which resource, with which context."""

    service: str
    action: str
    resource: str
    context: Mapping[str, str]


def allows(policy: Mapping[str, Any], ask: Ask) -> bool:
    """Tell whether a policy allows the call and nothing in it denies it to this very service."""
    found = [each for each in _statements(policy) if _applies(each, ask)]
    effects = {str(each.get("Effect")) for each in found if each.get("Effect") != "Deny"}
    denied = any(each.get("Effect") == "Deny" and not each.get("Condition") for each in found)
    return "Allow" in effects and not denied


def _statements(policy: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    statements = policy.get("Statement") or ()
    yield from [statements] if isinstance(statements, dict) else statements


def _applies(statement: Mapping[str, Any], ask: Ask) -> bool:
    return (
        _names(statement.get("Principal"), ask.service)
        and _fits(_lower(statement.get("Action")), ask.action.lower())
        and _fits(statement.get("Resource"), ask.resource)
        and _holds(statement.get("Condition") or {}, ask.context)
    )


def _names(principal: Any, service: str) -> bool:
    if isinstance(principal, dict):
        return service in _listed(principal.get("Service")) or "*" in _listed(principal.get("AWS"))
    return bool(principal == "*")


def _holds(condition: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    known = {name.lower(): value for name, value in context.items()}
    return all(
        _fits(wanted, known[key.lower()], exact=operator not in _LIKE)
        for operator, keys in condition.items()
        if operator in _COMPARING
        for key, wanted in keys.items()
        if key.lower() in known
    )


def _fits(patterns: Any, value: str, *, exact: bool = False) -> bool:
    listed = _listed(patterns)
    if exact:
        return value in listed
    return any(fnmatch.fnmatchcase(value, each.replace("[", "[[]")) for each in listed)


def _lower(patterns: Any) -> list[str]:
    return [each.lower() for each in _listed(patterns)]


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(each) for each in value]
