"""Self-managed stack sets, which the emulator lacks, in front of its plain stack operations.

`model` says what is kept and `store` where; `targets`, `preferences`, `schedule`, `parameters` and
`policies` decide and touch nothing; `engine` carries an operation out, through `roles` and
`stacks`; `writing` and `reading` are the service's actions, and `wire` how they speak.
"""

from __future__ import annotations

from tapcfn.local import emulator
from tapcfn.local.stack_sets import reading, store, writing


def install() -> None:
    """Teach the emulator the operations on stack sets; once, before it serves."""
    store.install()
    emulator.ACTIONS.update(writing.ACTIONS)
    emulator.ACTIONS.update(reading.ACTIONS)
