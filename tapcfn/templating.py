"""A troposphere template that remembers where each of its resources was written down.

troposphere makes the document; this adds the source map (logical ID -> file and line) that lets
every failure name the line to look at. The map never changes the template's bytes.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, TypeVar

import troposphere

from tapcfn.errors import TemplateError
from tapcfn.model import SourceLine, TemplateBody, canonical

R = TypeVar("R", bound=troposphere.AWSObject)

# Limits of the service, in bytes and pieces.
MAX_BODY = 1_000_000
MAX_RESOURCES = 500


class Template(troposphere.Template):
    """A troposphere template with a source map."""

    def __init__(self, description: str) -> None:
        super().__init__(Description=description)
        self.set_version()
        self.source: dict[str, SourceLine] = {}

    def add_resource(self, resource: Any) -> Any:
        """Add one resource, or several, and remember the caller's line."""
        line = _caller(sys._getframe(1))
        for each in resource if isinstance(resource, list) else [resource]:
            self.source[each.title] = line
        return super().add_resource(resource)

    def add(self, resource: R) -> R:
        """Add one resource and return it with its own type."""
        self.source[str(resource.title)] = _caller(sys._getframe(1))
        super().add_resource(resource)
        return resource


def body(layer: str, template: Template) -> TemplateBody:
    """Return the template as canonical JSON; raise `TemplateError` if it breaks a limit."""
    text = canonical(template.to_dict())
    if len(template.resources) > MAX_RESOURCES:
        raise TemplateError(
            f"{layer}: {len(template.resources)} resources; CloudFormation takes {MAX_RESOURCES}"
        )
    if (size := len(text.encode())) > MAX_BODY:
        raise TemplateError(f"{layer}: {size} bytes; CloudFormation takes {MAX_BODY}")
    return TemplateBody(layer, text, dict(sorted(template.source.items())))


def _caller(frame: FrameType) -> SourceLine:
    """Return the line that asked for a resource; a shared module (`_name.py`) is passed over."""
    seen: FrameType | None = frame
    while seen is not None:
        module = seen.f_globals.get("__name__", "")
        if not module.rpartition(".")[2].startswith("_") and module != __name__:
            return SourceLine(module.replace(".", "/") + ".py", seen.f_lineno)
        seen = seen.f_back
    return SourceLine(frame.f_code.co_filename.rpartition("/")[2], frame.f_lineno)
