"""The service's actions on stack sets, and how they are put among the emulator's."""

from __future__ import annotations

from tapcfn.local import emulator
from tapcfn.local.stack_sets import reading, store, writing
from tapcfn.local.stack_sets.wire import answering


def install() -> None:
    """Teach the emulator the operations on stack sets; once, before it serves."""
    for name, act in {**writing.ACTS, **reading.ACTS}.items():
        emulator.engine.ACTIONS[name] = answering(name, act)


def moving() -> int:
    """Return how many operations on stack sets are at work."""
    return store.moving()
