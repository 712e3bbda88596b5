"""Take an operation of a stack set back: the set as it was recorded, on the pairs it touched.

The set's template goes with the first rectangle; the others follow with the template that the set
then has. Instances that were made since are named and stay. (D-10)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
from tapcfn.stack_sets.carving import by_overrides, covered, in_waves
from tapcfn.stack_sets.recording import Record, open_to_all
from tapcfn.stack_sets.retrying import CHANGING
from tapcfn.stack_sets.spread import (
    Cover,
    Spread,
    SpreadReason,
    SpreadWave,
    Wanted,
)
from tapcfn.stack_sets.waves import Part

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
    found: FoundSet | None = None,
) -> Record:
    """Return the record of this operation, or of the last one that changed something.

    One rollout is many operations: without an id its first one is meant. If that was a revert
    which has not come to its end in what is `found`, it is gone on with. Raises `BlockedError`
    where this folder has not written down what was before.
    """
    operations = tuple(operations)
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
    first = _first_of(record, [each.operation_id for each in changing], records)
    earlier = records.get(first.reverts)
    if earlier and found and _is_open(earlier, found, operations):
        return earlier
    return first


def _is_open(record: Record, found: FoundSet, operations: Iterable[SetOperation]) -> bool:
    """Whether some instance that was touched since is not what was written down of it."""
    alone = untouched(record, found, operations)
    return any(
        not found.instances[pair].is_well or _override_differs(pair, record, found)
        for pair in record.instances.keys() & found.instances.keys() - set(alone)
    )


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
        if known and _takes_back(known, record, records):
            continue
        if later.action in CHANGING and not (known and _wants_the_same(record, known)):
            raise StaleError(
                f"{record.name}: {later.operation_id} ({later.action}) came after "
                f"{record.operation}; revert that one first"
            )
    raise StaleError(f"{record.name}: the service no longer knows {record.operation}")


def _takes_back(known: Record, record: Record, records: Mapping[str, Record]) -> bool:
    """Whether an operation is part of a revert of this one, or a retry of such a part."""
    while known.retries in records:
        known = records[known.retries]
    return known.reverts == record.operation


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
    parts: tuple[Part, ...] = (),
) -> Revert:
    """Return the calls that bring the set and every pair but the `proved` ones back.

    `stack_set` says whose roles are used, and `parts` in which waves; all else is the record's. A
    pair that was brought back already, by a revert that did not come to its end, is well.
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
    update = frozenset(pair for pair in back if renews or not found.instances[pair].is_well)
    spread = Spread(
        wanted,
        found,
        SpreadReason.AS_WANTED,
        update=update,
        override=override,
        passed_over=inoperable & record.instances.keys(),
        reverts=record.operation,
    )
    if waves := _waves(spread, record, cover, parts, renews=renews):
        spread = replace(spread, reason=SpreadReason.REVERTED, waves=waves)
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


def _waves(
    spread: Spread, record: Record, cover: Cover, parts: tuple[Part, ...], *, renews: bool
) -> tuple[SpreadWave, ...]:
    """Return the calls in waves: the first pairs carry what the set says, overrides go last."""
    touched = spread.update | spread.override
    carrier = _carrier(spread, record, cover, parts) if renews else None
    carried = carrier.pairs if carrier else frozenset()

    def calls(pairs: frozenset[Target]) -> Iterator[SetCall]:
        if carrier and carried and carried <= pairs:
            yield carrier
        for each in covered((spread.update & pairs) - carried, cover):
            yield SetCall(Act.UPDATE, each, capabilities=record.capabilities)
        for told, alike in by_overrides(spread.wanted, spread.override & pairs):
            for each in covered(alike, cover):
                yield SetCall(Act.OVERRIDE, each, overrides=told)

    waves = in_waves(parts, touched, WAVE, calls)
    if carrier and not (carried and carried <= touched):
        return (SpreadWave(WAVE, (carrier,)), *waves)
    return waves


def _carrier(spread: Spread, record: Record, cover: Cover, parts: tuple[Part, ...]) -> SetCall:
    """Return the call that restores the set: with the first pairs that change, or one other."""
    operable = [
        pair
        for pair, each in spread.found.instances.items()
        if each.status is not InstanceStatus.INOPERABLE
    ]
    turns = [those & spread.update for _, those, _ in parts] + [spread.update]
    first = next((each for each in turns if each), frozenset(sorted(operable)[:1]))
    return SetCall(
        Act.UPDATE,
        cover(first)[0] if first else None,
        renews=True,
        keeps=record.hidden,
        capabilities=record.capabilities,
    )
