"""What one blueprint wants for one stage, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tapcfn.model.actions import Action
from tapcfn.model.moves import Move
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

    @property
    def names(self) -> tuple[str, ...]:
        """What its units are called, stacks first."""
        stacks = tuple(each.name for each in self.stacks)
        return (*stacks, *(each.name for each in self.stack_sets))


@dataclass(frozen=True, slots=True)
class Rollout:
    """What one blueprint wants for one stage, and the outputs that people ask it for.

    An output that there is in several Regions is called `<name>.<region>` for each of them. `moves`
    are taken one after another when it is told to; `phases` are where they begin. `actions` can be
    done on request at any time: drills, comparisons.
    """

    blueprint: str
    stage: str
    phases: tuple[Phase, ...]
    outputs: Mapping[str, OutputOf] = field(default_factory=lambda: EMPTY)
    moves: tuple[Move, ...] = ()
    actions: tuple[Action, ...] = ()

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """Every stack of every phase, in order."""
        return tuple(stack for phase in self.phases for stack in phase.stacks)

    @property
    def stack_sets(self) -> tuple[StackSet, ...]:
        """Every stack set of every phase, in order."""
        return tuple(each for phase in self.phases for each in phase.stack_sets)

    def home(self, account: str) -> Target:
        """Return its first account and Region; `account` counts where it goes nowhere."""
        return next(iter(self.targets), Target(account, "us-east-1"))

    @property
    def units(self) -> tuple[Stack | StackSet, ...]:
        """Every stack, then every stack set: whatever is made from a template."""
        return (*self.stacks, *self.stack_sets)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Where the stacks live, and the stack sets themselves; sorted, each once."""
        places = {each.target for each in self.stacks} | {each.home for each in self.stack_sets}
        return tuple(sorted(places))
