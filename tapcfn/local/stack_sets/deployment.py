"""What an operation does to one instance, in the instance's account and Region."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tapcfn.local import emulator
from tapcfn.local.stack_sets import (
    adoption,
    drift,
    gates,
    marks,
    organization,
    roles,
    room,
    stacks,
    trials,
)
from tapcfn.local.stack_sets.marks import Outcome
from tapcfn.local.stack_sets.model import (
    SKIPPED_SUSPENDED,
    Action,
    Gate,
    Instance,
    Operation,
    ResultStatus,
    StackSet,
    home_of,
    is_service_managed,
    target_of,
)
from tapcfn.local.stack_sets.parameters import effective

LONGEST_STACK_NAME = 128


@dataclass(frozen=True, slots=True)
class Job:
    """One target of an operation; without an administrator, no roles are needed."""

    stack_set: StackSet
    operation: Operation
    instance: Instance
    administrator: roles.Administration | None

    @property
    def action(self) -> str:
        """What is to be done."""
        return self.operation["action"]


async def carry_out(job: Job) -> Outcome:
    """Do what the operation says and return what came of it."""
    if job.action == Action.DELETE and job.operation["retain_stacks"]:
        return Outcome()
    if _is_suspended(job):
        reason = f"Account {job.instance['account']} is suspended"
        return Outcome(ResultStatus.CANCELLED, reason, detailed=SKIPPED_SUSPENDED)
    try:
        return await _let_in(job)
    except stacks.FailedError as failed:
        return marks.failed(str(failed))
    except Exception as error:  # or the operation would never end
        return marks.failed(f"Internal error: {type(error).__name__}: {error}")


def _is_suspended(job: Job) -> bool:
    if not is_service_managed(job.stack_set):
        return False
    management, _ = home_of(job.stack_set)
    return organization.is_suspended(management, job.instance["account"])


async def _let_in(job: Job) -> Outcome:
    """Do it if the roles, the table of faults and the account gate let it happen."""
    refusal = _refused_by_roles(job) or await trials.meet(job.stack_set, job.operation)
    if refusal:
        return marks.failed(refusal)
    gate = await gates.ask()
    if gate["status"] == gates.FAILED:
        return marks.failed(gate["reason"], gate)
    async with room.taken():
        return await _done(job, gate)


def _refused_by_roles(job: Job) -> str:
    if job.administrator is None:
        return ""
    return roles.refusal(job.administrator, job.operation["execution_role"])


async def _done(job: Job, gate: Gate) -> Outcome:
    instance, found = job.instance, None
    try:
        if job.action == Action.DETECT_DRIFT:
            found = drift.detect(instance)
        elif job.action == Action.IMPORT:
            adoption.adopt(job.stack_set, instance, job.operation["stacks"][_key(instance)])
        elif job.action == Action.DELETE:
            await stacks.delete(instance["stack_id"])
        else:
            await _deploy(job.stack_set, instance)
    except stacks.FailedError as failed:
        return replace(marks.failed(str(failed)), gate=gate)
    return Outcome(gate=gate, drift=found)


def _key(instance: Instance) -> str:
    return str(target_of(instance))


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
