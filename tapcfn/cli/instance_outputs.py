"""The outputs of stack set instances that people ask a rollout for, read stack by stack."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import TypeAlias

from tapcfn.errors import CloudError
from tapcfn.model import EMPTY, OutputOf, Rollout, Snapshot, Target
from tapcfn.ports import Cloud

# By set and target: what the instance's stack puts out.
Told: TypeAlias = Mapping[tuple[str, Target], Mapping[str, str]]


def read(
    rollout: Rollout, snapshot: Snapshot, cloud: Cloud, pool: Executor, *, every: bool = False
) -> tuple[Told, tuple[str, ...]]:
    """Return the outputs of the instances that are asked for, and why some could not be read.

    One call for each instance, in its own account and Region, by its StackId; `every` asks for all.
    """
    asked = [(value.stack, value.target) for value in rollout.outputs.values() if value.target]
    if every:
        asked += [(name, each) for name, found in snapshot.sets.items() for each in found.instances]
    stacks = {
        (name, target): instance.stack_id
        for name, target in asked
        if (found := snapshot.sets.get(name))
        and (instance := found.instances.get(target))
        and instance.stack_id
    }

    def ask(key: tuple[str, Target]) -> Mapping[str, str] | str:
        try:
            return cloud.stack(stacks[key], key[1]).outputs
        except CloudError as error:
            return f"{key[0]} in {key[1]}: its outputs cannot be read: {error}"

    answers = dict(zip(stacks, pool.map(ask, stacks), strict=True))
    faults = tuple(each for each in answers.values() if isinstance(each, str))
    return {key: each for key, each in answers.items() if not isinstance(each, str)}, faults


def value_of(output: OutputOf, snapshot: Snapshot, told: Told) -> str | None:
    """Return the value of an output, of a stack's or of an instance's, if there is one."""
    if output.target:
        return told.get((output.stack, output.target), EMPTY).get(output.key)
    deployed = snapshot.stacks.get(output.stack)
    return deployed.outputs.get(output.key) if deployed else None
