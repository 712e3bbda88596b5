"""Watch one operation of a stack set: one paged call for its instances each tick. (D-3)"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tapcfn.errors import CloudError, StillRunningError, UnknownStatusError
from tapcfn.events import Diagnosed, InstanceMoved, InstancesMoved, Waiting
from tapcfn.model import (
    DetailedStatus,
    Instance,
    SetOperation,
    StackSet,
    Target,
)
from tapcfn.stack_sets.cells import DELETED
from tapcfn.stack_sets.means import SetMeans
from tapcfn.stack_sets.root_causes import RootCauses
from tapcfn.trouble import LOST_AFTER, Trouble

HEARTBEAT_EVERY = 30.0

# How long an interrupted run watches what it has asked to stop.
LAST_BREATH = 8.0


@dataclass(slots=True)
class Watch:
    """One operation under watch, and the last that was seen of each of its instances."""

    stack_set: StackSet
    operation_id: str
    pairs: frozenset[Target]
    removes: bool
    causes: RootCauses
    seen: dict[Target, Instance] = field(default_factory=dict)
    gone: set[Target] = field(default_factory=set)


def watch(
    stack_set: StackSet,
    operation_id: str,
    pairs: frozenset[Target],
    means: SetMeans,
    *,
    removes: bool = False,
    stops: bool = True,
) -> tuple[SetOperation, tuple[Instance, ...]]:
    """Return the operation and its instances once it has ended; tell what moves meanwhile.

    After an interrupt an operation of ours is asked to stop (`stops`). Raises `StillRunningError`
    where it has not ended by the deadline, or shortly after the interrupt.
    """
    clock, patience = means.clock, means.patience
    looking = Watch(stack_set, operation_id, pairs, removes, RootCauses(means))
    trouble = Trouble(clock, means.notify)
    started = quiet_since = clock.now()
    limit: float | None = None
    while True:
        operation = _look(looking, means, trouble, started)
        if operation is not None and not operation.status.is_moving:
            return operation, tuple(looking.seen.values())
        now = clock.now()
        if patience.interrupted and limit is None:
            limit = now + LAST_BREATH
            if stops:
                _stop(looking, means)
        if (limit is not None and now >= limit) or (limit is None and patience.is_over):
            raise StillRunningError(
                f"{stack_set.name}: operation {operation_id} goes on: "
                f"{_word(operation)}, {_tally(looking)}"
            )
        if now - quiet_since >= HEARTBEAT_EVERY:
            quiet_since = now
            means.notify(Waiting((stack_set.name,), now - started, None))
        pause = means.pace.pause(now - started)
        clock.sleep(min(pause, max(limit - now, 0.0)) if limit is not None else pause)


def _look(looking: Watch, means: SetMeans, trouble: Trouble, started: float) -> SetOperation | None:
    """Take one look; None while nothing can be said: a stale read, or one that failed. (X-20)"""
    name, stack_set = looking.stack_set.name, looking.stack_set
    try:
        operation = means.sets.operation(stack_set, looking.operation_id)
        _tell(looking, means.sets.instances(stack_set, looking.operation_id), means)
    except UnknownStatusError:
        raise
    except CloudError as error:
        if trouble.is_in_vain(name, error):
            raise StillRunningError(f"{name}: its state can no longer be read: {error}") from error
        trouble.look_again(name, error)
        return None
    trouble.is_over(name)
    if operation is None and means.clock.now() - started >= LOST_AFTER:
        raise StillRunningError(f"{name}: operation {looking.operation_id} is not to be found")
    return operation


def _tell(looking: Watch, instances: Iterable[Instance], means: SetMeans) -> None:
    """Say which instances are in another status than when last seen."""
    listed = {each.target: each for each in instances}
    before = dict(looking.seen)
    looking.seen = listed
    moved = [
        _moved(looking, each)
        for target, each in sorted(listed.items())
        if _state(before.get(target)) != _state(each)
    ]
    if looking.removes:
        gone = sorted(looking.pairs - listed.keys() - looking.gone)
        looking.gone.update(gone)
        moved += [_gone(looking, each) for each in gone]
    if moved:
        means.notify(InstancesMoved(tuple(moved)))


def _state(instance: Instance | None) -> tuple[str, str] | None:
    return (instance.status, instance.detailed) if instance else None


def _gone(looking: Watch, pair: Target) -> InstanceMoved:
    name = looking.stack_set.name
    return InstanceMoved(name, pair, looking.operation_id, DELETED, DELETED)


def _moved(looking: Watch, each: Instance) -> InstanceMoved:
    return InstanceMoved(
        looking.stack_set.name,
        each.target,
        looking.operation_id,
        each.status,
        each.detailed,
        each.reason,
        each.stack_id,
        each.unit,
        looking.causes.of(each) if each.detailed is DetailedStatus.FAILED else "",
    )


def _stop(looking: Watch, means: SetMeans) -> None:
    """Ask the service to begin nothing more; what runs comes to its end. (D-9)"""
    try:
        means.sets.stop(looking.stack_set, looking.operation_id)
        text = "asked to stop: what runs comes to its end, nothing more begins"
    except CloudError as error:
        text = f"could not be stopped: {error}"
    means.notify(Diagnosed("warning", f"{looking.stack_set.name}: {text}"))


def _word(operation: SetOperation | None) -> str:
    return str(operation.status) if operation else "no answer yet"


def _tally(looking: Watch) -> str:
    done = len(looking.gone) + sum(
        each.detailed is DetailedStatus.SUCCEEDED for each in looking.seen.values()
    )
    return f"{done} of {len(looking.pairs)} instances done"
