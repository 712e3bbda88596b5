"""Read one template as somebody wrote it: YAML with short functions, or JSON, and its lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tapcfn.model import STATEFUL, SourceLine, TemplateBody, canonical
from tapcfn.templating import MAX_BODY, MAX_RESOURCES

# What a section holds, by the key that each of its entries must have.
_SECTIONS = {"Resources": "Type", "Parameters": "Type", "Outputs": "Value"}


class TemplateFault(ValueError):  # noqa: N818 - one fault of many, told together
    """Why a file is no template, with the line where that is known."""


def load(path: Path, layer: str) -> TemplateBody:
    """Return the template in canonical JSON, with the line of each resource in the file.

    Raises `TemplateFault` where it is no template.
    """
    document = _decoded(path)
    if faults := list(_faults(document, path)):
        raise TemplateFault("; ".join(faults))
    source = {
        str(name): SourceLine(shown(path), _line(name)) for name in sorted(document["Resources"])
    }
    return _limited(TemplateBody(layer, canonical(_plain(document)), source), path)


def keeping(body: TemplateBody) -> TemplateBody:
    """Return the template with Retain for what holds data and says nothing of its deletion."""
    document = json.loads(body.text)
    for resource in document["Resources"].values():
        if resource["Type"] in STATEFUL:
            resource.setdefault("DeletionPolicy", "Retain")
            resource.setdefault("UpdateReplacePolicy", "Retain")
    return replace(body, text=canonical(document))


def shown(path: Path) -> str:
    """Return a path as people would type it from here, if it is below here."""
    here = Path.cwd()
    full = path.resolve()
    return full.relative_to(here).as_posix() if full.is_relative_to(here) else str(full)


def normal(text: str) -> str:
    """Return a template in canonical JSON, whatever it was written in; else the text as it is."""
    from cfnlint.decode import decode_str

    document, _ = decode_str(text)
    return canonical(_plain(document)) if isinstance(document, Mapping) else text


def _decoded(path: Path) -> Mapping[Any, Any]:
    from cfnlint.decode import decode_str

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TemplateFault(f"{shown(path)}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TemplateFault(f"{shown(path)}: is not UTF-8") from error
    template, matches = decode_str(text)
    if matches or not isinstance(template, Mapping):
        said = dict.fromkeys(
            f"{shown(path)}:{each.linenumber}: {each.message}{_about_tabs(text, each.linenumber)}"
            for each in matches
        )
        raise TemplateFault("; ".join(said) or f"{shown(path)}: is no template")
    found: Mapping[Any, Any] = template
    return found


def _about_tabs(text: str, number: int) -> str:
    """Say what is wrong with a line of YAML that is indented by a tab: its parser does not."""
    lines = text.splitlines()
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    is_tab = "\t" in line[: len(line) - len(line.lstrip())]
    return "; YAML is indented by spaces, and this line by a tab" if is_tab else ""


def _faults(document: Mapping[Any, Any], path: Path) -> Iterator[str]:
    """Yield what keeps a document from being a template that can be planned."""
    if not document.get("Resources"):
        yield f"{shown(path)}: has no Resources"
    for section, key in _SECTIONS.items():
        entries = document.get(section) or {}
        if not isinstance(entries, Mapping):
            yield f"{shown(path)}: {section} is no table"
            continue
        for name, entry in entries.items():
            if str(name).startswith("Fn::ForEach"):
                yield f"{shown(path)}:{_line(name)}: {name}: loops cannot be planned"
            elif not isinstance(entry, Mapping) or key not in entry:
                yield f"{shown(path)}:{_line(name)}: {section}/{name} has no {key}"


def _limited(body: TemplateBody, path: Path) -> TemplateBody:
    if len(body.source) > MAX_RESOURCES:
        raise TemplateFault(
            f"{shown(path)}: {len(body.source)} resources; CloudFormation takes {MAX_RESOURCES}"
        )
    if body.size > MAX_BODY:
        raise TemplateFault(f"{shown(path)}: {body.size} bytes; CloudFormation takes {MAX_BODY}")
    return body


def _line(name: Any) -> int:
    """Return the line, from 1, that a key of the file stands on."""
    return int(name.start_mark.line) + 1 if hasattr(name, "start_mark") else 1


def _plain(document: Mapping[Any, Any]) -> Any:
    """Return the document without its lines; an unquoted date of YAML is the text it was."""
    return json.loads(json.dumps(document, default=str))
