"""How long a rollout may still take, from what its steps took before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from tapcfn.plan import PlannedPhase, Step, Verb

# The operation behind each verb that lasts.
ACTIONS = {
    Verb.CREATE: "create",
    Verb.RECREATE: "create",
    Verb.UPDATE: "update",
    Verb.DELETE: "delete",
}


def time_left(
    phases: Iterable[PlannedPhase],
    ended: Container[str],
    elapsed: Callable[[str], float],
    usual: Callable[[Step], float | None],
) -> float | None:
    """Return the seconds along the longest chain of each phase; None where one is not known."""
    total = 0.0
    for phase in phases:
        left: dict[str, float] = {}
        for step in phase.steps:
            own = _own(step, ended, elapsed, usual)
            if own is None:
                return None
            before = (left.get(need, 0.0) for need in step.needs)
            left[step.stack.name] = own + max(before, default=0.0)
        total += max(left.values(), default=0.0)
    return total


def _own(
    step: Step,
    ended: Container[str],
    elapsed: Callable[[str], float],
    usual: Callable[[Step], float | None],
) -> float | None:
    if step.stack.name in ended or step.verb not in ACTIONS:
        return 0.0
    seconds = usual(step)
    return None if seconds is None else max(seconds - elapsed(step.stack.name), 0.0)
