"""Ask CloudFormation what a plan would do, leave nothing behind, and admit what can't be known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from tapcfn.errors import BlockedError, StackError, TapcfnError
from tapcfn.guard import review
from tapcfn.literal import body_of
from tapcfn.model import (
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
from tapcfn.plan import Plan, Step, Verb, outputs_of, resolve
from tapcfn.ports import ChangeRequest, Cloud, Ledger

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


@dataclass(frozen=True, slots=True)
class Deferred:
    """Cannot be asked yet: these inputs are known only after other stacks are deployed."""

    step: Step
    unknown: tuple[OutputOf, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """CloudFormation would not write the change set."""

    step: Step
    finding: Finding


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
    sweeps = _each(pool, lambda target: cloud.stacks(target, names), rollout.targets)
    found = dict(zip(rollout.targets, sweeps, strict=True))
    stacks = [
        (stack, deployed)
        for stack in rollout.stacks
        if (deployed := found[stack.target].get(stack.name)) is not None
    ]
    if not to_plan:
        return Snapshot({stack.name: deployed for stack, deployed in stacks})
    complete = _each(pool, lambda pair: _with_template(cloud, *pair), stacks)
    asking = sorted({stack.target for stack in rollout.stacks if _asks_for_zones(stack)})
    zones = dict(zip(asking, _each(pool, cloud.zones, asking), strict=True))
    return Snapshot({each.name: each for each in complete}, zones)


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
    return replace(deployed, template_digest=digest_of(text))


def preview(
    plan: Plan,
    snapshot: Snapshot,
    cloud: Cloud,
    ledger: Ledger,
    pool: Executor,
    *,
    allowed: frozenset[str] = frozenset(),
) -> tuple[Preview, ...]:
    """Stage a change set for every step that has something to ask, all at once.

    The change sets stand until they are carried out or handed to `discard_all`. If one call
    fails, or the run is interrupted, those that were made are removed and the error goes on.
    """
    steps = [step for step in plan.steps if step.verb in {Verb.CREATE, Verb.UPDATE, Verb.RECREATE}]
    _each(pool, lambda step: cloud.prepare(step.stack), steps)
    changing = {step.stack.name for step in steps}

    def ask(step: Step) -> Preview | TapcfnError:
        try:
            return _preview(step, snapshot, cloud, ledger, changing=changing, allowed=allowed)
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
) -> Preview:
    stack = step.stack
    zones = snapshot.zones.get(stack.target, ())
    values, unknown = resolve(stack, outputs_of(snapshot), step.deployed, zones)
    if unknown or step.verb is Verb.RECREATE:
        return Deferred(step, unknown)
    try:
        staged = stage(stack, values, step.deployed, cloud, ledger)
    except StackError as error:
        return Refused(
            step,
            Finding("TAP000", Severity.ERROR, stack.name, "", str(error), origin="server"),
        )
    inputs = (value for value in stack.parameters.values() if isinstance(value, OutputOf))
    return Previewed(
        step,
        staged,
        review(staged.change_set, stack, allowed),
        tuple(sorted((each for each in inputs if each.stack in changing), key=str)),
    )


def stage(
    stack: Stack,
    parameters: Mapping[str, str],
    deployed: Deployed | None,
    cloud: Cloud,
    ledger: Ledger,
) -> Staged:
    """Make the stack's change set, or adopt the one that a dead process made.

    The token comes from what is wanted and from what it is written against, so that the same
    question has the same name; it moves on only past attempts that are known to be over.
    """
    intent = intent_of(stack, parameters)
    base = digest_of(deployed.base if deployed else "absent")
    create = deployed is None or deployed.status.is_absent
    for attempt in range(_ATTEMPTS):
        token = "tapcfn-" + digest_of(canonical([intent, base, attempt]))[:40]
        if ledger.has_ended(token):
            continue
        ledger.intend("stage", stack, token)
        request = ChangeRequest(stack, parameters, create, token, intent[:16], base[:16])
        try:
            change_set = cloud.stage(request)
        except StackError:
            ledger.ended(token)
            raise
        if change_set is not None and not change_set.empty:
            return Staged(change_set, token, intent)
        ledger.ended(token)
        if change_set is not None:
            return Staged(change_set, token, intent)
    raise StackError(f"{stack.name}: no free name for a change set")


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


def _each(pool: Executor, work: Callable[[T], U], items: Iterable[T]) -> tuple[U, ...]:
    """Do the same for many at once; the first error, in order, is raised when all have ended."""
    futures = [pool.submit(work, item) for item in items]
    errors = [future.exception() for future in futures]
    for error in errors:
        if error is not None:
            raise error
    return tuple(future.result() for future in futures)
