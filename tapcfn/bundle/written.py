"""Templates as files: canonical, with a manifest that says what they are and where they come from.

The same rollout gives the same bytes: no time, no commit, no order of a set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tapcfn import __version__
from tapcfn.bundle.moves import move_entry, plain
from tapcfn.bundle.units import set_entry, value_entry
from tapcfn.errors import TemplateError
from tapcfn.model import EMPTY, Rollout, Stack, TemplateBody, digest_of

MANIFEST = "manifest.json"
VERSION = 2


def files_of(rollout: Rollout, about: Mapping[str, Any] = EMPTY) -> Mapping[str, str]:
    """Return the text of each file of a rollout's bundle, by file name.

    `about` joins the manifest: the commit that it was made from, and how it is deployed.

    Raises `TemplateError` where two different templates share a layer's name, or one has the
    manifest's.
    """
    templates: dict[str, TemplateBody] = {}
    moved = (stack for move in rollout.moves for stack in (*move.stacks, *move.undone_by))
    for unit in (*rollout.units, *moved):
        known = templates.setdefault(unit.template.layer, unit.template)
        if known.text != unit.template.text:
            raise TemplateError(f"{unit.template.layer}: two different templates have this name")
    if MANIFEST in {f"{layer}.json" for layer in templates}:
        raise TemplateError(f"{MANIFEST}: no layer can have this name, the manifest has it")
    files = {f"{layer}.json": _pretty(body.document) for layer, body in sorted(templates.items())}
    return files | {MANIFEST: _pretty({**_manifest(rollout, templates, files), **about})}


def write(rollout: Rollout, folder: Path, about: Mapping[str, Any] = EMPTY) -> tuple[str, ...]:
    """Write the bundle and remove files that are no longer part of it; return what changed."""
    changed = stale(rollout, folder, about)
    files = files_of(rollout, about)
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in files:
            (folder / name).write_bytes(files[name].encode())
        else:
            (folder / name).unlink()
    return changed


def stale(rollout: Rollout, folder: Path, about: Mapping[str, Any] = EMPTY) -> tuple[str, ...]:
    """Return the names of files that are missing, different or no longer part of the bundle."""
    files = files_of(rollout, about)
    there = {path.name for path in folder.glob("*.json")}
    different = {
        name
        for name, text in files.items()
        if name not in there or (folder / name).read_bytes() != text.encode()
    }
    return tuple(sorted(different | (there - files.keys())))


def _manifest(
    rollout: Rollout, templates: Mapping[str, TemplateBody], files: Mapping[str, str]
) -> Mapping[str, Any]:
    return {
        "manifest_version": VERSION,
        "blueprint": rollout.blueprint,
        "stage": rollout.stage,
        "versions": {
            "tapcfn": __version__,
            "troposphere": version("troposphere"),
            "awacs": version("awacs"),
        },
        "templates": {
            layer: _template_entry(body, files[f"{layer}.json"])
            for layer, body in sorted(templates.items())
        },
        "stacks": [
            _stack_entry(stack, phase.name) for phase in rollout.phases for stack in phase.stacks
        ],
        "outputs": {name: value_entry(value) for name, value in rollout.outputs.items()},
        **(_sets(rollout) if rollout.stack_sets else {}),
        **(_moves(rollout) if rollout.moves else {}),
        **({"actions": [plain(each) for each in rollout.actions]} if rollout.actions else {}),
    }


def _moves(rollout: Rollout) -> Mapping[str, Any]:
    return {"moves": [move_entry(move, _stack_entry) for move in rollout.moves]}


def _sets(rollout: Rollout) -> Mapping[str, Any]:
    """Return the stack sets, and the order of the phases, which the stacks alone do not tell."""
    return {
        "phases": [phase.name for phase in rollout.phases],
        "stack_sets": [
            set_entry(each, phase.name) for phase in rollout.phases for each in phase.stack_sets
        ],
    }


def _template_entry(body: TemplateBody, text: str) -> Mapping[str, Any]:
    """`sha256` is that of the file, `digest` that of the compact body that is deployed."""
    return {
        "sha256": digest_of(text),
        "digest": body.digest,
        "bytes": body.size,
        "capabilities": list(body.capabilities),
        "parameters": {key: dict(value) for key, value in sorted(body.parameters.items())},
        "outputs": sorted(body.outputs),
        "resources": dict(sorted(body.resources.items())),
        "source": {key: str(line) for key, line in sorted(body.source.items())},
    }


def _stack_entry(stack: Stack, phase: str) -> Mapping[str, Any]:
    return {
        "name": stack.name,
        "phase": phase,
        "account": stack.target.account,
        "region": stack.target.region,
        "template": stack.template.layer,
        "parameters": {key: value_entry(value) for key, value in sorted(stack.parameters.items())},
        "tags": dict(sorted(stack.tags.items())),
        "needs": sorted(stack.needs),
        "termination_protection": stack.protect,
        "adopts": stack.adopt,
    }


def _pretty(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
