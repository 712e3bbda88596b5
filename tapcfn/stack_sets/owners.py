"""Whose a stack is already: another set's, another rollout's, or this rollout's own. (D-24)"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from tapcfn.errors import CloudError
from tapcfn.model import EMPTY, StackSet, Target
from tapcfn.stack_sets.ports import SetCloud

# What the service calls the stacks that it makes; long names of sets are cut.
_MADE = re.compile(r"StackSet-(.+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST = 128

# What every stack of a rollout of blueprints is tagged with.
BLUEPRINT, STAGE = "tapcfn:blueprint", "tapcfn:stage"


@dataclass(frozen=True, slots=True)
class Owners:
    """What is known of who has what.

    `instances` has the set of each StackId that is an instance of one, `sets` whether each set of
    this administrator is still there: None where they may not be listed. `ours` are the rollout's
    blueprint and stage, `units` its stacks; `made` has what folders of templates have deployed.
    """

    ours: tuple[str, str]
    units: frozenset[tuple[Target, str]] = frozenset()
    made: Mapping[tuple[Target, str], str] = field(default_factory=lambda: EMPTY)
    instances: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    sets: Mapping[str, bool] | None = field(default_factory=lambda: EMPTY)

    def owner(self, stack_id: str, place: tuple[Target, str], tags: Mapping[str, str]) -> str:
        """Return who has a stack, or nothing where it is nobody's."""
        return next(self._all(stack_id, place, tags), "")

    def _all(
        self, stack_id: str, place: tuple[Target, str], tags: Mapping[str, str]
    ) -> Iterator[str]:
        _, name = place
        if stack_id in self.instances:
            yield f"stack set {self.instances[stack_id]}"
        found = _MADE.fullmatch(name)
        if found and not any(is_made_by(name, each) for each in self.sets or ()):
            yield f"stack set {found[1]}, which is another administrator's or can't be listed"
        if place in self.units:
            yield f"this rollout, as its stack {name}"
        theirs = (tags.get(BLUEPRINT, ""), tags.get(STAGE, ""))
        if all(theirs) and theirs != self.ours and not found:
            yield f"the rollout {theirs[0]} of stage {theirs[1]}"
        if place in self.made:
            yield self.made[place]


def is_made_by(stack: str, stack_set: str) -> bool:
    """Whether a stack has the name that the service gives to instances of a set of this name."""
    found = _MADE.fullmatch(stack)
    if found is None:
        return False
    return found[1] == stack_set or (len(stack) == _LONGEST and stack_set.startswith(found[1]))


def instances_of_others(
    stack_set: StackSet, sets: SetCloud, pool: Executor, warn: Callable[[str], None]
) -> tuple[Mapping[str, str], Mapping[str, bool] | None]:
    """Return the set of each instance's StackId, and the administrator's sets by name.

    The set's own instances are none of them. `warn` is told where they may not be listed.
    """
    try:
        known = sets.known_sets(stack_set)
    except CloudError as error:
        if not error.lasting:
            raise
        warn(f"{stack_set.name}: other stack sets can't be listed, nor what they have: {error}")
        return {}, None
    others = [name for name, is_there in sorted(known.items()) if is_there]
    others = [name for name in others if name != stack_set.name]
    listed = pool.map(lambda name: sets.instances(replace(stack_set, name=name)), others)
    told = {
        each.stack_id: name
        for name, instances in zip(others, listed, strict=True)
        for each in instances
        if each.stack_id
    }
    return told, known
