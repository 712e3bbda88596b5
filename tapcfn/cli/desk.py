"""Everything that a command needs to work on a cloud, opened and closed as one."""

from __future__ import annotations

import contextlib
import fcntl
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tapcfn import policing
from tapcfn.aws.cloud import AwsCloud
from tapcfn.cli.clock import WallClock
from tapcfn.cli.options import Session, program
from tapcfn.cli.workplace import STATE, Workplace, connect
from tapcfn.errors import BlockedError, CloudError, StaleError, StillRunningError
from tapcfn.events import Diagnosed, Event, Outcome, OutputsKnown, RunStarted
from tapcfn.execute import Execution
from tapcfn.ledger import FileLedger
from tapcfn.model import Orphan, Rollout, Snapshot
from tapcfn.operations import Approval, Means, Operation
from tapcfn.orphans import elsewhere
from tapcfn.plan import Plan, digest
from tapcfn.preflight import check_regions, explain
from tapcfn.preview import take_snapshot
from tapcfn.runs import begun_by, read
from tapcfn.secret import masked, secrets_of
from tapcfn.waits import AT_HAND, Pace, Patience

# Calls at once. The service's own limits are per account and Region; this bounds our threads.
WORKERS = 16


# Commands that stage change sets or start operations: one at a time in a folder.
_WRITERS = frozenset({"apply", "destroy", "drift", "import", "plan", "recover"})


@dataclass(frozen=True, slots=True)
class Desk:
    """A cloud, a pool, a ledger and a clock for one command on one rollout."""

    session: Session
    place: Workplace
    cloud: AwsCloud
    clock: WallClock
    ledger: FileLedger
    pool: ThreadPoolExecutor
    patience: Patience

    @property
    def rollout(self) -> Rollout:
        """What is wanted."""
        return self.place.rollout

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
        return replace(found, orphans=(*found.orphans, *self._orphans_elsewhere()))

    def _orphans_elsewhere(self) -> tuple[Orphan, ...]:
        """Look where earlier runs of this folder have deployed the same blueprint and stage."""
        accounts = {target.account for target in self.rollout.targets}
        places = self.ledger.places(self.rollout.blueprint, self.rollout.stage)
        here = [each for each in places if each.account in accounts]
        found, faults = elsewhere(self.rollout, here, self.cloud, self.pool)
        for fault in faults:
            self.session.console.notify(Diagnosed("warning", f"no look for orphans: {fault}"))
        return found

    def settled_snapshot(self) -> Snapshot:
        """Return what is deployed once nothing of it moves: what runs is waited for, not joined.

        A stack policy that an earlier run left wide is put back before anything else. Raises
        `StillRunningError` at the deadline.
        """
        snapshot = self.snapshot(to_plan=True)
        if not any(each.status.is_moving for each in snapshot.stacks.values()):
            return self._guarded(snapshot)
        with self.clock.heeding_signals():
            outcome = self._execution().adopt(self.rollout, snapshot)
        self.session.outcome = outcome
        if outcome.interrupted:
            raise KeyboardInterrupt
        if outcome.exit_code == StillRunningError.exit_code:
            raise StillRunningError("an earlier operation is still running")
        self.session.outcome = None
        return self._guarded(self.snapshot(to_plan=True))

    def _guarded(self, snapshot: Snapshot) -> Snapshot:
        found, told = policing.restore(self.rollout, snapshot, self.cloud, self.ledger)
        for text in told:
            self.session.console.notify(Diagnosed("info", text))
        return found

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
        if not console.on_terminal:
            yield
            return
        from tapcfn.cli.live import Live

        with Live(plan, left, color=console.color) as console.live:
            yield
        console.live = None

    def _tell(self, event: Event) -> None:
        """Tell an event to whoever follows, and to the ledger what it keeps of it."""
        self.ledger.tell(event)
        self.session.console.notify(event)

    def _execution(self) -> Execution:
        self.patience.renew()
        return Execution(
            Means(self.cloud, self.clock, self.ledger, self.patience),
            self._tell,
            self.pool,
            pace=replace(AT_HAND if self.place.is_local else Pace(), draw=random.random),
            fail_fast=self.session.fail_fast,
        )


@contextlib.contextmanager
def open_desk(
    session: Session,
    place: Workplace,
    command: str,
    *,
    rehearsed_at: str | None = None,
    root: Path | None = None,
    writes: bool | None = None,
) -> Iterator[Desk]:
    """Connect, announce the run and hold everything open until the command is over.

    Some commands write at times only, and say so.
    """
    writes = command in _WRITERS if writes is None else writes
    clock = WallClock()
    patience = Patience(clock, session.timeout, lambda: clock.interrupted)
    cloud, session.clients = connect(place, patience, rehearsed_at)
    state = (root or Path.cwd()) / STATE
    ledger = _ledger(session, place, command, state)
    session.console.notify(RunStarted(command, digest(place.rollout), place.rollout.targets))
    alone = _alone(state) if writes else contextlib.nullcontext()
    with alone, clock.raising_on_signals(), ThreadPoolExecutor(WORKERS) as pool:
        if writes:
            ledger.begin()
        yield Desk(session, place, cloud, clock, ledger, pool, patience)


def _ledger(session: Session, place: Workplace, command: str, state: Path) -> FileLedger:
    """Return the run's ledger; raise `StaleError` where a resumed run wanted something else."""
    earlier, secrets = session.resumes, secrets_of(place.rollout)
    wanted = digest(place.rollout)
    if earlier is not None and earlier.digest != wanted:
        raise StaleError(
            f"{earlier.name}: the settings or the templates have changed since it began; to deploy "
            f"what they say now: {program()} apply {place.command}"
        )
    about = {
        "command": command,
        "blueprint": place.blueprint,
        "stage": place.stage,
        "digest": wanted,
        "words": [masked(word, secrets) for word in session.words],
        "at": session.console.now(),
        **({"resumes": earlier.name} if earlier else {}),
    }
    session.ledger = FileLedger(state / "runs", session.console.run, about, secrets)
    return session.ledger


@contextlib.contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Hold the folder's lock; raise `BlockedError` while another run holds it."""
    state.mkdir(parents=True, exist_ok=True)
    with open(state / "run.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockedError(
                "another plan, apply or destroy is at work in this folder; wait until it has ended"
            ) from error
        yield


def outputs_of(rollout: Rollout, snapshot: Snapshot) -> dict[str, str]:
    """Return the rollout's outputs that are there, by their own names and in their order."""
    return {
        name: snapshot.stacks[value.stack].outputs[value.key]
        for name, value in rollout.outputs.items()
        if value.stack in snapshot.stacks and value.key in snapshot.stacks[value.stack].outputs
    }


def show_outputs(session: Session, rollout: Rollout, snapshot: Snapshot) -> None:
    """Print the outputs as a table, or tell them as one event."""
    from tapcfn.report.text import outputs_text

    values = outputs_of(rollout, snapshot)
    session.console.notify(OutputsKnown(values))
    session.console.result(outputs_text(values))
