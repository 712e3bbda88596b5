"""A plan as a file: what was reviewed is what is applied, or nothing is.

The file names change sets by ARN and what they were written against. It holds digests where
values could be secret, and a digest of its own body.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tapcfn.errors import StaleError, UsageError
from tapcfn.model import ChangeSet, OutputOf, canonical, digest_of
from tapcfn.plan import Plan, Reason, Step, Verb, digest
from tapcfn.ports import Cloud
from tapcfn.preview import Deferred, Preview, Previewed, Staged, objections

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What the file says, once its digest has been verified."""

    blueprint: str
    stage: str
    rollout: str
    allowed: frozenset[str]
    units: Mapping[str, Mapping[str, Any]]


def dump(plan: Plan, previews: Iterable[Preview], allowed: frozenset[str]) -> str:
    """Return the text of a plan file."""
    staged = {each.step.stack.name: each for each in previews}
    body = {
        "schema": SCHEMA,
        "blueprint": plan.rollout.blueprint,
        "stage": plan.rollout.stage,
        "rollout": digest(plan.rollout),
        "allowed": sorted(allowed),
        "units": {step.stack.name: _unit(step, staged.get(step.stack.name)) for step in plan.steps},
    }
    return json.dumps(body | {"digest": digest_of(canonical(body))}, indent=2, sort_keys=True)


def load(path: Path) -> SavedPlan:
    """Read a plan file.

    Raises `UsageError` where it is no plan file of this version, and `StaleError` where its body
    is no longer what was saved.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        said = body.pop("digest")
        schema = body["schema"]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise UsageError(f"{path}: is no plan file ({error})") from error
    if schema != SCHEMA:
        raise UsageError(f"{path}: is a plan file of version {schema}; this is version {SCHEMA}")
    if said != digest_of(canonical(body)):
        raise StaleError(f"{path}: was changed after it was saved")
    return SavedPlan(
        body["blueprint"],
        body["stage"],
        body["rollout"],
        frozenset(body["allowed"]),
        body["units"],
    )


def restore(
    saved: SavedPlan,
    plan: Plan,
    cloud: Cloud,
    pool: Executor,
    begun: frozenset[str] = frozenset(),
) -> tuple[Preview, ...]:
    """Return the previews of a saved plan, each read again.

    What a run of this plan that stopped half way has `begun` must be as the plan wants it by now.
    Raises `StaleError` naming every stack that is no longer as it was when the plan was saved.
    """
    if saved.rollout != digest(plan.rollout):
        raise StaleError("the settings or the templates have changed since the plan was saved")
    stale = [
        f"{step.stack.name}: {fault}"
        for step in plan.steps
        if (fault := _fault(step, saved.units.get(step.stack.name), begun))
    ]
    if stale:
        raise StaleError("; ".join(stale))
    left = [step for step in plan.steps if step.stack.name not in begun]
    answers = pool.map(lambda step: _restore(step, saved, cloud), left)
    previews = [each for each in answers if each is not None]
    gone = [each for each in previews if isinstance(each, str)]
    if gone:
        raise StaleError("; ".join(gone))
    return tuple(each for each in previews if not isinstance(each, str))


def _unit(step: Step, preview: Preview | None) -> Mapping[str, Any]:
    unit: dict[str, Any] = {
        "account": step.stack.target.account,
        "region": step.stack.target.region,
        "verb": step.verb,
        "base": _base(step),
        "template": step.stack.template.digest,
        "change_set": None,
    }
    if isinstance(preview, Previewed):
        unit |= {
            "change_set": preview.staged.change_set.arn,
            "stack_id": preview.staged.change_set.stack_id,
            "empty": preview.staged.change_set.empty,
            "token": preview.staged.token,
            "intent": preview.staged.intent,
            "provisional": [[each.stack, each.key] for each in preview.provisional],
            "nested": dict(_nested(preview.staged.change_set)),
        }
    if isinstance(preview, Deferred):
        unit["deferred"] = [[each.stack, each.key] for each in preview.unknown]
    return unit


def _nested(change_set: ChangeSet, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the ARN of each nested change set by the way to it."""
    for change in change_set.changes:
        if change.nested:
            path = f"{above}{change.logical_id}"
            yield path, change.nested.arn
            yield from _nested(change.nested, f"{path}/")


def _base(step: Step) -> str:
    return digest_of(step.deployed.base if step.deployed else "absent")


# What the plan of a stack that is as it was wanted may still say.
_AS_WANTED = frozenset(
    {
        Reason.AS_WANTED,
        Reason.INPUTS_MAY_DIFFER,
        Reason.OUTSIDE_VALUES,
        Reason.PROTECTION_DIFFERS,
        Reason.ALREADY_GONE,
    }
)


def _fault(step: Step, unit: Mapping[str, Any] | None, begun: frozenset[str]) -> str:
    """Say why a step is not the one that was saved, or nothing."""
    if unit is None:
        return "was not part of the plan"
    if step.stack.name in begun:
        return "" if step.reason in _AS_WANTED else "was begun and did not end as planned"
    if unit["base"] != _base(step):
        return "has changed since the plan was saved"
    if unit["verb"] != step.verb and Verb.NONE not in {unit["verb"], step.verb}:
        return f"the plan says {unit['verb']}, and now it would be {step.verb}"
    return ""


def _restore(step: Step, saved: SavedPlan, cloud: Cloud) -> Preview | str | None:
    unit = saved.units[step.stack.name]
    if "deferred" in unit:
        return Deferred(step, tuple(OutputOf(*pair) for pair in unit["deferred"]))
    if unit["change_set"] is None or unit["empty"]:
        return None
    found = cloud.change_set(unit["change_set"], step.stack.target)
    if found is None:
        return f"{step.stack.name}: its change set is gone"
    change_set, execution = found
    if execution != "AVAILABLE":
        return f"{step.stack.name}: its change set is {execution}"
    if others := dict(_nested(change_set)).items() ^ unit.get("nested", {}).items():
        paths = ", ".join(sorted({f"{step.stack.name}/{path}" for path, _ in others}))
        return f"{paths}: no longer the nested change set that was reviewed"
    staged = Staged(
        replace(change_set, stack=step.stack.name), str(unit["token"]), str(unit["intent"])
    )
    return Previewed(
        step,
        staged,
        objections(change_set, step.stack, step.deployed, cloud, saved.allowed),
        tuple(OutputOf(*pair) for pair in unit["provisional"]),
    )
