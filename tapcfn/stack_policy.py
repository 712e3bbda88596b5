"""What a stack's policy lets an update do to its resources. Pure. (X-33)

Without a policy everything is allowed. With one, what no statement allows is denied, and a Deny
counts more than any Allow. A change set does not ask it: the update would fail half way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tapcfn.model import Change, Replacement

_ACTIONS: Mapping[Replacement | None, tuple[str, ...]] = {
    None: ("Update:Modify",),
    Replacement.FALSE: ("Update:Modify",),
    Replacement.TRUE: ("Update:Replace",),
    Replacement.CONDITIONAL: ("Update:Modify", "Update:Replace"),
}


def denied(policy: str, change: Change) -> tuple[str, ...]:
    """Return the actions of a change that the policy does not allow, if all of them are denied.

    A change that may go either way is left to the service as long as one way is allowed.
    """
    if not policy or change.action not in {"Modify", "Remove"}:
        return ()
    statements = list(_statements(policy))
    actions = ("Update:Delete",) if change.action == "Remove" else _ACTIONS[change.replacement]
    found = tuple(each for each in actions if not _allows(statements, each, change))
    return found if found == actions else ()


def _statements(policy: str) -> Iterator[Mapping[str, Any]]:
    found = json.loads(policy).get("Statement", ())
    yield from ([found] if isinstance(found, Mapping) else found)


def _allows(statements: Iterable[Mapping[str, Any]], action: str, change: Change) -> bool:
    effects = {each["Effect"] for each in statements if _covers(each, action, change)}
    return effects == {"Allow"}


def _covers(statement: Mapping[str, Any], action: str, change: Change) -> bool:
    resource = f"LogicalResourceId/{change.logical_id}"
    return (
        _fits(statement, "Action", action)
        and _fits(statement, "Resource", resource)
        and _meets(statement.get("Condition", {}), change.resource_type)
    )


def _fits(statement: Mapping[str, Any], key: str, value: str) -> bool:
    """Whether a value is one of a statement's, or none of those that it excepts."""
    if f"Not{key}" in statement:
        return not any(fnmatchcase(value, each) for each in _listed(statement[f"Not{key}"]))
    return any(fnmatchcase(value, each) for each in _listed(statement.get(key, ())))


def _meets(condition: Mapping[str, Any], resource_type: str) -> bool:
    """Whether the type of the resource is one of those that a condition names."""
    kinds = [
        kind for test in condition.values() for kind in _listed(test.get("ResourceType", ("*",)))
    ]
    return not condition or any(fnmatchcase(resource_type, kind) for kind in kinds)


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
