"""Ask CloudFormation what a plan would do, leave nothing behind, and admit what can't be known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor

from tapcfn.errors import BlockedError, CloudError, StackError, TapcfnError
from tapcfn.model import ChangeSet, Finding, OutputOf, Rollout, Severity, Snapshot, Stack
from tapcfn.plan import Plan, Step, Verb, outputs_of, resolve
from tapcfn.ports import Cloud, Ledger
from tapcfn.preview.answers import Preview, Previewed, Refused, deferred
from tapcfn.preview.removing import discard_all
from tapcfn.preview.staging import objections, stage_as_allowed
from tapcfn.references import OUTSIDE, Kind, weak_edges
from tapcfn.remark import Remark


def preview(
    plan: Plan,
    snapshot: Snapshot,
    cloud: Cloud,
    ledger: Ledger,
    pool: Executor,
    *,
    allowed: frozenset[str] = frozenset(),
    thorough: bool = False,
) -> tuple[Preview, ...]:
    """Stage a change set for every step that has something to ask, all at once.

    With `thorough` the service's warnings are read even where all is new.
    The change sets stand until they are carried out or handed to `discard_all`. A call that is
    refused refuses its stack; at any other error, or an interrupt, those that were made are removed
    and the error goes on.
    """
    steps = [step for step in plan.steps if step.verb in {Verb.CREATE, Verb.UPDATE, Verb.RECREATE}]
    changing = {step.stack.name for step in steps}
    waiting = _waiting(plan.rollout, snapshot)

    def ask(step: Step) -> Preview | TapcfnError:
        try:
            return _preview(
                step,
                snapshot,
                cloud,
                ledger,
                changing=changing,
                allowed=allowed,
                weak=waiting.get(step.stack.name, ()),
                thorough=thorough,
            )
        except TapcfnError as error:
            return error

    asked = [pool.submit(ask, step) for step in steps]
    try:
        answers = [each.result() for each in asked]
    except BaseException:  # an interrupt: what is on its way has to end before it can be removed
        discard_all(_previews(each.result() for each in asked), cloud, ledger, pool)
        raise
    for answer in answers:
        if isinstance(answer, TapcfnError):
            discard_all(_previews(answers), cloud, ledger, pool)
            raise answer
    return _previews(answers)


def _waiting(rollout: Rollout, snapshot: Snapshot) -> Mapping[str, tuple[OutputOf, ...]]:
    """Return what templates refer to by themselves and what is not there yet, by consumer.

    CloudFormation writes no change set for such a template. An SSM parameter comes with its stack.
    """
    there = outputs_of(snapshot)
    found: dict[str, tuple[OutputOf, ...]] = {}
    for edge in weak_edges(rollout):
        known = there.get(edge.producer)
        missing = known is None or (edge.kind is not Kind.SSM and edge.key not in known)
        if missing and edge.producer not in {OUTSIDE, edge.consumer}:
            wanted = OutputOf(edge.producer, edge.key)
            found[edge.consumer] = (*found.get(edge.consumer, ()), wanted)
    return found


def _previews(answers: Iterable[Preview | TapcfnError]) -> tuple[Preview, ...]:
    return tuple(answer for answer in answers if not isinstance(answer, TapcfnError))


def _preview(
    step: Step,
    snapshot: Snapshot,
    cloud: Cloud,
    ledger: Ledger,
    *,
    changing: set[str],
    allowed: frozenset[str],
    weak: tuple[OutputOf, ...],
    thorough: bool,
) -> Preview:
    stack = step.stack
    zones = snapshot.zones.get(stack.target, ())
    values, unknown = resolve(stack, outputs_of(snapshot), step.deployed, zones)
    unknown += tuple(each for each in weak if each not in unknown)
    try:
        cloud.prepare(stack)
        if unknown or step.verb is Verb.RECREATE:
            return deferred(step, unknown, cloud, allowed)
        staged = stage_as_allowed(stack, values, step.deployed, cloud, ledger, allowed)
    except StackError as error:
        return _refused(step, error)
    except (BlockedError, CloudError) as error:
        if isinstance(error, CloudError) and error.is_of_expired_credentials:
            raise
        return _not_asked(step, error)
    inputs = (value for value in stack.parameters.values() if isinstance(value, OutputOf))
    return Previewed(
        step,
        staged,
        (
            *objections(staged.change_set, stack, step.deployed, cloud, allowed),
            *_unread(staged.change_set, stack),
            *_warnings(staged.change_set, stack, cloud, thorough=thorough),
        ),
        tuple(sorted((each for each in inputs if each.stack in changing), key=str)),
    )


def _not_asked(step: Step, error: TapcfnError) -> Refused:
    """Return that a stack could not be asked about."""
    name = step.stack.name
    return Refused(
        step, Finding("TAP000", Severity.ERROR, name, "", str(error), origin="server"), alone=True
    )


def _refused(step: Step, error: StackError) -> Refused:
    """Return all that was said, each with the line that asked for the resource."""
    stack, whole = step.stack, str(error)
    details = said_of(error, stack)
    lines = dict.fromkeys(str(each.source) for each in details if each.source)
    if lines:
        whole += f" — {', '.join(lines)}"
    finding = Finding("TAP000", Severity.ERROR, stack.name, "", whole, origin="server")
    return Refused(step, finding, details)


def _warnings(
    change_set: ChangeSet, stack: Stack, cloud: Cloud, *, thorough: bool
) -> tuple[Finding, ...]:
    """Return what early validation and hooks warn of.

    Of a change set that only adds it is asked where somebody reviews it: a call for each stack.
    """
    adds = all(each.action == "Add" for each in change_set.changes)
    if change_set.empty or (adds and not thorough):
        return ()
    try:
        return tuple(_said(each, stack) for each in cloud.remarks(change_set.arn, stack.target))
    except CloudError as error:
        message = f"what early validation and hooks say could not be read: {error}"
        return (Finding("TAP000", Severity.WARNING, stack.name, "", message, origin="server"),)


def _unread(change_set: ChangeSet, stack: Stack) -> tuple[Finding, ...]:
    """Say where values of before and after are missing, in nested change sets too. (X-12)"""
    inner = (each.nested for each in change_set.changes if each.nested)
    found = tuple(finding for each in inner for finding in _unread(each, stack))
    if not change_set.unread:
        return found
    message = f"the values of before and after could not be read: {change_set.unread}"
    own = Finding("TAP000", Severity.WARNING, stack.name, "", message, origin="server")
    return (own, *found)


def said_of(error: StackError, stack: Stack) -> tuple[Finding, ...]:
    """Return each thing that was said of a change set that was refused, as a finding."""
    return tuple(_said(each, stack) for each in error.remarks if each.text)


def _said(remark: Remark, stack: Stack) -> Finding:
    """Return a remark as a finding, with its line."""
    return Finding(
        "TAP000",
        Severity.WARNING if remark.warns else Severity.ERROR,
        stack.name,
        remark.logical_id,
        remark.text.removeprefix(f"{remark.logical_id}: "),
        stack.template.source.get(remark.logical_id),
        origin=remark.origin,
        path=remark.path,
    )
