"""The provider schemas that cfn-lint brings: what each resource type's properties mean.

They are read file by file: to import the package would cost a second.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Schemas differ in their list of types by Region, never in what a type's properties mean.
REGION = "us-east-1"

# All custom resources share one schema, which says nothing of them.
CUSTOM = "AWS::CloudFormation::CustomResource"


@cache
def schema(resource_type: str) -> Mapping[str, Any]:
    """Return a type's schema, and remember it; empty where there is none."""
    return read(CUSTOM if resource_type.startswith("Custom::") else resource_type) or {}


def read(resource_type: str) -> Mapping[str, Any] | None:
    """Return a type's schema from its file; None where there is none."""
    name = _names(REGION).get(resource_type)
    if name is None:
        return None
    text = (_folder() / "resources" / f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def types(region: str) -> frozenset[str] | None:
    """Return the types that a Region has; None where the schemas do not know the Region."""
    return frozenset(_names(region)) or None


def is_action(name: str) -> bool:
    """Whether IAM has an action; handlers declare some that never were. True if nothing is known.

    A pattern counts as one where there is such a service.
    """
    service, _, action = name.lower().partition(":")
    known = _actions()
    return not known or (service in known and ("*" in action or action in known[service]))


@cache
def _actions() -> Mapping[str, frozenset[str]]:
    """Return the actions of each service, in lower case, as cfn-lint has them from IAM's pages."""
    try:
        text = (_folder().parent / "AdditionalSpecs" / "Policies.json").read_text(encoding="utf-8")
    except OSError:
        return {}
    return {key: frozenset(each.get("Actions", ())) for key, each in json.loads(text).items()}


@cache
def _folder() -> Path:
    found = find_spec("cfnlint")
    places = (found.submodule_search_locations if found else None) or ["/nowhere"]
    return Path(places[0]) / "data" / "schemas"


@cache
def _names(region: str) -> Mapping[str, str]:
    """Return the name of each type's file in a Region."""
    try:
        text = (_folder() / "providers" / f"{region}.json").read_text(encoding="utf-8")
    except OSError:
        return {}
    names: dict[str, str] = json.loads(text)
    return names
