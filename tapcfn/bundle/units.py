"""Parameter values and stack sets as a manifest has them, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import TypeAdapter

from tapcfn.model import (
    Organization,
    OutputOf,
    ParameterValue,
    Preferences,
    SelfManaged,
    ServiceManaged,
    StackSet,
    Target,
    TemplateBody,
    Wave,
    ZoneOf,
)

_ORGANIZATION = TypeAdapter(Organization)
_PREFERENCES = TypeAdapter(Preferences)
_WAVES = TypeAdapter(tuple[Wave, ...])
_SELF_MANAGED = TypeAdapter(SelfManaged)
_SERVICE_MANAGED = TypeAdapter(ServiceManaged)


# Values -------------------------------------------------------------------------------------------


def value_entry(value: ParameterValue) -> Any:
    """Return a parameter's value so that it can be told from a text when it is read again."""
    if isinstance(value, OutputOf):
        place = {"target": _plain(value.target)} if value.target else {}
        return {"stack": value.stack, "output": value.key, **place}
    return {"zone": value.index} if isinstance(value, ZoneOf) else value


def value_of(value: Any) -> ParameterValue:
    """Return a parameter's value."""
    if isinstance(value, str):
        return value
    return ZoneOf(value["zone"]) if "zone" in value else output(value)


def output(value: Mapping[str, Any]) -> OutputOf:
    """Return whose output is meant."""
    place = Target(**value["target"]) if "target" in value else None
    return OutputOf(value["stack"], value["output"], place)


# Stack sets ---------------------------------------------------------------------------------------


def set_entry(stack_set: StackSet, phase: str) -> Mapping[str, Any]:
    """Return all that a stack set is told."""
    return {
        "name": stack_set.name,
        "phase": phase,
        "account": stack_set.home.account,
        "region": stack_set.home.region,
        "template": stack_set.template.layer,
        "targets": [str(pair) for pair in sorted(stack_set.pairs)],
        "organization": _plain(stack_set.organization),
        "parameters": _values(stack_set.parameters),
        "overrides": {
            str(pair): _values(told) for pair, told in sorted(stack_set.overrides.items())
        },
        "tags": dict(sorted(stack_set.tags.items())),
        "needs": sorted(stack_set.needs),
        "self_managed": isinstance(stack_set.permission, SelfManaged),
        "permission": _plain(stack_set.permission),
        "preferences": _plain(stack_set.preferences),
        "waves": _plain(stack_set.waves),
        "managed_execution": stack_set.queues,
        "retain_stacks": stack_set.retain,
    }


def stack_set(entry: Mapping[str, Any], template: TemplateBody) -> StackSet:
    """Return the stack set of an entry."""
    organization, permission = entry["organization"], entry["permission"]
    kind = _SELF_MANAGED if entry["self_managed"] else _SERVICE_MANAGED
    return StackSet(
        entry["name"],
        Target(entry["account"], entry["region"]),
        template,
        frozenset(map(_target, entry["targets"])),
        _ORGANIZATION.validate_python(organization) if organization else None,
        {key: value_of(value) for key, value in entry["parameters"].items()},
        {
            _target(pair): {key: value_of(value) for key, value in told.items()}
            for pair, told in entry["overrides"].items()
        },
        entry["tags"],
        kind.validate_python(permission),
        _PREFERENCES.validate_python(entry["preferences"]),
        _WAVES.validate_python(entry["waves"]),
        entry["managed_execution"],
        entry["retain_stacks"],
    )


def _target(text: str) -> Target:
    return Target(*text.split("/"))


def _values(values: Mapping[str, ParameterValue]) -> dict[str, Any]:
    return {key: value_entry(value) for key, value in sorted(values.items())}


def _plain(value: Any) -> Any:
    """Return nouns as JSON has them, what has no order sorted."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, frozenset):
        return sorted(map(_plain, value), key=json.dumps)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value
