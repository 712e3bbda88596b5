"""The stream that programs read, each line held against the schema that the package ships."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

SCHEMA: Mapping[str, Any] = json.loads(
    resources.files("tapcfn.report").joinpath("ndjson.schema.json").read_text("utf-8")
)

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def read_lines(text: str) -> list[dict[str, Any]]:
    """Return the lines of a stream, or of a part of one; fails for what the schema does not say."""
    return [read_line(line) for line in text.splitlines()]


def read_line(text: str) -> dict[str, Any]:
    """Return one line; fails for what the schema does not say."""
    line: dict[str, Any] = json.loads(text)
    assert [] == list(faults(line)), text
    return line


def faults(line: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a line is other than the schema says.

    Stricter than its readers have to be: a type or a field that it does not name is a fault. It
    reads the few keywords that the schema uses; cfn-lint's validator takes milliseconds for a line,
    and takes null for absent.
    """
    own = SCHEMA["definitions"].get(line.get("type"))
    if own is None:
        yield f"type: {line.get('type')} is unknown"
        return
    fields = {**SCHEMA["properties"], **own["properties"]}
    whole = {"required": [*SCHEMA["required"], *own["required"]], "properties": fields}
    yield from _faults(line, {"type": "object", **whole}, "")


def _faults(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]]
    if choices := schema.get("anyOf"):
        if all(any(_faults(value, each, at)) for each in choices):
            yield f"{at}: {value!r} is none of {choices}"
    elif not (_is_one(value, schema.get("type", ())) and _is_allowed(value, schema)):
        yield f"{at}: {value!r} is not what is allowed: {schema}"
    elif isinstance(value, dict):
        yield from _of_object(value, schema, at)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _faults(each, schema.get("items", {}), f"{at}/{number}")


def _is_allowed(value: Any, schema: Mapping[str, Any]) -> bool:
    return (
        value in schema.get("enum", [value])
        and value == schema.get("const", value)
        and ("pattern" not in schema or re.search(schema["pattern"], value) is not None)
        and ("minimum" not in schema or value >= schema["minimum"])
    )


def _of_object(value: Mapping[str, Any], schema: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from (f"{at}/{key}: is missing" for key in schema.get("required", ()) if key not in value)
    known, rest = schema.get("properties"), schema.get("additionalProperties", {})
    for key, each in value.items():
        if known is not None and key not in known:
            yield f"{at}/{key}: is unknown"
        else:
            yield from _faults(each, (known or {}).get(key, rest), f"{at}/{key}")


def _is_one(value: Any, names: str | list[str] | tuple[()]) -> bool:
    wanted = [names] if isinstance(names, str) else list(names)
    if isinstance(value, bool):
        return not wanted or "boolean" in wanted
    return not wanted or any(isinstance(value, _TYPES[name]) for name in wanted)
