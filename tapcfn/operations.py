"""One step of a plan: from the decision to a running operation, and from there to its end.

These functions make calls and may block; `execute` runs them in its pool.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
    UnknownStatusError,
)
from tapcfn.events import Notify, StackEnded
from tapcfn.guard import blocks
from tapcfn.model import (
    Deployed,
    Ending,
    Finding,
    Severity,
    Stack,
    StackEvent,
    StackStatus,
    Target,
    canonical,
    digest_of,
)
from tapcfn.plan import Step, Verb, resolve
from tapcfn.ports import Clock, Cloud, Leaving, Ledger
from tapcfn.preview import (
    Deferred,
    Preview,
    Previewed,
    Refused,
    Staged,
    as_judged,
    discard,
    intent_of,
    objections,
    stage_as_allowed,
)
from tapcfn.surprises import surprises
from tapcfn.waits import Patience, settle


@dataclass(frozen=True, slots=True)
class Means:
    """What every step works with; `tell` may be called from any thread."""

    cloud: Cloud
    clock: Clock
    ledger: Ledger
    patience: Patience | None = None
    tell: Notify = lambda _: None


@dataclass(frozen=True, slots=True)
class Approval:
    """What was agreed to: the previews, the allowances, and how literally to take them.

    `strict` stops a stack whose change set turns out to do more than the one that was reviewed.
    By stack, `leaving` says what a deletion may leave behind, and `clearing` what is taken away
    before it.
    """

    previews: Mapping[str, Preview] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()
    strict: bool = False
    leaving: Mapping[str, Leaving] = field(default_factory=dict)
    clearing: Mapping[str, Clearing] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """What a step may rely on: outputs so far (they grow as stacks end), zones, the approval."""

    outputs: dict[str, Mapping[str, str]] = field(default_factory=dict)
    zones: Mapping[Target, tuple[str, ...]] = field(default_factory=dict)
    approval: Approval = field(default_factory=Approval)


# Where a rollback that was asked for should end.
_ROLLED_BACK = frozenset(
    {
        StackStatus.DELETE_COMPLETE,
        StackStatus.ROLLBACK_COMPLETE,
        StackStatus.UPDATE_ROLLBACK_COMPLETE,
    }
)


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that CloudFormation is doing to a stack, known by the token that started it.

    `spent` lists the tokens that are used up once it is over; `before` is the stack as it stood
    until then, and `policy` the stack policy since.
    """

    stack: Stack
    stack_id: str
    token: str
    action: str
    started: float
    spent: tuple[str, ...] = ()
    adopted: bool = False
    before: Deployed | None = None
    policy: str = ""

    def has_begun(self, deployed: Deployed) -> bool:
        """Whether the stack is no longer as it was before, where its history can't be read."""
        if self.before is None or self.adopted:
            return True
        seen = (deployed.status, deployed.updated)
        return seen != (self.before.status, self.before.updated)

    def id_in(self, deployed: Deployed) -> str:
        """Return the service's own name for the operation, if the stack tells it."""
        return deployed.operations.get(f"{self.action.upper()}_STACK", "")

    def succeeded_with(self, status: StackStatus) -> bool:
        """Whether this final status is what the operation was for."""
        if self.action == "delete":
            return status is StackStatus.DELETE_COMPLETE
        if self.action == "recover":
            return status in _ROLLED_BACK
        return status.is_healthy


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at one operation brought: its history, the stack if it has settled, and why
    that was no success. `left` is what a success could not delete; `blind` why there is no history;
    `failed` that it is no success, whatever its status.
    """

    events: tuple[StackEvent, ...]
    settled: Deployed | None
    cause: str = ""
    left: tuple[Finding, ...] = ()
    blind: str = ""
    failed: bool = False


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
        staged = _stage(stack, deployed, means, given)
    except StillRunningError as error:
        raise NotBegunError(f"not started: {error}") from error
    if staged.change_set.empty:
        return _unchanged(stack, deployed, means)
    if deployed is None or deployed.status.is_absent:
        return _execute(stack, staged, "create", means, deployed)
    return _update(stack, deployed, staged, means, given.approval.allowed)


def _stage(stack: Stack, deployed: Deployed | None, means: Means, given: Given) -> Staged:
    """Return the change set to carry out: the reviewed one, if its inputs still hold."""
    zones = given.zones.get(stack.target, ())
    values, unknown = resolve(stack, given.outputs, deployed, zones)
    if unknown:
        missing = ", ".join(str(each) for each in unknown)
        raise BlockedError(f"{stack.name}: {missing} is not there")
    allowed = given.approval.allowed
    preview = given.approval.previews.get(stack.name)
    if isinstance(preview, Refused):
        raise (StackError if preview.alone else BlockedError)(preview.finding.message)
    if isinstance(preview, Previewed):
        asked = as_judged(stack, preview.findings)
        if preview.staged.intent == intent_of(asked, values):
            return _checked(stack, deployed, preview.staged, preview, means, given)
    # First the new one: with the last change set goes the stack that it was to create.
    staged = stage_as_allowed(stack, values, deployed, means.cloud, means.ledger, allowed)
    if isinstance(preview, Previewed):
        discard(preview.staged, stack.target, means.cloud, means.ledger)
    return _checked(stack, deployed, staged, preview, means, given)


def _checked(
    stack: Stack,
    deployed: Deployed | None,
    staged: Staged,
    preview: Preview | None,
    means: Means,
    given: Given,
) -> Staged:
    """Return the change set if no guard objects and it does no more than was reviewed.

    The one that was reviewed has been judged; a stack policy of later is the service's to apply.
    """
    if isinstance(preview, Previewed) and preview.staged is staged:
        found = preview.findings
    else:
        allowed = given.approval.allowed
        found = objections(staged.change_set, stack, deployed, means.cloud, allowed)
    if blocks(found):
        discard(staged, stack.target, means.cloud, means.ledger)
        errors = (each for each in found if each.severity is Severity.ERROR)
        raise BlockedError("; ".join(f"{each.rule} {each.message}" for each in errors))
    more = _surprises(preview, staged) if given.approval.strict else ()
    if more:
        discard(staged, stack.target, means.cloud, means.ledger)
        raise StaleError(f"{stack.name}: not what was reviewed: {', '.join(more)}; plan again")
    return staged


def _surprises(preview: Preview | None, staged: Staged) -> tuple[str, ...]:
    """Return what a change set does beyond what was agreed to, or told by the templates alone."""
    if isinstance(preview, Previewed):
        return surprises(preview.told, staged.change_set)
    told = preview.expected if isinstance(preview, Deferred) else None
    return surprises(told, staged.change_set, asked=False)


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
        return Look(events, deployed, _cause(operation, deployed, events, means.cloud), left)
    if unprotected:
        return Look(events, deployed, unprotected, left, failed=True)
    if not operation.adopted:
        means.ledger.took(operation.action, stack, means.clock.now() - operation.started)
    return Look(events, deployed, left=(*left, *_left_behind(stack, events)))


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
            stack,
            operation.stack_id,
            means.cloud,
            means.ledger,
            ids=ids,
            policy=operation.policy,
        )
    except CloudError as error:
        message = f"its stack policy could not be put in place: {error}; the next run tries again"
        return (Finding("TAP000", Severity.WARNING, stack.name, "", message, origin="server"),)
    return ()


def _left_behind(stack: Stack, events: Iterable[StackEvent]) -> tuple[Finding, ...]:
    """Return what should have gone when the stack was cleaned up, and did not.

    The service tries a few times, then calls the update complete and forgets the resource.
    """
    last = {(event.logical_id, event.physical_id): event for event in events}
    return tuple(
        Finding(
            "TAP000",
            Severity.WARNING,
            stack.name,
            event.logical_id,
            f"{event.resource_type} {event.physical_id} could not be deleted "
            f"({event.reason or 'no reason given'}); it is still there, outside the stack: "
            "delete it by hand",
            stack.template.source.get(event.logical_id),
            origin="server",
        )
        for event in last.values()
        if event.status == "DELETE_FAILED"
    )


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


def _cause(
    operation: Operation, deployed: Deployed, events: tuple[StackEvent, ...], cloud: Cloud
) -> str:
    """Return the first resource that failed, why, and the line that asked for it.

    Where no resource was even tried, what early validation found; else the stack's own reason.
    """
    stack, failed = operation.stack, [event for event in events if event.is_failure]
    for event in failed:
        if event.physical_id != deployed.stack_id:
            source = stack.template.source.get(event.logical_id)
            where = f" — {source}" if source else ""
            return (
                f"{event.logical_id} ({event.resource_type}) {event.status}: "
                f"{event.reason or 'no reason given'}{where}"
            )
    reasons = [event.reason for event in failed if event.reason]
    own = f"{deployed.status}: {next(iter(reasons), deployed.reason) or 'no reason given'}"
    try:
        return "; ".join(_remarks(operation, deployed, cloud)) or own
    except CloudError as error:
        return f"{own}; what early validation and hooks found could not be read: {error}"


def _remarks(operation: Operation, deployed: Deployed, cloud: Cloud) -> tuple[str, ...]:
    """Return what the service said of this operation, with source lines."""
    subject = operation.id_in(deployed)
    if not subject:
        return ()
    found = cloud.remarks(subject, operation.stack.target)
    lines = operation.stack.template.source
    return tuple(
        f"{each.text} — {lines[each.logical_id]}" if each.logical_id in lines else each.text
        for each in found
    )
