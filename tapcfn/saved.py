"""A plan as a file: what was reviewed is what is applied, or nothing is. (D-14)

The file names change sets by ARN and what they were written against, and the orphans that go. It
holds digests where values could be secret, and a digest of its own body. It runs out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tapcfn.errors import StaleError, UsageError
from tapcfn.model import EMPTY, Orphan, OutputOf, canonical, digest_of
from tapcfn.orphans import label
from tapcfn.plan import Plan, Reason, Step, Verb, digest
from tapcfn.ports import Cloud
from tapcfn.preview import Preview, Previewed, Staged, deferred, objections
from tapcfn.reviewed import Holdings, base, held, nested, operations, unit_of
from tapcfn.stack_sets.reviewing import set_fault, set_unit

SCHEMA = 2


@dataclass(frozen=True, slots=True)
class About:
    """What a plan file says beside its stacks.

    `tool` and `commit` are for people; `expires` is a time of the machine that plans. `buckets` may
    be emptied and `lift_protection` may be done for the orphans that go; `holdings` is what those
    hold, by stack. `source` is the folder of templates, where no blueprint makes them.
    """

    tool: str
    commit: str | None
    expires: datetime
    buckets: frozenset[str] = frozenset()
    lift_protection: bool = False
    holdings: Holdings = field(default_factory=lambda: EMPTY)
    source: str = ""


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What the file says, once its digest has been verified."""

    blueprint: str
    stage: str
    rollout: str
    expires: datetime
    allowed: frozenset[str]
    buckets: frozenset[str]
    lift_protection: bool
    units: Mapping[str, Mapping[str, Any]]
    sets: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: EMPTY)
    source: str = ""

    @property
    def stacks(self) -> frozenset[str]:
        """The stacks and stack sets of the rollout that it is for: all but the orphans that go."""
        return frozenset(self.units) - self.orphans | frozenset(self.sets)

    @property
    def orphans(self) -> frozenset[str]:
        """The labels of the orphans that go."""
        return frozenset(name for name, unit in self.units.items() if unit["verb"] == Verb.DELETE)


def dump(plan: Plan, previews: Iterable[Preview], allowed: frozenset[str], about: About) -> str:
    """Return the text of a plan file."""
    staged = {each.step.stack.name: each for each in previews}
    body = {
        "schema": SCHEMA,
        "tool": about.tool,
        "commit": about.commit,
        "expires": about.expires.isoformat(timespec="seconds"),
        "blueprint": plan.rollout.blueprint,
        "stage": plan.rollout.stage,
        "rollout": digest(plan.rollout),
        "allowed": sorted(allowed),
        "empty_buckets": sorted(about.buckets),
        "lift_protection": about.lift_protection,
        "source": about.source,
        "units": {
            step.stack.name: {"phase": phase.name, "wave": number}
            | unit_of(step, staged.get(step.stack.name))
            | held(step, about.holdings)
            for phase in plan.phases
            for number, wave in enumerate(phase.waves, 1)
            for step in wave
        },
        "stack_sets": {
            step.name: {"phase": phase.name} | set_unit(step)
            for phase in plan.phases
            for step in phase.sets
        },
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
    except FileNotFoundError as error:
        raise UsageError(f"{path}: does not exist; `plan --out FILE` writes one") from error
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
        datetime.fromisoformat(body["expires"]),
        frozenset(body["allowed"]),
        frozenset(body["empty_buckets"]),
        body["lift_protection"],
        body["units"],
        body["stack_sets"],
        str(body.get("source", "")),
    )


def check_fresh(saved: SavedPlan, now: datetime) -> None:
    """Raise `StaleError` for a plan that has run out.

    Both times are runners', never AWS's; theirs may differ, so both are said. (X-23)
    """
    if now >= saved.expires:
        raise StaleError(
            f"the plan has run out: it was good until {saved.expires.isoformat()} by the clock of "
            f"the machine that made it, and here it is {now.isoformat(timespec='seconds')}; "
            "plan again, or set the clock"
        )


def going(
    saved: SavedPlan, orphans: Iterable[Orphan], begun: frozenset[str] = frozenset()
) -> tuple[Orphan, ...]:
    """Return the orphans that are to go; raise `StaleError` for one that is gone.

    One whose deletion has `begun` may be.
    """
    there = {(label(each), each.target.account): each for each in orphans}
    wanted = {name: (name, str(saved.units[name]["account"])) for name in sorted(saved.orphans)}
    if gone := [name for name, key in wanted.items() if key not in there and name not in begun]:
        raise StaleError("; ".join(f"{name}: is gone since the plan was saved" for name in gone))
    return tuple(there[key] for key in wanted.values() if key in there)


def check_holdings(saved: SavedPlan, names: Iterable[str], holdings: Holdings) -> None:
    """Raise `StaleError` for orphans that hold something else than what was reviewed."""
    stale = [
        f"{name}: no longer holds what it held when the plan was saved"
        for name in sorted(names)
        if [list(each) for each in holdings.get(name, ())] != saved.units[name]["holdings"]
    ]
    if stale:
        raise StaleError("; ".join(stale))


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
        raise StaleError(
            "the settings or the templates have changed since the plan was saved; "
            "`plan --out FILE` makes a new one to review"
        )
    stale = [
        f"{step.stack.name}: {fault}"
        for step in plan.steps
        if (fault := _fault(step, saved.units.get(step.stack.name), begun))
    ]
    stale += [
        f"{step.name}: {fault}"
        for step in plan.sets
        if (fault := set_fault(step, saved.sets.get(step.name), begun=step.name in begun))
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
    if step.stack.name in begun and step.verb is not Verb.DELETE:
        return "" if step.reason in _AS_WANTED else "was begun and did not end as planned"
    moved = sorted(operations(step).items() - unit["operations"].items())
    if moved or unit["base"] != base(step):
        by = ", ".join(f"{kind} {number}" for kind, number in moved)
        return "has changed since the plan was saved" + (f" ({by})" if by else "")
    if unit["verb"] != step.verb and Verb.NONE not in {unit["verb"], step.verb}:
        return f"the plan says {unit['verb']}, and now it would be {step.verb}"
    return ""


def _restore(step: Step, saved: SavedPlan, cloud: Cloud) -> Preview | str | None:
    unit = saved.units[step.stack.name]
    if "deferred" in unit:
        unknown = tuple(OutputOf(*pair) for pair in unit["deferred"])
        return deferred(step, unknown, cloud, saved.allowed)
    if unit["change_set"] is None or unit["empty"]:
        return None
    found = cloud.change_set(unit["change_set"], step.stack.target)
    if found is None:
        return f"{step.stack.name}: its change set is gone"
    change_set, execution = found
    if execution != "AVAILABLE":
        return f"{step.stack.name}: its change set is {execution}"
    if others := dict(nested(change_set)).items() ^ unit.get("nested", {}).items():
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
