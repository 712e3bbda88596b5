"""What the work on a stack set is done with."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tapcfn.events import Notify
from tapcfn.model import Gate, StackEvent, Target
from tapcfn.ports import Clock, Ledger
from tapcfn.stack_sets.ports import SetCloud
from tapcfn.stack_sets.spread import Spread
from tapcfn.waits import Pace, Patience


class Histories(Protocol):
    """Reads the history of an instance's own stack, in its account and Region."""

    def events(self, stack_id: str, target: Target, token: str) -> tuple[StackEvent, ...]:
        """Return the events of the operation with this token, or all; oldest first."""
        ...


class Keeper(Protocol):
    """Keeps what a set was before it is changed, so that it can be taken back."""

    def keep(self, spread: Spread, operation_id: str) -> None:
        """Write down the set as it stands, under the operation that will change it.

        Raises `TapcfnError` where that cannot be done: then nothing is sent.
        """
        ...


# Lets a unit bake for so many seconds, holds its gates, and returns why one failed, or nothing.
Bake = Callable[[str, tuple[Gate, ...], float], str]


@dataclass(frozen=True, slots=True)
class SetMeans:
    """The ports, and how patient the work is. `draw` gives the jitter of the busy protocol,
    and `busy` the bound of its first pause in seconds."""

    sets: SetCloud
    histories: Histories
    clock: Clock
    ledger: Ledger
    patience: Patience
    notify: Notify
    bake: Bake
    keeper: Keeper | None = None
    pace: Pace = field(default_factory=lambda: Pace(cap=5.0))
    draw: Callable[[], float] = random.random
    busy: float = 5.0
