"""What a rollout takes for granted: what its templates name, and none of its stacks makes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from tapcfn.intrinsics import text_of, walk
from tapcfn.model import Rollout, Stack

# Whatever is written into a zone that is named by its id. An alias names zones of AWS's own.
_WRITES_INTO = ("Name", "DomainName")


def hosted_zones(rollout: Rollout) -> dict[str, dict[str, str]]:
    """Return the hosted zones that are written into, by account: the id and the name of each.

    The name is the domain that all their names are in; of a single name, the one above it.
    """
    stacks = (*rollout.stacks, *(stack for move in rollout.moves for stack in move.stacks))
    names: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for stack in stacks:
        for zone, name in _written(stack):
            names[stack.target.account, zone].add(name)
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for (account, zone), known in sorted(names.items()):
        found[account][zone] = _domain(known)
    return dict(found)


def _written(stack: Stack) -> Iterator[tuple[str, str]]:
    for each in walk(stack.template.document):
        zone, name = text_of(each.get("HostedZoneId"), stack), _name(each, stack)
        if zone and name:
            yield zone, name


def _name(part: Mapping[str, object], stack: Stack) -> str:
    told = (text_of(part.get(key), stack) for key in _WRITES_INTO)
    return next((each.removesuffix(".").lower() for each in told if each), "")


def _domain(names: set[str]) -> str:
    labels = [name.split(".")[::-1] for name in sorted(names)]
    shared = []
    for several in zip(*labels, strict=False):
        if len(set(several)) > 1:
            break
        shared.append(several[0])
    if len(names) == 1 and len(shared) > 2:
        shared.pop()
    return ".".join(reversed(shared))
