"""Stack sets in memory, with the promises of `tapcfn.stack_sets.ports.SetCloud`.

Each look at an operation lets so many of its pairs come to an end. Failures are counted in each
Region against the tolerance; what is left of a Region that exceeds it is cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tapcfn.errors import BusyError, CloudError
from tapcfn.model import (
    DeployedSet,
    DetailedStatus,
    Instance,
    InstanceStatus,
    Member,
    Permission,
    ResultStatus,
    SelfManaged,
    SetOperation,
    SetOperationStatus,
    SetResult,
    StackSet,
    Target,
)
from tapcfn.stack_sets.calls import Act, SetCall, SetRequest, administration_role_of
from tapcfn.stack_sets.ports import InstanceDrift, SetDrift

GOOD = (InstanceStatus.CURRENT, DetailedStatus.SUCCEEDED)

# The service's words for what calls do.
ACTIONS = {
    Act.ADD: "CREATE",
    Act.IMPORT: "CREATE",
    Act.UPDATE: "UPDATE",
    Act.OVERRIDE: "UPDATE",
    Act.REMOVE: "DELETE",
}


@dataclass
class Work:
    """An operation and what is left of it."""

    operation: SetOperation
    left: list[Target]
    call: SetCall | None
    results: dict[Target, SetResult] = field(default_factory=dict)


class FakeSetCloud:
    """One administrator's stack sets. `failing` has a reason by pair."""

    def __init__(self, at_a_look: int = 100) -> None:
        self.at_a_look = at_a_look
        self.deployed: dict[str, DeployedSet] = {}
        self.there: dict[str, dict[Target, Instance]] = {}
        self.works: dict[str, list[Work]] = {}
        self.sent: list[SetRequest] = []
        self.failing: dict[Target, str] = {}
        self.suspended: set[Target] = set()
        self.organization: tuple[Member, ...] = ()
        self.looks = 0
        self.stopped: list[str] = []
        self.lost: set[Act] = set()
        self.late: dict[str, int] = {}

    # What tests say ------------------------------------------------------------------------------

    def has(self, stack_set: StackSet, *pairs: Target, **how: object) -> None:
        """Let a set be deployed as it is wanted, with instances in these pairs, or in all."""
        self._define(SetRequest(stack_set, SetCall(Act.CREATE), "", dict(_literals(stack_set))))
        here = self.there[stack_set.name]
        for pair in pairs or sorted(stack_set.pairs):
            told = _literals(stack_set, stack_set.overrides.get(pair, {}))
            here[pair] = Instance(pair, *GOOD, stack_id=_stack_id(pair), overrides=told)
            here[pair] = replace(here[pair], **how)  # type: ignore[arg-type]

    def somebody_works(self, stack_set: StackSet, looks: int, token: str = "foreign") -> None:
        """Let another actor's operation be at work, for so many looks."""
        operation = SetOperation(token, "UPDATE", SetOperationStatus.RUNNING, created="then")
        work = Work(operation, [Target("9" * 12, f"xx-none-{at}") for at in range(looks)], None)
        self.works.setdefault(stack_set.name, []).append(work)

    def redefine(self, name: str, template: str) -> None:
        """Let somebody else put another template into the set; its instances are OUTDATED then."""
        self.deployed[name] = replace(self.deployed[name], template=template)
        here = self.there[name]
        for pair, each in here.items():
            here[pair] = replace(each, status=InstanceStatus.OUTDATED)

    @property
    def acts(self) -> list[tuple[str, int]]:
        """What was sent, and for how many pairs; each sending."""
        return [(str(each.call.act), len(each.call.pairs)) for each in self.sent]

    # The port ------------------------------------------------------------------------------------

    def stack_set(self, stack_set: StackSet) -> DeployedSet | None:
        return self.deployed.get(stack_set.name)

    def known_sets(self, stack_set: StackSet) -> Mapping[str, bool]:
        return {name: name in self.deployed for name in {*self.deployed, *self.there}}

    def instances(self, stack_set: StackSet, operation_id: str = "") -> tuple[Instance, ...]:
        found = self.there.get(stack_set.name, {})
        return tuple(
            replace(each, overrides=None)
            for _, each in sorted(found.items())
            if operation_id in {"", each.operation}
        )

    def instance(self, stack_set: StackSet, pair: Target) -> Instance | None:
        return self.there.get(stack_set.name, {}).get(pair)

    def operations(self, stack_set: StackSet) -> tuple[SetOperation, ...]:
        self._go_on(stack_set.name)
        return tuple(each.operation for each in reversed(self.works.get(stack_set.name, [])))

    def operation(self, stack_set: StackSet, operation_id: str) -> SetOperation | None:
        self.looks += 1
        if self.late.get(operation_id, 0) > 0:
            self.late[operation_id] -= 1
            return None
        self._go_on(stack_set.name)
        work = self._work(stack_set.name, operation_id)
        return work.operation if work else None

    def results(
        self, stack_set: StackSet, operation_id: str, status: ResultStatus | None = None
    ) -> tuple[SetResult, ...]:
        work = self._work(stack_set.name, operation_id)
        found = sorted(work.results.items()) if work else []
        return tuple(each for _, each in found if status in {None, each.status})

    def send(self, request: SetRequest) -> None:
        self.sent.append(request)
        name = request.stack_set.name
        if self._work(name, request.token) is None:
            self._begin(name, request)
        if request.call.act in self.lost:
            self.lost.discard(request.call.act)
            raise CloudError(f"{name}: the answer was lost", passing=True)

    def stop(self, stack_set: StackSet, operation_id: str) -> None:
        self.stopped.append(operation_id)
        work = self._work(stack_set.name, operation_id)
        assert work is not None
        self._cancel(stack_set.name, work, work.left)
        work.operation = replace(work.operation, status=SetOperationStatus.STOPPING)

    def members(self, home: Target, units: tuple[str, ...]) -> tuple[Member, ...]:
        return tuple(each for each in self.organization if each.unit in units)

    def access(self, home: Target, *, delegated: bool) -> str:
        return "ENABLED"

    def detect_drift(self, stack_set: StackSet, token: str) -> None:
        raise CloudError("no drift here", code="AccessDenied", lasting=True)

    def drift(self, stack_set: StackSet) -> SetDrift | None:
        return None

    def instance_drifts(
        self, stack_set: StackSet, pair: Target, operation_id: str
    ) -> tuple[InstanceDrift, ...]:
        return ()

    def auto_deployment_targets(self, stack_set: StackSet) -> Mapping[str, tuple[str, ...]]:
        return {}

    # How it works --------------------------------------------------------------------------------

    def _work(self, name: str, operation_id: str) -> Work | None:
        return next(
            (w for w in self.works.get(name, []) if w.operation.operation_id == operation_id), None
        )

    def _begin(self, name: str, request: SetRequest) -> None:
        busy = next((w for w in self.works.get(name, []) if w.operation.status.is_moving), None)
        if busy and request.call.act is not Act.CREATE:
            raise BusyError(f"{name}: {busy.operation.operation_id}", code="OperationInProgress")
        if request.call.act is Act.CREATE:
            self._define(request)
        elif request.call.act is Act.DELETE:
            assert not self.there.get(name), "a set with instances can't be deleted"
            self.deployed.pop(name, None)
        else:
            self._start(name, request)

    def _define(self, request: SetRequest) -> None:
        wanted = request.stack_set
        told = {
            key: request.parameters.get(key, str(about.get("Default", "")))
            for key, about in wanted.template.parameters.items()
        }
        self.deployed[wanted.name] = DeployedSet(
            wanted.name,
            f"{wanted.name}:1",
            wanted.template.text,
            parameters=told,
            tags=dict(wanted.tags),
            permission=_told(wanted),
            queues=wanted.queues,
        )
        self.there.setdefault(wanted.name, {})

    def _start(self, name: str, request: SetRequest) -> None:
        call, here = request.call, self.there[name]
        if call.renews:
            self._define(request)
            for pair, each in here.items():
                here[pair] = replace(each, status=InstanceStatus.OUTDATED)
        named = call.rectangle or call.act is Act.IMPORT
        pairs = call.pairs if named else frozenset(here)
        if call.act in {Act.ADD, Act.IMPORT}:
            assert not pairs & here.keys(), "an instance is made twice"
            for pair in pairs:
                here[pair] = Instance(
                    pair,
                    InstanceStatus.OUTDATED,
                    DetailedStatus.PENDING,
                    stack_id=_stack_id(pair),
                    overrides=dict(call.overrides or {}),
                )
        assert pairs <= here.keys(), "an instance that is not there is changed"
        for pair in pairs:
            told = here[pair].overrides if call.overrides is None else dict(call.overrides)
            here[pair] = replace(
                here[pair],
                detailed=DetailedStatus.PENDING,
                operation=request.token,
                overrides=told,
            )
        operation = SetOperation(
            request.token,
            ACTIONS[call.act],
            SetOperationStatus.RUNNING,
            retain=call.retain,
            preferences=request.stack_set.preferences,
        )
        order = sorted(pairs, key=lambda each: (each.region, each.account))
        self.works.setdefault(name, []).append(Work(operation, order, call))

    def _go_on(self, name: str) -> None:
        for work in self.works.get(name, []):
            if work.operation.status.is_moving:
                self._advance(name, work)

    def _advance(self, name: str, work: Work) -> None:
        many = self.at_a_look if work.call else 1
        turn, work.left = work.left[:many], work.left[many:]
        for pair in turn:
            if work.call and pair not in work.results:
                self._finish(name, work, pair)
        for pair in work.left[:many] if work.call else ():
            here = self.there[name]
            here[pair] = replace(here[pair], detailed=DetailedStatus.RUNNING)
        if not work.left:
            work.operation = replace(work.operation, status=self._last(work), ended="now")
            failed = sum(each.status is ResultStatus.FAILED for each in work.results.values())
            work.operation = replace(work.operation, failed=failed)

    def _last(self, work: Work) -> SetOperationStatus:
        if work.operation.status is SetOperationStatus.STOPPING:
            return SetOperationStatus.STOPPED
        cancelled = any(each.status is ResultStatus.CANCELLED for each in work.results.values())
        exceeded = cancelled or any(
            self._failed(work, region) > self.tolerance
            for region in {pair.region for pair in work.results}
        )
        return SetOperationStatus.FAILED if exceeded else SetOperationStatus.SUCCEEDED

    tolerance = 0

    def _failed(self, work: Work, region: str) -> int:
        return sum(
            each.status is ResultStatus.FAILED and pair.region == region
            for pair, each in work.results.items()
        )

    def _finish(self, name: str, work: Work, pair: Target) -> None:
        here = self.there[name]
        assert work.call is not None
        if pair in self.failing:
            reason = self.failing[pair]
            work.results[pair] = SetResult(pair, ResultStatus.FAILED, reason)
            here[pair] = replace(here[pair], detailed=DetailedStatus.FAILED, reason=reason)
            if self._failed(work, pair.region) > self.tolerance:
                self._cancel(name, work, work.left)
            return
        work.results[pair] = SetResult(pair, ResultStatus.SUCCEEDED)
        if work.call.act is Act.REMOVE:
            del here[pair]
        elif pair in self.suspended:
            here[pair] = replace(here[pair], detailed=DetailedStatus.SKIPPED_SUSPENDED_ACCOUNT)
        else:
            status, detailed = GOOD
            here[pair] = replace(here[pair], status=status, detailed=detailed, reason="")

    def _cancel(self, name: str, work: Work, pairs: list[Target]) -> None:
        for pair in pairs:
            work.results[pair] = SetResult(pair, ResultStatus.CANCELLED, "cancelled")
            if pair in self.there.get(name, {}):
                each = self.there[name][pair]
                self.there[name][pair] = replace(each, detailed=DetailedStatus.CANCELLED)
        work.left = []


def _stack_id(pair: Target) -> str:
    return f"arn:aws:cloudformation:{pair.region}:{pair.account}:stack/StackSet-x/1"


def _literals(stack_set: StackSet, values: Mapping[str, object] | None = None) -> Mapping[str, str]:
    told = stack_set.parameters if values is None else values
    return {key: str(value) for key, value in told.items()}


def _told(stack_set: StackSet) -> Permission:
    """Return the permission model as the service tells it: roles by name."""
    if isinstance(stack_set.permission, SelfManaged):
        role = administration_role_of(stack_set)
        return replace(stack_set.permission, administration_role=role)
    return stack_set.permission
