"""Carry out a plan: start each stack as soon as all that it needs has ended, and watch them all.

One thread decides; a pool makes the calls. Nothing is raised half way: the outcome lists how every
stack ended, what failed first and what was never tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from functools import partial
from typing import Any

from tapcfn.cancelling import Cancelling
from tapcfn.clearing import emptied_first
from tapcfn.endings import Endings
from tapcfn.errors import BlockedError, StillRunningError, TapcfnError
from tapcfn.events import (
    Notify,
    Outcome,
    StackEnded,
    Waiting,
)
from tapcfn.expected import ACTIONS, time_left
from tapcfn.flights import Flights, Landed
from tapcfn.lanes import Beside, Lanes
from tapcfn.model import (
    Deployed,
    Ending,
    Rollout,
    Snapshot,
    Stack,
    StackSet,
    Target,
)
from tapcfn.operations import Approval, Given, Look, Means, Operation, start
from tapcfn.plan import Plan, PlannedPhase, Step, Verb, outputs_of
from tapcfn.ports import Unit
from tapcfn.set_turns import reviewed_first
from tapcfn.stack_sets.running import run as spread
from tapcfn.stack_sets.steps import SetStep, known_now
from tapcfn.trouble import Trouble
from tapcfn.waits import Deadline, Pace, Patience
from tapcfn.watching import Ends, Watching

# Seconds between two signs of life where nothing moves.
HEARTBEAT_EVERY = 30.0

# Starts that are on their way together, so that of sixteen threads some are left to look.
STARTS_AT_ONCE = 12

# How long the stack sets are left alone with what they have to tell.
LISTEN_EVERY = 0.25

# How long an interrupted run waits for calls that are on their way.
LAST_BREATH = 8.0


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
        fail_fast: bool = False,
        cancels: bool = False,
        beside: Beside | None = None,
    ) -> None:
        self._clock = clock = means.clock
        self._patience = means.patience or Patience(clock, timeout, interrupted)
        self._lanes = Lanes(beside.pool if beside else pool)
        self._pool = pool
        self._means = replace(means, patience=self._patience, tell=self._lanes.tell)
        self._notify = notify
        self._pace = pace or Pace()
        self._fail_fast = fail_fast
        self._flights = Flights(pool)
        self._trouble = Trouble(clock, notify)
        self._ends = endings = Endings(clock, notify)
        ends = Ends(self._settle, endings.fail, endings.lose)
        self._watching = Watching(
            self._means, self._flights, self._pace, self._trouble, endings.say, ends
        )
        self._cancelling = Cancelling(self._means, self._flights, notify) if cancels else None
        self._ahead: tuple[PlannedPhase, ...] = ()
        self._given = Given()
        self._pending: dict[str, Step] = {}
        self._waiting: dict[str, SetStep] = {}
        self._sets: dict[str, StackSet] = {}
        self._beside = beside
        self._began = clock.now()

    @property
    def outputs(self) -> Mapping[str, Mapping[str, str]]:
        """What the stacks put out, as far as it is known by now."""
        return self._given.outputs

    def run(self, plan: Plan, snapshot: Snapshot, approval: Approval) -> Outcome:
        """Do every step, phase by phase; a failure keeps later phases from starting."""
        self._given = Given(outputs_of(snapshot), snapshot.zones, approval)
        for number, phase in enumerate(plan.phases):
            self._ahead = plan.phases[number:]
            self._sets = {step.name: step.stack_set for step in phase.sets}
            if not self._ends.all_succeeded:
                self._skip(phase, "an earlier phase did not succeed")
            elif self._must_stop:
                self._skip(phase, "the run stopped before it", self._code_of_stopping)
            else:
                self._pending = {step.stack.name: step for step in phase.steps}
                self._waiting = {step.name: step for step in phase.sets}
                work = (step for step in phase.steps if step.verb in ACTIONS)
                self._watching.crowd = Counter(step.stack.target for step in work)
                self._work()
        return self._ends.outcome(interrupted=self._patience.interrupted)

    def time_left(self) -> float | None:
        """Return the seconds that the run may still take, if all of it was done before."""
        if not self._ahead:
            return None
        return time_left(self._ahead, self._ends.by_name, self._watching.elapsed, self._usual_of)

    def adopt(self, rollout: Rollout, snapshot: Snapshot) -> Outcome:
        """Wait until none of the rollout's stacks is moving, ours or not."""
        for stack in rollout.stacks:
            deployed = snapshot.stacks.get(stack.name)
            if deployed and deployed.status.is_moving:
                self._watching.adopt(stack, deployed)
        self._work()
        return self._ends.outcome(interrupted=self._patience.interrupted)

    def follow(self, operations: Iterable[Operation]) -> Outcome:
        """Watch operations that have been started until they end."""
        for each in operations:
            self._watching.watch(each)
        self._work()
        return self._ends.outcome(interrupted=self._patience.interrupted)

    # -- the loop: one thread, no waiting but in `_rest` --------------------------------------

    @property
    def _in_the_air(self) -> tuple[Future[Any], ...]:
        return (*self._flights.futures, *self._lanes.futures)

    @property
    def _is_busy(self) -> bool:
        return bool(self._pending or self._waiting or self._watching.moving or self._in_the_air)

    @property
    def _must_stop(self) -> bool:
        return self._patience.is_over

    @property
    def _code_of_stopping(self) -> int:
        """What a stack asks for that we stopped at: an interrupted run has a code of its own."""
        return 0 if self._patience.interrupted else StillRunningError.exit_code

    def _work(self) -> None:
        """Start, watch and finish until everything has ended or we must stop."""
        while self._is_busy:
            if self._must_stop:
                self._detach()
                return
            self._start_ready()
            self._start_sets()
            self._watching.sweep()
            self._rest()
            self._collect()

    def _start_ready(self) -> None:
        if self._fail_fast and (first := self._ends.first_failed):
            for unit in self._not_begun():
                self._ends.end(unit, Ending.SKIPPED, f"{first} did not succeed (--fail-fast)")
            self._pending, self._waiting = {}, {}
        ready = [step for step in self._pending.values() if step.needs <= self._ends.by_name.keys()]
        starting = self._flights.count("start")
        for step in ready:
            if starting >= STARTS_AT_ONCE:
                return
            del self._pending[step.stack.name]
            starting += self._begin(step)

    def _begin(self, step: Step) -> bool:
        """End a step that has nothing to start, or start it; whether it was started."""
        if failed := self._ends.failed_of(step.needs):
            self._ends.end(step.stack, Ending.SKIPPED, f"{', '.join(failed)} did not succeed")
        elif step.verb is Verb.NONE:
            self._ends.end(step.stack, Ending.UNCHANGED)
        elif fault := self._means.ledger.fault:
            self._ends.end(step.stack, Ending.SKIPPED, fault, exit_code=TapcfnError.exit_code)
        else:
            self._flights.send("start", step.stack, partial(start, step, self._means, self._given))
            return True
        return False

    def _start_sets(self) -> None:
        """Start each stack set whose inputs are there: what it needs in this phase has ended."""
        here = (
            self._pending.keys()
            | self._watching.moving.keys()
            | {stack.name for stack in self._flights.stacks()}
            | self._waiting.keys()
            | set(self._lanes.names)
        )
        for step in [each for each in self._waiting.values() if not each.comes_after & here]:
            del self._waiting[step.name]
            self._begin_set(step)

    def _begin_set(self, step: SetStep) -> None:
        was_deferred = step.spread is None
        if failed := self._ends.failed_of(step.comes_after):
            self._ends.end(step.stack_set, Ending.SKIPPED, f"{', '.join(failed)} did not succeed")
            return
        step = known_now(step, self._given.outputs)
        if step.spread is None or self._beside is None:
            missing = ", ".join(str(each) for each in step.unknown)
            self._ends.fail(step.stack_set, BlockedError(f"{step.name}: {missing} is not there"))
        elif fault := self._means.ledger.fault:
            self._ends.end(step.stack_set, Ending.SKIPPED, fault, exit_code=TapcfnError.exit_code)
        else:
            means = self._beside.means(self._lanes.tell)
            work = partial(spread, step.spread, means)
            if was_deferred:
                agreed = (self._means, self._given.approval.allowed, self._pool)
                sample = self._given.approval.sample
                work = partial(reviewed_first, step.spread, *agreed, work, sample)
            if clearing := self._given.approval.clearing.get(step.name):
                first = (step.stack_set, clearing, self._means.cloud, self._lanes.tell)
                work = partial(emptied_first, *first, work)
            self._lanes.begin(step.name, work)

    def _rest(self) -> None:
        """Let time pass until an answer comes or the next look is due."""
        due = min(self._watching.dues().values(), default=None)
        pause = self._pace.cap if due is None else max(due - self._clock.now(), 0.0)
        pause = min(pause, self._patience.left)
        if self._lanes.futures:
            pause = min(pause, LISTEN_EVERY)
        if flying := self._in_the_air:
            wait(flying, timeout=pause, return_when=FIRST_COMPLETED)
        elif self._watching.moving:
            self._clock.sleep(pause)
        if self._clock.now() - self._ends.quiet_since >= HEARTBEAT_EVERY:
            self._ends.quiet_since = self._clock.now()
            elapsed = self._clock.now() - self._began
            waiting_on = tuple(sorted((*self._watching.moving, *self._lanes.names)))
            self._notify(Waiting(waiting_on, elapsed, self.time_left()))

    def _collect(self) -> None:
        """Take every answer that has come."""
        self._listen()
        for each in self._flights.landed():
            self._take(each)

    def _take(self, landed: Landed) -> None:
        kind, subject, error, answer = landed
        if isinstance(subject, Target):
            self._watching.take_sweep(subject, error, answer)
        elif kind == "cancel" and self._cancelling:
            self._cancelling.take(subject, error)
        elif kind == "start":
            self._take_start(subject, error, answer)
        else:
            self._watching.take_look(subject, error, answer)

    def _listen(self) -> None:
        """Pass on what the stack sets tell, and take those that have ended."""
        ended = self._lanes.ended()
        for event in self._lanes.told():
            self._ends.say(event)
        for each in ended:
            self._ends.finish(each)

    def _take_start(
        self, stack: Stack, error: BaseException | None, answer: StackEnded | Operation | None
    ) -> None:
        if isinstance(answer, Operation):
            self._watching.watch(answer)
        elif isinstance(answer, StackEnded):
            self._ends.finish(answer)
        else:
            self._ends.fail(stack, error)

    def _settle(self, operation: Operation, deployed: Deployed, seen: Look) -> None:
        """Judge an operation that is over, and pass on what its stack puts out."""
        self._given.outputs[operation.stack.name] = deployed.outputs
        self._ends.settle(operation, deployed, seen)

    def _detach(self) -> None:
        """Stop watching: take the answers that are on their way, then name what goes on.

        Updates that are cancelled are watched until then as well.
        """
        limit = Deadline.after(self._clock, LAST_BREATH)
        self._cancel_updates()
        while (self._in_the_air or self._rolling_back) and not limit.passed:
            if self._rolling_back:
                self._watching.sweep()
            done, _ = wait(self._in_the_air, timeout=0.2, return_when=FIRST_COMPLETED)
            if not done:
                self._clock.sleep(0.2)
            self._collect()
            self._cancel_updates()
        self._leave()
        self._pending, self._watching.moving, self._waiting = {}, {}, {}
        self._flights.forget()

    @property
    def _rolling_back(self) -> frozenset[str]:
        """The stacks whose updates were cancelled and are still under way."""
        return (
            self._cancelling.under_way(self._watching.moving) if self._cancelling else frozenset()
        )

    def _cancel_updates(self) -> None:
        if self._cancelling and self._patience.interrupted:
            self._cancelling.cancel(each.operation for each in self._watching.moving.values())

    def _leave(self) -> None:
        """Name what goes on, and what was never begun."""
        code = self._code_of_stopping
        goes_on: list[Unit] = [each.operation.stack for each in self._watching.moving.values()]
        goes_on += [self._sets[name] for name in self._lanes.names]
        for unit in goes_on:
            goes_back = unit.name in self._rolling_back
            cause = "CloudFormation rolls it back" if goes_back else "CloudFormation goes on"
            self._ends.end(unit, Ending.RUNNING, cause, exit_code=code)
        for stack in self._flights.stacks():
            if stack.name not in self._ends.by_name:
                self._ends.end(stack, Ending.RUNNING, "no answer came back yet", exit_code=code)
        for unit in self._not_begun():
            self._ends.end(unit, Ending.SKIPPED, "the run stopped before it", exit_code=code)

    def _not_begun(self) -> list[Unit]:
        """Return what waits for its turn in this phase."""
        stacks: list[Unit] = [step.stack for step in self._pending.values()]
        return [*stacks, *(step.stack_set for step in self._waiting.values())]

    def _skip(self, phase: PlannedPhase, cause: str, exit_code: int = 0) -> None:
        units: list[Unit] = [step.stack for step in phase.steps]
        for unit in [*units, *(step.stack_set for step in phase.sets)]:
            self._ends.end(unit, Ending.SKIPPED, cause, exit_code=exit_code)

    def _usual_of(self, step: Step) -> float | None:
        return self._means.ledger.usually(ACTIONS[step.verb], step.stack)
