"""Values that nothing of ours may hold or say: those of parameters that are declared `NoEcho`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tapcfn.model import ParameterValue, Rollout, TemplateBody

T = TypeVar("T")

MASK = "***"

# Fields of events that hold names, places, and words of ours or of the service's: a secret that
# happens to read the same is not told by them, and without them nobody could follow.
_NAMING = frozenset(
    {
        *("backend", "blueprint", "resumes", "stage"),
        *("action", "code", "command", "detailed", "event_id", "level", "logical_id", "needs"),
        *("operation_id", "phase", "resource_type", "rule", "source", "stack", "stack_id"),
        *("stack_set", "status", "target", "targets", "token", "type", "unit", "verb", "wave"),
    }
)


def secrets_of(rollout: Rollout) -> frozenset[str]:
    """Return the values that may not be told, of all stacks and stack sets.

    A dynamic reference (`{{resolve:...}}`) is only a pointer to a secret, and no secret.
    """
    told = [(stack.template, stack.parameters) for stack in rollout.stacks]
    for each in rollout.stack_sets:
        told += [(each.template, own) for own in (each.parameters, *each.overrides.values())]
    return frozenset(value for template, values in told for value in _of_unit(template, values))


def _of_unit(template: TemplateBody, values: Mapping[str, ParameterValue]) -> frozenset[str]:
    return frozenset(
        value
        for key, value in values.items()
        if isinstance(value, str)
        and value
        and not value.startswith("{{resolve:")
        and key in template.secret_parameters
    )


def masked(text: str, secrets: frozenset[str]) -> str:
    """Return a text without the secrets; the longest go first, as one may be part of another."""
    told = {form for secret in secrets for form in _forms(secret)}
    for each in sorted(told, key=lambda secret: (-len(secret), secret)):
        text = text.replace(each, MASK)
    return text


def _forms(secret: str) -> tuple[str, ...]:
    """Return how a secret may stand in a text: as it is, on one line, and inside JSON."""
    forms = (secret, " ".join(secret.split()), json.dumps(secret)[1:-1])
    return tuple(form for form in forms if form)


def veiled(value: T, secrets: frozenset[str]) -> T:
    """Return an event, or any value in one, without the secrets; names and statuses stay."""
    return _veiled(value, secrets) if secrets else value


def _veiled(value: Any, secrets: frozenset[str]) -> Any:
    if type(value) is str:  # a member of an enum is a word of ours
        return masked(value, secrets)
    if isinstance(value, Mapping):
        return {key: _veiled(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_veiled(each, secrets) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        names = (each.name for each in fields(value) if each.name not in _NAMING)
        return replace(value, **{name: _veiled(getattr(value, name), secrets) for name in names})
    return value
