"""Cut a set of pairs into calls that name these pairs, each once, and no others. (R-21)

A call names accounts times Regions. The fewest such rectangles are hard to find (NP-hard), so
accounts with equal Regions go together, or Regions with equal accounts, whichever gives fewer:
never more than there are accounts, or Regions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tapcfn.errors import UsageError
from tapcfn.model import Member, Organization, Target
from tapcfn.stack_sets.calls import Rectangle

# The API reference gives no limit for the accounts and the Regions of a call (its model has no
# maximum either), but at most so many instances may be worked on at once: quota "stack instance
# operations", over all sets of an administrator in a Region.
MOST_PAIRS = 10_000

# "The maximum number of organizational units supported by a CreateStackInstances operation is 50":
# the same stands with UpdateStackSet, UpdateStackInstances and DeleteStackInstances.
MOST_UNITS = 50


def cover(pairs: Iterable[Target], most: int = MOST_PAIRS) -> tuple[Rectangle, ...]:
    """Return disjoint rectangles that together are exactly the pairs, sorted.

    Where one would have more than `most` pairs, its accounts are divided, and only then its
    Regions: tolerance and concurrency are counted in each Region of each call on its own.
    """
    regions_of: dict[str, set[str]] = {}
    accounts_of: dict[str, set[str]] = {}
    for pair in pairs:
        regions_of.setdefault(pair.account, set()).add(pair.region)
        accounts_of.setdefault(pair.region, set()).add(pair.account)
    by_accounts = [Rectangle(alike, others) for others, alike in _grouped(regions_of)]
    by_regions = [Rectangle(others, alike) for others, alike in _grouped(accounts_of)]
    fewer = by_accounts if len(by_accounts) <= len(by_regions) else by_regions
    return tuple(sorted(part for each in fewer for part in _parts(each, most)))


def cover_of_members(
    pairs: Iterable[Target], members: tuple[Member, ...], organization: Organization
) -> tuple[Rectangle, ...]:
    """Return a cover for a service-managed set, whose calls name units, or accounts within them.

    A rectangle with every account under the organization's units names the units; another names
    its accounts, which a call meets with the units (INTERSECTION). Units with a suspended account
    are never named as a whole, since that account is not among the pairs.

    Raises `UsageError` for an account that is not under the units or is suspended, and for more
    units than a call takes. Pairs of accounts that have left the units are no target: cover them
    on their own.
    """
    wanted = frozenset(pairs)
    _refuse_units(organization.units)
    _refuse_strangers(wanted, members)
    whole = tuple(sorted({each.account for each in members}))
    named = tuple(
        replace(each, units=tuple(sorted(organization.units))) if each.accounts == whole else each
        for each in cover(wanted)
    )
    prove(wanted, named, members)
    return named


def meant(rectangle: Rectangle, members: Iterable[Member]) -> frozenset[Target]:
    """Return what a service-managed call touches, from the organization's side."""
    named = frozenset(rectangle.accounts)
    found = {each.account for each in members if rectangle.units or each.account in named}
    return frozenset(Target(account, region) for account in found for region in rectangle.regions)


def prove(
    pairs: frozenset[Target], rectangles: Iterable[Rectangle], members: tuple[Member, ...]
) -> None:
    """Raise `UsageError` if calls would touch another pair than these, or one twice or never.

    Worth asking again before a call is made: an account may have joined a unit meanwhile.
    """
    touched = Counter(pair for each in rectangles for pair in meant(each, members))
    extra = sorted(pair for pair, count in touched.items() if pair not in pairs or count > 1)
    missing = sorted(pairs - touched.keys())
    faults = [f"{what} {each[0]}" for what, each in (("also", extra), ("not", missing)) if each]
    if faults:
        raise UsageError(f"the calls do not touch exactly the targets: {' and '.join(faults)}")


def _grouped(
    others_of: dict[str, set[str]],
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield what keys have in common, with the keys that have it."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for key, others in others_of.items():
        alike.setdefault(tuple(sorted(others)), []).append(key)
    for others_in_common, keys in alike.items():
        yield others_in_common, tuple(sorted(keys))


def _parts(rectangle: Rectangle, most: int) -> Iterator[Rectangle]:
    """Yield a rectangle in parts of at most `most` pairs."""
    wide = min(len(rectangle.regions), most)
    high = max(1, most // wide)
    for row in range(0, len(rectangle.accounts), high):
        for column in range(0, len(rectangle.regions), wide):
            yield Rectangle(
                rectangle.accounts[row : row + high], rectangle.regions[column : column + wide]
            )


def _refuse_units(units: tuple[str, ...]) -> None:
    if len(units) > MOST_UNITS:
        raise UsageError(
            f"{len(units)} organizational units are named and a call takes at most {MOST_UNITS}: "
            "name the units that hold them"
        )


def _refuse_strangers(pairs: frozenset[Target], members: tuple[Member, ...]) -> None:
    accounts = {pair.account for pair in pairs}
    suspended = sorted(accounts & {each.account for each in members if each.suspended})
    if suspended:
        raise UsageError(f"suspended accounts can't be a target: {', '.join(suspended)}")
    strange = sorted(accounts - {each.account for each in members})
    if strange:
        raise UsageError(
            f"accounts that stand under none of the organizational units: {', '.join(strange)}; "
            "name a unit that they are in"
        )
