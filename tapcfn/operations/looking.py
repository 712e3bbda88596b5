"""From a running operation to its end, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tapcfn import others, policing
from tapcfn.errors import CloudError, UnknownStatusError
from tapcfn.model import Deployed, Finding, Severity, StackEvent, StackStatus
from tapcfn.operations.causes import cause_of, left_behind
from tapcfn.operations.means import Look, Means, Operation


def look(operation: Operation, means: Means, *, still: bool = False) -> Look:
    """Read the operation's history, and the stack itself if the history says it is over.

    Only an end that our own token brought counts: a stale read shows an older one. A stack that is
    `still` without such an end may have been ended by somebody else. Where the history may not be
    read, the stack alone is looked at. (X-12)
    """
    stack = operation.stack
    try:
        events = means.cloud.events(operation.stack_id, stack.target, operation.token)
    except CloudError as error:
        if not error.lasting:
            raise
        return _look_at_stack_alone(operation, means, str(error))
    last = _last_word(events, operation)
    if last is None and not (still and events):
        return Look(events, None)
    deployed = means.cloud.stack(operation.stack_id, stack.target)
    if deployed.status is last:
        return _judged(operation, deployed, events, means)
    if still and deployed.status.is_settled:
        return _look_for_others(operation, deployed, events, means)
    return Look(events, None)


def _look_for_others(
    operation: Operation, deployed: Deployed, events: tuple[StackEvent, ...], means: Means
) -> Look:
    """Say whether the operation has ended under another token than ours; a stale read has not."""
    if not operation.token:  # whatever it does is watched, so nobody is a stranger
        return Look(events, None)
    history = means.cloud.events(operation.stack_id, operation.stack.target, "")
    history = others.since(history, operation.token)
    last = others.last_word(history, deployed)
    if last is None or last.token == operation.token:
        return Look(events, None)
    if operation.action == "delete" and deployed.status is StackStatus.DELETE_COMPLETE:
        return _judged(operation, deployed, history, means)
    left = _tidied(operation, deployed, means)
    cause = others.cause(last)
    if means.ledger.is_ours(last.token):
        means.ledger.ended(last.token)
        cause = f"cancelled, as the run was interrupted: {last.status}"
    return Look(history, deployed, cause, left, failed=True)


def _look_at_stack_alone(operation: Operation, means: Means, why: str) -> Look:
    deployed = means.cloud.stack(operation.stack_id, operation.stack.target)
    if not deployed.status.is_settled or not operation.has_begun(deployed):
        return Look((), None, blind=why)
    return replace(_judged(operation, deployed, (), means), blind=why)


def _judged(
    operation: Operation, deployed: Deployed, events: tuple[StackEvent, ...], means: Means
) -> Look:
    """Say how an operation ended that is over."""
    stack = operation.stack
    unprotected = _protect(operation, deployed, means)
    left = _tidied(operation, deployed, means)
    if not operation.succeeded_with(deployed.status):
        return Look(events, deployed, cause_of(operation, deployed, events, means.cloud), left)
    if unprotected:
        return Look(events, deployed, unprotected, left, failed=True)
    if not operation.adopted:
        means.ledger.took(operation.action, stack, means.clock.now() - operation.started)
    return Look(events, deployed, left=(*left, *left_behind(stack, events)))


def _tidied(operation: Operation, deployed: Deployed, means: Means) -> tuple[Finding, ...]:
    """Note that the operation's tokens are used up, and see to the stack's policy."""
    for token in operation.spent:
        means.ledger.ended(token)
    return _guarded_again(operation, deployed, means)


def _protect(operation: Operation, deployed: Deployed, means: Means) -> str:
    """Give a stack that stands the termination protection that is wanted, or say what refuses it.

    A stack that may not be protected has failed: nothing should rest on it unnoticed. (X-13)
    """
    stack = operation.stack
    if not deployed.status.is_healthy or deployed.protected == stack.protect or operation.adopted:
        return ""
    try:
        means.cloud.protect(operation.stack_id, stack.target, on=stack.protect)
    except CloudError as error:
        if not error.lasting:
            raise
        state = "not be set" if stack.protect else "not be taken off"
        return f"it is deployed, but its termination protection could {state}: {error}"
    return ""


def _guarded_again(operation: Operation, deployed: Deployed, means: Means) -> tuple[Finding, ...]:
    """Give a stack the policy that guards what it holds now; say where that is refused.

    What was found at work is left to the next plan, which reads the policy.
    """
    stack, status = operation.stack, deployed.status
    if operation.adopted or operation.action not in {"create", "update"} or not status.is_updatable:
        return ()
    ids = policing.ids_after(stack, operation.before, succeeded=status.is_healthy)
    try:
        policing.put_back(
            stack, operation.stack_id, means.cloud, means.ledger, ids=ids, policy=operation.policy
        )
    except CloudError as error:
        message = f"its stack policy could not be put in place: {error}; the next run tries again"
        return (Finding("TAP000", Severity.WARNING, stack.name, "", message, origin="server"),)
    return ()


def _last_word(events: Iterable[StackEvent], operation: Operation) -> StackStatus | None:
    """Return the final status that the history tells of the stack itself, if it tells one.

    Raises `UnknownStatusError` for a word that we do not know.
    """
    own = [event.status for event in events if event.physical_id == operation.stack_id]
    if not own:
        return None
    if own[-1] not in set(StackStatus):
        raise UnknownStatusError(
            f"{operation.stack.name}: its history says {own[-1]}, which is unknown here"
        )
    last = StackStatus(own[-1])
    return last if last.is_settled else None
