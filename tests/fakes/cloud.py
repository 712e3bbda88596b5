"""CloudFormation in memory, as far as `tapcfn.ports.Cloud` promises it.

What the service refuses is refused here: two creations of one stack, an update of what cannot be
updated, the deletion of what is protected, a change set that was carried out or made obsolete. A
token that was sent before starts nothing. Time is the `FakeClock`'s; nothing happens but then.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tapcfn.drift import ResourceDrift, StackDrift
from tapcfn.errors import BlockedError, CloudError, StaleError, TapcfnError
from tapcfn.literal import NAMES
from tapcfn.model import (
    Change,
    ChangeSet,
    Deployed,
    Holder,
    Replacement,
    Stack,
    StackEvent,
    StackStatus,
    Target,
    TemplateBody,
)
from tapcfn.plan import with_defaults
from tapcfn.ports import ChangeRequest, Leaving
from tapcfn.references import exports_of
from tapcfn.remark import Remark
from tests.fakes.clock import FakeClock
from tests.fakes.ledger import FakeLedger

WRITES = frozenset({"stage", "execute", "discard", "delete", "protect", "empty", "rollback"}) | {
    "cancel",
    "continue_rollback",
    "set_stack_policy",
    "withdraw",
}

_CREATED = (StackStatus.CREATE_IN_PROGRESS, StackStatus.CREATE_COMPLETE)
_UPDATED = (StackStatus.UPDATE_IN_PROGRESS, StackStatus.UPDATE_COMPLETE)
_DELETED = (StackStatus.DELETE_IN_PROGRESS, StackStatus.DELETE_COMPLETE)
_UNMADE = (StackStatus.ROLLBACK_IN_PROGRESS, StackStatus.ROLLBACK_COMPLETE)
_UNDONE = (StackStatus.UPDATE_ROLLBACK_IN_PROGRESS, StackStatus.UPDATE_ROLLBACK_COMPLETE)


class Call(NamedTuple):
    """One call: its name, the stack or target that it was about, its token, and when it was."""

    name: str
    subject: str
    token: str = ""
    at: float = 0.0


@dataclass(slots=True)
class Staged:
    """A change set that stands, stood, or was carried out."""

    request: ChangeRequest
    answer: ChangeSet
    execution: str = "AVAILABLE"
    token: str = ""


@dataclass(slots=True)
class Happening:
    """Something that a stack will do at a moment."""

    at: float
    status: StackStatus | None = None
    events: tuple[StackEvent, ...] = ()
    done: ChangeRequest | None = None


@dataclass(slots=True)
class Life:
    """One stack from its first change set on; it goes on answering after its deletion."""

    target: Target
    deployed: Deployed
    template: TemplateBody | None = None
    working: TemplateBody | None = None
    resources: dict[str, tuple[str, str]] = field(default_factory=dict)
    events: list[StackEvent] = field(default_factory=list)
    change_sets: dict[str, Staged] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    future: list[Happening] = field(default_factory=list)
    stale: int = 0
    before: tuple[Deployed, tuple[StackEvent, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """How an operation fails: resources with reasons in order, and where the stack ends up."""

    reasons: tuple[tuple[str, str], ...]
    ends: StackStatus | None = None
    at: str = ""


@dataclass(slots=True)
class Fault:
    """An answer that is an error, before the effect or after it."""

    call: str
    subject: str | None
    error: TapcfnError
    times: int
    after: bool


@dataclass(frozen=True, slots=True)
class Blow:
    """What hits the call that is made now, before its effect or after it."""

    error: BaseException
    after: bool = False


class FakeCloud:
    """A cloud for tests.

    Tests tell it beforehand what shall happen (`takes`, `breaks`, `puts_out`, `fault`, `lag`) and
    read afterwards what was asked of it (`calls`) and what stands (`life`).
    """

    def __init__(self, clock: FakeClock, ledger: FakeLedger | None = None) -> None:
        self.calls: list[Call] = []
        self.callers: dict[str, str] = {}
        self.zone_names: dict[str, tuple[str, ...]] = {}
        self.changes: dict[str, tuple[Change, ...]] = {}
        self.buckets: dict[str, int] = {}
        self.disturbed: Callable[[], Blow | None] | None = None
        self.skipped: tuple[str, ...] = ()
        self.found: dict[str, tuple[tuple[Any, ...], ...]] = {}
        self.region_names: dict[str, bool] = {"us-east-1": True, "us-west-2": True}
        self.holders: dict[str, Holder] = {}
        self.quotas: dict[str, tuple[int, int]] = {}
        self.singletons: dict[str, str] = {}
        self.trusts: dict[str, frozenset[str]] = {}
        self.handover_faults: dict[str, str] = {}
        self.policies: dict[str, str] = {}
        self._clock, self.ledger = clock, ledger
        self.drifts: dict[str, StackDrift] = {}
        self.left: dict[str, Leaving] = {}
        self._lives: dict[str, Life] = {}
        self._numbers = itertools.count(1)
        self._seconds: dict[str, float] = {}
        self._failures: dict[str, list[Failure]] = {}
        self._outputs: dict[str, Mapping[str, str]] = {}
        self._faults: list[Fault] = []
        self._lags: dict[str, int] = {}
        self._slow: dict[str, float] = {}

    # -- what tests say beforehand ------------------------------------------------------------

    def has(self, stack: Stack, deployed: Deployed) -> Deployed:
        """Let a stack stand as it is given."""
        life = Life(stack.target, deployed, stack.template)
        if not (deployed.status.is_absent or deployed.status.must_be_recreated):
            life.resources = _resources_of(stack.template, deployed.name)
        self._lives[deployed.stack_id] = life
        return deployed

    def leaves(self, stack: str, **left: tuple[str, str]) -> None:
        """Let these resources (type, physical id) still be there after a rollback."""
        self._alive(stack).resources = left

    def takes(self, stack: str, seconds: float) -> None:
        """Let every operation on the stack take this long, not 10 seconds."""
        self._seconds[stack] = seconds

    def breaks(
        self,
        stack: str,
        *reasons: tuple[str, str],
        ends: StackStatus | None = None,
        at: str = "",
    ) -> None:
        """Let the stack's next operation fail because of these resources, the first one first.

        `at` says what was being done to them, such as DELETE in the clean-up after an update.
        """
        self._failures.setdefault(stack, []).append(Failure(reasons, ends, at))

    def puts_out(self, stack: str, **outputs: str) -> None:
        """Let the stack have these outputs when its next operation succeeds."""
        self._outputs[stack] = outputs

    def fault(
        self,
        call: str,
        subject: str | None = None,
        *,
        error: TapcfnError | None = None,
        times: int = 1,
        after: bool = False,
    ) -> None:
        """Let a call fail; `after` means that it takes effect and only the answer is lost."""
        what = error or CloudError(f"{call}: no answer", code="ConnectionClosed")
        self._faults.append(Fault(call, subject, what, times, after))

    def slow(self, call: str, seconds: float) -> None:
        """Let the answers to a call take their time."""
        self._slow[call] = seconds

    def lags(self, stack: str, reads: int) -> None:
        """Let the first reads after the stack's next operation show it as it was before."""
        self._lags[stack] = reads

    def moves(self, stack: Stack, deployed: Deployed, token: str, ends: StackStatus) -> None:
        """Let a stack be at work, since now, on something that another process started."""
        life = self._lives[self.has(stack, deployed).stack_id]
        first = self._event(life, life.deployed.name, deployed.status, token=token)
        life.events.append(first)
        self._plan(life, ends, token, None)

    def taken_over(self, stack: str, status: StackStatus, token: str, ends: StackStatus) -> None:
        """Let somebody else do something to a stack, in the middle of what it is at."""
        life = self._alive(stack)
        life.future.clear()
        life.deployed = replace(life.deployed, status=status)
        life.events.append(self._event(life, stack, status, token=token))
        self._plan(life, ends, token, None)

    def remade(self, stack: str, execution: str) -> None:
        """Let every change set of a stack be in another execution status."""
        for each in self._alive(stack).change_sets.values():
            each.execution = execution

    # -- what tests ask afterwards ------------------------------------------------------------

    @property
    def writes(self) -> list[Call]:
        """Every call that writes."""
        return [call for call in self.calls if call.name in WRITES]

    def count(self, name: str, subject: str | None = None) -> int:
        """Return how often something was asked, of one subject or of all."""
        return sum(call.name == name and subject in {None, call.subject} for call in self.calls)

    def status(self, stack: str) -> StackStatus | None:
        """Return where a stack stands, without that being a call."""
        self._advance()
        life = self._find(stack)
        return life.deployed.status if life else None

    @property
    def lives(self) -> tuple[Life, ...]:
        """Every stack that there is or was."""
        return tuple(self._lives.values())

    def template_of(self, stack: str) -> str:
        """Return the text that a stack was deployed from."""
        template = self._alive(stack).template
        return template.text if template else ""

    def life(self, stack_id: str) -> Life:
        """Return a stack with its history, to look at or to write."""
        return self._lives[stack_id]

    def parameters(self, stack: str) -> dict[str, str]:
        """Return the parameters that a stack was deployed with."""
        return dict(self._alive(stack).deployed.parameters)

    @property
    def standing(self) -> list[str]:
        """Stacks with a change set that could be carried out, by name."""
        return sorted(
            life.deployed.name
            for life in self._lives.values()
            for each in life.change_sets.values()
            if each.execution == "AVAILABLE"
        )

    # -- the port: reads ----------------------------------------------------------------------

    def caller(self, target: Target) -> str:
        self._called("caller", str(target))
        return self.callers.get(target.account, target.account)

    def zones(self, target: Target) -> tuple[str, ...]:
        self._called("zones", str(target))
        usual = tuple(f"{target.region}{letter}" for letter in "abc")
        return self.zone_names.get(target.region, usual)

    def known_regions(self) -> frozenset[str]:
        return frozenset({"us-east-1", "us-west-2", "eu-west-1"})

    def regions(self, target: Target) -> Mapping[str, bool]:
        self._called("regions", target.account)
        return self.region_names

    def holder(self, resource_type: str, name: str, target: Target) -> Holder:
        self._called("holder", name)
        return self.holders.get(name, Holder.NOBODY)

    def quota(self, resource_type: str, target: Target) -> tuple[int, int]:
        self._called("quota", resource_type)
        return self.quotas.get(resource_type, (0, 5))

    def singleton(self, resource_type: str, target: Target) -> str:
        self._called("singleton", resource_type)
        return self.singletons.get(resource_type, "")

    def trust(self, role: str, target: Target) -> frozenset[str] | None:
        self._called("trust", role)
        return self.trusts.get(role)

    def importers(self, export: str, target: Target) -> tuple[str, ...]:
        self._called("importers", export)
        return tuple(
            sorted(
                life.deployed.name
                for life in self._lives.values()
                if life.target == target
                and life.template is not None
                and not life.deployed.status.is_absent
                and f'{{"Fn::ImportValue":"{export}"}}' in life.template.text
            )
        )

    def stack_policy(self, stack_id: str, target: Target) -> str:
        name = self._life(stack_id, target).deployed.name
        self._called("stack_policy", name)
        return self.policies.get(name, "")

    def handover_fault(self, stack: Stack) -> str:
        self._called("handover_fault", stack.name)
        return self.handover_faults.get(stack.name, "")

    def stacks(
        self,
        target: Target,
        names: frozenset[str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Mapping[str, Deployed]:
        self._called("stacks", str(target))
        return {
            life.deployed.name: self._seen(life)
            for life in self._lives.values()
            if life.target == target
            and life.deployed.status is not StackStatus.DELETE_COMPLETE
            and (
                names is None
                or life.deployed.name in names
                or bool(tags and tags.items() <= life.deployed.tags.items())
            )
        }

    def stack(self, stack_id: str, target: Target) -> Deployed:
        self._called("stack", self._lives[stack_id].deployed.name)
        return self._seen(self._life(stack_id, target))

    def template(self, stack_id: str, target: Target) -> str:
        life = self._life(stack_id, target)
        self._called("template", life.deployed.name)
        return life.template.text if life.template else ""

    def moving(self, target: Target) -> Mapping[str, StackStatus]:
        self._called("moving", str(target))
        seen = {key: self._seen(life) for key, life in self._lives.items() if life.target == target}
        return {key: each.status for key, each in seen.items() if each.status.is_moving}

    def events(self, stack_id: str, target: Target, token: str) -> tuple[StackEvent, ...]:
        life = self._life(stack_id, target)
        self._called("events", life.deployed.name, token)
        known = life.before[1] if life.stale and life.before else tuple(life.events)
        return tuple(event for event in known if not token or event.token == token)

    def remarks(self, subject: str, target: Target) -> tuple[Remark, ...]:
        life = next(
            life
            for life in self._lives.values()
            if subject in life.deployed.operations.values()
            or any(each.answer.arn == subject for each in life.change_sets.values())
        )
        self._called("remarks", life.deployed.name)
        return tuple(Remark(*each) for each in self.found.get(life.deployed.name, ()))

    def resources(self, stack_id: str, target: Target) -> Mapping[str, tuple[str, str]]:
        life = self._life(stack_id, target)
        self._called("resources", life.deployed.name)
        return dict(life.resources)

    def drift(self, stack_id: str, target: Target) -> StackDrift:
        life = self._life(stack_id, target)
        self._called("drift", life.deployed.name)
        return self.drifts.get(life.deployed.name) or StackDrift(
            True,
            resources=tuple(
                ResourceDrift(key, kind, physical, "IN_SYNC")
                for key, (kind, physical) in sorted(life.resources.items())
            ),
        )

    def identifiers(self, stack: Stack) -> Mapping[str, tuple[str, ...]]:
        self._called("identifiers", stack.name)
        return {key: (NAMES.get(kind, "Id"),) for key, kind in stack.template.resources.items()}

    def change_set(self, arn: str, target: Target) -> tuple[ChangeSet, str] | None:
        self._called("change_set", arn)
        for life in self._lives.values():
            for each in life.change_sets.values():
                if each.answer.arn == arn:
                    return each.answer, each.execution
        return None

    def holds_objects(self, bucket: str, target: Target) -> bool:
        self._called("holds_objects", bucket)
        return self.buckets.get(bucket, 0) > 0

    # -- the port: writes ---------------------------------------------------------------------

    def prepare(self, stack: Stack) -> None:
        self._called("prepare", stack.name)

    def stage(self, request: ChangeRequest) -> ChangeSet | None:
        name = request.stack.name
        self._noted(request.token)
        lost = self._called("stage", name, request.token)
        life = self._find(name, request.stack.target)
        if life and (known := life.change_sets.get(request.token)):
            same = known.request.description == request.description
            return known.answer if same and known.execution == "AVAILABLE" else None
        life = self._to_stage(life, request)
        number = next(self._numbers)
        arn = f"arn:{life.target}:changeSet/{request.token}/{number}"
        changes = self.changes.get(name, _changes(life, request))
        plain = ChangeSet(arn, name, life.deployed.stack_id, changes)
        if not request.create and self._is_empty(life, request):
            return replace(plain, changes=(), empty=True)
        life.change_sets[request.token] = Staged(request, plain)
        self._lose(lost)
        return plain

    def execute(
        self, change_set: ChangeSet, target: Target, token: str, *, updates: bool = False
    ) -> None:
        self._noted(token)
        lost = self._called("execute", change_set.stack, token)
        life = self._life(change_set.stack_id, target)
        staged = next(
            (each for each in life.change_sets.values() if each.answer.arn == change_set.arn), None
        )
        if staged is None:
            raise StaleError(f"{change_set.stack}: the change set is gone; plan again")
        if staged.token == token:
            return
        if staged.execution != "AVAILABLE":
            raise StaleError(f"{change_set.stack}: the change set is {staged.execution}")
        self._must_be_still(life)
        creates = staged.request.create
        staged.execution, staged.token = "EXECUTE_COMPLETE", token
        life.change_sets = {key: each for key, each in life.change_sets.items() if each is staged}
        self._start(life, _CREATED if creates else _UPDATED, token, staged.request)
        self._lose(lost)

    def discard(self, change_set: ChangeSet, target: Target) -> None:
        lost = self._called("discard", change_set.stack)
        life = self._life(change_set.stack_id, target)
        life.change_sets = {
            key: each for key, each in life.change_sets.items() if each.answer.arn != change_set.arn
        }
        if life.deployed.status is StackStatus.REVIEW_IN_PROGRESS and not life.change_sets:
            life.deployed = replace(life.deployed, status=StackStatus.DELETE_COMPLETE)
        self._lose(lost)

    def withdraw(self, stack: str, target: Target, token: str) -> bool:
        lost = self._called("withdraw", stack, token)
        life = self._find(stack, target)
        staged = life.change_sets.get(token) if life else None
        if life is None or staged is None or staged.execution.startswith("EXECUTE"):
            return False
        del life.change_sets[token]
        if life.deployed.status is StackStatus.REVIEW_IN_PROGRESS and not life.change_sets:
            life.deployed = replace(life.deployed, status=StackStatus.DELETE_COMPLETE)
        self._lose(lost)
        return True

    def delete(
        self, stack_id: str, target: Target, token: str, leaving: Leaving | None = None
    ) -> None:
        self._noted(token)
        life = self._life(stack_id, target)
        lost = self._called("delete", life.deployed.name, token)
        if token in life.tokens:
            return
        if life.deployed.protected:
            raise BlockedError(
                f"{life.deployed.name}: cannot be deleted while TerminationProtection is enabled"
            )
        self._must_be_still(life)
        if leaving and life.deployed.status is not StackStatus.DELETE_FAILED:
            raise CloudError(
                f"{life.deployed.name}: is {life.deployed.status}, not DELETE_FAILED",
                code="ValidationError",
            )
        if leaving:
            self.left[life.deployed.name] = leaving
        self._start(life, _DELETED, token, None)
        self._lose(lost)

    def rollback(self, stack_id: str, target: Target, token: str) -> None:
        states = {StackStatus.CREATE_FAILED, StackStatus.UPDATE_FAILED}
        self._roll_back("rollback", stack_id, target, token, states)

    def cancel(self, stack_id: str, target: Target, token: str) -> None:
        self._noted(token)
        life = self._life(stack_id, target)
        lost = self._called("cancel", life.deployed.name, token)
        status = life.deployed.status
        if status is not StackStatus.UPDATE_IN_PROGRESS:
            raise CloudError(f"{life.deployed.name}: is {status}", code="ValidationError")
        self.taken_over(life.deployed.name, _UNDONE[0], token, _UNDONE[1])
        self._lose(lost)

    def continue_rollback(
        self, stack_id: str, target: Target, token: str, *, skip: tuple[str, ...], force: bool
    ) -> None:
        self.skipped = skip
        states = {StackStatus.UPDATE_ROLLBACK_FAILED}
        events = self._life(stack_id, target).events
        failed = {event.logical_id for event in events if event.status == "UPDATE_FAILED"}
        if wrong := [each for each in skip if "." not in each and each not in failed]:
            raise CloudError(f"{wrong[0]}: cannot be skipped", code="ValidationError")
        self._roll_back("continue_rollback", stack_id, target, token, states)

    def set_stack_policy(self, stack_id: str, target: Target, policy: str) -> None:
        life = self._life(stack_id, target)
        lost = self._called("set_stack_policy", life.deployed.name, policy)
        self.policies[life.deployed.name] = policy
        self._lose(lost)

    def protect(self, stack_id: str, target: Target, *, on: bool) -> None:
        life = self._life(stack_id, target)
        lost = self._called("protect", life.deployed.name, str(on))
        if life.deployed.status is StackStatus.DELETE_COMPLETE:
            raise CloudError(f"{life.deployed.name}: does not exist", code="ValidationError")
        life.deployed = replace(life.deployed, protected=on)
        self._lose(lost)

    def empty(self, bucket: str, target: Target) -> int:
        self._called("empty", bucket)
        return self.buckets.pop(bucket, 0)

    def _roll_back(
        self, call: str, stack_id: str, target: Target, token: str, states: set[StackStatus]
    ) -> None:
        """Go back; a stack whose creation failed loses what it had."""
        self._noted(token)
        life = self._life(stack_id, target)
        lost = self._called(call, life.deployed.name, token)
        if token in life.tokens:
            return
        status = life.deployed.status
        if status not in states:
            raise CloudError(f"{life.deployed.name}: is {status}", code="ValidationError")
        if status is StackStatus.CREATE_FAILED:
            life.resources = {}
        kind = _UNMADE if status is StackStatus.CREATE_FAILED else _UNDONE
        self._start(life, kind, token, None)
        self._lose(lost)

    # -- how it works -------------------------------------------------------------------------

    def _called(self, name: str, subject: str, token: str = "") -> BaseException | None:
        """Note a call; raise the fault that was planned, or return the one that comes after."""
        self._advance()
        self.calls.append(Call(name, subject, token, self._clock.now()))
        if seconds := self._slow.get(name):
            self._clock.sleep(seconds)
        if self.disturbed is not None and (blow := self.disturbed()) is not None:
            if blow.after and name in WRITES:
                return blow.error
            raise blow.error
        for fault in self._faults:
            if fault.times and fault.call == name and fault.subject in {None, subject}:
                fault.times -= 1
                if not fault.after:
                    raise fault.error
                return fault.error
        return None

    def _lose(self, lost: BaseException | None) -> None:
        if lost is not None:
            raise lost

    def _noted(self, token: str) -> None:
        """Every token stands in the ledger before the call."""
        assert self.ledger is None or self.ledger.is_ours(token), f"{token} is in no ledger"

    def _find(self, name: str, target: Target | None = None) -> Life | None:
        return next(
            (
                life
                for life in self._lives.values()
                if life.deployed.name == name
                and target in {None, life.target}
                and life.deployed.status is not StackStatus.DELETE_COMPLETE
            ),
            None,
        )

    def _alive(self, name: str) -> Life:
        life = self._find(name)
        assert life is not None, f"no stack {name}"
        return life

    def _life(self, stack_id: str, target: Target) -> Life:
        life = self._lives[stack_id]
        assert life.target == target, f"{stack_id} is not in {target}"
        return life

    def _to_stage(self, life: Life | None, request: ChangeRequest) -> Life:
        """Return the stack to stage in, made if need be; refuse what the service refuses."""
        name, target = request.stack.name, request.stack.target
        status = life.deployed.status if life else None
        if request.create and (status is None or status.is_absent):
            return life or self._shell(name, target)
        if not request.create and life is not None and status is not None and status.is_updatable:
            return life
        kind = "created" if request.create else "updated"
        raise CloudError(
            f"{name}: is {status or 'not there'} and cannot be {kind}", code="ValidationError"
        )

    def _shell(self, name: str, target: Target) -> Life:
        stack_id = f"arn:{target}:stack/{name}/{next(self._numbers)}"
        status = StackStatus.REVIEW_IN_PROGRESS
        life = Life(target, Deployed(name, stack_id, status, updated=self._stamp()))
        self._lives[stack_id] = life
        return life

    def _is_empty(self, life: Life, request: ChangeRequest) -> bool:
        stack, deployed = request.stack, life.deployed
        return (
            stack.name not in self.changes
            and life.template == stack.template
            and with_defaults(stack, request.parameters) == dict(deployed.parameters)
            and dict(stack.tags) == dict(deployed.tags)
            and set(stack.options.notification_arns) == deployed.notified
            and stack.options.service_role in {"", deployed.role}
        )

    def _must_be_still(self, life: Life) -> None:
        if life.deployed.status.is_moving:
            raise CloudError(
                f"{life.deployed.name}: is {life.deployed.status} and cannot be changed",
                code="ValidationError",
            )

    def _start(
        self,
        life: Life,
        kind: tuple[StackStatus, StackStatus],
        token: str,
        request: ChangeRequest | None,
    ) -> None:
        life.tokens.add(token)
        life.before = (life.deployed, tuple(life.events))
        life.stale = self._lags.pop(life.deployed.name, 0)
        life.working = request.stack.template if request else life.template
        operation = {f"{kind[0].partition('_')[0]}_STACK": f"operation-{next(self._numbers)}"}
        known = {**life.deployed.operations, **operation}
        life.deployed = replace(life.deployed, status=kind[0], reason="", operations=known)
        if request is not None:
            life.deployed = replace(life.deployed, updated=self._stamp())
        life.events.append(self._event(life, life.deployed.name, kind[0], token=token))
        self._plan(life, kind[1], token, request)

    def _plan(
        self, life: Life, ends: StackStatus, token: str, request: ChangeRequest | None
    ) -> None:
        """Write down what the stack will do, and when."""
        name = life.deployed.name
        end = self._clock.now() + self._seconds.get(name, 10.0)
        failures = self._failures.get(name)
        if not failures:
            last = self._event(life, name, ends, token=token)
            life.future.append(Happening(end, ends, (last,), request))
            return
        failure = failures.pop(0)
        verb = life.deployed.status.partition("_")[0]
        reasons = tuple(
            self._event(life, key, f"{failure.at or verb}_FAILED", reason, token=token)
            for key, reason in failure.reasons
        )
        final = failure.ends or _ROLLED_BACK[verb]
        last = self._event(life, name, final, token=token)
        life.future.append(Happening((self._clock.now() + end) / 2, None, reasons))
        life.future.append(Happening(end, final, (last,)))

    def _event(
        self, life: Life, logical_id: str, status: str, reason: str = "", *, token: str = ""
    ) -> StackEvent:
        own = logical_id == life.deployed.name
        template = life.working or life.template
        return StackEvent(
            event_id=f"event-{next(self._numbers)}",
            logical_id=logical_id,
            resource_type="AWS::CloudFormation::Stack"
            if own
            else (template.resources.get(logical_id, "") if template else ""),
            status=str(status),
            reason=reason,
            physical_id=life.deployed.stack_id if own else f"physical-{logical_id}",
            token=token,
        )

    def _advance(self) -> None:
        """Let everything happen whose time has come."""
        for life in self._lives.values():
            for each in [due for due in life.future if due.at <= self._clock.now()]:
                life.future.remove(each)
                life.events.extend(each.events)
                if each.status is not None:
                    life.deployed = replace(life.deployed, status=each.status)
                if each.status is StackStatus.DELETE_COMPLETE:
                    life.resources, life.change_sets = {}, {}
                if each.done is not None:
                    self._become(life, each.done)

    def _become(self, life: Life, request: ChangeRequest) -> None:
        """Make the stack what was asked for."""
        stack = request.stack
        usual = {key: f"{stack.name}-{key}" for key in stack.template.outputs}
        life.template = stack.template
        life.resources = _resources_of(stack.template, stack.name)
        life.deployed = replace(
            life.deployed,
            parameters=with_defaults(stack, request.parameters),
            tags=dict(stack.tags),
            notified=frozenset(stack.options.notification_arns),
            role=stack.options.service_role or life.deployed.role,
            exports=exports_of(stack),
            outputs=usual | dict(self._outputs.get(stack.name, {})),
        )

    def _seen(self, life: Life) -> Deployed:
        """Return the stack as a read shows it, which may be as it was a moment ago."""
        if life.stale and life.before:
            life.stale -= 1
            return life.before[0]
        return life.deployed

    def _stamp(self) -> str:
        return f"t{next(self._numbers)}"


_ROLLED_BACK = {
    "CREATE": StackStatus.ROLLBACK_COMPLETE,
    "UPDATE": StackStatus.UPDATE_ROLLBACK_COMPLETE,
    "DELETE": StackStatus.DELETE_FAILED,
}


def _resources_of(template: TemplateBody, name: str) -> dict[str, tuple[str, str]]:
    return {key: (kind, f"{name}-{key}") for key, kind in template.resources.items()}


def _changes(life: Life, request: ChangeRequest) -> tuple[Change, ...]:
    """Return what a change set would say: resources that come, go, or may be touched."""
    wanted, there = request.stack.template.resources, dict(life.resources)
    adds = [Change(key, kind, "Add") for key, kind in wanted.items() if key not in there]
    goes = [
        Change(key, kind, "Remove", physical)
        for key, (kind, physical) in there.items()
        if key not in wanted
    ]
    stays = [
        Change(key, kind, "Modify", there[key][1], Replacement.FALSE)
        for key, kind in wanted.items()
        if key in there and _differs(key, life, request)
    ]
    return tuple(adds + goes + stays)


def _differs(key: str, life: Life, request: ChangeRequest) -> bool:
    """Whether a resource is written down in another way than before."""
    before = life.template.document["Resources"].get(key) if life.template else None
    return bool(before != request.stack.template.document["Resources"][key])
