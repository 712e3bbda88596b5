"""Steps that a deployed rollout takes when it is told to: a shift of traffic, a promotion."""

from __future__ import annotations

from dataclasses import dataclass

from tapcfn.model.actions import Action
from tapcfn.model.gates import Gate
from tapcfn.model.stacks import Stack
from tapcfn.model.templates import canonical, digest_of


@dataclass(frozen=True, slots=True)
class Move:
    """The same stacks with other parameters, and what must be done and hold around that.

    `stacks` are wanted like this from here on, until a later move says otherwise: template and
    reality stay equal. `removes` names stacks that go. `before` and `after` are done before and
    after the stacks change. When the gates have held, the move is over; with `falls_back` a gate
    that fails takes it back at once, and a move that only watches takes what it watches with it.

    `says` is a sentence that a person reads first; `look` what to look at meanwhile. `forever` says
    why the move can't be taken back, empty if it can; `confirm` is the name that a person must type
    to cross a point of no return. `allow` lists the losses that the move is known to mean.
    `minutes` is about how long it takes, where that is known; `needs` are the words that the
    command which takes it must have besides.

    `writes` says, of a move that changes it, whether customers can write from it on.

    `undone_by` is what stacks become one after another on the way back, where they cannot go back
    at once: a database that was promoted goes before it is there as a replica again.
    """

    name: str
    says: str
    stacks: tuple[Stack, ...] = ()
    removes: tuple[str, ...] = ()
    before: tuple[Action, ...] = ()
    after: tuple[Action, ...] = ()
    gates: tuple[Gate, ...] = ()
    bake: float = 0.0
    falls_back: bool = False
    forever: str = ""
    confirm: str = ""
    allow: tuple[str, ...] = ()
    look: str = ""
    minutes: float | None = None
    undone_by: tuple[Stack, ...] = ()
    needs: tuple[str, ...] = ()
    writes: bool | None = None

    @property
    def actions(self) -> tuple[Action, ...]:
        """All that CloudFormation is not asked for, in order."""
        return (*self.before, *self.after)

    @property
    def mark(self) -> str:
        """What it is noted by: in another place, or with other gates, it is another move."""
        return f"{self.name}:{digest_of(canonical(self.facts))[:12]}"

    @property
    def facts(self) -> list[object]:
        """All that the move means, as plain data that can be digested."""
        stacks = [
            [stack.name, stack.template.digest, {k: str(v) for k, v in stack.parameters.items()}]
            for stack in (*self.stacks, *self.undone_by)
        ]
        return [
            self.name,
            stacks,
            list(self.removes),
            [repr(each) for each in self.before],
            [repr(each) for each in self.after],
            [repr(each) for each in self.gates],
            self.bake,
        ]
