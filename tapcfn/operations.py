"""One step of a plan: from the decision to a running operation, and from there to its end.

These functions make calls and may block; `execute` runs them in its pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count

from tapcfn.errors import BlockedError, StackError, StaleError, TapcfnError
from tapcfn.events import StackEnded
from tapcfn.guard import blocks, review, surprises
from tapcfn.model import (
    Deployed,
    Ending,
    Severity,
    Stack,
    StackEvent,
    StackStatus,
    Target,
    canonical,
    digest_of,
)
from tapcfn.plan import Step, Verb, resolve
from tapcfn.ports import Clock, Cloud, Ledger
from tapcfn.preview import Preview, Previewed, Refused, Staged, discard, intent_of, stage
from tapcfn.waits import settle


@dataclass(frozen=True, slots=True)
class Means:
    """What every step works with."""

    cloud: Cloud
    clock: Clock
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Approval:
    """What was agreed to: the previews, the allowances, and how literally to take them.

    `strict` stops a stack whose change set turns out to do more than the one that was reviewed.
    """

    previews: Mapping[str, Preview] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What a step may rely on: outputs so far (they grow as stacks end), zones, the approval."""

    outputs: dict[str, Mapping[str, str]] = field(default_factory=dict)
    zones: Mapping[Target, tuple[str, ...]] = field(default_factory=dict)
    approval: Approval = field(default_factory=Approval)


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that CloudFormation is doing to a stack, known by the token that started it.

    `spent` lists the tokens that are used up once it is over.
    """

    stack: Stack
    stack_id: str
    token: str
    action: str
    started: float
    spent: tuple[str, ...] = ()
    adopted: bool = False

    def succeeded_with(self, status: StackStatus) -> bool:
        """Whether this final status is what the operation was for."""
        if self.action == "delete":
            return status is StackStatus.DELETE_COMPLETE
        return status.is_healthy


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at one operation brought: its history, the stack if it has settled, and why
    that was no success.
    """

    events: tuple[StackEvent, ...]
    settled: Deployed | None
    cause: str = ""


def start(step: Step, means: Means, given: Given) -> StackEnded | Operation:
    """Do what the step says, up to the call after which CloudFormation is at work."""
    stack, deployed = step.stack, step.deployed
    if step.verb is Verb.DELETE and deployed is not None:
        return _delete(stack, deployed, means)
    if step.verb is Verb.PROTECT:
        return _unchanged(stack, deployed, means)
    if step.verb is Verb.RECREATE and deployed is not None:
        _clear(stack, deployed, means)
        deployed = None
    staged = _stage(stack, deployed, means, given)
    if staged.change_set.empty:
        return _unchanged(stack, deployed, means)
    action = "create" if deployed is None or deployed.status.is_absent else "update"
    return _execute(stack, staged, action, means)


def _stage(stack: Stack, deployed: Deployed | None, means: Means, given: Given) -> Staged:
    """Return the change set to carry out: the reviewed one, if its inputs still hold."""
    zones = given.zones.get(stack.target, ())
    values, unknown = resolve(stack, given.outputs, deployed, zones)
    if unknown:
        missing = ", ".join(str(each) for each in unknown)
        raise BlockedError(f"{stack.name}: {missing} is not there")
    preview = given.approval.previews.get(stack.name)
    if isinstance(preview, Refused):
        raise BlockedError(preview.finding.message)
    if not isinstance(preview, Previewed):
        staged = stage(stack, values, deployed, means.cloud, means.ledger)
        return _checked(stack, staged, preview, means, given)
    if preview.staged.intent == intent_of(stack, values):
        return _checked(stack, preview.staged, preview, means, given)
    # First the new one: with the last change set goes the stack that it was to create.
    staged = stage(stack, values, deployed, means.cloud, means.ledger)
    discard(preview.staged, stack.target, means.cloud, means.ledger)
    return _checked(stack, staged, preview, means, given)


def _checked(
    stack: Stack, staged: Staged, preview: Preview | None, means: Means, given: Given
) -> Staged:
    """Return the change set if no guard objects and it does no more than was reviewed."""
    objections = review(staged.change_set, stack, given.approval.allowed)
    if blocks(objections):
        discard(staged, stack.target, means.cloud, means.ledger)
        errors = (each for each in objections if each.severity is Severity.ERROR)
        raise BlockedError("; ".join(f"{each.rule} {each.message}" for each in errors))
    reviewed = preview.staged.change_set if isinstance(preview, Previewed) else None
    more = surprises(reviewed, staged.change_set) if given.approval.strict else ()
    if more:
        discard(staged, stack.target, means.cloud, means.ledger)
        raise StaleError(f"{stack.name}: not what was reviewed: {', '.join(more)}; plan again")
    return staged


def _execute(stack: Stack, staged: Staged, action: str, means: Means) -> Operation:
    token = "tapcfn-" + digest_of(staged.change_set.arn)[:40]
    means.ledger.intend("execute", stack, token)
    started = means.clock.now()
    means.cloud.execute(staged.change_set, stack.target, token)
    spent = (staged.token, token)
    return Operation(stack, staged.change_set.stack_id, token, action, started, spent)


def _delete(stack: Stack, deployed: Deployed, means: Means) -> Operation:
    token = _deletion_token(deployed, means.ledger)
    means.ledger.intend("delete", stack, token)
    started = means.clock.now()
    means.cloud.delete(deployed.stack_id, stack.target, token)
    return Operation(stack, deployed.stack_id, token, "delete", started, (token,))


def _deletion_token(deployed: Deployed, ledger: Ledger) -> str:
    """Return the token of a deletion: another one once an earlier attempt is known to be over.

    A deletion that failed leaves the stack at the same moment, so its base alone is no new name.
    """
    tokens = (
        "tapcfn-" + digest_of(canonical(["delete", deployed.base, attempt]))[:40]
        for attempt in count()
    )
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
        clock=means.clock,
    )
    means.ledger.ended(operation.token)
    if not operation.succeeded_with(status):
        raise StackError(f"{stack.name}: could not be deleted, it is {status}; see its events")


def _unchanged(stack: Stack, deployed: Deployed | None, means: Means) -> StackEnded:
    """End a stack that had nothing to carry out but, perhaps, its protection."""
    ending = Ending.UNCHANGED
    if deployed is not None and deployed.protected != stack.protect:
        means.cloud.protect(deployed.stack_id, stack.target, on=stack.protect)
        ending = Ending.DONE
    return StackEnded(stack.name, stack.target, ending)


def look(operation: Operation, means: Means) -> Look:
    """Read the operation's history, and the stack itself if the history says it is over.

    Only an end that our own token brought counts: a stale read shows an older one.
    """
    stack = operation.stack
    events = means.cloud.events(operation.stack_id, stack.target, operation.token)
    last = _last_word(events, operation.stack_id)
    if last is None:
        return Look(events, None)
    deployed = means.cloud.stack(operation.stack_id, stack.target)
    if deployed.status is not last:
        return Look(events, None)
    for token in operation.spent:
        means.ledger.ended(token)
    if last.is_healthy and deployed.protected != stack.protect and not operation.adopted:
        means.cloud.protect(operation.stack_id, stack.target, on=stack.protect)
    if operation.succeeded_with(last):
        return Look(events, deployed)
    return Look(events, deployed, _cause(stack, deployed, events, means.cloud))


def _last_word(events: Iterable[StackEvent], stack_id: str) -> StackStatus | None:
    """Return the final status that the history tells of the stack itself, if it tells one."""
    own = [event.status for event in events if event.physical_id == stack_id]
    if not own or own[-1] not in set(StackStatus):
        return None
    last = StackStatus(own[-1])
    return None if last.is_moving or last is StackStatus.REVIEW_IN_PROGRESS else last


def _cause(stack: Stack, deployed: Deployed, events: tuple[StackEvent, ...], cloud: Cloud) -> str:
    """Return the first resource that failed, why, and the line that asked for it.

    Where no resource was even tried, what early validation found; else the stack's own reason.
    """
    failed = [event for event in events if event.is_failure]
    for event in failed:
        if event.physical_id != deployed.stack_id:
            source = stack.template.source.get(event.logical_id)
            where = f" — {source}" if source else ""
            return (
                f"{event.logical_id} ({event.resource_type}) {event.status}: "
                f"{event.reason or 'no reason given'}{where}"
            )
    if findings := _findings(stack, deployed, cloud):
        return "; ".join(findings)
    reasons = [event.reason for event in failed if event.reason]
    return f"{deployed.status}: {next(iter(reasons), deployed.reason) or 'no reason given'}"


def _findings(stack: Stack, deployed: Deployed, cloud: Cloud) -> tuple[str, ...]:
    """Return what the service found, with source lines; nothing where that can't be read."""
    try:
        found = cloud.findings(deployed.stack_id, stack.target)
    except TapcfnError:
        return ()
    lines = stack.template.source
    return tuple(
        f"{text} — {lines[logical_id]}" if logical_id in lines else text
        for logical_id, text in found
    )
