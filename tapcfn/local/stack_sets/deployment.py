"""What an operation does to one instance, in the instance's account and Region."""

from __future__ import annotations

import asyncio

from tapcfn.local import emulator
from tapcfn.local.stack_sets import roles, stacks
from tapcfn.local.stack_sets.model import Action, Instance, Operation, StackSet
from tapcfn.local.stack_sets.parameters import effective

LONGEST_STACK_NAME = 128


async def carry_out(
    stack_set: StackSet,
    operation: Operation,
    instance: Instance,
    administrator: roles.Administration,
) -> str:
    """Do what the operation says and return why it failed, or nothing."""
    is_deletion = operation["action"] == Action.DELETE
    if is_deletion and operation["retain_stacks"]:
        return ""
    role = operation["execution_role"]
    try:
        refusal = await asyncio.to_thread(roles.refusal, administrator, role)
        if refusal:
            return refusal
        await (stacks.delete(instance["stack_id"]) if is_deletion else _deploy(stack_set, instance))
    except stacks.FailedError as failed:
        return str(failed)
    except Exception as error:  # or the operation would never end
        return f"Internal error: {type(error).__name__}: {error}"
    return ""


async def _deploy(stack_set: StackSet, instance: Instance) -> None:
    """Bring the instance's stack to what the set says; one that can only be deleted makes way."""
    definition = stack_set["definition"]
    wanted = stacks.Wanted(
        definition["template"],
        effective(definition["parameters"], instance["overrides"]),
        definition["tags"],
        definition["capabilities"],
    )
    stack_id = instance["stack_id"]
    if stacks.is_to_be_replaced(stack_id):
        await stacks.delete(stack_id)
    if stacks.is_there(stack_id):
        await stacks.update(stack_id, wanted)
    else:
        await stacks.create(
            _stack_name(stack_set["name"]), wanted, lambda made: _belongs(instance, made)
        )
    instance["declared"] = list(wanted.parameters)
    instance["overrides"] = {
        name: value for name, value in instance["overrides"].items() if name in wanted.parameters
    }


def _belongs(instance: Instance, stack_id: str) -> None:
    instance["stack_id"] = stack_id


def _stack_name(stack_set: str) -> str:
    """Return a new stack's name: the set's, shortened if need be, and something unique."""
    unique = emulator.new_id()
    longest = LONGEST_STACK_NAME - len("StackSet--") - len(unique)
    return f"StackSet-{stack_set[:longest]}-{unique}"
