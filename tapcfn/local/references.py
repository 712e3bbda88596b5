"""What a template refers to: Ref, GetAtt, Sub, DependsOn and the names of conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any


def references(node: Any) -> Iterator[tuple[str, bool]]:
    """Yield every name that a part of a template refers to, and whether as Name.Attribute."""
    if isinstance(node, list):
        for each in node:
            yield from references(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref" and isinstance(value, str):
                yield value, False
            elif key == "Fn::GetAtt":
                yield from _get_att(value)
            elif key == "Fn::Sub":
                yield from _sub(value)
            else:
                yield from references(value)


def _get_att(value: Any) -> Iterator[tuple[str, bool]]:
    first = value.partition(".")[0] if isinstance(value, str) else (value or [""])[0]
    if isinstance(first, str):
        yield first, True


def _sub(value: Any) -> Iterator[tuple[str, bool]]:
    text, given = (
        (value[0], value[1]) if isinstance(value, list) and len(value) > 1 else (value, {})
    )
    text = text[0] if isinstance(text, list) else text
    for found in re.findall(r"\$\{([^!}][^}]*)\}", str(text)):
        name, _, attribute = found.strip().partition(".")
        if found.strip() not in given:
            yield name, bool(attribute)
    yield from references(list(given.values()) if isinstance(given, dict) else [])


def depends_on(body: Any) -> list[str]:
    """Return what a resource says it depends on."""
    wanted = body.get("DependsOn") or []
    return [wanted] if isinstance(wanted, str) else [str(name) for name in wanted]


def conditions(block: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield the conditions that resources, outputs, other conditions and Fn::If name."""
    for body in block.values():
        if (
            isinstance(body, dict)
            and name != "Conditions"
            and isinstance(body.get("Condition"), str)
        ):
            yield body["Condition"]
        yield from _ifs(body, name == "Conditions")


def _ifs(node: Any, in_conditions: bool) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _ifs(each, in_conditions)
    elif isinstance(node, dict):
        if in_conditions and isinstance(node.get("Condition"), str):
            yield node["Condition"]
        if isinstance(node.get("Fn::If"), list) and isinstance(node["Fn::If"][0], str):
            yield node["Fn::If"][0]
        for each in node.values():
            yield from _ifs(each, in_conditions)
