"""What a destroy would lose, what it keeps, and what stands in its way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tapcfn.allowances import Loss, covering
from tapcfn.clearing import Clearing
from tapcfn.cli.desk import Desk
from tapcfn.cli.options import Removal
from tapcfn.errors import BlockedError
from tapcfn.guard import holds_data
from tapcfn.kept import KEEPING, deletion_policies, resources_of
from tapcfn.model import DeployedSet, Instance, Target
from tapcfn.plan import Plan, Step, Verb
from tapcfn.ports import Leaving
from tapcfn.preflight import closed_accounts
from tapcfn.report.text import table
from tapcfn.stack_sets.steps import SetStep


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

    def allowed_by(self, allowed: frozenset[str]) -> str | None:
        """Return the allowance that lets it go, or None."""
        return covering(allowed, self.name, self.target, self.logical_id, Loss.DELETE)

    @property
    def name(self) -> str:
        """The stack's own name: an orphan's Region is told with its label."""
        return self.stack.partition("@")[0]

    @property
    def allowance(self) -> str:
        """What has to be given to let it go."""
        return f"--allow-loss {self.name}/{self.logical_id}@{self.target.region}:{Loss.DELETE}"


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

    def tell(self, desk: Desk) -> None:
        """Show what is lost and what is kept, before anybody agrees to it."""
        desk.session.console.answer("losses", self.fields(), self.text())

    def check_all(self, removal: Removal, allowed: frozenset[str]) -> None:
        """Raise `BlockedError` for protection, full buckets and data that nobody allowed."""
        self.check(removal.buckets, lift_protection=removal.lift_protection)
        self.check_allowed(allowed)

    def part_of(self, removal: Removal) -> Removal:
        """Return what a removal says of what goes here: on a way, other moves have their own."""
        mine = {each.physical_id for each in self.lost}
        return replace(removal, buckets=removal.buckets & mine)

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

    @property
    def by_stack(self) -> Mapping[str, tuple[tuple[str, str, str, bool], ...]]:
        """What each stack holds: logical ID, type, physical ID, and whether it is kept."""
        return {
            name: tuple(
                (each.logical_id, each.resource_type, each.physical_id, each.kept)
                for each in self.holdings
                if each.stack == name
            )
            for name in sorted({each.stack for each in self.holdings})
        }

    def used(self, allowed: frozenset[str]) -> frozenset[str]:
        """Return the allowances that let something go."""
        found = (each.allowed_by(allowed) for each in self.lost)
        return frozenset(text for text in found if text is not None)

    def check_allowed(self, allowed: frozenset[str]) -> None:
        """Raise `BlockedError` for data that would be lost without an allowance of its own.

        No approval of the plan stands in for one: not --yes, nor a name that was typed. (D-18)
        """
        missing = [each.allowance for each in self.lost if not each.allowed_by(allowed)]
        if missing:
            raise BlockedError(
                "the loss of data is allowed only by name; if all of it may go: "
                + " ".join(missing)
            )


def find_losses(desk: Desk, plan: Plan, leaving: Mapping[str, Leaving]) -> Losses:
    """Look into every stack that is to go. Policies are read from the deployed templates.

    What a deletion is told to leave behind by its name is kept, too.
    """
    steps = [step for step in plan.steps if step.verb is Verb.DELETE]
    found = list(
        desk.pool.map(
            lambda step: _holdings(desk, step, leaving.get(step.stack.name, Leaving()).retain),
            steps,
        )
    )
    found += [_set_holdings(desk, step) for step in plan.sets if step.removes]
    protected = tuple(
        (step.stack.name, step.deployed.stack_id, step.stack.target)
        for step in steps
        if step.deployed and step.deployed.protected
    )
    return Losses(tuple(each for holdings in found for each in holdings), protected)


def clearing_of(losses: Losses) -> Mapping[str, Clearing]:
    """Return what is to be taken away before each deletion: `check` has seen that it may be."""
    protected = {name for name, _, _ in losses.protected}
    full: dict[str, tuple[tuple[str, Target], ...]] = {}
    for each in losses.full_buckets:
        full[each.stack] = (*full.get(each.stack, ()), (each.physical_id, each.target))
    return {
        name: Clearing(name in protected, full.get(name, ()))
        for name in sorted(protected | full.keys())
    }


def _holdings(desk: Desk, step: Step, retained: tuple[str, ...]) -> list[Holding]:
    if step.deployed is None:
        return []
    target = step.stack.target
    policies = deletion_policies(desk.cloud.template(step.deployed.stack_id, target))
    resources = desk.cloud.resources(step.deployed.stack_id, target)
    return [
        Holding(
            step.stack.name,
            target,
            logical_id,
            kind,
            physical_id,
            kept := logical_id in retained or policies.get(logical_id, "Delete") in KEEPING,
            full=kind == "AWS::S3::Bucket"
            and not kept
            and desk.cloud.holds_objects(physical_id, target),
        )
        for logical_id, (kind, physical_id) in sorted(resources.items())
        if holds_data(kind)
    ]


def _set_holdings(desk: Desk, step: SetStep) -> list[Holding]:
    """Return what the stacks of a set's instances hold; nothing is lost that it retains.

    In accounts in which nobody may look, the template tells what they hold.
    """
    deployed, retained = step.found.deployed, step.stack_set.retain
    policies = deletion_policies(deployed.template) if deployed else {}
    kinds = {key: str(each.get("Type", "")) for key, each in _resources(deployed).items()}
    if not any(map(holds_data, kinds.values())):
        return []
    closed = closed_accounts(step.found.instances, desk.cloud, desk.pool)
    if closed:
        desk.warn(f"{step.name}: only the template tells what {', '.join(sorted(closed))} hold")

    def look(instance: Instance) -> list[Holding]:
        target, is_closed = instance.target, instance.target.account in closed
        told = {key: (kind, "") for key, kind in kinds.items()}
        there = told if is_closed else desk.cloud.resources(instance.stack_id, target)
        held = []
        for logical_id, (kind, physical_id) in sorted(there.items()):
            kept = retained or policies.get(logical_id, "Delete") in KEEPING
            looks = kind == "AWS::S3::Bucket" and not (kept or is_closed)
            full = looks and desk.cloud.holds_objects(physical_id, target)
            if holds_data(kind):
                held.append(
                    Holding(step.name, target, logical_id, kind, physical_id, kept, full=full)
                )
        return held

    instances = [each for _, each in sorted(step.found.instances.items()) if each.stack_id]
    return [each for held in desk.pool.map(look, instances) for each in held]


def _resources(deployed: DeployedSet | None) -> Mapping[str, Mapping[str, object]]:
    return resources_of(deployed.template) if deployed else {}
