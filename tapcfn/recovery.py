"""What to do about a stack that is in a bad state: why it is, what cures it, and what that loses.

The cures are those of the service: no other call is accepted in these states. (D-20)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

from tapcfn.allowances import Loss, covering
from tapcfn.errors import BlockedError, UsageError
from tapcfn.guard import holds_data
from tapcfn.kept import KEEPING, deletion_policies
from tapcfn.model import EMPTY, Deployed, Stack, StackEvent, StackStatus, canonical, digest_of
from tapcfn.operations import Means, Operation
from tapcfn.ports import Cloud, Ledger


class Cure(StrEnum):
    """What brings a stack back to where a change set is accepted."""

    NOTHING = "nothing"
    WAIT = "wait"
    DISCARD = "discard"
    DELETE = "delete"
    ROLL_BACK = "roll back"
    CONTINUE = "continue rollback"
    DESTROY = "destroy"
    REPLAY = "replay"
    LOOK = "look"


SICK: Mapping[StackStatus, Cure] = {
    StackStatus.REVIEW_IN_PROGRESS: Cure.DISCARD,
    StackStatus.ROLLBACK_COMPLETE: Cure.DELETE,
    StackStatus.ROLLBACK_FAILED: Cure.DELETE,
    StackStatus.CREATE_FAILED: Cure.ROLL_BACK,
    StackStatus.UPDATE_FAILED: Cure.ROLL_BACK,
    StackStatus.UPDATE_ROLLBACK_FAILED: Cure.CONTINUE,
    StackStatus.DELETE_FAILED: Cure.DESTROY,
    StackStatus.IMPORT_ROLLBACK_FAILED: Cure.LOOK,
}

# Cures that are one call of ours.
CALLS = frozenset({Cure.DISCARD, Cure.DELETE, Cure.ROLL_BACK, Cure.CONTINUE})

# How an operation that somebody asked for begins, in the history of the stack itself.
_BEGINS = frozenset(
    {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
)
_NESTED = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True)
class Going:
    """A resource that the cure takes out of the stack; `kept` if it goes on existing."""

    logical_id: str
    resource_type: str
    physical_id: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One stack, what cures it, the failure that came first, and the one of its rollback.

    `skippable` maps what a continued rollback may skip, as people name it (`Nested.LogicalId`), to
    the service's name for it. `completed` says that the stack was once as it was wanted.
    """

    stack: Stack
    deployed: Deployed
    cure: Cure
    first: StackEvent | None = None
    in_rollback: StackEvent | None = None
    going: tuple[Going, ...] = ()
    skippable: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    completed: bool = True

    @property
    def lost(self) -> tuple[Going, ...]:
        """What holds data, and goes."""
        return tuple(
            each for each in self.going if not each.kept and holds_data(each.resource_type)
        )


def cure_of(status: StackStatus) -> Cure:
    """Return what helps in this state."""
    if status.is_moving:
        return Cure.WAIT
    return SICK.get(status, Cure.NOTHING)


def diagnose(stack: Stack, deployed: Deployed, cloud: Cloud) -> Diagnosis:
    """Read a stack's history and holdings, as far as its cure depends on them."""
    cure = cure_of(deployed.status)
    if cure is Cure.ROLL_BACK and deployed.express:
        cure = Cure.REPLAY  # the service refuses RollbackStack there (aws-cdk-cli 1931)
    if cure in {Cure.NOTHING, Cure.WAIT}:
        return Diagnosis(stack, deployed, cure)
    history = cloud.events(deployed.stack_id, stack.target, "")
    last = _since(history, deployed.stack_id, _BEGINS)
    rollback = _since(last, deployed.stack_id, {_rollback_of(deployed.status)})
    return Diagnosis(
        stack,
        deployed,
        cure,
        first=_first_failure(last, deployed.stack_id),
        in_rollback=_first_failure(rollback, deployed.stack_id) if rollback != last else None,
        going=tuple(_going(stack, deployed, cure, last, cloud)),
        skippable=dict(_skippable(stack, rollback, cloud)) if cure is Cure.CONTINUE else EMPTY,
        completed=_ever_completed(history, deployed.stack_id),
    )


def cure(
    found: Diagnosis,
    means: Means,
    *,
    skip: Iterable[str] = (),
    force: bool = False,
    allowed: frozenset[str] = frozenset(),
) -> Operation:
    """Send the call that cures the stack.

    Raises `BlockedError` where data would be lost that nobody allowed to be, or where no call of
    ours helps, and `UsageError` for options that the call does not take.
    """
    skipped = _skipped(found, tuple(skip), force=force)
    _check_loss(found, allowed)
    stack, deployed = found.stack, found.deployed
    token = _token([found.cure, deployed.base, deployed.status, skipped, force], means.ledger)
    means.ledger.intend(found.cure.replace(" ", "-"), stack, token)
    started = means.clock.now()
    if found.cure is Cure.ROLL_BACK:
        means.cloud.rollback(deployed.stack_id, stack.target, token)
    elif found.cure is Cure.CONTINUE:
        means.cloud.continue_rollback(
            deployed.stack_id, stack.target, token, skip=skipped, force=force
        )
    else:
        means.cloud.delete(deployed.stack_id, stack.target, token)
    action = "recover" if found.cure in {Cure.ROLL_BACK, Cure.CONTINUE} else "delete"
    return Operation(stack, deployed.stack_id, token, action, started, (token,), before=deployed)


def _skipped(found: Diagnosis, skip: tuple[str, ...], *, force: bool) -> tuple[str, ...]:
    """Return what to skip in the service's words; refuse what it would not take."""
    name, status = found.stack.name, found.deployed.status
    if found.cure not in CALLS:
        raise BlockedError(f"{name}: is {status}; there is no call that cures it: see above")
    if (skip or force) and found.cure is not Cure.CONTINUE:
        raise UsageError(f"{name}: is {status}; --skip and --force continue a failed rollback only")
    if skip and force:
        raise UsageError("--skip and --force: the service takes one or the other")
    if wrong := sorted(set(skip) - found.skippable.keys()):
        there = ", ".join(sorted(found.skippable)) or "none"
        raise BlockedError(
            f"--skip {wrong[0]}: only what failed because of the rollback can be skipped ({there})"
        )
    return tuple(found.skippable[each] for each in skip)


def _check_loss(found: Diagnosis, allowed: frozenset[str]) -> None:
    """Let data go only by name, where the stack was ever in use."""
    if not found.completed:
        return
    name, target = found.stack.name, found.stack.target
    missing = [
        f"--allow-loss {name}/{each.logical_id}:{Loss.DELETE}"
        for each in found.lost
        if not covering(allowed, name, target, each.logical_id, Loss.DELETE)
    ]
    if missing:
        raise BlockedError(f"{name}: data would be lost; to allow it: {' '.join(missing)}")


def _token(wanted: list[object], ledger: Ledger) -> str:
    """Return a token that no earlier attempt has used up."""
    tokens = ("tapcfn-" + digest_of(canonical([*wanted, attempt]))[:40] for attempt in count())
    return next(token for token in tokens if not ledger.has_ended(token))


def _since(
    history: tuple[StackEvent, ...], stack_id: str, statuses: Iterable[str]
) -> tuple[StackEvent, ...]:
    """Return the history from the last time that the stack itself had one of these statuses."""
    wanted = set(statuses)
    starts = [
        at
        for at, event in enumerate(history)
        if event.physical_id == stack_id and event.status in wanted
    ]
    return history[starts[-1] :] if starts else history


def _rollback_of(status: StackStatus) -> str:
    """Return how the rollback began that a stack in this state went through."""
    if status.startswith("UPDATE"):
        return StackStatus.UPDATE_ROLLBACK_IN_PROGRESS
    if status.startswith("IMPORT"):
        return StackStatus.IMPORT_ROLLBACK_IN_PROGRESS
    return StackStatus.ROLLBACK_IN_PROGRESS


def _first_failure(events: tuple[StackEvent, ...], stack_id: str) -> StackEvent | None:
    """Return the first resource that failed; the stack itself only where no resource did."""
    failed = [event for event in events if event.is_failure]
    resources = [event for event in failed if event.physical_id != stack_id]
    return next(iter(resources or failed), None)


def _ever_completed(history: tuple[StackEvent, ...], stack_id: str) -> bool:
    """Whether the stack was once as it was wanted; yes, where its history no longer tells."""
    own = [event.status for event in history if event.physical_id == stack_id]
    began = {StackStatus.REVIEW_IN_PROGRESS, StackStatus.CREATE_IN_PROGRESS} & set(own)
    return not began or any(
        status in set(StackStatus) and StackStatus(status).is_updatable for status in own
    )


def _going(
    stack: Stack, deployed: Deployed, cure: Cure, last: tuple[StackEvent, ...], cloud: Cloud
) -> Iterator[Going]:
    """Yield what goes: with the stack by its policies, with a rollback whatever was just made."""
    if cure not in {Cure.DELETE, Cure.ROLL_BACK, Cure.DESTROY}:
        return
    there = cloud.resources(deployed.stack_id, stack.target)
    made = {event.logical_id for event in last if event.status == "CREATE_COMPLETE"}
    by_policy = cure is not Cure.ROLL_BACK
    policies = (
        deletion_policies(cloud.template(deployed.stack_id, stack.target)) if by_policy else {}
    )
    for logical_id, (kind, physical_id) in sorted(there.items()):
        if by_policy or logical_id in made or deployed.status is StackStatus.CREATE_FAILED:
            yield Going(logical_id, kind, physical_id, policies.get(logical_id) in KEEPING)


def _skippable(
    stack: Stack, rollback: tuple[StackEvent, ...], cloud: Cloud, path: str = "", owner: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield what failed because of the rollback, in nested stacks too. (our name, the service's)"""
    last = {event.logical_id: event for event in rollback}
    for logical_id, event in sorted(last.items()):
        if event.status != "UPDATE_FAILED":
            continue
        yield f"{path}{logical_id}", f"{owner}{logical_id}"
        if event.resource_type == _NESTED and event.physical_id:
            history = cloud.events(event.physical_id, stack.target, "")
            start = {StackStatus.UPDATE_ROLLBACK_IN_PROGRESS}
            within = [
                each
                for each in _since(history, event.physical_id, start)
                if each.physical_id != event.physical_id
            ]
            name = event.physical_id.rpartition(":stack/")[2].partition("/")[0] + "."
            yield from _skippable(stack, tuple(within), cloud, f"{path}{logical_id}.", name)
