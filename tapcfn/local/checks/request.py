"""What a check looks at and what it answers: a request read once, and a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.emulator import Answer, Params

REVIEW = "REVIEW_IN_PROGRESS"

Template = Mapping[str, Any]
Stack = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that says no."""

    message: str
    code: str = "ValidationError"

    def answer(self) -> Answer:
        """Return the refusal as the service would send it."""
        return emulator.engine.error(self.code, self.message)


@dataclass(frozen=True, slots=True)
class Request:
    """One request: what it says, the stack that it is about, and the template that it would run."""

    params: Params
    stack: Stack | None
    template: Template

    def __getitem__(self, name: str) -> str:
        return emulator.parameter(self.params, name)

    @property
    def resources(self) -> Mapping[str, Any]:
        """The template's resources, without what is no resource at all."""
        found = self.template.get("Resources") or {}
        return {name: body for name, body in found.items() if isinstance(body, dict)}


Check = Callable[[Request], Refusal | None]


def read(params: Params) -> Request:
    """Return a request with the stack and the template that it means."""
    stack = emulator.engine.resolve_stack(stack_name(params))
    if stack is not None and stack["StackStatus"] == "DELETE_COMPLETE":
        stack = None
    return Request(params, stack, _template(params, stack))


def stack_name(params: Params) -> str:
    """Return the stack's name or id; a change set given by its ARN knows its stack."""
    change_set = emulator.parameter(params, "ChangeSetName")
    if change_set.startswith("arn:"):
        found = emulator.engine.find_change_set(change_set)[1]
        return str(found["StackId"]) if found else ""
    return emulator.parameter(params, "StackName")


def _template(params: Params, stack: Stack | None) -> Template:
    """Return the template of the request, or an empty one where the emulator itself will refuse."""
    try:
        body, refused = emulator.engine.resolve_template(params)
        if refused or not (body or stack):
            return {}
        if not body:
            return dict((stack or {}).get("_template") or {})
        parsed = emulator.engine.parse_template(body)
        return emulator.engine.apply_transforms(
            parsed, emulator.engine.extract_members(params, "Parameters")
        )
    except Exception:  # whatever is wrong with it, the emulator says so in its own words
        return {}
