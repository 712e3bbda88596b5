"""The change set that a step carries out: the reviewed one, or one that does no more."""

from __future__ import annotations

from tapcfn.errors import BlockedError, StackError, StaleError
from tapcfn.guard import blocks
from tapcfn.model import Deployed, Severity, Stack
from tapcfn.operations.means import Given, Means
from tapcfn.plan import resolve
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


def staged_for(stack: Stack, deployed: Deployed | None, means: Means, given: Given) -> Staged:
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
