"""From a step of a plan to a running operation. These functions make calls and may block."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from itertools import count

from tapcfn import others, policing
from tapcfn.clearing import Clearing, empty_buckets
from tapcfn.data_policy import is_missing, policy_of
from tapcfn.errors import (
    BlockedError,
    CloudError,
    NotBegunError,
    StackError,
    StaleError,
    StillRunningError,
)
from tapcfn.events import StackEnded
from tapcfn.model import Deployed, Ending, Stack, StackStatus, canonical, digest_of
from tapcfn.operations.means import Given, Means, Operation
from tapcfn.operations.staged import staged_for
from tapcfn.plan import Step, Verb
from tapcfn.ports import Leaving, Ledger
from tapcfn.preview import Staged
from tapcfn.waits import Patience, settle


def start(step: Step, means: Means, given: Given) -> StackEnded | Operation:
    """Do what the step says, up to the call after which CloudFormation is at work."""
    stack, deployed = step.stack, step.deployed
    if step.verb is Verb.DELETE and deployed is not None:
        _clear_the_way(stack, deployed, means, given)
        return _delete(stack, deployed, means, given.approval.leaving.get(stack.name))
    if step.verb is Verb.PROTECT:
        return _unchanged(stack, deployed, means)
    if step.verb is Verb.RECREATE and deployed is not None:
        _clear(stack, deployed, means)
        deployed = None
    try:
        staged = staged_for(stack, deployed, means, given)
    except StillRunningError as error:
        raise NotBegunError(f"not started: {error}") from error
    if staged.change_set.empty:
        return _unchanged(stack, deployed, means)
    if deployed is None or deployed.status.is_absent:
        return _execute(stack, staged, "create", means, deployed)
    return _update(stack, deployed, staged, means, given.approval.allowed)


def _execute(
    stack: Stack, staged: Staged, action: str, means: Means, before: Deployed | None
) -> Operation:
    token = "tapcfn-" + digest_of(staged.change_set.arn)[:40]
    means.ledger.intend("execute", stack, token)
    started = means.clock.now()
    try:
        means.cloud.execute(staged.change_set, stack.target, token, updates=action == "update")
    except (CloudError, StaleError) as error:
        is_told = isinstance(error, StaleError) or error.code == "ValidationError"
        if is_told and before is not None:
            _check_nobody_was_faster(stack, before, means)
        raise
    spent = (staged.token, token)
    stack_id = staged.change_set.stack_id
    return Operation(stack, stack_id, token, action, started, spent, before=before)


def _check_nobody_was_faster(stack: Stack, before: Deployed, means: Means) -> None:
    """Raise `StaleError`, once it has ended, where somebody else is at work on the stack. (X-17)"""
    seen = settle(
        f"somebody else's operation on {stack.name}",
        read=lambda: means.cloud.stack(before.stack_id, stack.target),
        settled=lambda deployed: not deployed.status.is_moving,
        patience=means.patience or Patience(means.clock),
    )
    if seen.updated != before.updated or seen.status is not before.status:
        raise StaleError(
            f"{stack.name}: somebody else has changed it{others.name_of_change(before, seen)}, it "
            f"is {seen.status} since; what was reviewed is stale: plan again"
        )


def _update(
    stack: Stack, deployed: Deployed, staged: Staged, means: Means, allowed: frozenset[str]
) -> Operation:
    """Execute under a stack policy that lets through what is allowed, and no more."""
    cloud, ledger = means.cloud, means.ledger
    policy = policing.make_way(stack, deployed, staged.change_set, cloud, ledger, allowed=allowed)
    try:
        operation = _execute(stack, staged, "update", means, deployed)
    except StaleError:
        _close_again(stack, deployed, means, policy)
        raise
    except CloudError as error:
        if not error.passing and policy != deployed.policy:
            _close_if_still(stack, deployed, means, policy)
        raise
    return replace(operation, policy=policy)


def _close_again(stack: Stack, deployed: Deployed, means: Means, policy: str) -> None:
    """Let the stack policy deny what it denied before: nothing has begun that needs it wide."""
    ids = policing.ids_after(stack, deployed, succeeded=False)
    policing.put_back(stack, deployed.stack_id, means.cloud, means.ledger, ids=ids, policy=policy)


def _close_if_still(stack: Stack, deployed: Deployed, means: Means, policy: str) -> None:
    """Put the policy back after a refusal, unless something runs after all or is unknown.

    Then the next command on the stack does, as the ledger tells it to. (X-7)
    """
    with contextlib.suppress(CloudError):
        if not means.cloud.stack(deployed.stack_id, stack.target).status.is_moving:
            _close_again(stack, deployed, means, policy)


def _clear_the_way(stack: Stack, deployed: Deployed, means: Means, given: Given) -> None:
    """Take away what was agreed to be taken for this deletion, and only now."""
    clearing = given.approval.clearing.get(stack.name, Clearing())
    if clearing.lifts_protection:
        means.cloud.protect(deployed.stack_id, stack.target, on=False)
    empty_buckets(stack.name, clearing, means.cloud, means.tell)
    if clearing.buckets and means.patience and means.patience.interrupted:
        raise NotBegunError("the run stopped before its deletion")


def _delete(
    stack: Stack, deployed: Deployed, means: Means, leaving: Leaving | None = None
) -> Operation:
    token = _deletion_token(deployed, means.ledger, leaving)
    means.ledger.intend("delete", stack, token)
    started = means.clock.now()
    means.cloud.delete(deployed.stack_id, stack.target, token, leaving)
    return Operation(stack, deployed.stack_id, token, "delete", started, (token,), before=deployed)


def _deletion_token(deployed: Deployed, ledger: Ledger, leaving: Leaving | None) -> str:
    """Return the token of a deletion: another one once an earlier attempt is known to be over.

    A deletion that failed leaves the stack at the same moment, so its base alone is no new name.
    """
    wanted = ["delete", deployed.base, *([leaving.retain, leaving.force] if leaving else [])]
    tokens = ("tapcfn-" + digest_of(canonical([*wanted, attempt]))[:40] for attempt in count())
    return next(token for token in tokens if not ledger.has_ended(token))


def _clear(stack: Stack, deployed: Deployed, means: Means) -> None:
    """Delete what a rolled back creation left, if nothing lives in it."""
    if left := means.cloud.resources(deployed.stack_id, stack.target):
        names = ", ".join(f"{key} ({physical})" for key, (_, physical) in sorted(left.items()))
        raise BlockedError(
            f"{stack.name}: its creation was rolled back, but {names} is still there; look at it, "
            f"then: aws cloudformation delete-stack --stack-name {deployed.stack_id}"
        )
    operation = _delete(stack, deployed, means)
    status = settle(
        f"deletion of {stack.name}",
        read=lambda: means.cloud.stack(deployed.stack_id, stack.target).status,
        settled=lambda status: status in {StackStatus.DELETE_COMPLETE, StackStatus.DELETE_FAILED},
        patience=means.patience or Patience(means.clock),
    )
    means.ledger.ended(operation.token)
    if not operation.succeeded_with(status):
        raise StackError(f"{stack.name}: could not be deleted, it is {status}; see its events")


def _unchanged(stack: Stack, deployed: Deployed | None, means: Means) -> StackEnded:
    """End a stack that had nothing to carry out but, perhaps, its protection and its policy."""
    ending = Ending.UNCHANGED
    if deployed is not None and deployed.protected != stack.protect:
        means.cloud.protect(deployed.stack_id, stack.target, on=stack.protect)
        ending = Ending.DONE
    if deployed is not None and is_missing(stack, deployed):
        means.cloud.set_stack_policy(deployed.stack_id, stack.target, policy_of(stack))
        ending = Ending.DONE
    return StackEnded(stack.name, stack.target, ending)
