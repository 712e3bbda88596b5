"""Everything that a command needs to work on a cloud, opened and closed as one."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tapcfn.aws.cloud import AwsCloud
from tapcfn.cli.clock import WallClock, raising_on_signals
from tapcfn.cli.options import Session
from tapcfn.cli.workplace import STATE, Workplace, connect
from tapcfn.errors import BlockedError, StillRunningError
from tapcfn.events import Outcome, OutputsKnown, RunStarted
from tapcfn.execute import Execution
from tapcfn.ledger import FileLedger
from tapcfn.model import Rollout, Snapshot
from tapcfn.operations import Approval, Means
from tapcfn.plan import Plan, digest
from tapcfn.preview import take_snapshot
from tapcfn.waits import AT_HAND

# Calls at once. The service's own limits are per account and Region; this bounds our threads.
WORKERS = 16


# Commands that stage change sets or start operations: one at a time in a folder.
_WRITERS = frozenset({"plan", "apply", "destroy"})


@dataclass(frozen=True, slots=True)
class Desk:
    """A cloud, a pool, a ledger and a clock for one command on one rollout."""

    session: Session
    place: Workplace
    cloud: AwsCloud
    clock: WallClock
    ledger: FileLedger
    pool: ThreadPoolExecutor

    @property
    def rollout(self) -> Rollout:
        """What is wanted."""
        return self.place.rollout

    def snapshot(self, *, to_plan: bool = False) -> Snapshot:
        """Return what is deployed now, moving or not; with templates and zones `to_plan`."""
        return take_snapshot(self.rollout, self.cloud, self.pool, to_plan=to_plan)

    def settled_snapshot(self) -> Snapshot:
        """Return what is deployed once nothing of it moves: what runs is waited for, not joined.

        Raises `StillRunningError` at the deadline.
        """
        snapshot = self.snapshot(to_plan=True)
        if not any(each.status.is_moving for each in snapshot.stacks.values()):
            return snapshot
        with self.clock.heeding_signals():
            outcome = self._execution().adopt(self.rollout, snapshot)
        self.session.outcome = outcome
        if outcome.interrupted:
            raise KeyboardInterrupt
        if outcome.exit_code == StillRunningError.exit_code:
            raise StillRunningError("an earlier operation is still running")
        self.session.outcome = None
        return self.snapshot(to_plan=True)

    def carry_out(self, plan: Plan, snapshot: Snapshot, approval: Approval) -> Outcome:
        """Do the plan, showing it live where a person watches."""
        with self.clock.heeding_signals(), self._shown_live(plan):
            return self._execution().run(plan, snapshot, approval)

    @contextlib.contextmanager
    def _shown_live(self, plan: Plan) -> Iterator[None]:
        console = self.session.console
        if not console.on_terminal:
            yield
            return
        from tapcfn.cli.live import Live

        with Live(plan, color=console.color) as console.live:
            yield
        console.live = None

    def _execution(self) -> Execution:
        return Execution(
            Means(self.cloud, self.clock, self.ledger),
            self.session.console.notify,
            self.pool,
            timeout=self.session.timeout,
            interrupted=lambda: self.clock.interrupted,
            pace=AT_HAND if self.place.is_local else None,
        )


@contextlib.contextmanager
def open_desk(
    session: Session,
    place: Workplace,
    command: str,
    *,
    rehearsed_at: str | None = None,
    root: Path | None = None,
) -> Iterator[Desk]:
    """Connect, announce the run and hold everything open until the command is over."""
    clock = WallClock()
    cloud, session.clients = connect(place, clock, rehearsed_at)
    state = (root or Path.cwd()) / STATE
    about = {"command": command, "blueprint": place.blueprint, "stage": place.stage}
    ledger = FileLedger(state / "runs", session.console.run, about)
    session.console.notify(RunStarted(command, digest(place.rollout), place.rollout.targets))
    alone = _alone(state) if command in _WRITERS else contextlib.nullcontext()
    with alone, raising_on_signals(), ThreadPoolExecutor(WORKERS) as pool:
        yield Desk(session, place, cloud, clock, ledger, pool)


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
