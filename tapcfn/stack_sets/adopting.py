"""Let stacks that exist become instances of a stack set, as they are. (D-24)"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tapcfn.errors import UsageError
from tapcfn.model import EMPTY, FoundSet, StackSet, StackStatus, Target
from tapcfn.stack_sets.calls import Act, SetCall
from tapcfn.stack_sets.owners import Owners
from tapcfn.stack_sets.spread import (
    Spread,
    SpreadReason,
    SpreadWave,
    Wanted,
    is_secret,
    value_of,
)

# The most stacks that one call takes in.
MOST = 10

_ARN = re.compile(r"arn:aws[a-z-]*:cloudformation:([a-z0-9-]+):([0-9]{12}):stack/([^/]+)/.+")

_ADOPTABLE = frozenset(
    {
        StackStatus.CREATE_COMPLETE,
        StackStatus.UPDATE_COMPLETE,
        StackStatus.UPDATE_ROLLBACK_COMPLETE,
        StackStatus.IMPORT_COMPLETE,
    }
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stack that is to be adopted: its template is canonical JSON; `parent` is what nests it."""

    stack_id: str
    target: Target
    name: str
    status: StackStatus
    template: str
    parameters: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    parent: str = ""
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)


def place_of(stack_id: str) -> tuple[Target, str]:
    """Return where a stack lives and its name, as its id says; raise `UsageError` for no id."""
    found = _ARN.fullmatch(stack_id)
    if found is None:
        raise UsageError(
            f"{stack_id}: is no StackId; allowed: "
            "arn:aws:cloudformation:<Region>:<account>:stack/<name>/<id>"
        )
    return Target(found[2], found[1]), found[3]


def faults(
    wanted: Wanted,
    candidates: Iterable[Candidate],
    found: FoundSet,
    owners: Owners,
) -> Iterator[str]:
    """Yield why stacks can't be adopted, each by its name; `owners` knows whose they are."""
    stack_set = wanted.stack_set
    secret = [key for key in sorted(stack_set.template.parameters) if is_secret(stack_set, key)]
    if secret:
        yield f"{stack_set.name}: {', '.join(secret)}: NoEcho; such stacks can't be imported"
    seen: dict[Target, str] = {}
    for each in candidates:
        yield from _faults(each, wanted, found, owners)
        if each.target in seen:
            yield f"{each.name}: {seen[each.target]} is in {each.target} already; one stack a pair"
        seen.setdefault(each.target, each.name)


def _faults(each: Candidate, wanted: Wanted, found: FoundSet, owners: Owners) -> Iterator[str]:
    name = wanted.stack_set.name
    there = found.instances.get(each.target)
    if there is not None and there.stack_id == each.stack_id:
        return
    if there is not None:
        yield f"{each.name}: {each.target} has an instance of {name} already"
    if each.target not in wanted.pairs:
        yield f"{each.name}: {each.target} is no target of {name}; add it there"
    if owner := owners.owner(each.stack_id, (each.target, each.name), each.tags):
        yield f"{each.name}: belongs to {owner}"
    yield from _unfit(each, wanted.stack_set)


def _unfit(each: Candidate, stack_set: StackSet) -> Iterator[str]:
    if each.parent:
        yield f"{each.name}: is nested in {each.parent}"
    if each.status not in _ADOPTABLE:
        yield f"{each.name}: is {each.status}; settle that first"
    if each.template != stack_set.template.text:
        yield f"{each.name}: its template is not that of {stack_set.name}"


def plan_adoption(wanted: Wanted, candidates: Iterable[Candidate], found: FoundSet) -> Spread:
    """Return the calls: the set where there is none, then ten stacks at a time.

    What differs in a stack's parameters stays there as its overrides: the service sees to it.
    """
    left = sorted(
        (each for each in candidates if each.target not in found.instances),
        key=lambda each: each.target,
    )
    overrides = {each.target: own_values(each, wanted) for each in left}
    calls = [] if found.deployed else [SetCall(Act.CREATE)]
    for at in range(0, len(left), MOST):
        batch = left[at : at + MOST]
        calls.append(
            SetCall(
                Act.IMPORT,
                stack_ids=tuple(each.stack_id for each in batch),
                everyone=frozenset(each.target for each in batch),
            )
        )
    pairs = frozenset(each.target for each in left)
    adopts: StackSet = replace(wanted.stack_set, waves=())
    return Spread(
        Wanted(adopts, pairs, wanted.parameters, overrides),
        found,
        SpreadReason.ADOPTED if left else SpreadReason.AS_WANTED,
        add=pairs,
        waves=(SpreadWave("adopt", tuple(calls)),) if left else (),
    )


def own_values(candidate: Candidate, wanted: Wanted) -> dict[str, str]:
    """Return the parameters in which a stack differs from the set."""
    return {
        key: value
        for key, value in sorted(candidate.parameters.items())
        if key in wanted.stack_set.template.parameters and value_of(wanted, key) != value
    }
