"""Which targets a request names, and in which order their Regions come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tapcfn.local.stack_sets.model import Target


def rectangle(accounts: Sequence[str], regions: Sequence[str]) -> tuple[Target, ...]:
    """Return every account in every Region, each pair once, Region by Region."""
    return tuple(
        Target(account, region)
        for region in dict.fromkeys(regions)
        for account in dict.fromkeys(accounts)
    )


def by_region(
    targets: Iterable[Target], region_order: Sequence[str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Group targets by Region: those of the order first, then the others as they were named.

    A Region of the order in which nothing is to be done counts for nothing.
    """
    accounts: dict[str, list[str]] = {}
    for target in targets:
        accounts.setdefault(target.region, []).append(target.account)
    first = [region for region in dict.fromkeys(region_order) if region in accounts]
    regions = dict.fromkeys([*first, *accounts])
    return tuple((region, tuple(accounts[region])) for region in regions)
