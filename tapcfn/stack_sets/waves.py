"""Divide a set's pairs into waves: the canary first, the rest last. (D-9)"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tapcfn.errors import UsageError
from tapcfn.model import Share, Target, Wave

REST = "rest"
ALL = "all"

Part = tuple[str, frozenset[Target], Wave | None]


def split(
    pairs: Iterable[Target], waves: Sequence[Wave], region_order: Sequence[str] = ()
) -> tuple[Part, ...]:
    """Return each wave's name and pairs, and last what no wave has taken, as `rest` without a wave.

    A share is of all pairs, and is taken in the order of the Regions (those of `region_order`
    first, then by name) and of the accounts: a wave is then few Regions, so few calls, and one
    Region has it all before the next begins. Pairs that a later wave names are left to it.
    Without waves all pairs are one part, `all`; without pairs there are no parts: units may have no
    account, or nobody was asked which.

    Raises `UsageError` where the waves contradict each other or the pairs.
    """
    wanted = frozenset(pairs)
    if not wanted:
        return ()
    _refuse(wanted, waves)
    named = frozenset(
        pair for wave in waves if not isinstance(wave.size, Share) for pair in wave.size
    )
    ranks = {region: rank for rank, region in enumerate(region_order)}
    free = sorted(
        wanted - named,
        key=lambda pair: (ranks.get(pair.region, len(ranks)), pair.region, pair.account),
    )
    parts: list[Part] = []
    for wave in waves:
        if isinstance(wave.size, Share):
            count = _count(wave, wave.size, len(wanted), len(free))
            parts.append((wave.name, frozenset(free[:count]), wave))
            free = free[count:]
        else:
            parts.append((wave.name, wave.size, wave))
    if free:
        parts.append((REST if waves else ALL, frozenset(free), None))
    return tuple(parts)


def _count(wave: Wave, share: Share, total: int, left: int) -> int:
    """Return how many pairs a share is; never none, and never more than are left."""
    count = share.of(total)
    if count < 1:
        raise UsageError(
            f"wave {wave.name}: {share} of {total} pairs is none; a wave has at least 1"
        )
    if count > left:
        raise UsageError(
            f"wave {wave.name}: {share} of {total} pairs is {count}, but only {left} are left"
        )
    return count


def _refuse(pairs: frozenset[Target], waves: Sequence[Wave]) -> None:
    for name, count in Counter(wave.name for wave in waves).items():
        if name == REST:
            raise UsageError(f"wave {name}: that is the name of what no wave takes; choose another")
        if count > 1:
            raise UsageError(f"wave {name}: {count} waves have this name; each has its own")
    taken: dict[Target, str] = {}
    for wave in waves:
        if not isinstance(wave.size, Share):
            _refuse_pairs(wave.name, wave.size, pairs, taken)
            taken |= dict.fromkeys(wave.size, wave.name)


def _refuse_pairs(
    name: str, named: frozenset[Target], pairs: frozenset[Target], taken: Mapping[Target, str]
) -> None:
    if not named:
        raise UsageError(f"wave {name}: it names no pair; a wave has at least 1")
    for pair in sorted(named):
        if pair not in pairs:
            raise UsageError(f"wave {name}: {pair} is not among the set's pairs")
        if pair in taken:
            raise UsageError(f"wave {name}: {pair} is in wave {taken[pair]} as well")
