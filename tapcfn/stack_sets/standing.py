"""Where a stack set stands: is it there, is it as wanted, where is each instance, what goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tapcfn.model import (
    EMPTY,
    DeployedSet,
    Instance,
    Member,
    SetOperation,
    StackSet,
    Target,
    digest_of,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One set as it stands. `pairs` are wanted; `operations` are the newest first.

    `left_out` are accounts that are no targets because they are suspended.
    """

    stack_set: StackSet
    pairs: frozenset[Target]
    deployed: DeployedSet | None = None
    instances: Mapping[Target, Instance] = field(default_factory=lambda: EMPTY)
    operations: tuple[SetOperation, ...] = ()
    left_out: tuple[Member, ...] = ()

    @property
    def has_template(self) -> bool:
        """Whether the set has the template of the settings."""
        deployed = self.deployed
        return (
            deployed is not None and digest_of(deployed.template) == self.stack_set.template.digest
        )

    @property
    def states(self) -> Mapping[str, int]:
        """How many instances are in each state, those of most instances first."""
        counts = Counter(f"{each.status}/{each.detailed}" for each in self.instances.values())
        return dict(sorted(counts.items(), key=lambda told: (-told[1], told[0])))

    @property
    def missing(self) -> tuple[Target, ...]:
        """Pairs that are wanted and have no instance."""
        return tuple(sorted(self.pairs - self.instances.keys()))

    @property
    def unwanted(self) -> tuple[Target, ...]:
        """Pairs that have an instance and are not wanted."""
        return tuple(sorted(self.instances.keys() - self.pairs))

    @property
    def moving(self) -> tuple[SetOperation, ...]:
        """The operations that are at work or in line, oldest first."""
        return tuple(each for each in reversed(self.operations) if each.status.is_moving)

    @property
    def last(self) -> SetOperation | None:
        """The last operation that has ended."""
        return next((each for each in self.operations if not each.status.is_moving), None)

    def done(self, operation: SetOperation) -> tuple[int, int]:
        """Return how many instances of an operation are done, and how many it has touched."""
        mine = [
            each for each in self.instances.values() if each.operation == operation.operation_id
        ]
        return sum(each.is_well for each in mine), len(mine)


@dataclass(frozen=True, slots=True)
class Told:
    """What an instance's stack is told: its own values, and all in all. (R-20)"""

    overrides: Mapping[str, str]
    effective: Mapping[str, str]


def told_of(instance: Instance, deployed: DeployedSet) -> Told:
    """Return an instance's parameters: the set's, but for those that it overrides."""
    overrides = dict(instance.overrides or {})
    return Told(overrides, {**deployed.parameters, **overrides})
