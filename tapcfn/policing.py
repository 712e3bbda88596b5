"""Widen a stack's policy for what is allowed by name, and put it back whatever happens. (X-7)

That it is wide stands in the ledger before it is; so the next command on the stack, in whatever
process, knows that it has to be put back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from tapcfn.allowances import Loss, covering
from tapcfn.data_policy import (
    deployed_ids,
    guarded_ids,
    policy_of,
    stateful_ids,
    written,
)
from tapcfn.errors import CloudError
from tapcfn.model import (
    ChangeSet,
    Deployed,
    Replacement,
    Rollout,
    Snapshot,
    Stack,
    canonical,
    digest_of,
)
from tapcfn.ports import Cloud, Ledger

# What stands for a policy that may not be read: nobody's, so it is left alone.
UNREADABLE = "unreadable"


def read(stack: Stack, deployed: Deployed, cloud: Cloud) -> str:
    """Return the policy that a stack has, where it is to have ours; nothing where it is not."""
    return _now(stack, deployed.stack_id, cloud) if _is_to_have_ours(stack) else ""


def in_force(stack: Stack, deployed: Deployed, cloud: Cloud) -> str:
    """Return the policy that an update will meet: as it was read to plan, else as it is now.

    One that may not be read is left to the service.
    """
    is_read = _is_to_have_ours(stack) and deployed.template
    policy = deployed.policy if is_read else _now(stack, deployed.stack_id, cloud)
    return "" if policy == UNREADABLE else policy


def _is_to_have_ours(stack: Stack) -> bool:
    return stack.options.stack_policy and bool(policy_of(stack))


def _now(stack: Stack, stack_id: str, cloud: Cloud) -> str:
    try:
        return cloud.stack_policy(stack_id, stack.target)
    except CloudError as error:
        if not error.lasting:
            raise
        return UNREADABLE


def make_way(
    stack: Stack,
    deployed: Deployed,
    change_set: ChangeSet,
    cloud: Cloud,
    ledger: Ledger,
    *,
    allowed: frozenset[str],
) -> str:
    """Let the policy deny all that holds data but what is allowed; return the policy in force.

    Before ours is changed it is read again: one that somebody has set since the plan stays.
    """
    before = deployed.policy
    if not stack.options.stack_policy or guarded_ids(before) is None:
        return before
    ids = deployed_ids(deployed)
    through = ids & frozenset(_allowed(stack, change_set, allowed))
    if not ids or guarded_ids(before) == ids - through:
        return before
    before = _now(stack, deployed.stack_id, cloud)
    if guarded_ids(before) is None:
        return before
    if through:
        ledger.intend("widen", stack, _token(deployed.stack_id, ledger))
    policy = written(ids - through)
    cloud.set_stack_policy(deployed.stack_id, stack.target, policy)
    return policy


def _allowed(stack: Stack, change_set: ChangeSet, allowed: frozenset[str]) -> Iterator[str]:
    """Yield what the change set replaces or removes, and an allowance names."""
    for change in change_set.changes:
        replaces = change.replacement in {Replacement.TRUE, Replacement.CONDITIONAL}
        loss = Loss.REMOVE if change.action == "Remove" else Loss.REPLACE if replaces else None
        if change.action == "Dynamic":
            loss = Loss.DYNAMIC
        if loss and covering(allowed, stack.name, stack.target, change.logical_id, loss):
            yield change.logical_id


def put_back(
    stack: Stack, stack_id: str, cloud: Cloud, ledger: Ledger, *, ids: frozenset[str], policy: str
) -> None:
    """Let the policy, which was as it is given, deny all that holds data again."""
    guarded = guarded_ids(policy)
    differs = stack.options.stack_policy and guarded is not None and ids != guarded
    # Before the first one there is none to read.
    if differs and (not policy or guarded_ids(_now(stack, stack_id, cloud)) is not None):
        cloud.set_stack_policy(stack_id, stack.target, written(ids))
    token = _token(stack_id, ledger)
    if ledger.is_ours(token):
        ledger.ended(token)


def ids_after(stack: Stack, before: Deployed | None, *, succeeded: bool) -> frozenset[str]:
    """Return what a stack's policy has to guard after an operation."""
    if succeeded:
        return stateful_ids(stack.template.resources)
    return deployed_ids(before) if before else frozenset()


def restore(
    rollout: Rollout, snapshot: Snapshot, cloud: Cloud, ledger: Ledger
) -> tuple[Snapshot, tuple[str, ...]]:
    """Put back every policy that an earlier run left wide; return what is so now and what to say.

    Needs the templates of a snapshot to plan with. A stack that still moves is left for later.
    """
    told: list[str] = []
    stacks = dict(snapshot.stacks)
    for stack in rollout.stacks:
        deployed = snapshot.stacks.get(stack.name)
        if deployed is None or not (deployed.status.is_settled and deployed.template):
            continue
        token = _token(deployed.stack_id, ledger)
        if not ledger.is_ours(token):
            continue
        policy = written(deployed_ids(deployed))
        cloud.set_stack_policy(deployed.stack_id, stack.target, policy)
        ledger.ended(token)
        stacks[stack.name] = replace(deployed, policy=policy)
        told.append(f"{stack.name}: its stack policy was left wide by an earlier run; put back")
    return replace(snapshot, stacks=stacks), tuple(told)


def _token(stack_id: str, ledger: Ledger) -> str:
    """Return what stands in the ledger for this widening: the first not known to be over."""
    tokens = (
        "tapcfn-" + digest_of(canonical(["widen", stack_id, number]))[:40] for number in count()
    )
    return next(token for token in tokens if not ledger.has_ended(token))
