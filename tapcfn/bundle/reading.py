"""From a bundle's files back to the rollout that they were written from, every byte verified."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tapcfn.bundle.moves import move_of
from tapcfn.bundle.moves import value_of as action_of
from tapcfn.bundle.units import output, stack_set, value_of
from tapcfn.bundle.written import MANIFEST, VERSION
from tapcfn.errors import StaleError, UsageError
from tapcfn.model import (
    EMPTY,
    Phase,
    Rollout,
    SourceLine,
    Stack,
    StackSet,
    Target,
    TemplateBody,
    canonical,
    digest_of,
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a folder holds: a rollout, the commit it was made from, and how it is deployed.

    `deployment` are those settings that say where: backend, accounts, artifact bucket. It is
    empty, as the commit is, for templates that were only rendered. `digest` is the SHA-256 of the
    manifest, which has that of every other file: of two bundles with one digest all is equal.
    """

    rollout: Rollout
    digest: str
    commit: str = ""
    deployment: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


def read(folder: Path) -> Bundle:
    """Read and verify a bundle.

    Raises `UsageError` where the folder holds no bundle of this version, and `StaleError` naming
    every file that is missing, different or not part of it.
    """
    manifest = _manifest(folder)
    try:
        _verify(folder, manifest)
        bodies = {name: _body(folder, name, each) for name, each in manifest["templates"].items()}
        return _bundle(manifest, bodies, digest_of((folder / MANIFEST).read_text("utf-8")))
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{folder / MANIFEST}: is no manifest ({error!r})") from error


def _manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / MANIFEST
    try:
        manifest: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = manifest.get("manifest_version")
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder} is no bundle: it has no {MANIFEST}; `bundle build` makes one"
        ) from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, AttributeError) as error:
        raise UsageError(f"{path}: is no manifest ({error})") from error
    if version != VERSION:
        raise UsageError(f"{path}: manifest_version is {version}; this tapcfn reads {VERSION}")
    return manifest


def _verify(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Hold every file against its digest; a file too many is as bad as a changed one."""
    expected = {f"{name}.json": each["sha256"] for name, each in manifest["templates"].items()}
    there = {path.name for path in folder.glob("*.json")} - {MANIFEST}
    faults = [f"{name} is not part of the bundle" for name in sorted(there - expected.keys())]
    for name, digest in sorted(expected.items()):
        if name not in there:
            faults.append(f"{name} is missing")
        elif digest_of((folder / name).read_text(encoding="utf-8", errors="replace")) != digest:
            faults.append(f"{name} is not what the manifest says")
    if faults:
        raise StaleError(f"{folder}: " + "; ".join(faults))


def _body(folder: Path, layer: str, entry: Mapping[str, Any]) -> TemplateBody:
    text = canonical(json.loads((folder / f"{layer}.json").read_text(encoding="utf-8")))
    lines = {key: _line(text) for key, text in entry["source"].items()}
    body = TemplateBody(layer, text, lines)
    if body.digest != entry["digest"]:
        raise StaleError(f"{folder}: {layer}.json is not the template that the manifest says")
    return body


def _line(text: str) -> SourceLine:
    file, _, line = text.rpartition(":")
    return SourceLine(file, int(line))


def _bundle(manifest: Mapping[str, Any], bodies: Mapping[str, TemplateBody], digest: str) -> Bundle:
    phases: dict[str, list[Stack]] = {name: [] for name in manifest.get("phases", ())}
    for entry in manifest["stacks"]:
        phases.setdefault(entry["phase"], []).append(_stack(entry, bodies))
    sets: dict[str, list[StackSet]] = {}
    for entry in manifest.get("stack_sets", ()):
        sets.setdefault(entry["phase"], []).append(stack_set(entry, bodies[entry["template"]]))
    outputs = {name: output(at) for name, at in manifest["outputs"].items()}
    rollout = Rollout(
        manifest["blueprint"],
        manifest["stage"],
        tuple(
            Phase(name, tuple(stacks), tuple(sets.get(name, ()))) for name, stacks in phases.items()
        ),
        outputs,
        tuple(
            move_of(entry, lambda told: _stack(told, bodies)) for entry in manifest.get("moves", ())
        ),
        tuple(action_of(entry) for entry in manifest.get("actions", ())),
    )
    return Bundle(rollout, digest, manifest.get("commit", ""), manifest.get("deployment", EMPTY))


def _stack(entry: Mapping[str, Any], bodies: Mapping[str, TemplateBody]) -> Stack:
    return Stack(
        entry["name"],
        Target(entry["account"], entry["region"]),
        bodies[entry["template"]],
        {key: value_of(value) for key, value in entry["parameters"].items()},
        entry["tags"],
        entry["termination_protection"],
        entry["adopts"],
    )
