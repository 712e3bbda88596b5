"""Whether a changed property makes a new resource, as the provider schemas say it without a call.

CloudFormation's own change set is the judge; this is for two templates where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import Any

# Schemas differ in their list of types by Region, never in what a type's properties mean.
REGION = "us-east-1"

# What the schemas do not say: these changes fail. (KMS refuses them)
_FAILING = {"AWS::KMS::Key": ("KeySpec", "KeyUsage", "MultiRegion", "Origin")}


class Effect(StrEnum):
    """What a change of one property does to its resource."""

    UPDATES = "updates in place"
    MAY_REPLACE = "may replace the resource"
    REPLACES = "replaces the resource"
    FAILS = "is refused by the service"


def is_known(resource_type: str) -> bool:
    """Whether the schemas know the type. Custom resources share one that says nothing of them."""
    return bool(_schema(resource_type))


def is_available(resource_type: str, region: str) -> bool | None:
    """Whether a Region has the type; None where the schemas do not know the Region."""
    from cfnlint.helpers import REGIONS
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    if region not in REGIONS:
        return None
    own = not resource_type.startswith("AWS::")
    return own or resource_type in PROVIDER_SCHEMA_MANAGER.get_resource_types(region)


def updates_in_place(resource_type: str, path: Sequence[str]) -> bool:
    """Whether a change at a path is known to leave the resource where it is."""
    return is_known(resource_type) and effect(resource_type, path) is Effect.UPDATES


def is_frozen(resource_type: str, path: Sequence[str]) -> bool:
    """Whether the service refuses every change of this property."""
    return bool(path) and path[0] in _FAILING.get(resource_type, ())


def effect(resource_type: str, path: Sequence[str]) -> Effect:
    """Return what a change at a path below `Properties` does; unknown types update in place.

    A change above a create-only property counts as one of it.
    """
    if is_frozen(resource_type, path):
        return Effect.FAILS
    schema = _schema(resource_type)
    if _touches(schema.get("createOnlyProperties", ()), path):
        return Effect.REPLACES
    if _touches(schema.get("conditionalCreateOnlyProperties", ()), path):
        return Effect.MAY_REPLACE
    return Effect.UPDATES


def _touches(pointers: Sequence[str], path: Sequence[str]) -> bool:
    """Tell whether a path is one of the pointers, above it, or below it."""
    for pointer in pointers:
        parts = pointer.removeprefix("/properties/").split("/")
        if all(part in {"*", step} for part, step in zip(parts, path, strict=False)):
            return True
    return False


def permissions(resource_type: str) -> frozenset[str]:
    """Return the IAM actions that the type's handlers ask for; none where its schema is silent."""
    handlers = _schema(resource_type).get("handlers", {})
    return frozenset(
        action for each in handlers.values() for action in each.get("permissions", ()) if action
    )


def primary_identifier(resource_type: str) -> tuple[str, ...]:
    """Return the properties that name a resource of this type; none where the schemas don't say."""
    pointers = _schema(resource_type).get("primaryIdentifier", ())
    return tuple(pointer.removeprefix("/properties/") for pointer in pointers)


@cache
def _schema(resource_type: str) -> dict[str, Any]:
    from cfnlint.schema import ResourceNotFoundError
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type)
    except ResourceNotFoundError:
        return {}
    found: dict[str, Any] = schema.schema
    return found
