"""A template's properties in the shape of a service's API, as the service's own model has it.

The names of a resource type and of its API differ in their first letters and little else, and a
template may write numbers and booleans as strings. What the API has no member for is refused by
name, so that nothing that a template says is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.resource import ResourceRefusedError, document, flag

_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "boolean": flag,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "string": document,
}


def fitted(service: str, shape: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of a template in a shape of the service, which is named as boto3 names it."""
    model = calls.client(service).meta.service_model
    return _members(model.shape_for(shape), value, shape)


def refuse_other(resource_type: str, properties: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuse the properties that would have no effect here."""
    unknown = sorted(properties.keys() - known)
    if unknown:
        raise ResourceRefusedError(
            f"the local cloud does not model {resource_type} properties: {', '.join(unknown)}"
        )


def renamed(properties: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return those of the properties that have a name in the API, under that name."""
    return {names[key]: value for key, value in properties.items() if key in names}


def _fit(shape: Any, value: Any, path: str) -> Any:
    if shape.type_name == "structure":
        return _members(shape, value, path)
    if shape.type_name == "list":
        return [_fit(shape.member, each, path) for each in value]
    if shape.type_name == "map":
        return {str(key): _fit(shape.value, each, path) for key, each in value.items()}
    return _SCALARS[shape.type_name](value)


def _members(shape: Any, value: Mapping[str, Any], path: str) -> dict[str, Any]:
    known = {name.lower(): name for name in shape.members}
    made = {}
    for key, each in value.items():
        name = known.get(key.lower())
        if name is None:
            raise ResourceRefusedError(f"the local cloud does not model {path}.{key}")
        made[name] = _fit(shape.members[name], each, f"{path}.{key}")
    return made
