"""Everything that a command needs to work on a cloud, opened and closed as one."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tapcfn import policing
from tapcfn.aws.cloud import AwsCloud
from tapcfn.cli.clock import WallClock
from tapcfn.cli.console import yes_or_no
from tapcfn.cli.options import Session
from tapcfn.cli.reports import Groups, is_on_github
from tapcfn.cli.tempo import FastClock, fast, rarely
from tapcfn.cli.workplace import Workplace, local_speed
from tapcfn.errors import CloudError, StillRunningError
from tapcfn.events import (
    Diagnosed,
    Event,
    Notify,
    Outcome,
)
from tapcfn.execute import Execution
from tapcfn.holding import Read, bake, own_time
from tapcfn.journey import number_of
from tapcfn.lanes import Beside
from tapcfn.ledger import FileLedger
from tapcfn.model import Gate, Orphan, Rollout, Snapshot, StackSet
from tapcfn.moved_values import with_moved_values
from tapcfn.operations import Approval, Means, Operation
from tapcfn.orphans import left_behind, merged, without_instances
from tapcfn.plan import Plan
from tapcfn.ports import Clock
from tapcfn.preflight import check_regions, explain
from tapcfn.preview import take_snapshot
from tapcfn.probing import Looks
from tapcfn.runs import begun_by, read
from tapcfn.secret import secrets_of
from tapcfn.stack_sets.finding import find, moving_operations
from tapcfn.stack_sets.keeping import FileKeeper
from tapcfn.stack_sets.means import SetMeans
from tapcfn.stack_sets.ports import SetCloud
from tapcfn.stack_sets.running import follow
from tapcfn.standing import Heading, position
from tapcfn.variants import at, everything
from tapcfn.waits import AT_HAND, Pace, Patience


@dataclass(frozen=True, slots=True)
class Desk:
    """A cloud, a pool, a ledger and a clock for one command on one rollout.

    `root` is the folder that the ledger, and the local cloud if there is one, belong to.
    """

    session: Session
    place: Workplace
    cloud: AwsCloud
    clock: WallClock
    ledger: FileLedger
    pool: ThreadPoolExecutor
    lanes: ThreadPoolExecutor
    patience: Patience
    root: Path
    rehearsed: bool = False

    @property
    def rollout(self) -> Rollout:
        """What is wanted at any time: with every stack that a move brings, or takes away."""
        return everything(self.place.rollout)

    @property
    def passed(self) -> frozenset[str]:
        """The moves whose gates were seen to hold, as far as this folder knows."""
        return self._marked(self.ledger.passed(self.place.blueprint, self.place.stage))

    @property
    def half_way(self) -> frozenset[str]:
        """The moves that were begun, or begun to be taken back, as far as this folder knows."""
        return self._marked(self.ledger.begun(self.place.blueprint, self.place.stage))

    def _marked(self, marks: Container[str]) -> frozenset[str]:
        return frozenset(each.name for each in self.place.rollout.moves if each.mark in marks)

    def position(self, snapshot: Snapshot, said: str = "", heading: Heading = Heading.STAY) -> int:
        """Return after how many moves the rollout stands; `said` is somebody's word for it.

        Whoever is going somewhere may also stand in the middle of a move.
        """
        rollout = self.place.rollout
        if said:
            return number_of(rollout, said)
        return position(rollout, snapshot, self.passed, heading=heading)

    def wanted(
        self, snapshot: Snapshot, said: str = "", heading: Heading = Heading.STAY
    ) -> Rollout:
        """Return what is wanted where the rollout stands now."""
        return at(self.place.rollout, self.position(snapshot, said, heading))

    @property
    def sets(self) -> SetCloud:
        """The stack sets of the cloud."""
        return self.cloud.sets

    @property
    def looks(self) -> Looks:
        """How gates are read here; a person is asked only where one can answer."""
        return Looks(
            self.cloud.gates,
            self.place.is_local,
            yes_or_no if self.session.may_ask else None,
            lambda: self.patience.interrupted,
            secrets_of(self.rollout),
            self.rehearsed,
            frozenset(self.session.approved),
        )

    @property
    def begun(self) -> frozenset[str]:
        """The stacks that the run that is resumed has sent operations to."""
        earlier = self.session.resumes
        return begun_by(read(self.ledger.path.parent), earlier) if earlier else frozenset()

    def snapshot(self, *, to_plan: bool = False) -> Snapshot:
        """Return what is deployed now, moving or not; with templates and zones `to_plan`.

        Raises `UsageError` for a Region that there is not, and `BlockedError` for one that is not
        enabled or an account that the credentials do not speak for.
        """
        check_regions(self.rollout, self.cloud)
        try:
            found = take_snapshot(self.rollout, self.cloud, self.pool, to_plan=to_plan)
        except CloudError as error:
            if error.lasting:
                explain(self.rollout, self.cloud, self.pool)
            raise
        sets = {
            each.name: find(each, self.sets, self.cloud, self.pool, to_plan=to_plan, warn=self.warn)
            for each in self.rollout.stack_sets
        }
        strays = merged(found.orphans, self._left_behind())
        return replace(found, orphans=without_instances(strays, sets.values()), sets=sets)

    def _left_behind(self) -> tuple[Orphan, ...]:
        """Look where earlier runs of this folder have deployed the same; tell where that fails.

        Accounts that are no longer the rollout's were so only for the same settings file: another
        one may mean another account.
        """
        name, stage, source = self.rollout.blueprint, self.rollout.stage, self.place.source
        accounts = {target.account for target in self.rollout.targets}
        places = {each for each in self.ledger.places(name, stage) if each.account in accounts}
        places |= self.ledger.places(name, stage, source)
        made = self.ledger.made(source, stage)
        found, blind = left_behind(self.rollout, places, made, self.cloud, self.pool)
        for target, finding in blind.items():
            self.session.console.tell(finding, target)
        return found

    def settled_snapshot(self, *, to_go: bool = False) -> Snapshot:
        """Return what is deployed once nothing of it moves: what runs is waited for, not joined.

        Unless all of it is `to_go`, it is asked what stack sets' templates point at. (X-38)

        A stack policy that an earlier run left wide is put back before anything else. Raises
        `StillRunningError` at the deadline.
        """
        self.settle_sets(self.rollout.stack_sets)
        snapshot = self.snapshot(to_plan=True)
        if not any(each.status.is_moving for each in snapshot.stacks.values()):
            return self._guarded(snapshot, to_go=to_go)
        with self.clock.heeding_signals():
            outcome = self._execution().adopt(self.rollout, snapshot)
        self.session.outcome = outcome
        if outcome.interrupted:
            raise KeyboardInterrupt
        if outcome.exit_code == StillRunningError.exit_code:
            raise StillRunningError("an earlier operation is still running")
        self.session.outcome = None
        return self._guarded(self.snapshot(to_plan=True), to_go=to_go)

    def settle_sets(self, stack_sets: Iterable[StackSet]) -> None:
        """Wait until no operation is at work on these stack sets, ours or not."""
        means = self.set_means(self.tell)
        for stack_set in stack_sets:
            for operation in moving_operations(stack_set, self.sets):
                with self.clock.heeding_signals():
                    follow(stack_set, operation, means)
                if self.patience.interrupted:
                    raise KeyboardInterrupt

    @property
    def keeper(self) -> FileKeeper:
        """Where this folder keeps what its stack sets were."""
        return FileKeeper(self.ledger.path.parent.parent / "sets")

    def set_means(self, notify: Notify) -> SetMeans:
        """Return what the work on a stack set is done with."""
        return SetMeans(
            self.sets,
            self.cloud,
            self.clock,
            self.ledger,
            self.patience,
            notify,
            bake=lambda unit, gates, seconds: self.bake(unit, gates, seconds, notify),
            keeper=self.keeper,
            pace=replace(AT_HAND if self.place.is_local else Pace(cap=5.0), draw=random.random),
            busy=0.5 if self.place.is_local else 5.0,
        )

    def bake(
        self, unit: str, gates: Sequence[Gate], seconds: float, notify: Notify | None = None
    ) -> str:
        """Let a unit or a move bake, hold its gates, and return why one failed, or nothing.

        They wait for minutes of AWS; on the local cloud those pass at its speed. What the bake and
        the gates may take themselves is no part of the time that a run may take.
        """
        clock: Clock = self.clock
        read: Read = self.looks.read
        notify = notify or self.tell
        if self.place.is_local:
            speed = local_speed(self.root)
            clock, read = FastClock(clock, speed), fast(read, speed)
            notify = rarely(notify, self.clock)
        limit = self.session.timeout + own_time(gates, seconds)
        patience = Patience(clock, limit, lambda: self.clock.interrupted)
        return bake(gates, seconds, read, patience=patience, notify=notify, unit=unit)

    def _guarded(self, snapshot: Snapshot, *, to_go: bool) -> Snapshot:
        found, told = policing.restore(self.rollout, snapshot, self.cloud, self.ledger)
        for text in told:
            self.session.console.notify(Diagnosed("info", text))
        return found if to_go else self._with_moved_values(found)

    def _with_moved_values(self, snapshot: Snapshot) -> Snapshot:
        return with_moved_values(
            snapshot,
            self.rollout.stack_sets,
            self.cloud,
            self.ledger,
            self.pool,
            sample=self.session.sample,
            warn=self.warn,
        )

    def follow(self, operation: Operation) -> Outcome:
        """Watch one operation until it ends."""
        with self.clock.heeding_signals():
            return self._execution().follow((operation,))

    def carry_out(self, plan: Plan, snapshot: Snapshot, approval: Approval) -> Outcome:
        """Do the plan, showing it live where a person watches."""
        execution = self._execution()
        with self.clock.heeding_signals(), self._shown_live(plan, execution.time_left):
            return execution.run(plan, snapshot, approval)

    @contextlib.contextmanager
    def _shown_live(self, plan: Plan, left: Callable[[], float | None]) -> Iterator[None]:
        console = self.session.console
        if is_on_github():
            with self._grouped(plan):
                yield
            return
        if not console.on_terminal:
            yield
            return
        from tapcfn.cli.live import Live

        with Live(plan, left, color=console.color) as console.live:
            yield
        console.live = None

    @contextlib.contextmanager
    def _grouped(self, plan: Plan) -> Iterator[None]:
        """Fold what is told of each phase away in the log of a CI job."""
        phases = {
            name: phase.name
            for phase in plan.phases
            for name in (
                *(step.stack.name for step in phase.steps),
                *(each.name for each in phase.sets),
            )
        }
        groups = Groups(phases, self.session.console.aside)
        with self.session.console.heard_by(groups):
            yield
        groups.close()

    def warn(self, text: str) -> None:
        """Tell of something that is not as it should be, and stops nothing."""
        self.session.console.notify(Diagnosed("warning", text))

    def tell(self, event: Event) -> None:
        """Tell an event to whoever follows, and to the ledger what it keeps of it."""
        self.ledger.tell(event)
        self.session.console.notify(event)

    def _execution(self) -> Execution:
        self.patience.renew()
        return Execution(
            Means(self.cloud, self.clock, self.ledger, self.patience),
            self.tell,
            self.pool,
            pace=replace(AT_HAND if self.place.is_local else Pace(), draw=random.random),
            fail_fast=self.session.fail_fast,
            cancels=self.session.cancel_on_interrupt,
            beside=Beside(self.lanes, self.set_means),
        )
