"""Whether what stacks take from each other, and what their templates declare, fits together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tapcfn.errors import TemplateError
from tapcfn.model import OutputOf, Rollout, Stack
from tapcfn.stack_sets.steps import check_sets


def check_wiring(rollout: Rollout) -> None:
    """Refuse a rollout that names a stack twice or asks for an output that nobody gives."""
    stacks = {stack.name: stack for stack in rollout.stacks}
    if len(stacks) != len(rollout.stacks):
        names = [stack.name for stack in rollout.stacks]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise TemplateError(f"{rollout.blueprint}: two stacks are called {', '.join(twice)}")
    phase_of = {
        stack.name: number for number, phase in enumerate(rollout.phases) for stack in phase.stacks
    }
    wrong = [
        f"{stack.name}: {key} asks for {value}, which {fault}"
        for stack in rollout.stacks
        for key, value in sorted(stack.parameters.items())
        if isinstance(value, OutputOf)
        and (fault := _what_is_wrong(value, stacks, phase_of, phase_of[stack.name]))
    ]
    wrong += [
        f"{rollout.blueprint}: output {name} asks for {value}, which {fault}"
        for name, value in rollout.outputs.items()
        if (
            fault := _wrong_of_instance(value, rollout)
            if value.target
            else _what_is_wrong(value, stacks, phase_of, len(rollout.phases))
        )
    ]
    wrong += [fault for stack in rollout.stacks for fault in _parameter_faults(stack)]
    if wrong:
        raise TemplateError("; ".join(wrong))
    check_sets(rollout)


def _wrong_of_instance(value: OutputOf, rollout: Rollout) -> str:
    """Say why an output of an instance can't be had, or nothing."""
    found = {each.name: each for each in rollout.stack_sets}.get(value.stack)
    if found is None:
        return "is no stack set of the rollout"
    if found.organization is None and value.target not in found.pairs:
        return "has no such target"
    return "" if value.key in found.template.outputs else "has no such output"


def _what_is_wrong(
    value: OutputOf, stacks: Mapping[str, Stack], phase_of: Mapping[str, int], asking: int
) -> str:
    """Say why an output can't be had in the phase with this number, or nothing."""
    if value.stack not in stacks or value.target:
        return "is not part of the rollout"
    if value.key not in stacks[value.stack].template.outputs:
        return "has no such output"
    return "comes in a later phase" if phase_of[value.stack] > asking else ""


def _parameter_faults(stack: Stack) -> Iterable[str]:
    declared = stack.template.parameters
    for key in sorted(stack.parameters.keys() - declared.keys()):
        yield f"{stack.name}: {key} is no parameter of the template"
    for key, declaration in sorted(declared.items()):
        if "Default" not in declaration and key not in stack.parameters:
            yield f"{stack.name}: parameter {key} has no value"
