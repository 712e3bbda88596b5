"""Our provisioners agree with the provider schemas about what replaces a resource."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

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


def test_create_only_properties_are_the_schemas(ours):
    """What the schema calls create-only replaces here, and nothing else does."""
    schema_of = pytest.importorskip("cfnlint.schema.manager").PROVIDER_SCHEMA_MANAGER
    for kind, (create_only, tags, updatable) in ours.items():
        schema = schema_of.get_resource_schema("us-east-1", kind).schema
        wanted = (
            {path.removeprefix("/properties/") for path in schema["createOnlyProperties"]}
            if ("createOnlyProperties" in schema)
            else set()
        )
        writable = set(schema["properties"]) - {
            path.removeprefix("/properties/") for path in schema.get("readOnlyProperties", ())
        }

        assert wanted == set(create_only), kind
        assert bool(tags) <= ("Tags" in schema["properties"]), kind
        assert updatable == bool(writable - wanted), kind
