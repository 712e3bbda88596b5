"""The provider schemas: which properties a resource type knows and which it needs.

Of each type only what is asked here is kept, for the types that were asked about last: a whole
schema is mostly descriptions. The schemas of us-east-1 stand for every Region.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tapcfn.local import taken
from tapcfn.schemas import read

KEPT = 64

Schema = Mapping[str, Any]

# Keywords whose members are schemas, by name or in a list.
_NAMED = ("properties", "patternProperties", "definitions")
_LISTED = ("oneOf", "anyOf", "allOf")
_PLAIN = ("$ref", "required", "additionalProperties")

# Types whose properties are their own business.
_OPEN = frozenset({"AWS::CloudFormation::CustomResource"})


@dataclass(frozen=True, slots=True)
class Misfit:
    """A property that is missing or unknown, and the path to what should or does hold it."""

    path: tuple[str, ...]
    key: str
    missing: bool

    @property
    def early(self) -> str:
        """How pre-deployment validation says it."""
        kind, end = ("Required", " not found") if self.missing else ("Unsupported", "")
        return f"{kind} property [{self.key}]{end}"

    @property
    def late(self) -> str:
        """How a resource operation says it."""
        where = "".join(["#", *(f"/{part}" for part in self.path)])
        if self.missing:
            return f"{where}: required key [{self.key}] not found"
        return f"{where}: extraneous key [{self.key}] is not permitted"


def misfits(resource_type: str, properties: Any) -> list[Misfit]:
    """Return every property that the type does not know or that is not there.

    Says nothing about values, nor about what a function stands for.
    """
    schema = None if resource_type in _OPEN else _schema(resource_type)
    if schema is None or taken.is_function(properties):
        return []
    return list(_misfits(schema, schema, properties or {}, ()))


# Reading ------------------------------------------------------------------------------------------


@lru_cache(maxsize=KEPT)
def _schema(resource_type: str) -> Schema | None:
    whole = read(resource_type)
    return None if whole is None else _bare(whole)


def _bare(node: Any) -> Any:
    """Keep of a schema what is asked here; descriptions and values are most of it."""
    if not isinstance(node, dict):
        return {}
    kept: dict[str, Any] = {key: node[key] for key in _PLAIN if key in node}
    for key in _NAMED:
        if key in node:
            kept[key] = {name: _bare(each) for name, each in node[key].items()}
    for key in _LISTED:
        if key in node:
            kept[key] = [_bare(each) for each in node[key]]
    if isinstance(node.get("items"), dict):
        kept["items"] = _bare(node["items"])
    return kept


# Comparing ----------------------------------------------------------------------------------------


def _misfits(root: Schema, schema: Schema, value: Any, path: tuple[str, ...]) -> Iterator[Misfit]:
    if taken.is_function(value):
        return
    schema = _followed(root, schema)
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from _misfits(root, schema.get("items", {}), each, (*path, str(number)))
    elif isinstance(value, dict):
        yield from _in_object(root, schema, value, path)


def _in_object(
    root: Schema, schema: Schema, value: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[Misfit]:
    for key in _required(root, schema):
        if key not in value:
            yield Misfit(path, key, missing=True)
    for key, each in value.items():
        meant = _meant(root, schema, key)
        if not meant and schema.get("additionalProperties") is False:
            yield Misfit(path, key, missing=False)
        elif len(meant) == 1:
            yield from _misfits(root, meant[0], each, (*path, key))


def _required(root: Schema, schema: Schema) -> list[str]:
    """Return what is needed whatever alternative is meant."""
    also = (_followed(root, each) for each in schema.get("allOf", ()))
    needed = [*schema.get("required", ()), *(key for each in also for key in _required(root, each))]
    return list(dict.fromkeys(needed))


def _meant(root: Schema, schema: Schema, key: str) -> list[Schema]:
    """Return every schema that a property of this name may have, in any alternative."""
    found: list[Schema] = []
    if key in schema.get("properties", {}):
        found.append(schema["properties"][key])
    else:
        patterns = schema.get("patternProperties", {}).items()
        found += [each for pattern, each in patterns if _fits(pattern, key)]
    for name in _LISTED:
        for each in schema.get(name, ()):
            found += _meant(root, _followed(root, each), key)
    return [each for each in found if each] or found[:1]


def _fits(pattern: str, key: str) -> bool:
    """Tell whether a key fits; a pattern that only other languages know fits every key."""
    try:
        return re.search(pattern, key) is not None
    except re.error:
        return True


def _followed(root: Schema, schema: Schema) -> Schema:
    """Return what a reference points at; nothing is known of what stands elsewhere."""
    while "$ref" in schema:
        place, _, pointer = str(schema["$ref"]).partition("#/")
        node: Any = {} if place else root
        for part in pointer.split("/"):
            node = node.get(part, {}) if isinstance(node, dict) else {}
        schema = node
    return schema
