"""Names that a template computes, as far as they can be known without asking anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tapcfn.model import Stack

_REFERENCE = re.compile(r"\$\{([^!}][^}]*)\}")


def text_of(value: Any, stack: Stack) -> str | None:
    """Return the text that a value of a stack's template comes to, or None if that takes more.

    Literals, Ref of known parameters and of AWS::*, Fn::Sub and Fn::Join of those.
    """
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return _known(stack).get(name)
        case {"Fn::Sub": str(text)}:
            return _substituted(text, _known(stack))
        case {"Fn::Sub": [str(text), dict(names)]}:
            given = {key: text_of(each, stack) for key, each in names.items()}
            known = {key: each for key, each in given.items() if each is not None}
            return _substituted(text, {**_known(stack), **known})
        case {"Fn::Join": [str(between), list(parts)]}:
            texts = [text_of(each, stack) for each in parts]
            known_parts = [each for each in texts if each is not None]
            return between.join(known_parts) if len(known_parts) == len(texts) else None
        case _:
            return None


def partition_of(region: str) -> str:
    """Return the partition that a Region is in."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def walk(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every mapping in a document, the outer ones first."""
    if isinstance(value, Mapping):
        yield value
        for each in value.values():
            yield from walk(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from walk(each)


def _known(stack: Stack) -> dict[str, str]:
    """Return what a template can name: pseudo parameters, and parameters with known values."""
    defaults = {
        key: str(each["Default"])
        for key, each in stack.template.parameters.items()
        if "Default" in each
    }
    for key, value in stack.parameters.items():
        defaults.pop(key, None)
        if isinstance(value, str):
            defaults[key] = value
    return {
        **defaults,
        "AWS::AccountId": stack.target.account,
        "AWS::Partition": partition_of(stack.target.region),
        "AWS::Region": stack.target.region,
        "AWS::StackName": stack.name,
    }


def _substituted(text: str, known: Mapping[str, str]) -> str | None:
    if any(name not in known for name in _REFERENCE.findall(text)):
        return None
    return _REFERENCE.sub(lambda match: known[match[1]], text).replace("${!", "${")
