"""What a stack set was before an operation, as a document that says by itself if it is whole.

The set keeps its new template even where the operation fails, so that only what was written down
before can be taken back. Values of NoEcho parameters never stand in it. (D-10)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tapcfn.errors import StaleError
from tapcfn.model import (
    EMPTY,
    DeployedSet,
    Preferences,
    Share,
    Target,
    canonical,
    digest_of,
)
from tapcfn.stack_sets.spread import Spread, Wanted, is_secret, value_of

_VERSION = 1

# What the service says instead of a value that is never shown.
_MASKED = "****"


@dataclass(frozen=True, slots=True)
class Kept:
    """One instance before: last operation, overrides but for secret ones, and its StackId."""

    operation: str
    overrides: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    stack_id: str = ""


@dataclass(frozen=True, slots=True)
class Aimed:
    """What the operation's rollout made of the set: digests of it all, and of its template.

    `overrides` has every pair that was wanted, with what it was told for itself.
    """

    whole: str
    template: str
    overrides: Mapping[Target, Mapping[str, str]] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Record:
    """A set before an operation. Without a `set_id` there was none.

    `hidden` are the parameters whose values nobody may know. All operations of one run have the
    same `base`; it was `unsettled` where it found instances that were not well: so that it may be
    the rest of an earlier one. `retries` or `reverts` is the operation that it did again or took
    back.
    """

    operation: str
    name: str
    aimed: Aimed
    base: str = ""
    unsettled: bool = False
    set_id: str = ""
    template: str = ""
    parameters: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    hidden: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    capabilities: tuple[str, ...] = ()
    preferences: Preferences = field(default_factory=Preferences)
    instances: Mapping[Target, Kept] = field(default_factory=lambda: EMPTY)
    retries: str = ""
    reverts: str = ""


def record_of(spread: Spread, operation_id: str) -> Record:
    """Return what a spread has found of its set."""
    deployed, found = spread.found.deployed, spread.found.instances
    preferences = spread.stack_set.preferences
    if deployed is None:
        name, aimed = spread.stack_set.name, _aimed(spread)
        return Record(operation_id, name, aimed, spread.base, preferences=preferences)
    hidden = _hidden(deployed)
    return Record(
        operation_id,
        deployed.name,
        _aimed(spread),
        spread.base,
        not all(each.is_well for each in found.values()),
        deployed.set_id,
        deployed.template,
        _open(deployed.parameters, hidden),
        hidden,
        dict(deployed.tags),
        deployed.capabilities,
        preferences,
        {
            pair: Kept(each.operation, _open(each.overrides or {}, hidden), each.stack_id)
            for pair, each in sorted(found.items())
        },
        spread.retries,
        spread.reverts,
    )


def told(wanted: Wanted) -> dict[str, str]:
    """Return what a set says of each parameter that may be known."""
    declared = wanted.stack_set.template.parameters
    keys = [key for key in sorted(declared) if not is_secret(wanted.stack_set, key)]
    return {key: value_of(wanted, key) for key in keys}


def open_to_all(deployed: DeployedSet) -> dict[str, str]:
    """Return what a deployed set says of each parameter that may be known."""
    return _open(deployed.parameters, _hidden(deployed))


def _aimed(spread: Spread) -> Aimed:
    """Return what comes of the set: what is wanted where the spread renews it, else what it is."""
    wanted, deployed = spread.wanted, spread.found.deployed
    if deployed is None or spread.renews:
        template = wanted.stack_set.template.digest
        whole = [template, told(wanted), dict(wanted.stack_set.tags)]
    else:
        template = digest_of(deployed.template)
        whole = [template, open_to_all(deployed), dict(deployed.tags)]
    secret = tuple(
        key for key in wanted.stack_set.template.parameters if is_secret(wanted.stack_set, key)
    )
    overrides = {pair: _open(wanted.overrides_of(pair), secret) for pair in sorted(wanted.pairs)}
    return Aimed(digest_of(canonical(whole)), template, overrides)


def _hidden(deployed: DeployedSet) -> tuple[str, ...]:
    """Return the parameters that are declared NoEcho, or are shown as such where it is YAML."""
    try:
        declared = json.loads(deployed.template).get("Parameters", {})
    except ValueError:
        declared = {}
    secret = {
        key for key, each in declared.items() if str(each.get("NoEcho", "")).lower() == "true"
    }
    masked = {key for key, value in deployed.parameters.items() if value == _MASKED}
    return tuple(sorted(secret | masked))


def _open(values: Mapping[str, str], hidden: tuple[str, ...]) -> dict[str, str]:
    return {key: value for key, value in sorted(values.items()) if key not in hidden}


# As a document ------------------------------------------------------------------------------------


def dump(record: Record) -> str:
    """Return a record as text, with a digest over all of it."""
    body = {
        "version": _VERSION,
        "operation": record.operation,
        "name": record.name,
        "aimed": {
            "whole": record.aimed.whole,
            "template": record.aimed.template,
            "overrides": _by_pair(record.aimed.overrides),
        },
        "base": record.base,
        "unsettled": record.unsettled,
        "set_id": record.set_id,
        "template": record.template,
        "parameters": dict(record.parameters),
        "hidden": list(record.hidden),
        "tags": dict(record.tags),
        "capabilities": list(record.capabilities),
        "preferences": _told(record.preferences),
        "instances": {
            str(pair): {
                "operation": each.operation,
                "overrides": dict(each.overrides),
                "stack_id": each.stack_id,
            }
            for pair, each in record.instances.items()
        },
        **({"retries": record.retries} if record.retries else {}),
        **({"reverts": record.reverts} if record.reverts else {}),
    }
    document = {**body, "digest": digest_of(canonical(body))}
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def load(text: str, where: str) -> Record:
    """Return the record; raise `StaleError` where it is not what was written."""
    try:
        document: dict[str, Any] = json.loads(text)
        digest = document.pop("digest")
    except (ValueError, AttributeError, KeyError) as error:
        raise StaleError(f"{where}: is no record of a stack set") from error
    if digest != digest_of(canonical(document)):
        raise StaleError(f"{where}: has been changed since it was written")
    if document["version"] != _VERSION:
        raise StaleError(f"{where}: is of version {document['version']}, known is {_VERSION}")
    return Record(
        document["operation"],
        document["name"],
        _aimed_at(document["aimed"]),
        document["base"],
        document["unsettled"],
        document["set_id"],
        document["template"],
        document["parameters"],
        tuple(document["hidden"]),
        document["tags"],
        tuple(document["capabilities"]),
        _preferences(document["preferences"]),
        {
            pair: Kept(each["operation"], each["overrides"], each.get("stack_id", ""))
            for pair, each in _pairs(document["instances"]).items()
        },
        document.get("retries", ""),
        document.get("reverts", ""),
    )


def _aimed_at(told: Mapping[str, Any]) -> Aimed:
    return Aimed(told["whole"], told["template"], _pairs(told["overrides"]))


def _by_pair(values: Mapping[Target, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {str(pair): dict(each) for pair, each in values.items()}


def _pairs(told: Mapping[str, Any]) -> dict[Target, Any]:
    return {Target(*pair.split("/")): each for pair, each in told.items()}


def _told(preferences: Preferences) -> dict[str, Any]:
    return {
        "region_order": list(preferences.region_order),
        "parallel": preferences.parallel,
        "tolerance": [preferences.tolerance.number, preferences.tolerance.percent],
        "concurrent": [preferences.concurrent.number, preferences.concurrent.percent],
        "soft": preferences.soft,
    }


def _preferences(told: Mapping[str, Any]) -> Preferences:
    return Preferences(
        tuple(told["region_order"]),
        told["parallel"],
        Share(*told["tolerance"]),
        Share(*told["concurrent"]),
        told["soft"],
    )
