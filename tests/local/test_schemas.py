"""Our provisioners agree with the provider schemas about what replaces a resource."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tapcfn.local import server

CHECKOUT = Path(server.__file__).parents[2]
TELL = """
import json
from tapcfn.local import provisioners as p
print(json.dumps({one.type: [one.create_only, one.tags, bool(one.update)]
                  for module in p._MODULES for one in module.PROVISIONERS}))
"""


@pytest.fixture(scope="module")
def ours() -> dict[str, tuple[list[str], str, bool]]:
    """Return type, create-only properties, tag property and whether it can be updated."""
    told = subprocess.run(
        [sys.executable, "-c", TELL],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )
    return dict(json.loads(told.stdout.splitlines()[-1]))


# What no call of the service can change, so that only another resource has it; the schemas do not
# say so.
UNCHANGEABLE = {
    "AWS::AutoScaling::ScalingPolicy": {"PolicyName"},
    "AWS::DynamoDB::Table": {"LocalSecondaryIndexes"},
}

# The only property of a type that could be updated, and is refused by name.
REFUSED = {"AWS::Lambda::Version": {"FunctionScalingConfig"}}


def test_create_only_properties_are_the_schemas(ours):
    """What the schema calls create-only replaces here; besides, at most what it says may."""
    schema_of = pytest.importorskip("cfnlint.schema.manager").PROVIDER_SCHEMA_MANAGER
    for kind, (create_only, tags, updatable) in ours.items():
        schema = schema_of.get_resource_schema("us-east-1", kind).schema
        wanted = named(schema, "createOnlyProperties")
        more = named(schema, "conditionalCreateOnlyProperties") | UNCHANGEABLE.get(kind, set())
        writable = set(schema["properties"]) - named(schema, "readOnlyProperties")
        writable -= REFUSED.get(kind, set())

        assert wanted <= set(create_only) <= wanted | more, kind
        assert bool(tags) <= ("Tags" in schema["properties"]), kind
        assert updatable == bool(writable - wanted), kind


def test_every_type_is_in_the_document(ours):
    """The document lists the types by their services, and no other."""
    text = (CHECKOUT / "docs" / "local-cloud.md").read_text(encoding="utf-8")
    _, _, rows = text.partition("| `AWS::` | types |\n|---|---|\n")
    told = set()
    for row in rows.split("\n\n")[0].splitlines():
        service, *kinds = re.findall(r"`(\w+)`", row)
        told |= {f"AWS::{service}::{kind}" for kind in kinds}

    assert told == set(ours)


def named(schema: dict[str, Any], key: str) -> set[str]:
    """Return the properties that a list of a schema names."""
    return {path.removeprefix("/properties/") for path in schema.get(key, ())}
