"""Compare a stack set with what is deployed of it, pair by pair, and cut the difference into calls.

The set's own template comes first: instances that are made before it get the old one. Pairs that
leave go last, so that there is never less than before. (DS-10)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tapcfn.model import (
    EMPTY,
    DeployedSet,
    FoundSet,
    Gate,
    InstanceStatus,
    SelfManaged,
    ServiceManaged,
    StackSet,
    Target,
    Wave,
    digest_of,
)
from tapcfn.stack_sets.calls import Act, Rectangle, SetCall, administration_role_of
from tapcfn.stack_sets.waves import Part, split

Cover = Callable[[frozenset[Target]], tuple[Rectangle, ...]]


class SpreadReason(StrEnum):
    """Why a set has something to do. For people; no code branches on one."""

    NOT_THERE = "no such stack set yet"
    TEMPLATE_DIFFERS = "the template differs"
    PARAMETERS_DIFFER = "parameters differ"
    TAGS_DIFFER = "tags differ"
    ROLES_DIFFER = "its roles or its managed execution differ"
    AUTOMATIC_DIFFERS = "automatic deployment differs"
    PAIRS_DIFFER = "other targets"
    OVERRIDES_DIFFER = "parameter overrides differ"
    NOT_WELL = "instances are outdated or failed"
    NOT_WANTED = "the rollout is to be destroyed"
    RETRIED = "instances of an operation are to be tried again"
    REVERTED = "an operation is to be taken back"
    ADOPTED = "stacks are to become its instances"
    AS_WANTED = "deployed as wanted"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A set with everything resolved: its pairs, parameters, and each pair's overrides."""

    stack_set: StackSet
    pairs: frozenset[Target]
    parameters: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    overrides: Mapping[Target, Mapping[str, str]] = field(default_factory=lambda: EMPTY)

    def overrides_of(self, pair: Target) -> Mapping[str, str]:
        """Return what a pair puts in the place of the set's parameters."""
        return self.overrides.get(pair, EMPTY)

    def effective(self, pair: Target) -> Mapping[str, str]:
        """Return what a pair's stack is told, all in all. (R-20)"""
        return {**self.parameters, **self.overrides_of(pair)}


@dataclass(frozen=True, slots=True)
class SpreadWave:
    """Calls that are made one after another, and what must hold after the last."""

    name: str
    calls: tuple[SetCall, ...]
    gates: tuple[Gate, ...] = ()
    bake: float = 0.0

    @property
    def pairs(self) -> frozenset[Target]:
        """All pairs that the wave touches."""
        return frozenset(pair for call in self.calls for pair in call.pairs)


@dataclass(frozen=True, slots=True)
class Spread:
    """How a set's instances must change, and in which calls.

    `update` gets the set's template and parameters, `override` other parameters of its own;
    `passed_over` are instances that are INOPERABLE, which nothing touches but a deletion, and
    `suspended` those in accounts that are, where nothing can be done until they are back. (X-27)
    """

    wanted: Wanted
    found: FoundSet
    reason: SpreadReason
    add: frozenset[Target] = frozenset()
    update: frozenset[Target] = frozenset()
    override: frozenset[Target] = frozenset()
    remove: frozenset[Target] = frozenset()
    passed_over: frozenset[Target] = frozenset()
    waves: tuple[SpreadWave, ...] = ()
    suspended: frozenset[Target] = frozenset()

    @property
    def stack_set(self) -> StackSet:
        """The set that is meant."""
        return self.wanted.stack_set

    @property
    def has_work(self) -> bool:
        """Whether anything would be written."""
        return any(wave.calls for wave in self.waves)

    @property
    def renews(self) -> bool:
        """Whether the set itself changes."""
        return any(call.renews for wave in self.waves for call in wave.calls)

    @property
    def base(self) -> str:
        """What the calls are written against: the set's template and each instance's last word."""
        deployed = self.found.deployed
        if deployed is None:
            return "absent"
        last = sorted(
            f"{each.target}:{each.operation}:{each.status}:{each.detailed}"
            for each in self.found.instances.values()
        )
        return digest_of("\n".join([deployed.set_id, digest_of(deployed.template), *last]))


def plan_spread(wanted: Wanted, found: FoundSet, cover: Cover) -> Spread:
    """Return what brings the set's instances to what is wanted."""
    there = frozenset(found.instances)
    inoperable = frozenset(
        pair for pair, each in found.instances.items() if each.status is InstanceStatus.INOPERABLE
    )
    kept = (wanted.pairs & there) - inoperable
    asleep = frozenset(each.account for each in found.members if each.suspended)
    suspended = frozenset(pair for pair in there if pair.account in asleep)
    difference = _set_differs(wanted, found.deployed)
    spread = Spread(
        wanted,
        found,
        SpreadReason.AS_WANTED,
        add=wanted.pairs - there,
        update=kept if difference else _unwell(kept, found),
        override=frozenset(pair for pair in kept if _override_differs(pair, wanted, found)),
        remove=there - wanted.pairs - suspended,
        passed_over=inoperable,
        suspended=suspended,
    )
    return _with_calls(spread, difference, cover)


def plan_removal(stack_set: StackSet, found: FoundSet, cover: Cover) -> Spread:
    """Return what takes the set away, with the stacks of its instances unless it retains them."""
    pairs = frozenset(found.instances)
    calls = [SetCall(Act.REMOVE, each, retain=stack_set.retain) for each in _covered(pairs, cover)]
    if found.deployed is not None:
        calls.append(SetCall(Act.DELETE))
    return Spread(
        Wanted(stack_set, frozenset()),
        found,
        SpreadReason.NOT_WANTED,
        remove=pairs,
        waves=(SpreadWave("leave", tuple(calls)),) if calls else (),
    )


def _set_differs(wanted: Wanted, deployed: DeployedSet | None) -> SpreadReason | None:
    """Return in what the set itself differs; what is secret is passed over, as it is not told."""
    stack_set = wanted.stack_set
    if deployed is None:
        return SpreadReason.NOT_THERE
    if digest_of(deployed.template) != stack_set.template.digest:
        return SpreadReason.TEMPLATE_DIFFERS
    open_to_all = [key for key in stack_set.template.parameters if not is_secret(stack_set, key)]
    told = {key: value_of(wanted, key) for key in open_to_all}
    if told != {key: deployed.parameters.get(key, "") for key in open_to_all}:
        return SpreadReason.PARAMETERS_DIFFER
    if dict(stack_set.tags) != dict(deployed.tags):
        return SpreadReason.TAGS_DIFFER
    if _roles_differ(stack_set, deployed):
        return SpreadReason.ROLES_DIFFER
    return None


def is_secret(stack_set: StackSet, parameter: str) -> bool:
    """Whether a parameter is never shown (NoEcho)."""
    return str(stack_set.template.parameters[parameter].get("NoEcho", "")).lower() == "true"


def value_of(wanted: Wanted, parameter: str) -> str:
    """Return what the set says of a parameter: its value, or the template's default."""
    declared = wanted.stack_set.template.parameters[parameter]
    return wanted.parameters.get(parameter, str(declared.get("Default", "")))


def _roles_differ(stack_set: StackSet, deployed: DeployedSet) -> bool:
    if stack_set.queues != deployed.queues:
        return True
    mine, theirs = stack_set.permission, deployed.permission
    if isinstance(mine, SelfManaged) and isinstance(theirs, SelfManaged):
        named = administration_role_of(stack_set) == theirs.administration_role
        return not named or mine.execution_role != theirs.execution_role
    if isinstance(mine, ServiceManaged) and isinstance(theirs, ServiceManaged):
        return mine.delegated != theirs.delegated
    return True


def _automatic_differs(stack_set: StackSet, deployed: DeployedSet | None) -> bool:
    """Whether accounts that join or leave are to be treated in another way."""
    mine = stack_set.permission
    theirs = deployed.permission if deployed else None
    if not isinstance(mine, ServiceManaged) or not isinstance(theirs, ServiceManaged):
        return False
    return mine.auto != theirs.auto


def _unwell(pairs: Iterable[Target], found: FoundSet) -> frozenset[Target]:
    return frozenset(pair for pair in pairs if not found.instances[pair].is_well)


def _override_differs(pair: Target, wanted: Wanted, found: FoundSet) -> bool:
    there = found.instances[pair].overrides
    return there is not None and dict(there) != dict(wanted.overrides_of(pair))


# Calls --------------------------------------------------------------------------------------------


def _with_calls(spread: Spread, difference: SpreadReason | None, cover: Cover) -> Spread:
    """Return the spread with its reason, and its calls in waves."""
    reason = difference or _reason(spread)
    if reason is SpreadReason.AS_WANTED and _automatic(spread):
        reason = SpreadReason.AUTOMATIC_DIFFERS
    if reason is SpreadReason.AS_WANTED:
        return spread
    waves = _kept(tuple(_waves(spread, difference, cover)))
    return replace(spread, reason=reason, waves=waves)


def _kept(waves: tuple[SpreadWave, ...]) -> tuple[SpreadWave, ...]:
    """Return the waves that have calls, and those whose gates other waves still wait for.

    A canary may be as wanted by now, and its bake or a gate may have ended the run before this
    one: the rest begins only once they have held. What leaves waits for no gate of its own.
    """
    *parts, leaving = waves
    last = max((at for at, each in enumerate(parts) if each.calls), default=0)
    return (
        *(e for at, e in enumerate(parts) if e.calls or (at < last and (e.gates or e.bake))),
        *((leaving,) if leaving.calls else ()),
    )


def _reason(spread: Spread) -> SpreadReason:
    if spread.add or spread.remove:
        return SpreadReason.PAIRS_DIFFER
    if spread.override:
        return SpreadReason.OVERRIDES_DIFFER
    return SpreadReason.NOT_WELL if spread.update else SpreadReason.AS_WANTED


def _waves(spread: Spread, difference: SpreadReason | None, cover: Cover) -> Iterator[SpreadWave]:
    """Yield the waves: the first carries what changes in the set itself, the last what leaves."""
    first = _automatic(spread)
    touched: frozenset[Target] = frozenset()
    if difference is not None:
        carrier = _carrier(spread, cover)
        first.append(carrier)
        touched = carrier.pairs
    for name, pairs, wave in _parts(spread):
        calls = [*first, *_changes(spread, pairs, touched, cover)]
        first = []
        yield _closed(name, calls, wave)
    leaving = [
        SetCall(Act.REMOVE, each, retain=spread.stack_set.retain)
        for each in _covered(spread.remove, cover)
    ]
    yield SpreadWave("leave", (*first, *leaving))


def _automatic(spread: Spread) -> list[SetCall]:
    """Return the call that says what becomes of accounts that join or leave; it names nobody."""
    differs = _automatic_differs(spread.stack_set, spread.found.deployed)
    return [SetCall(Act.UPDATE)] if differs else []


def _parts(spread: Spread) -> tuple[Part, ...]:
    stack_set = spread.stack_set
    return split(spread.wanted.pairs, stack_set.waves, stack_set.preferences.region_order)


def _closed(name: str, calls: list[SetCall], wave: Wave | None) -> SpreadWave:
    if wave is None:
        return SpreadWave(name, tuple(calls))
    return SpreadWave(name, tuple(calls), wave.gates, wave.bake)


def _carrier(spread: Spread, cover: Cover) -> SetCall:
    """Return the call that makes the set, or changes what it says.

    UpdateStackSet touches instances too: all of them unless some are named. Without waves all may
    go at once; else those of the first wave. Where none of them has an instance, one other pair
    carries the change, which leaves if nobody stays; accounts that have left their unit can't be
    named any more, so all of them do.
    """
    if spread.found.deployed is None:
        return SetCall(Act.CREATE)
    operable = frozenset(spread.found.instances) - spread.passed_over - spread.suspended
    if operable == spread.update and not spread.stack_set.waves:
        return SetCall(Act.UPDATE, renews=True, everyone=operable)
    if not operable:
        return SetCall(Act.UPDATE, renews=True)
    if spread.stack_set.organization and not spread.update:
        return SetCall(Act.UPDATE, renews=True, everyone=operable)
    return SetCall(Act.UPDATE, _first_to_change(spread, cover), renews=True)


def _first_to_change(spread: Spread, cover: Cover) -> Rectangle:
    """Return pairs of the first wave; where none of those has an instance, one other pair."""
    waves = _parts(spread)
    if waves and (here := waves[0][1] & spread.update):
        return cover(here)[0]
    return cover(frozenset({min(spread.update or spread.remove - spread.passed_over)}))[0]


def _changes(
    spread: Spread, pairs: frozenset[Target], done: frozenset[Target], cover: Cover
) -> Iterator[SetCall]:
    """Yield the calls for some of the pairs: update, then add, then override."""
    for each in _covered((spread.update & pairs) - done, cover):
        yield SetCall(Act.UPDATE, each)
    for told, alike in by_overrides(spread.wanted, spread.add & pairs):
        for each in _covered(alike, cover):
            yield SetCall(Act.ADD, each, overrides=told or None)
    for told, alike in by_overrides(spread.wanted, spread.override & pairs):
        for each in _covered(alike, cover):
            yield SetCall(Act.OVERRIDE, each, overrides=told)


def _covered(pairs: frozenset[Target], cover: Cover) -> tuple[Rectangle, ...]:
    return cover(pairs) if pairs else ()


def by_overrides(
    wanted: Wanted, pairs: frozenset[Target]
) -> list[tuple[Mapping[str, str], frozenset[Target]]]:
    """Group pairs that are told the same, since one call tells all that it names the same."""
    groups: dict[tuple[tuple[str, str], ...], set[Target]] = {}
    for pair in pairs:
        told = tuple(sorted(wanted.overrides_of(pair).items()))
        groups.setdefault(told, set()).add(pair)
    order = wanted.stack_set.preferences.region_order
    place = {region: number for number, region in enumerate(order)}

    def turn(
        group: tuple[tuple[tuple[str, str], ...], set[Target]],
    ) -> tuple[int, tuple[tuple[str, str], ...]]:
        """Each group is a call of its own: the one with the first Region goes first."""
        told, alike = group
        return min(place.get(pair.region, len(order)) for pair in alike), told

    return [(dict(told), frozenset(alike)) for told, alike in sorted(groups.items(), key=turn)]
