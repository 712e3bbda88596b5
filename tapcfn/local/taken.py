"""The part of a template that counts: what no condition leaves out, and the branch of every If."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What stands for a value that is left out with AWS::NoValue.
ABSENT = object()


def branches(template: Mapping[str, Any], holds: Mapping[str, bool]) -> dict[str, Any]:
    """Return the template without resources and outputs that are left out and branches not taken.

    A condition that is not in `holds` leaves things as they are.
    """
    return {
        section: _members(body, holds)
        if section in ("Resources", "Outputs") and isinstance(body, dict)
        else body
        for section, body in template.items()
    }


def _members(body: Mapping[str, Any], holds: Mapping[str, bool]) -> dict[str, Any]:
    return {
        name: branch(each, holds)
        for name, each in body.items()
        if not isinstance(each, dict) or holds.get(str(each.get("Condition", "")), True)
    }


def branch(node: Any, holds: Mapping[str, bool]) -> Any:
    """Return a node of a template with the branch that is taken in place of every If."""
    node = _chosen(node, holds)
    if isinstance(node, list):
        kept = (branch(each, holds) for each in node)
        return [each for each in kept if each is not ABSENT]
    if isinstance(node, dict):
        if node == {"Ref": "AWS::NoValue"}:
            return ABSENT
        members = {key: branch(each, holds) for key, each in node.items()}
        return {key: each for key, each in members.items() if each is not ABSENT}
    return node


def _chosen(node: Any, holds: Mapping[str, bool]) -> Any:
    while isinstance(node, dict) and list(node) == ["Fn::If"]:
        arms = node["Fn::If"]
        if not isinstance(arms, list) or len(arms) != 3 or arms[0] not in holds:
            return node
        node = arms[1] if holds[arms[0]] else arms[2]
    return node


def is_function(node: Any) -> bool:
    """Tell whether a node is a function, whose value only the stack engine knows."""
    return isinstance(node, dict) and any(
        key in ("Ref", "Condition") or key.startswith("Fn::") for key in node
    )
