"""What a destroy would lose, what it keeps, and what stands in its way."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tapcfn.cli.desk import Desk
from tapcfn.errors import BlockedError
from tapcfn.model import STATEFUL, Target
from tapcfn.plan import Plan, Step, Verb
from tapcfn.report.text import table

_KEEPS = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})


@dataclass(frozen=True, slots=True)
class Holding:
    """One resource that holds data."""

    stack: str
    target: Target
    logical_id: str
    resource_type: str
    physical_id: str
    kept: bool
    full: bool = False


@dataclass(frozen=True, slots=True)
class Losses:
    """Everything with data in the stacks that are to go, and the stacks that are protected."""

    holdings: tuple[Holding, ...]
    protected: tuple[tuple[str, str, Target], ...]

    @property
    def lost(self) -> tuple[Holding, ...]:
        """What will not be there afterwards."""
        return tuple(each for each in self.holdings if not each.kept)

    @property
    def full_buckets(self) -> tuple[Holding, ...]:
        """Buckets that are to go and are not empty."""
        return tuple(each for each in self.lost if each.full)

    def text(self) -> str:
        """Return the list that a person must see first."""
        if not self.holdings:
            return "No stack holds data."
        rows = [
            (
                "is kept" if each.kept else "is lost",
                each.resource_type,
                each.physical_id + (" (not empty)" if each.full else ""),
                each.stack,
            )
            for each in self.holdings
        ]
        return table(("data", "type", "resource", "stack"), rows)

    def fields(self) -> dict[str, object]:
        """Return the same for programs."""
        return {
            "holdings": [
                {
                    "unit": each.stack,
                    "logical_id": each.logical_id,
                    "resource_type": each.resource_type,
                    "physical_id": each.physical_id,
                    "kept": each.kept,
                    "empty": not each.full,
                }
                for each in self.holdings
            ],
            "protected": [name for name, _, _ in self.protected],
        }

    def check(self, emptied: frozenset[str], *, lift_protection: bool) -> None:
        """Raise `BlockedError` naming protected stacks and full buckets that nobody allowed."""
        faults = []
        names = {each.physical_id for each in self.full_buckets}
        if unknown := sorted(emptied - {each.physical_id for each in self.lost}):
            faults.append(f"--empty-buckets {', '.join(unknown)}: no such bucket is to be deleted")
        if self.protected and not lift_protection:
            stacks = ", ".join(name for name, _, _ in self.protected)
            faults.append(f"termination protection is on: {stacks}; --lift-protection takes it off")
        if full := sorted(names - emptied):
            wanted = " ".join(f"--empty-buckets {name}" for name in full)
            faults.append(f"not empty: {', '.join(full)}; to delete all that is in there: {wanted}")
        if faults:
            raise BlockedError("; ".join(faults))

    def check_allowed(self, allowed: frozenset[str]) -> None:
        """Raise `BlockedError` for data that would be lost without an allowance of its own."""
        missing = [
            f"--allow-loss {each.stack}/{each.logical_id}"
            for each in self.lost
            if f"{each.stack}/{each.logical_id}" not in allowed
        ]
        if missing:
            raise BlockedError("--yes does not cover the loss of data: " + " ".join(missing))


def find_losses(desk: Desk, plan: Plan) -> Losses:
    """Look into every stack that is to go. Policies are read from the deployed templates."""
    steps = [step for step in plan.steps if step.verb is Verb.DELETE]
    found = list(desk.pool.map(lambda step: _holdings(desk, step), steps))
    protected = tuple(
        (step.stack.name, step.deployed.stack_id, step.stack.target)
        for step in steps
        if step.deployed and step.deployed.protected
    )
    return Losses(tuple(each for holdings in found for each in holdings), protected)


def settle_losses(desk: Desk, losses: Losses) -> None:
    """Take protection off and empty the buckets: `check` has made sure that this is allowed."""
    for _, stack_id, target in losses.protected:
        desk.cloud.protect(stack_id, target, on=False)
    for each in losses.full_buckets:
        count = desk.cloud.empty(each.physical_id, each.target)
        desk.session.console.say(f"{each.physical_id}: {count} versions deleted")


def _holdings(desk: Desk, step: Step) -> list[Holding]:
    if step.deployed is None:
        return []
    target = step.stack.target
    policies = _policies(desk.cloud.template(step.deployed.stack_id, target))
    resources = desk.cloud.resources(step.deployed.stack_id, target)
    return [
        Holding(
            step.stack.name,
            target,
            logical_id,
            kind,
            physical_id,
            kept := policies.get(logical_id, "Delete") in _KEEPS,
            full=kind == "AWS::S3::Bucket"
            and not kept
            and desk.cloud.holds_objects(physical_id, target),
        )
        for logical_id, (kind, physical_id) in sorted(resources.items())
        if kind in STATEFUL
    ]


def _policies(template: str) -> dict[str, str]:
    """Return the deletion policies of a template; one that is not JSON is taken to keep nothing."""
    try:
        resources = json.loads(template or "{}").get("Resources", {})
    except json.JSONDecodeError:
        return {}
    return {key: str(value.get("DeletionPolicy", "Delete")) for key, value in resources.items()}
