"""Ask CloudFormation what a plan would do, leave nothing behind, and admit what can't be known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from tapcfn import orphans, policing
from tapcfn.errors import BlockedError, CloudError, StackError, StaleError, TapcfnError
from tapcfn.guard import review
from tapcfn.literal import body_of
from tapcfn.model import (
    Change,
    ChangeSet,
    Deployed,
    Finding,
    OutputOf,
    Rollout,
    Severity,
    Snapshot,
    Stack,
    Target,
    ZoneOf,
    canonical,
    digest_of,
)
from tapcfn.offline import expected
from tapcfn.others import name_of_change
from tapcfn.plan import Plan, Step, Verb, outputs_of, resolve
from tapcfn.ports import ChangeRequest, Cloud, Ledger, Purpose
from tapcfn.references import OUTSIDE, Kind, weak_edges
from tapcfn.remark import Remark

T = TypeVar("T")
U = TypeVar("U")

_ATTEMPTS = 100_000


@dataclass(frozen=True, slots=True)
class Staged:
    """A change set that stands ready, the token that made it, and a digest of all it was fed."""

    change_set: ChangeSet
    token: str
    intent: str


@dataclass(frozen=True, slots=True)
class Previewed:
    """CloudFormation's own answer, and our objections to it.

    `provisional` lists inputs from stacks that change in the same run: should they come out
    different, the change set is made again before it is carried out.
    """

    step: Step
    staged: Staged
    findings: tuple[Finding, ...] = ()
    provisional: tuple[OutputOf, ...] = ()

    @property
    def later(self) -> tuple[Change, ...]:
        """What provisional inputs may change besides, as the templates tell it."""
        if not self.provisional:
            return ()
        there = {each.logical_id for each in self.staged.change_set.changes}
        told = expected(self.step.stack, self.step.deployed, self.provisional)
        return tuple(
            change
            for change in told.changes
            if change.logical_id not in there
            and any(each.evaluation == "Dynamic" for each in change.details)
        )

    @property
    def told(self) -> ChangeSet:
        """All that was shown of the stack: what CloudFormation said, and what may come later."""
        asked = self.staged.change_set
        return replace(asked, changes=(*asked.changes, *self.later))


@dataclass(frozen=True, slots=True)
class Deferred:
    """Cannot be asked yet: these inputs are known only after other stacks are deployed.

    What is `expected` comes from the templates alone, and so do the objections to it.
    """

    step: Step
    unknown: tuple[OutputOf, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def expected(self) -> ChangeSet:
        """What the templates tell of the change; a stack that is made anew is all additions."""
        deployed = None if self.step.verb is Verb.RECREATE else self.step.deployed
        return expected(self.step.stack, deployed, self.unknown)


@dataclass(frozen=True, slots=True)
class Refused:
    """CloudFormation would not write the change set; `details` is each thing that it said.

    `alone` says that a call for this stack was refused or got no answer, which tells nothing of the
    others: they need not wait for it. (X-13, X-34)
    """

    step: Step
    finding: Finding
    details: tuple[Finding, ...] = ()
    alone: bool = False


Preview: TypeAlias = Previewed | Deferred | Refused


def take_snapshot(
    rollout: Rollout, cloud: Cloud, pool: Executor, *, to_plan: bool = True
) -> Snapshot:
    """Return what is deployed of the rollout: one sweep for each target, all at once.

    Templates and zones are read only `to_plan`. Raises `BlockedError` where the credentials speak
    for another account than the target's.
    """
    accounts = {target.account: target for target in rollout.targets}
    _each(pool, lambda target: _check_caller(target, cloud), accounts.values())
    names = frozenset(stack.name for stack in rollout.stacks)
    tags = orphans.tags_of(rollout)
    sweeps = _each(pool, lambda target: cloud.stacks(target, names, tags), rollout.targets)
    found = dict(zip(rollout.targets, sweeps, strict=True))
    strays = orphans.among(rollout, found)
    stacks = [
        (stack, deployed)
        for stack in rollout.stacks
        if (deployed := found[stack.target].get(stack.name)) is not None
    ]
    if not to_plan:
        return Snapshot({stack.name: deployed for stack, deployed in stacks}, orphans=strays)
    complete = _each(pool, lambda pair: _with_template(cloud, *pair), stacks)
    asking = sorted({stack.target for stack in rollout.stacks if _asks_for_zones(stack)})
    zones = dict(zip(asking, _each(pool, cloud.zones, asking), strict=True))
    return Snapshot({each.name: each for each in complete}, zones, strays)


def _check_caller(target: Target, cloud: Cloud) -> None:
    caller = cloud.caller(target)
    if caller != target.account:
        raise BlockedError(
            f"account {target.account}: the credentials are for account {caller}; "
            "nothing was written"
        )


def _asks_for_zones(stack: Stack) -> bool:
    return any(isinstance(value, ZoneOf) for value in stack.parameters.values())


def _with_template(cloud: Cloud, stack: Stack, deployed: Deployed) -> Deployed:
    """Return the stack with its template's digest, where there is a template to compare."""
    if not deployed.status.is_updatable:
        return deployed
    text = cloud.template(deployed.stack_id, stack.target)
    policy = policing.read(stack, deployed, cloud)
    return replace(deployed, template_digest=digest_of(text), template=text, policy=policy)


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


def deferred(
    step: Step, unknown: tuple[OutputOf, ...], cloud: Cloud, allowed: frozenset[str]
) -> Deferred:
    """Return a step that can't be asked about yet, judged by what is certain about it already.

    A removal that the templates show stops a plan before work is done upstream for it. (D-15)
    """
    plain = Deferred(step, unknown)
    if step.verb is Verb.RECREATE or step.deployed is None or not step.deployed.template:
        return plain
    told = plain.expected
    certain = tuple(each for each in told.changes if each.action == "Remove")
    certain_set = replace(told, changes=certain)
    found = objections(certain_set, step.stack, step.deployed, cloud, allowed)
    return replace(plain, findings=found)


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


def _not_asked(step: Step, error: TapcfnError) -> Refused:
    """Return that a stack could not be asked about."""
    name = step.stack.name
    return Refused(
        step, Finding("TAP000", Severity.ERROR, name, "", str(error), origin="server"), alone=True
    )


def _refused(step: Step, error: StackError) -> Refused:
    """Return all that was said, each with the line that asked for the resource."""
    stack, whole = step.stack, str(error)
    details = tuple(_said(each, stack) for each in error.remarks if each.text)
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


def discard_all(
    previews: Iterable[Preview], cloud: Cloud, ledger: Ledger, pool: Executor
) -> tuple[TapcfnError, ...]:
    """Remove everything that previews staged; return what could not be removed."""

    def remove(each: Previewed) -> TapcfnError | None:
        try:
            discard(each.staged, each.step.stack.target, cloud, ledger)
        except TapcfnError as error:
            return error
        return None

    staged = [each for each in previews if isinstance(each, Previewed)]
    return tuple(error for error in _each(pool, remove, staged) if error is not None)


def withdraw(
    staged: Mapping[str, tuple[Target, str]],
    previews: Iterable[Preview],
    cloud: Cloud,
    ledger: Ledger,
    pool: Executor,
) -> tuple[str, ...]:
    """Remove change sets that earlier runs left and nobody wants now; tell what was found. (X-5)

    `staged` has their stacks by token. What could not be removed is told, and is tried again.
    """
    wanted = {each.staged.token for each in previews if isinstance(each, Previewed)}

    def remove(left: tuple[str, tuple[Target, str]]) -> str:
        token, (target, stack) = left
        try:
            there = cloud.withdraw(stack, target, token)
        except TapcfnError as error:
            return f"left behind: {error}"
        ledger.ended(token)
        return f"{stack}: a change set that an earlier run left was removed" if there else ""

    left = sorted(each for each in staged.items() if each[0] not in wanted)
    return tuple(text for text in _each(pool, remove, left) if text)


def _each(pool: Executor, work: Callable[[T], U], items: Iterable[T]) -> tuple[U, ...]:
    """Do the same for many at once; the first error, in order, is raised when all have ended."""
    futures = [pool.submit(work, item) for item in items]
    errors = [future.exception() for future in futures]
    for error in errors:
        if error is not None:
            raise error
    return tuple(future.result() for future in futures)
