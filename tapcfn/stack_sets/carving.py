"""Cut what must change in a stack set into calls, wave by wave.

The set's own template comes first: instances that are made before it get the old one. Pairs that
leave go last, so that there is never less than before. (DS-10)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from tapcfn.model import StackSet, Target, Wave
from tapcfn.stack_sets.calls import Act, Rectangle, SetCall
from tapcfn.stack_sets.spread import Cover, Spread, SpreadWave, Wanted
from tapcfn.stack_sets.waves import Part, split

Calls: TypeAlias = Callable[[frozenset[Target]], Iterable[SetCall]]
Waves: TypeAlias = tuple[SpreadWave, ...]


def carved(spread: Spread, cover: Cover, *, renews: bool, automatic: bool) -> Waves:
    """Return the calls in waves.

    The set itself changes where it `renews`; `automatic` says that what becomes of accounts that
    join or leave is to be another.
    """
    return _kept(tuple(_waves(spread, cover, renews=renews, automatic=automatic)))


def parts_of(stack_set: StackSet, pairs: frozenset[Target]) -> tuple[Part, ...]:
    """Return the waves that a rollout over these pairs has; none where the set has none."""
    if not stack_set.waves:
        return ()
    return split(pairs, stack_set.waves, stack_set.preferences.region_order)


def in_waves(parts: tuple[Part, ...], pairs: frozenset[Target], name: str, calls: Calls) -> Waves:
    """Return calls for some pairs in the waves of a rollout, with their bakes and gates.

    What no wave takes, such as pairs that are wanted no more, goes last, under a name of its own.
    """
    waves = [_closed(each, list(calls(those & pairs)), wave) for each, those, wave in parts]
    taken = frozenset(pair for _, those, _ in parts for pair in those)
    return _kept((*waves, SpreadWave(name, tuple(calls(pairs - taken)))))


def _kept(waves: Waves) -> Waves:
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


def _waves(spread: Spread, cover: Cover, *, renews: bool, automatic: bool) -> Iterator[SpreadWave]:
    """Yield the waves: the first carries what changes in the set itself, the last what leaves."""
    first = [SetCall(Act.UPDATE)] if automatic else []  # names nobody
    touched: frozenset[Target] = frozenset()
    if renews:
        carrier = _carrier(spread, cover)
        first.append(carrier)
        touched = carrier.pairs
    for name, pairs, wave in _parts(spread):
        calls = [*first, *_changes(spread, pairs, touched, cover)]
        first = []
        yield _closed(name, calls, wave)
    leaving = [
        SetCall(Act.REMOVE, each, retain=spread.stack_set.retain)
        for each in covered(spread.remove, cover)
    ]
    yield SpreadWave("leave", (*first, *leaving))


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
    for each in covered((spread.update & pairs) - done, cover):
        yield SetCall(Act.UPDATE, each)
    for told, alike in by_overrides(spread.wanted, spread.add & pairs):
        for each in covered(alike, cover):
            yield SetCall(Act.ADD, each, overrides=told or None)
    for told, alike in by_overrides(spread.wanted, spread.override & pairs):
        for each in covered(alike, cover):
            yield SetCall(Act.OVERRIDE, each, overrides=told)


def covered(pairs: frozenset[Target], cover: Cover) -> tuple[Rectangle, ...]:
    """Return pairs as rectangles; none where there are no pairs."""
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
