"""Take an operation of a stack set back: the set as it was recorded, on the pairs it touched.

The set's template goes with the first rectangle; the others follow with the template that the set
then has. Instances that were made since are named and stay. (D-10)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tapcfn.errors import BlockedError, StaleError
from tapcfn.model import (
    DeployedSet,
    FoundSet,
    InstanceStatus,
    SetOperation,
    StackSet,
    Target,
    TemplateBody,
    digest_of,
)
from tapcfn.stack_sets.calls import Act, SetCall
from tapcfn.stack_sets.carving import by_overrides
from tapcfn.stack_sets.recording import Record, open_to_all
from tapcfn.stack_sets.retrying import CHANGING
from tapcfn.stack_sets.spread import (
    Cover,
    Spread,
    SpreadReason,
    SpreadWave,
    Wanted,
)

WAVE = "revert"


@dataclass(frozen=True, slots=True)
class Revert:
    """What is restored, and what is left: `made` since, `gone` since, and never `untouched`."""

    spread: Spread
    made: tuple[Target, ...] = ()
    gone: tuple[Target, ...] = ()
    untouched: tuple[Target, ...] = ()


def chosen(
    operations: Iterable[SetOperation],
    records: Mapping[str, Record],
    stack_set: StackSet,
    operation_id: str = "",
) -> Record:
    """Return the record of this operation, or of the last one that changed something.

    One rollout is many operations: without an id its first one is meant. Raises `BlockedError`
    where this folder has not written down what was before.
    """
    changing = [each for each in operations if each.action in CHANGING]
    asked = operation_id or next((each.operation_id for each in changing), "")
    record = records.get(asked)
    if record is None:
        which = f"what {stack_set.name} was before {asked}" if asked else stack_set.name
        raise BlockedError(f"{which}: no record of it in this folder, so it can't be taken back")
    if not record.set_id:
        raise BlockedError(f"{asked}: there was no {stack_set.name} before it; destroy it instead")
    if operation_id:
        return record
    return _first_of(record, [each.operation_id for each in changing], records)


def _first_of(record: Record, newest_first: list[str], records: Mapping[str, Record]) -> Record:
    """Return the record of the oldest operation in a row that belongs to the same rollout.

    That is one run, and those before it that it goes on with: they wanted the same, and had left
    instances that were not well.
    """
    first = record
    for each in newest_first[newest_first.index(record.operation) + 1 :]:
        older = records.get(each)
        if older is None or not older.set_id or not _wants_the_same(older, first):
            return first
        if older.base != first.base and not first.unsettled:
            return first
        first = older
    return first


def check_last(
    record: Record, operations: Iterable[SetOperation], records: Mapping[str, Record]
) -> None:
    """Raise `StaleError` where an operation of another rollout has touched the set since."""
    for later in operations:
        if later.operation_id == record.operation:
            return
        known = records.get(later.operation_id)
        if later.action in CHANGING and not (known and _wants_the_same(record, known)):
            raise StaleError(
                f"{record.name}: {later.operation_id} ({later.action}) came after "
                f"{record.operation}; revert that one first"
            )
    raise StaleError(f"{record.name}: the service no longer knows {record.operation}")


def _wants_the_same(one: Record, other: Record) -> bool:
    """Whether two operations wanted the same of the set, and of the pairs that both name."""
    mine, theirs = one.aimed.overrides, other.aimed.overrides
    alike = all(mine[pair] == theirs[pair] for pair in mine.keys() & theirs.keys())
    return one.aimed.whole == other.aimed.whole and alike


def untouched(
    record: Record, found: FoundSet, operations: Iterable[SetOperation]
) -> tuple[Target, ...]:
    """Return the instances that no operation has touched since: to be proved, not believed.

    A drift detection is the last operation on all instances, and touches none.
    """
    looking = {each.operation_id for each in operations if each.action not in CHANGING}
    return tuple(
        pair
        for pair, before in sorted(record.instances.items())
        if pair in found.instances
        and found.instances[pair].operation in looking | {before.operation}
    )


def plan_revert(
    stack_set: StackSet,
    record: Record,
    found: FoundSet,
    proved: frozenset[Target],
    cover: Cover,
) -> Revert:
    """Return the calls that bring the set and every pair but the `proved` ones back.

    `stack_set` says whose roles are used; all else is the record's.
    """
    deployed = _still_there(record, found)
    there = frozenset(found.instances)
    inoperable = frozenset(
        pair for pair in there if found.instances[pair].status is InstanceStatus.INOPERABLE
    )
    back = (record.instances.keys() & there) - proved - inoperable
    wanted = _wanted(stack_set, record, frozenset(back))
    renews = differs(record, deployed)
    override = frozenset(pair for pair in back if _override_differs(pair, record, found))
    update = frozenset(back) if renews else frozenset()
    calls = _calls(wanted, record, found, update, override, cover, renews=renews)
    spread = Spread(
        wanted,
        found,
        SpreadReason.REVERTED if calls else SpreadReason.AS_WANTED,
        update=update,
        override=override,
        passed_over=inoperable & record.instances.keys(),
        waves=(SpreadWave(WAVE, tuple(calls)),) if calls else (),
    )
    return Revert(
        spread,
        tuple(sorted(there - record.instances.keys())),
        tuple(sorted(record.instances.keys() - there)),
        tuple(sorted(proved)),
    )


def differs(record: Record, deployed: DeployedSet) -> bool:
    """Whether the set itself is no longer as it was."""
    now = (digest_of(deployed.template), open_to_all(deployed), dict(deployed.tags))
    return now != (digest_of(record.template), dict(record.parameters), dict(record.tags))


def _still_there(record: Record, found: FoundSet) -> DeployedSet:
    deployed = found.deployed
    if deployed is None or deployed.set_id != record.set_id:
        raise StaleError(f"{record.name}: the set of that time is gone")
    if lost := sorted(set(record.hidden) - deployed.parameters.keys()):
        raise BlockedError(
            f"{record.name}: nobody knows what {', '.join(lost)} was (NoEcho), and the set no "
            "longer has it; apply the older settings instead"
        )
    return deployed


def _wanted(stack_set: StackSet, record: Record, pairs: frozenset[Target]) -> Wanted:
    body = TemplateBody(stack_set.template.layer, record.template, stack_set.template.source)
    overrides = {pair: dict(record.instances[pair].overrides) for pair in sorted(pairs)}
    before = replace(
        stack_set,
        template=body,
        pairs=pairs,
        parameters=dict(record.parameters),
        overrides=overrides,
        tags=dict(record.tags),
        preferences=record.preferences,
        waves=(),
    )
    return Wanted(before, pairs, record.parameters, overrides)


def _override_differs(pair: Target, record: Record, found: FoundSet) -> bool:
    now = dict(found.instances[pair].overrides or {})
    secret = sorted(now.keys() & set(record.hidden))
    known = {key: value for key, value in now.items() if key not in secret}
    if known == dict(record.instances[pair].overrides):
        return False
    if secret:
        raise BlockedError(
            f"{record.name}: {pair} overrides {', '.join(secret)} (NoEcho), which would be lost "
            "with its other overrides; apply the older settings instead"
        )
    return True


def _calls(
    wanted: Wanted,
    record: Record,
    found: FoundSet,
    update: frozenset[Target],
    override: frozenset[Target],
    cover: Cover,
    *,
    renews: bool,
) -> list[SetCall]:
    """Return the calls: the set with its first pairs, its other pairs, then overrides."""
    calls: list[SetCall] = []
    if renews:
        operable = frozenset(
            pair
            for pair, each in found.instances.items()
            if each.status is not InstanceStatus.INOPERABLE
        )
        carriers = update or (frozenset({min(operable)}) if operable else frozenset())
        rectangles = cover(carriers) if carriers else (None,)
        first, *others = rectangles
        known = record.capabilities
        call = SetCall(Act.UPDATE, first, renews=True, keeps=record.hidden, capabilities=known)
        calls += [call, *(SetCall(Act.UPDATE, each, capabilities=known) for each in others)]
    for told, alike in by_overrides(wanted, override):
        calls += [SetCall(Act.OVERRIDE, each, overrides=told) for each in cover(alike)]
    return calls
