"""What of a resource is no longer as its template wants it, as the emulator detects it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services.cloudformation import drift as _drift


@dataclass(frozen=True, slots=True)
class Drift:
    """One resource: whether it is gone, and the properties that differ, as they really are.

    A property that is not there at all is None.
    """

    is_gone: bool
    actual: Mapping[str, Any]


def of(stack: Mapping[str, Any], logical_id: str) -> Drift | None:
    """Return how a resource of a stack has drifted; None, if not, or if its type does not tell."""
    record = stack["_resources"][logical_id]
    if not _drift.supports_drift(record["ResourceType"]):
        return None
    found = _drift.detect_resource_drift(stack, logical_id, record, "")
    status = found["StackResourceDriftStatus"]
    if status not in {"MODIFIED", "DELETED"}:
        return None
    actual = json.loads(found.get("ActualProperties", "{}"))
    paths = (each["PropertyPath"] for each in found.get("PropertyDifferences", ()))
    names = {path.split("/")[1] for path in paths}
    return Drift(status == "DELETED", {name: actual.get(name) for name in sorted(names)})
