"""What a destroy leaves: resources that were kept, resources that would not go, and what then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tapcfn import orphans
from tapcfn.cli.desk import Desk
from tapcfn.cli.options import Removal, program
from tapcfn.errors import BlockedError, UsageError
from tapcfn.events import Event, Outcome, ResourceMoved
from tapcfn.model import Ending, Move, Orphan, Snapshot, StackEvent, StackStatus
from tapcfn.plan import Plan, Step
from tapcfn.ports import Leaving
from tapcfn.report.text import table


@dataclass(slots=True)
class Leftovers:
    """Listens to a destroy, and knows afterwards what is still there. (by stack and logical ID)"""

    kept: dict[tuple[str, str], StackEvent] = field(default_factory=dict)
    stuck: dict[tuple[str, str], StackEvent] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """Take one event of the run; the first reason that a resource gives is the cause."""
        if not isinstance(event, ResourceMoved) or event.event.logical_id == event.stack:
            return
        key = (event.stack, event.event.logical_id)
        if event.event.status == "DELETE_SKIPPED":
            self.kept[key] = event.event
        elif event.event.status == "DELETE_FAILED":
            self.stuck.setdefault(key, event.event)

    def tell(self, desk: Desk, outcome: Outcome) -> None:
        """Name what stayed, and how to go on with the stacks that could not be deleted."""
        done = {each.stack for each in outcome.ended(Ending.DONE)}
        failed = {each.stack for each in outcome.ended(Ending.FAILED)}
        kept = {key: event for key, event in self.kept.items() if key[0] in done}
        stuck = {key: event for key, event in self.stuck.items() if key[0] in failed}
        if kept or stuck:
            fields = {"kept": _listed(kept), "stuck": _listed(stuck)}
            text = [*_kept_lines(kept), *_stuck_lines(stuck, desk.place.command)]
            desk.session.console.answer("left", fields, "\n".join(text))


def leaving_of(
    desk: Desk, plan: Plan, retain: Iterable[str], force: Iterable[str]
) -> Mapping[str, Leaving]:
    """Return what each stack's deletion may leave behind, as the options name it.

    Raises `UsageError` for what is not there, and `BlockedError` for a stack whose deletion has
    not failed before: the service takes neither option then.
    """
    steps = {step.stack.name: step for step in plan.steps}
    forced = {name: Leaving(force=True) for name in force}
    named: dict[str, tuple[str, ...]] = {}
    for text in retain:
        name, _, logical_id = text.partition("/")
        if not logical_id:
            raise UsageError(f"--retain {text}: allowed: STACK/LOGICAL_ID")
        named[name] = (*named.get(name, ()), logical_id)
    if both := sorted(forced.keys() & named.keys()):
        raise UsageError(f"{', '.join(both)}: named by --retain and by --force-delete; choose one")
    for name in (*named, *forced):
        _check_failed_before(name, steps)
    for name, logical_ids in named.items():
        _check_there(desk, steps[name], logical_ids)
    return {**forced, **{name: Leaving(retain=ids) for name, ids in named.items()}}


def check_removal(removal: Removal, moves: Iterable[Move] = ()) -> None:
    """Raise `UsageError` for what is allowed to deletions where nothing is to be deleted."""
    goes = bool(removal.orphans) or any(move.removes for move in moves)
    if not goes and (removal.buckets or removal.lift_protection):
        raise UsageError(
            "--empty-buckets and --lift-protection are for stacks that go: name them with "
            "--remove-orphan"
        )


def going_of(desk: Desk, snapshot: Snapshot, names: Iterable[str]) -> tuple[Orphan, ...]:
    """Return the orphans of these names.

    Raises `BlockedError` for one in an account that the settings no longer name.
    """
    going = orphans.chosen(snapshot.orphans, names)
    outside = {each.target.account for each in going} - set(desk.place.settings.accounts)
    if outside and not desk.place.is_local:
        accounts = ", ".join(sorted(outside))
        raise BlockedError(
            f"--remove-orphan: account {accounts} is not in the settings' accounts; add it there "
            "for as long as it takes"
        )
    return going


def tell_orphans(desk: Desk, plan: Plan, leaving: Mapping[str, Leaving]) -> None:
    """Name what a forced deletion may leave behind, before anybody agrees to it."""
    for step in plan.steps:
        asked = leaving.get(step.stack.name)
        if asked is None or not asked.force or step.deployed is None:
            continue
        there = desk.cloud.resources(step.deployed.stack_id, step.stack.target)
        rows = [(key, kind, physical) for key, (kind, physical) in sorted(there.items())]
        desk.session.console.answer(
            "orphans",
            {
                "unit": step.stack.name,
                "resources": [
                    {"logical_id": key, "resource_type": kind, "physical_id": physical}
                    for key, kind, physical in rows
                ],
            },
            f"{step.stack.name}: may stay behind, in no stack:\n"
            + table(("resource", "type", "physical id"), rows),
        )


def _check_failed_before(name: str, steps: Mapping[str, Step]) -> None:
    if name not in steps:
        raise UsageError(f"{name}: no such stack (there are: {', '.join(sorted(steps))})")
    deployed = steps[name].deployed
    if deployed is None or deployed.status is not StackStatus.DELETE_FAILED:
        status = deployed.status if deployed else "not deployed"
        raise BlockedError(
            f"{name}: is {status}; --retain and --force-delete are for stacks whose deletion "
            "failed (DELETE_FAILED): destroy it without them first"
        )


def _check_there(desk: Desk, step: Step, logical_ids: Iterable[str]) -> None:
    if step.deployed is None:
        return
    there = desk.cloud.resources(step.deployed.stack_id, step.stack.target)
    if wrong := sorted(set(logical_ids) - there.keys()):
        raise UsageError(
            f"--retain {step.stack.name}/{wrong[0]}: no such resource is left in it (there are: "
            f"{', '.join(sorted(there))})"
        )


def _listed(found: Mapping[tuple[str, str], StackEvent]) -> list[dict[str, object]]:
    return [
        {
            "unit": stack,
            "logical_id": logical_id,
            "resource_type": event.resource_type,
            "physical_id": event.physical_id or None,
            "reason": event.reason or None,
        }
        for (stack, logical_id), event in _in_order(found)
    ]


def _kept_lines(kept: Mapping[tuple[str, str], StackEvent]) -> list[str]:
    rows = [
        (event.resource_type, event.physical_id, f"{stack}/{logical_id}")
        for (stack, logical_id), event in _in_order(kept)
    ]
    return ["Still there, in no stack:", table(("type", "resource", "was"), rows)] if rows else []


def _stuck_lines(stuck: Mapping[tuple[str, str], StackEvent], place: str) -> list[str]:
    lines = []
    for stack in sorted({stack for stack, _ in stuck}):
        found = [(key, event) for (name, key), event in _in_order(stuck) if name == stack]
        call = f"{program()} destroy {place}"
        retain = " ".join(f"--retain {stack}/{key}" for key, _ in found)
        lines.append(f"{stack}: could not be deleted because of")
        lines += [
            f"  {key} ({event.resource_type} {event.physical_id}): "
            f"{event.reason or 'no reason given'}"
            for key, event in found
        ]
        lines.append(f"  settle that and destroy again; or leave them behind: {call} {retain}")
        lines.append(f"  or leave behind whatever does not go: {call} --force-delete {stack}")
    return lines


def _in_order(
    found: Mapping[tuple[str, str], StackEvent],
) -> list[tuple[tuple[str, str], StackEvent]]:
    return sorted(found.items(), key=lambda each: each[0])
