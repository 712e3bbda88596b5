"""The stack policy that we write: no update replaces or removes what holds data. Pure. (D-18)

It can be replaced, never removed, and a change set brings none of its own: where a loss is allowed
by name the policy is widened before, and put back after. A policy of another shape is somebody
else's, and stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tapcfn.kept import resources_of
from tapcfn.model import STATEFUL, Deployed, Stack, canonical

# SetStackPolicy takes no more bytes.
LONGEST = 16_384

_OPEN: Mapping[str, Any] = {
    "Effect": "Allow",
    "Action": "Update:*",
    "Principal": "*",
    "Resource": "*",
}
_PREFIX = "LogicalResourceId/"


def policy_of(stack: Stack) -> str:
    """Return the policy for a stack's template, or nothing where nothing in it holds data."""
    ids = stateful_ids(stack.template.resources)
    return written(ids) if ids else ""


def written(ids: Iterable[str]) -> str:
    """Return the policy that guards resources by their logical IDs; without any it is open."""
    listed = [_PREFIX + each for each in sorted(ids)]
    closed = {
        "Effect": "Deny",
        "Action": ["Update:Delete", "Update:Replace"],
        "Principal": "*",
        "Resource": listed,
    }
    return canonical({"Statement": [_OPEN, closed] if listed else [_OPEN]})


def guarded_ids(policy: str) -> frozenset[str] | None:
    """Return the logical IDs that a policy of ours guards, or None if it is somebody else's.

    A stack without a policy has none that is another's.
    """
    if not policy:
        return frozenset()
    try:
        statements = json.loads(policy)["Statement"]
        listed = statements[1]["Resource"] if len(statements) > 1 else ()
        ids = frozenset(each.removeprefix(_PREFIX) for each in listed)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None
    return ids if canonical(json.loads(policy)) == written(ids) else None


def stateful_ids(types: Mapping[str, str]) -> frozenset[str]:
    """Return the logical IDs of the resources that hold data."""
    return frozenset(key for key, kind in types.items() if kind in STATEFUL)


def deployed_ids(deployed: Deployed) -> frozenset[str]:
    """Return the same of what is deployed now."""
    found = resources_of(deployed.template).items()
    return stateful_ids({key: str(each.get("Type", "")) for key, each in found})


def is_missing(stack: Stack, deployed: Deployed) -> bool:
    """Whether a stack that is as wanted should have another policy than it has."""
    if not stack.options.stack_policy or guarded_ids(deployed.policy) is None:
        return False
    wanted = stateful_ids(stack.template.resources)
    return bool(wanted) and wanted != guarded_ids(deployed.policy)
