"""Check requests as strictly as the service does: botocore itself lets most faults through."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any


def strictly(client: Any) -> Any:
    """Return the client, from now on refusing every request that breaks the service model."""
    client.meta.events.register_last("before-parameter-build.*.*", _check)
    return client


def _check(params: Mapping[str, Any], model: Any, **_: Any) -> None:
    found = list(faults(model.input_shape, params, model.name)) if model.input_shape else []
    assert not found, "; ".join(found)


def faults(shape: Any, value: Any, where: str) -> Iterator[str]:
    """Yield everything in which a value breaks its shape, and where."""
    yield from _limit_faults(shape.metadata, value, where)
    if shape.type_name == "structure":
        for key in set(shape.required_members) - set(value):
            yield f"{where}.{key} is missing"
        for key, inner in value.items():
            if key in shape.members:
                yield from faults(shape.members[key], inner, f"{where}.{key}")
            else:
                yield f"{where}.{key} is unknown"
    if shape.type_name == "list":
        for index, inner in enumerate(value):
            yield from faults(shape.member, inner, f"{where}[{index}]")


def _limit_faults(limits: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
    size = len(value) if isinstance(value, str | list | dict) else value
    if isinstance(value, str | list) or type(value) is int:
        if size < limits.get("min", size):
            yield f"{where} is below {limits['min']}: {value!r}"
        if size > limits.get("max", size):
            yield f"{where} is above {limits['max']}: {value!r}"
    if isinstance(value, str):
        if not re.fullmatch(limits.get("pattern", "(?s:.*)"), value):
            yield f"{where} does not match {limits['pattern']}: {value!r}"
        if value not in limits.get("enum", [value]):
            yield f"{where} is none of {', '.join(limits['enum'])}: {value!r}"
