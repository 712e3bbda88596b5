"""The committed templates are those that the layers make today; the manifest says what they are."""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tapcfn import bundle, config
from templates.blueprints import BLUEPRINTS

ROOT = Path(__file__).parents[2]
RENDERED = ROOT / "templates/rendered"
SETTINGS = ROOT / "templates/settings"

pytestmark = pytest.mark.parametrize("name", BLUEPRINTS)


def manifest(name: str) -> dict[str, Any]:
    """Return a committed manifest."""
    return dict(json.loads((RENDERED / name / bundle.MANIFEST).read_text()))


def test_rendered_templates_are_current(name: str) -> None:
    """A template that was changed and not rendered again is named; mend it with `make render`."""
    module = import_module(BLUEPRINTS[name])
    settings = config.load(SETTINGS / f"{name}.example.toml", module.Settings)

    assert () == bundle.stale(module.rollout(settings, "example"), RENDERED / name)


def test_the_manifest_knows_each_file_by_its_hash(name: str) -> None:
    """Whoever is handed the bundle can verify every byte of every template."""
    said = {
        f"{layer}.json": entry["sha256"] for layer, entry in manifest(name)["templates"].items()
    }
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (RENDERED / name).glob("*.json")
        if path.name != bundle.MANIFEST
    }

    assert there == said


def capabilities(document: dict[str, Any]) -> list[str]:
    """Return what the service wants acknowledged of a template's own IAM resources."""
    own = [
        each.get("Properties", {})
        for each in document["Resources"].values()
        if each["Type"].startswith("AWS::IAM::")
    ]
    named = {"RoleName", "ManagedPolicyName"}
    if any(named & each.keys() for each in own):
        return ["CAPABILITY_NAMED_IAM"]
    return ["CAPABILITY_IAM"] if own else []


def test_the_manifest_lists_what_is_in_each_template(name: str) -> None:
    """Resources, parameters and capabilities are those of the file; each resource has a source."""
    for layer, entry in manifest(name)["templates"].items():
        document = json.loads((RENDERED / name / f"{layer}.json").read_text())

        types = {key: value["Type"] for key, value in document["Resources"].items()}
        assert types == entry["resources"]
        assert document.get("Parameters", {}) == entry["parameters"]
        assert types.keys() == entry["source"].keys()
        assert capabilities(document) == entry["capabilities"]


def test_every_source_line_names_its_resource(name: str) -> None:
    """The line that a failure would name is one where the resource is put into the template."""
    for entry in manifest(name)["templates"].values():
        for source in entry["source"].values():
            file, _, number = source.rpartition(":")
            line = (ROOT / file).read_text().splitlines()[int(number) - 1]

            assert "add" in line, source
