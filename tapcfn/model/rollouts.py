"""What one blueprint wants for one stage, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tapcfn.model.places import Target
from tapcfn.model.stack_sets import StackSet
from tapcfn.model.stacks import OutputOf, Stack
from tapcfn.model.templates import EMPTY


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a rollout. The next phase starts when all of this one is done.

    Nothing takes an output from a stack set: what must follow it stands in a later phase, which
    starts when every instance is CURRENT.
    """

    name: str
    stacks: tuple[Stack, ...] = ()
    stack_sets: tuple[StackSet, ...] = ()


@dataclass(frozen=True, slots=True)
class Rollout:
    """What one blueprint wants for one stage, and the outputs that people ask it for.

    An output that there is in several Regions is called `<name>.<region>` for each of them.
    """

    blueprint: str
    stage: str
    phases: tuple[Phase, ...]
    outputs: Mapping[str, OutputOf] = field(default_factory=lambda: EMPTY)

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """Every stack of every phase, in order."""
        return tuple(stack for phase in self.phases for stack in phase.stacks)

    @property
    def stack_sets(self) -> tuple[StackSet, ...]:
        """Every stack set of every phase, in order."""
        return tuple(each for phase in self.phases for each in phase.stack_sets)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Where the stacks live; sorted, each once."""
        return tuple(sorted({stack.target for stack in self.stacks}))
