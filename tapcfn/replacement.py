"""Whether a changed property makes a new resource, as the provider schemas say it without a call.

CloudFormation's own change set is the judge; this is for two templates where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from tapcfn.schemas import schema, types

# Types that a transform makes others of, so that no Region has them.
EXPANDED = "AWS::Serverless::"

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
    return bool(schema(resource_type))


def is_available(resource_type: str, region: str) -> bool | None:
    """Whether a Region has the type; None where the schemas do not know the Region."""
    there = types(region)
    if there is None:
        return None
    foreign = not resource_type.startswith("AWS::") or resource_type.startswith(EXPANDED)
    return foreign or resource_type in there


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
    said = schema(resource_type)
    if _touches(said.get("createOnlyProperties", ()), path):
        return Effect.REPLACES
    if _touches(said.get("conditionalCreateOnlyProperties", ()), path):
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
    handlers = schema(resource_type).get("handlers", {})
    return frozenset(
        action for each in handlers.values() for action in each.get("permissions", ()) if action
    )


def primary_identifier(resource_type: str) -> tuple[str, ...]:
    """Return the properties that name a resource of this type; none where the schemas don't say."""
    pointers = schema(resource_type).get("primaryIdentifier", ())
    return tuple(pointer.removeprefix("/properties/") for pointer in pointers)
