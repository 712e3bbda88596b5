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


def effect(resource_type: str, path: Sequence[str]) -> Effect:
    """Return what a change at a path below `Properties` does; unknown types update in place.

    A change above a create-only property counts as one of it.
    """
    if path and path[0] in _FAILING.get(resource_type, ()):
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
