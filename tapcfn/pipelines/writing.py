"""The files of a repository's pipelines: workflows from templates, and the scripts they run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import jinja2

from tapcfn.pipelines.systems import System

WORKFLOWS = ".github/workflows"
SCRIPTS = ".github/scripts"

# The Python that workflows run with.
PYTHON = "3.13"

# Actions by their commits, which nobody can move as they can a tag. Nothing else is used.
ACTIONS = MappingProxyType(
    {
        "checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
        "setup_python": "5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
        "upload": "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
        "download": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
        "credentials": "e6de054238d6b7531b4efff3b6587d9aade6a06c # v6.2.3",
    }
)

_TITLES = {"blue-green": "Blue-green", "migration": "Migration"}


def files(systems: Sequence[System], repository: str, branch: str = "main") -> Mapping[str, str]:
    """Return every file by its path in the repository; the same systems give the same bytes.

    A script is executable, but for those that the others read.
    """
    told: dict[str, Any] = {
        "systems": systems,
        "repository": repository,
        "branches": f"[{branch}]",
        "names": " ".join(f"{each.blueprint}:{each.stage}" for each in systems),
        "scripts": SCRIPTS,
        "actions": ACTIONS,
        "python": PYTHON,
    }
    made = {
        f"{WORKFLOWS}/{name}.yml": _text(name, told)
        for name in ("pull-request", "deploy", "system", "nightly")
    }
    for each in systems:
        if each.journey:
            path = f"{WORKFLOWS}/{_journey_file(each, systems)}.yml"
            title = _TITLES[each.journey]
            made[path] = _text("moves", {**told, "system": each, "title": title})
    return made | {f"{SCRIPTS}/{name}": text for name, text in _scripts().items()}


def _journey_file(system: System, systems: Sequence[System]) -> str:
    """Return the name of the workflow of a system's moves: its own where there are several."""
    alike = [each for each in systems if each.journey == system.journey]
    return system.journey if len(alike) == 1 else f"{system.journey}-{system.slug}"


def _text(name: str, told: Mapping[str, Any]) -> str:
    text = _environment().get_template(f"{name}.yml.j2").render(told)
    # What a part ends with, and what stands around it, is not to be seen in the whole.
    return re.sub(r"\n(?:[ \t]*\n)+(?= {2,}\S)", "\n", text).strip("\n") + "\n"


@cache
def _environment() -> jinja2.Environment:
    """Return the templates; GitHub's own `${{ }}` stays as it is."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("tapcfn.pipelines", "workflows"),
        autoescape=False,  # noqa: S701 - YAML is no HTML; what is filled in has been checked
        undefined=jinja2.StrictUndefined,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["quoted"] = json.dumps
    return made


@cache
def _scripts() -> Mapping[str, str]:
    folder = resources.files("tapcfn.pipelines") / "scripts"
    found = sorted(each.name for each in folder.iterdir() if each.is_file())
    return {name: (folder / name).read_text(encoding="utf-8") for name in found}
