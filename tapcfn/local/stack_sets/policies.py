"""Whether a policy document lets somebody do something: as much of IAM as two roles need.

A deny wins. A condition that is not understood, or whose key the request has not, is not met.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Document = Mapping[str, Any] | str
Test = Callable[[str, str], bool]

ASSUME = "sts:AssumeRole"
_NOBODY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants to assume a role: their names by kind, the role, and the request's context.

    Without names, the document belongs to whoever asks and needs no principal.
    """

    role: str
    kind: str = ""
    names: frozenset[str] = frozenset()
    context: Mapping[str, str] = field(default_factory=lambda: _NOBODY)


def allows(documents: Iterable[Document], asked: Asked) -> bool:
    """Tell whether the documents together let the role be assumed."""
    effects = {
        statement.get("Effect")
        for document in documents
        for statement in _statements(document)
        if _applies(statement, asked)
    }
    return "Allow" in effects and "Deny" not in effects


def _statements(document: Document) -> list[Mapping[str, Any]]:
    parsed = json.loads(document) if isinstance(document, str) else document
    return [each for each in _listed(parsed.get("Statement")) if isinstance(each, Mapping)]


def _applies(statement: Mapping[str, Any], asked: Asked) -> bool:
    owner = bool(asked.names)
    about = _names(statement, asked) if owner else _covers(statement, "Resource", asked.role)
    return about and _covers(statement, "Action", ASSUME) and _meets(statement, asked.context)


def _names(statement: Mapping[str, Any], asked: Asked) -> bool:
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        named = _listed(principal.get(asked.kind))
        return any(each in asked.names or (each == "*" and asked.kind == "AWS") for each in named)
    return principal == "*"


def _covers(statement: Mapping[str, Any], block: str, wanted: str) -> bool:
    patterns, exceptions = _listed(statement.get(block)), _listed(statement.get(f"Not{block}"))
    if exceptions:
        return not _matches(exceptions, wanted, ignore_case=block == "Action")
    return _matches(patterns, wanted, ignore_case=block == "Action")


def _matches(patterns: Collection[Any], wanted: str, *, ignore_case: bool = False) -> bool:
    return any(_like(str(pattern), wanted, ignore_case) for pattern in patterns)


def _like(pattern: str, wanted: str, ignore_case: bool = False) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, wanted, re.IGNORECASE if ignore_case else 0) is not None


def _equal(pattern: str, wanted: str) -> bool:
    return pattern == wanted


_TESTS: Mapping[str, Test] = {
    "StringEquals": _equal,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
}


def _meets(statement: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    return all(
        _holds(operator, key, values, context)
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, values in keys.items()
    )


def _holds(operator: str, key: str, values: Any, context: Mapping[str, str]) -> bool:
    optional, operator = operator.endswith("IfExists"), operator.removesuffix("IfExists")
    found = context.get(key.lower())
    if found is None:
        return optional
    test = _TESTS.get(operator.replace("Not", ""))
    if test is None:
        return False
    return any(test(str(value), found) for value in _listed(values)) != ("Not" in operator)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
