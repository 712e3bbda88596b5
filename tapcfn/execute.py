"""Carry out a plan: start each stack as soon as all that it needs has ended, and watch them all.

One thread decides; a pool makes the calls. Nothing is raised half way: the outcome lists how every
stack ended, what failed first and what was never tried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tapcfn.errors import BlockedError, StaleError, StillRunningError, TapcfnError
from tapcfn.events import (
    Diagnosed,
    Notify,
    OperationStarted,
    Outcome,
    ResourceMoved,
    StackEnded,
    StackMoved,
    Waiting,
)
from tapcfn.model import (
    Deployed,
    Ending,
    Rollout,
    Snapshot,
    Stack,
    StackStatus,
    Target,
)
from tapcfn.operations import Approval, Given, Look, Means, Operation, look, start
from tapcfn.plan import Plan, PlannedPhase, Step, Verb, outputs_of
from tapcfn.waits import Deadline, Pace

# Seconds between two looks at the history of one stack while it moves, and between two signs of
# life where nothing moves.
HISTORY_EVERY = 2.0
HEARTBEAT_EVERY = 30.0

# How long an interrupted run waits for calls that are on their way.
LAST_BREATH = 8.0


@dataclass(slots=True)
class Moving:
    """An operation under watch."""

    operation: Operation
    status: str = ""
    looked: float = 0.0
    looking: bool = False
    told: set[str] = field(default_factory=set)


class Execution:
    """One run of one plan. Holds what has ended, what moves and what is on its way."""

    def __init__(
        self,
        means: Means,
        notify: Notify,
        pool: Executor,
        *,
        timeout: float = 3600.0,
        interrupted: Callable[[], bool] = lambda: False,
        pace: Pace | None = None,
    ) -> None:
        self._means, self._notify, self._pool = means, notify, pool
        self._clock = clock = means.clock
        self._deadline = Deadline.after(clock, timeout)
        self._interrupted = interrupted
        self._pace = pace or Pace()
        self._given = Given()
        self._pending: dict[str, Step] = {}
        self._moving: dict[str, Moving] = {}
        self._flying: dict[Future[Any], tuple[str, Stack | Target]] = {}
        self._ended: dict[str, StackEnded] = {}
        self._sweeping: set[Target] = set()
        self._swept: dict[Target, float] = {}
        self._began = self._quiet_since = clock.now()

    @property
    def outputs(self) -> Mapping[str, Mapping[str, str]]:
        """What the stacks put out, as far as it is known by now."""
        return self._given.outputs

    def run(self, plan: Plan, snapshot: Snapshot, approval: Approval) -> Outcome:
        """Do every step, phase by phase; a failure keeps later phases from starting."""
        self._given = Given(outputs_of(snapshot), snapshot.zones, approval)
        for phase in plan.phases:
            if not all(end.succeeded for end in self._ended.values()):
                self._skip(phase, "an earlier phase did not succeed")
            elif self._must_stop:
                self._skip(phase, "the run stopped before it", self._code_of_stopping)
            else:
                self._pending = {step.stack.name: step for step in phase.steps}
                self._work()
        return Outcome(tuple(self._ended.values()), self._interrupted())

    def adopt(self, rollout: Rollout, snapshot: Snapshot) -> Outcome:
        """Wait until none of the rollout's stacks is moving, ours or not."""
        for stack in rollout.stacks:
            deployed = snapshot.stacks.get(stack.name)
            if deployed and deployed.status.is_moving:
                self._watch(self._found(stack, deployed))
        self._work()
        return Outcome(tuple(self._ended.values()), self._interrupted())

    def _found(self, stack: Stack, deployed: Deployed) -> Operation:
        """Return the operation that was found at work on a stack."""
        token = self._token_of(stack, deployed)
        if not self._means.ledger.is_ours(token):
            self._notify(
                Diagnosed(
                    "warning",
                    f"{stack.name}: is {deployed.status}, and this folder did not start it; "
                    "waiting for it to end",
                )
            )
        action = deployed.status.partition("_")[0].lower()
        return Operation(
            stack, deployed.stack_id, token, action, self._clock.now(), (token,), adopted=True
        )

    def _token_of(self, stack: Stack, deployed: Deployed) -> str:
        """Return the token of what a stack is doing; empty, for any, where it can't be read."""
        try:
            history = self._means.cloud.events(deployed.stack_id, stack.target, "")
        except TapcfnError as error:
            self._look_again(stack.name, error)
            return ""
        return history[-1].token if history else ""

    # -- the loop: one thread, no waiting but in `_rest` --------------------------------------

    @property
    def _must_stop(self) -> bool:
        return self._interrupted() or self._deadline.passed

    @property
    def _code_of_stopping(self) -> int:
        """What a stack asks for that we stopped at: an interrupted run has a code of its own."""
        return 0 if self._interrupted() else StillRunningError.exit_code

    def _work(self) -> None:
        """Start, watch and finish until everything has ended or we must stop."""
        while self._pending or self._moving or self._flying:
            if self._must_stop:
                self._detach()
                return
            self._start_ready()
            self._sweep()
            self._rest()
            self._collect()

    def _start_ready(self) -> None:
        for name, step in list(self._pending.items()):
            if not step.needs <= self._ended.keys():
                continue
            del self._pending[name]
            failed = sorted(need for need in step.needs if not self._ended[need].succeeded)
            if failed:
                self._end(step.stack, Ending.SKIPPED, f"{', '.join(failed)} did not succeed")
            elif step.verb is Verb.NONE:
                self._end(step.stack, Ending.UNCHANGED)
            else:
                self._fly("start", step.stack, partial(start, step, self._means, self._given))

    def _sweep(self) -> None:
        """Ask once for each target that has something moving, at the pace of its youngest."""
        now = self._clock.now()
        for target in sorted({each.operation.stack.target for each in self._moving.values()}):
            if target not in self._sweeping and now >= self._due(target):
                self._sweeping.add(target)
                self._fly("sweep", target, partial(self._means.cloud.moving, target))

    def _due(self, target: Target) -> float:
        """Return when to ask about a target again: its youngest operation sets the pace."""
        swept = self._swept.get(target, self._began)
        started = [
            each.operation.started
            for each in self._moving.values()
            if each.operation.stack.target == target
        ]
        last = [max(swept, each) for each in started]
        return min(
            each + self._pace.pause(each - since) for each, since in zip(last, started, strict=True)
        )

    def _rest(self) -> None:
        """Let time pass until an answer comes or the next look is due."""
        waiting = {each.operation.stack.target for each in self._moving.values()} - self._sweeping
        due = min((self._due(target) for target in waiting), default=None)
        pause = self._pace.cap if due is None else max(due - self._clock.now(), 0.0)
        if self._flying:
            wait(self._flying, timeout=pause, return_when=FIRST_COMPLETED)
        elif self._moving:
            self._clock.sleep(pause)
        if self._clock.now() - self._quiet_since >= HEARTBEAT_EVERY:
            self._quiet_since = self._clock.now()
            elapsed = self._clock.now() - self._began
            self._notify(Waiting(tuple(sorted(self._moving)), elapsed))

    def _collect(self) -> None:
        """Take every answer that has come."""
        for future in [each for each in self._flying if each.done()]:
            kind, subject = self._flying.pop(future)
            error = future.exception()
            if isinstance(subject, Target):
                self._take_sweep(subject, error, None if error else future.result())
            elif kind == "start":
                self._take_start(subject, error, None if error else future.result())
            else:
                self._take_look(subject, error, None if error else future.result())

    def _take_start(
        self, stack: Stack, error: BaseException | None, answer: StackEnded | Operation | None
    ) -> None:
        if isinstance(answer, Operation):
            self._watch(answer)
        elif isinstance(answer, StackEnded):
            self._finish(answer)
        else:
            self._fail(stack, error)

    def _take_sweep(
        self,
        target: Target,
        error: BaseException | None,
        moving: Mapping[str, StackStatus] | None,
    ) -> None:
        """Look closer at whoever left the list; a sweep that failed is tried again later."""
        self._sweeping.discard(target)
        self._swept[target] = self._clock.now()
        if moving is None:
            self._look_again(str(target), error)
            return
        here = {
            name: each
            for name, each in self._moving.items()
            if each.operation.stack.target == target
        }
        for name, each in here.items():
            self._follow(name, each, moving.get(each.operation.stack_id))
        self._read_along([each for each in here.values() if not each.looking])

    def _follow(self, name: str, each: Moving, status: StackStatus | None) -> None:
        """Tell a new status; a stack that has left the list is looked at."""
        if status is None and not each.looking:
            self._fly_look(each)
        elif status is not None and status != each.status:
            each.status = status
            self._say(StackMoved(name, each.operation.stack.target, status))

    def _read_along(self, moving: list[Moving]) -> None:
        """Read the history of one stack that still moves: calls do not grow with the stacks."""
        if moving:
            longest = min(moving, key=lambda each: each.looked)
            if self._clock.now() - longest.looked >= HISTORY_EVERY:
                self._fly_look(longest)

    def _fly_look(self, each: Moving) -> None:
        each.looking, each.looked = True, self._clock.now()
        self._fly("look", each.operation.stack, partial(look, each.operation, self._means))

    def _take_look(self, stack: Stack, error: BaseException | None, seen: Look | None) -> None:
        each = self._moving[stack.name]
        each.looking = False
        if seen is None:
            self._look_again(stack.name, error)
            return
        for event in seen.events:
            if event.event_id not in each.told:
                each.told.add(event.event_id)
                source = stack.template.source.get(event.logical_id)
                self._say(ResourceMoved(stack.name, stack.target, event, source))
        if seen.settled is not None:
            del self._moving[stack.name]
            self._settle(each.operation, seen.settled, seen.cause)

    def _look_again(self, what: str, error: BaseException | None) -> None:
        """Say that a read failed; anything but an error of ours is a fault of the program."""
        if not isinstance(error, TapcfnError):
            raise error or RuntimeError(f"{what}: no answer")
        self._notify(Diagnosed("warning", f"{what}: {error}; looking again"))

    def _settle(self, operation: Operation, deployed: Deployed, cause: str) -> None:
        """Judge an operation that is over."""
        self._given.outputs[operation.stack.name] = deployed.outputs
        succeeded = operation.succeeded_with(deployed.status)
        self._end(
            operation.stack,
            Ending.DONE if succeeded else Ending.FAILED,
            cause,
            status=deployed.status,
            started=operation.started,
            exit_code=int(not succeeded),
        )

    def _detach(self) -> None:
        """Stop watching: take the answers that are on their way, then name what goes on."""
        limit = Deadline.after(self._clock, LAST_BREATH)
        while self._flying and not limit.passed:
            done, _ = wait(self._flying, timeout=0.2, return_when=FIRST_COMPLETED)
            if not done:
                self._clock.sleep(0.2)
            self._collect()
        code = self._code_of_stopping
        for each in list(self._moving.values()):
            self._end(
                each.operation.stack, Ending.RUNNING, "CloudFormation goes on", exit_code=code
            )
        for _, subject in self._flying.values():
            if isinstance(subject, Stack) and subject.name not in self._ended:
                self._end(subject, Ending.RUNNING, "no answer came back yet", exit_code=code)
        for step in self._pending.values():
            self._end(step.stack, Ending.SKIPPED, "the run stopped before it", exit_code=code)
        self._pending, self._moving, self._flying = {}, {}, {}

    def _skip(self, phase: PlannedPhase, cause: str, exit_code: int = 0) -> None:
        for step in phase.steps:
            self._end(step.stack, Ending.SKIPPED, cause, exit_code=exit_code)

    def _watch(self, operation: Operation) -> None:
        self._moving[operation.stack.name] = Moving(operation, looked=self._clock.now())
        self._say(
            OperationStarted(
                operation.stack.name,
                operation.stack.target,
                operation.action,
                operation.token,
                operation.adopted,
            )
        )

    def _fail(self, stack: Stack, error: BaseException | None) -> None:
        """End a stack with an error of ours; anything else is a fault of the program."""
        if not isinstance(error, TapcfnError):
            raise error or RuntimeError(f"{stack.name}: no answer")
        ending = Ending.BLOCKED if isinstance(error, BlockedError | StaleError) else Ending.FAILED
        if isinstance(error, StillRunningError):
            ending = Ending.RUNNING
        self._end(stack, ending, str(error), exit_code=error.exit_code)

    def _end(
        self,
        stack: Stack,
        ending: Ending,
        cause: str = "",
        *,
        status: str = "",
        started: float | None = None,
        exit_code: int = 0,
    ) -> None:
        seconds = self._clock.now() - started if started is not None else 0.0
        self._finish(
            StackEnded(stack.name, stack.target, ending, cause, status, seconds, exit_code)
        )

    def _finish(self, ended: StackEnded) -> None:
        self._ended[ended.stack] = ended
        self._say(ended)

    def _say(self, event: StackEnded | OperationStarted | ResourceMoved | StackMoved) -> None:
        self._quiet_since = self._clock.now()
        self._notify(event)

    def _fly(self, kind: str, subject: Stack | Target, work: Callable[[], Any]) -> None:
        self._flying[self._pool.submit(work)] = (kind, subject)
