"""A part of a rollout: some stacks, one phase, or all up to a phase. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from tapcfn.errors import BlockedError, UsageError
from tapcfn.model import Phase, Rollout, Snapshot
from tapcfn.nearest import hint
from tapcfn.plan import Plan, PlannedPhase, Step, Verb
from tapcfn.stack_sets.steps import SetStep


@dataclass(frozen=True, slots=True)
class Selection:
    """What a person has asked for: names of stacks or globs, and phases. Nothing said is all."""

    only: tuple[str, ...] = ()
    phase: str = ""
    until: str = ""

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return not (self.only or self.phase or self.until)

    def of(self, rollout: Rollout, *, backwards: bool = False) -> frozenset[str]:
        """Return the names of the stacks that are meant; `backwards` counts phases from the last.

        Raises `UsageError` naming what there is where a name fits nothing.
        """
        phases = self._phases(rollout.phases, backwards)
        names = [name for phase in phases for name in phase.names]
        if not self.only:
            return frozenset(names)
        return frozenset(name for glob in self.only for name in _fitting(glob, names))

    def _phases(self, phases: tuple[Phase, ...], backwards: bool) -> tuple[Phase, ...]:
        if self.phase and self.until:
            raise UsageError("--phase and --until exclude each other")
        wanted = self.phase or self.until
        if not wanted:
            return phases
        known = [phase.name for phase in phases]
        if wanted not in known:
            option = "--phase" if self.phase else "--until"
            raise UsageError(
                f'{option}: phase "{wanted}" does not exist{hint(wanted, known)} (there are: '
                f"{', '.join(known)})"
            )
        at = known.index(wanted)
        if self.phase:
            return (phases[at],)
        return phases[at:] if backwards else phases[: at + 1]


def _fitting(glob: str, names: list[str]) -> list[str]:
    found = [name for name in names if fnmatchcase(name, glob)]
    if not found:
        raise UsageError(
            f'--only: no stack is called "{glob}"{hint(glob, names)} (there are: '
            f"{', '.join(sorted(names))})"
        )
    return found


def narrowed(plan: Plan, chosen: frozenset[str]) -> Plan:
    """Return the plan with the chosen steps; the others are noted as left out."""
    phases = tuple(_part(phase, chosen) for phase in plan.phases)
    left_out: tuple[Step | SetStep, ...] = (*plan.steps, *plan.sets)
    return replace(
        plan,
        phases=tuple(each for each in phases if each.waves or each.sets),
        left_out=tuple(step for step in left_out if step.name not in chosen),
    )


def _part(phase: PlannedPhase, chosen: frozenset[str]) -> PlannedPhase:
    waves = (
        tuple(
            replace(step, needs=step.needs & chosen) for step in wave if step.stack.name in chosen
        )
        for wave in phase.waves
    )
    sets = tuple(step for step in phase.sets if step.name in chosen)
    return PlannedPhase(phase.name, tuple(wave for wave in waves if wave), sets)


def check_needs(plan: Plan, chosen: frozenset[str], snapshot: Snapshot) -> None:
    """Raise `BlockedError` where a chosen step rests on a stack that is left out and not there.

    For a destroy the other way round: what rests on a chosen stack must be gone, or chosen.
    """
    steps = [step for step in plan.steps if step.stack.name in chosen]
    faults = [fault for step in steps for fault in _faults(step, plan, chosen, snapshot)]
    faults += [
        f"{step.name}: needs {need}, which is not deployed and left out; choose it, too"
        for step in plan.sets
        if step.name in chosen and not step.removes
        for need in sorted(step.needs - chosen)
        if (status := snapshot.status(need)) is None or not status.is_updatable
    ]
    if faults:
        raise BlockedError("\n".join(faults))


def _faults(step: Step, plan: Plan, chosen: frozenset[str], snapshot: Snapshot) -> Iterable[str]:
    name = step.stack.name
    if step.verb is Verb.DELETE:
        for other in plan.steps:
            rests = name in other.stack.needs or other.stack.name in step.needs
            if rests and other.verb is Verb.DELETE and other.stack.name not in chosen:
                yield f"{name}: {other.stack.name} needs it and is left out; choose it, too"
    elif step.verb is not Verb.NONE:
        for need in sorted((step.needs | step.stack.needs) - chosen):
            status = snapshot.status(need)
            if status is None or not status.is_updatable:
                stands = status or "not deployed"
                yield f"{name}: needs {need}, which is {stands} and left out; choose it, too"
