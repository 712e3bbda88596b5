"""Which resources a template keeps when they leave their stack, and which it no longer does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tapcfn.model import Deployed, Stack

# The values of DeletionPolicy and UpdateReplacePolicy that leave the data there.
KEEPING = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")


def resources_of(template: str) -> Mapping[str, Any]:
    """Return the resources of a deployed template; one that is not JSON is taken to have none."""
    try:
        found: Mapping[str, Any] = json.loads(template or "{}").get("Resources", {})
    except (json.JSONDecodeError, AttributeError):
        return {}
    return found


def deletion_policies(template: str) -> dict[str, str]:
    """Return the deletion policy of each resource in a deployed template."""
    return {
        key: str(resource.get("DeletionPolicy", "Delete"))
        for key, resource in resources_of(template).items()
    }


def dropped_policies(deployed: Deployed | None, stack: Stack) -> Iterator[tuple[str, str, str]]:
    """Yield (logical ID, policy, its value) of what is kept now, and no longer by the new template.

    What leaves the template leaves by the policy that it has: the change set tells.
    """
    before = resources_of(deployed.template) if deployed else {}
    wanted = stack.template.document["Resources"]
    for logical_id in sorted(before.keys() & wanted.keys()):
        for policy in POLICIES:
            was = before[logical_id].get(policy)
            if was in KEEPING and wanted[logical_id].get(policy) not in KEEPING:
                yield logical_id, policy, was
