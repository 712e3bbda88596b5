"""A change set for one stack: made once, whatever happens meanwhile, judged, and removed again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tapcfn import policing
from tapcfn.errors import CloudError, StackError, StaleError
from tapcfn.guard import review
from tapcfn.literal import body_of
from tapcfn.model import ChangeSet, Deployed, Finding, Stack, Target, canonical, digest_of
from tapcfn.others import name_of_change
from tapcfn.ports import ChangeRequest, Cloud, Ledger, Purpose

_ATTEMPTS = 100_000


@dataclass(frozen=True, slots=True)
class Staged:
    """A change set that stands ready, the token that made it, and a digest of all it was fed."""

    change_set: ChangeSet
    token: str
    intent: str


def stage_as_allowed(
    stack: Stack,
    values: Mapping[str, str],
    deployed: Deployed | None,
    cloud: Cloud,
    ledger: Ledger,
    allowed: frozenset[str],
) -> Staged:
    """Make the stack's change set; once more, without triggers, where it uses an allowance."""
    staged = stage(stack, values, deployed, cloud, ledger)
    if not (stack.options.rollback_alarms and allowed):
        return staged
    bare = as_judged(stack, objections(staged.change_set, stack, deployed, cloud, allowed))
    if bare is stack:
        return staged
    again = stage(bare, values, deployed, cloud, ledger)
    discard(staged, stack.target, cloud, ledger)
    return again


def as_judged(stack: Stack, findings: Iterable[Finding]) -> Stack:
    """Return the stack without rollback triggers where an allowance lets something of it be lost.

    What is lost does not come back with a rollback. An allowance that is not used drops nothing.
    """
    if not any(each.allowed_by for each in findings):
        return stack
    options = replace(stack.options, rollback_alarms=(), rollback_minutes=0)
    return replace(stack, options=options)


def objections(
    change_set: ChangeSet,
    stack: Stack,
    deployed: Deployed | None,
    cloud: Cloud,
    allowed: frozenset[str],
) -> tuple[Finding, ...]:
    """Return what the guard has against a change set, and what the stack's policy denies.

    A policy of ours guards what the guard itself guards, and is widened for what is allowed.
    """
    policy = ""
    if deployed and any(change.action != "Add" for change in change_set.changes):
        policy = policing.in_force(stack, deployed, cloud)
    return review(change_set, stack, allowed, deployed=deployed, policy=policy)


def stage(
    stack: Stack,
    parameters: Mapping[str, str],
    deployed: Deployed | None,
    cloud: Cloud,
    ledger: Ledger,
    purpose: Purpose | None = None,
) -> Staged:
    """Make the stack's change set, or adopt the one that a dead process made.

    The token comes from what is wanted and from what it is written against, so that the same
    question has the same name; it moves on only past attempts that are known to be over.
    """
    intent = intent_of(stack, parameters)
    base = digest_of(deployed.base if deployed else "absent")
    create = deployed is None or deployed.status.is_absent
    aim = purpose or Purpose()
    for attempt in range(_ATTEMPTS):
        token = "tapcfn-" + digest_of(canonical([intent, base, attempt, *aim.words]))[:40]
        if ledger.has_ended(token):
            continue
        ledger.intend("stage", stack, token)
        request = ChangeRequest(stack, parameters, create, token, intent[:16], base[:16], aim)
        try:
            change_set = cloud.stage(request)
        except StackError:
            ledger.ended(token)
            raise
        except CloudError as error:
            _check_still(stack, deployed, cloud, error)
            raise
        if change_set is not None and not change_set.empty:
            return Staged(change_set, token, intent)
        ledger.ended(token)
        if change_set is not None:
            return Staged(change_set, token, intent)
    raise StackError(f"{stack.name}: no free name for a change set")


def _check_still(stack: Stack, deployed: Deployed | None, cloud: Cloud, error: CloudError) -> None:
    """Raise `StaleError` where somebody was faster: the refusal only says that it is so. (X-16)"""
    if error.passing or error.lasting:
        return
    now = cloud.stacks(stack.target, frozenset({stack.name})).get(stack.name)
    if (now.base if now else "absent") != (deployed.base if deployed else "absent"):
        stands = now.status if now else "gone"
        raise StaleError(
            f"{stack.name}: has changed since it was looked at{name_of_change(deployed, now)}, it "
            f"is {stands}; plan again"
        ) from error


def intent_of(stack: Stack, parameters: Mapping[str, str]) -> str:
    """Return the SHA-256 of what one stack is wanted to be."""
    return digest_of(
        canonical(
            [
                stack.name,
                str(stack.target),
                body_of(stack).digest,
                dict(parameters),
                dict(stack.tags),
                list(stack.template.capabilities),
                stack.adopt,
                stack.options.facts,
            ]
        )
    )


def discard(staged: Staged, target: Target, cloud: Cloud, ledger: Ledger) -> None:
    """Remove a change set, and the empty stack that it may have made."""
    if not staged.change_set.empty:
        cloud.discard(staged.change_set, target)
        ledger.ended(staged.token)
