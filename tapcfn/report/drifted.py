"""What drift detection found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tapcfn.drift import ResourceDrift, StackDrift
from tapcfn.model import Stack

_WIDEST_VALUE = 100


def drift_text(found: Mapping[str, StackDrift | str], stacks: Mapping[str, Stack]) -> str:
    """Return every stack with what has drifted in it; a text in place of a result is a failure."""
    lines = [line for name, each in found.items() for line in _stack_lines(stacks[name], each)]
    detections = [each for each in found.values() if isinstance(each, StackDrift)]
    checked = sum(each.count("IN_SYNC", "MODIFIED", "DELETED") for each in detections)
    drifted = sum(len(each.drifted) for each in detections)
    unchecked = sum(len(each.resources) for each in detections) - checked
    failed = sum(isinstance(each, str) or not each.complete for each in found.values())
    total = f"{drifted} of {checked} resources have drifted"
    if unchecked:
        total += f"; {unchecked} could not be checked"
    if failed:
        total += f"; detection failed in {failed} of {len(found)} stacks"
    return "\n".join([*lines, total + "."])


def drift_fields(stack: Stack, found: StackDrift | str) -> dict[str, Any]:
    """Return one stack's result as the fields of an event."""
    place = {
        "unit": stack.name,
        "account": stack.target.account,
        "region": stack.target.region,
    }
    if isinstance(found, str):
        return place | {"status": "DETECTION_FAILED", "reason": found, "resources": []}
    return place | {
        "status": "DETECTION_COMPLETE" if found.complete else "DETECTION_FAILED",
        "reason": found.reason or None,
        "resources": [_resource_fields(stack, each) for each in found.resources],
    }


def _resource_fields(stack: Stack, each: ResourceDrift) -> dict[str, Any]:
    line = stack.template.source.get(each.logical_id)
    return {
        "logical_id": each.logical_id,
        "resource_type": each.resource_type,
        "physical_id": each.physical_id or None,
        "status": each.status,
        "reason": each.reason or None,
        "properties": [
            {
                "path": pair.path,
                "kind": pair.kind,
                "expected": pair.expected,
                "actual": pair.actual,
            }
            for pair in each.properties
        ],
        "source": {"file": line.file, "line": line.line} if line else None,
    }


def _stack_lines(stack: Stack, found: StackDrift | str) -> Iterator[str]:
    failure = found if isinstance(found, str) else "" if found.complete else found.reason
    resources = () if isinstance(found, str) else found.resources
    shown = [each for each in resources if each.has_drifted or each.status == "UNKNOWN"]
    if not shown and not failure:
        return
    yield f"{stack.name}  {stack.target.region}"
    if failure:
        yield f"  ! detection failed: {failure}"
    for each in shown:
        line = stack.template.source.get(each.logical_id)
        why = f"  ({each.reason})" if each.reason else ""
        where = f" — {line}" if line else ""
        yield f"  {each.status}  {each.logical_id}  {each.resource_type}{why}{where}"
        for pair in each.properties:
            yield f"      {pair.path}: {_shown(pair.expected)} → {_shown(pair.actual)}"


def _shown(value: str) -> str:
    text = value or "(none)"
    return text if len(text) <= _WIDEST_VALUE else text[:_WIDEST_VALUE] + "…"
