"""The service's actions on stack sets, and how they are put among the emulator's."""

from __future__ import annotations

from tapcfn.local import emulator
from tapcfn.local.stack_sets import automatic, callers, operating, reading, store, writing
from tapcfn.local.stack_sets.wire import answering


def install() -> None:
    """Teach the emulator the operations on stack sets; once, before it serves."""
    for acts in (writing.ACTS, operating.ACTS, reading.ACTS):
        for name, act in acts.items():
            emulator.engine.ACTIONS[name] = answering(name, callers.acting(act))
    for name, act in callers.ACTS.items():
        emulator.engine.ACTIONS[name] = answering(name, act)
    automatic.install()


def moving() -> int:
    """Return how many operations on stack sets are at work, or soon will be."""
    return store.moving() + automatic.pending()
