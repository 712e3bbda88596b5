"""Stacks that join a stack set: which may, and what an instance takes over of one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.stack_sets import stacks, store
from tapcfn.local.stack_sets.model import Instance, StackSet, Target

ADOPTABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
_ARN = re.compile(r"arn:aws[\w-]*:cloudformation:([a-z0-9-]+):(\d{12}):stack/.+/.+")


def place_of(stack_id: str) -> Target | None:
    """Return where a stack lives, as its id says; None for what is no id of a stack."""
    found = _ARN.fullmatch(stack_id)
    return Target(found.group(2), found.group(1)) if found else None


def find(stack_id: str) -> Mapping[str, Any] | None:
    """Return a stack that is there, wherever it lives."""
    place = place_of(stack_id)
    if place is None:
        return None
    with emulator.request_scope(place.account, place.region):
        return emulator.engine.resolve_stack(stack_id) if stacks.is_there(stack_id) else None


def adopt(stack_set: StackSet, instance: Instance, stack_id: str) -> None:
    """Let an instance have a stack as it is; what its parameters say otherwise are overrides."""
    stack = find(stack_id)
    if stack is None:
        raise stacks.FailedError(f"Stack {stack_id} does not exist")
    problem = _problem(stack_set, stack, stack_id)
    if problem:
        raise stacks.FailedError(problem)
    values, definition = parameters_of(stack), stack_set["definition"]["parameters"]
    instance["stack_id"], instance["declared"] = stack_id, list(values)
    instance["overrides"] = {
        name: value for name, value in values.items() if definition.get(name) != value
    }


def _problem(stack_set: StackSet, stack: Mapping[str, Any], stack_id: str) -> str:
    """Say why a stack can't belong to the set."""
    owner = owner_of(stack_id)
    if owner not in ("", stack_set["id"]):
        return f"Stack {stack_id} belongs to stack set {owner}"
    if stack["StackStatus"] not in ADOPTABLE:
        return f"Stack {stack_id} is in {stack['StackStatus']} state and can not be imported"
    template = emulator.engine.parse_template(template_of(stack))
    if secrets_in(template):
        return f"Stack {stack_id} has NoEcho parameters, which can not be imported"
    if template != emulator.engine.parse_template(stack_set["definition"]["template"]):
        return f"The template of stack {stack_id} is not that of the stack set"
    return ""


def owner_of(stack_id: str) -> str:
    """Return the stack set that has a stack, empty if none has."""
    return next(
        (
            stack_set["id"]
            for stack_set in store.every_active()
            for each in stack_set["instances"].values()
            if each["stack_id"] == stack_id
        ),
        "",
    )


def template_of(stack: Mapping[str, Any]) -> str:
    """Return the text of a stack's template."""
    return str(stack["_template_body"])


def parameters_of(stack: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of a stack's parameters."""
    return {
        str(each["ParameterKey"]): str(each["ParameterValue"])
        for each in stack.get("Parameters") or ()
    }


def secrets_in(template: Mapping[str, Any]) -> list[str]:
    """Return the parameters of a template that are never shown."""
    declared = template.get("Parameters") or {}
    return [name for name, about in declared.items() if _is_secret(about)]


def _is_secret(about: Mapping[str, Any]) -> bool:
    return str(about.get("NoEcho", "")).lower() == "true"
