"""Open the desk for one command: connect, note the run, tell that it begins, and be alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tapcfn.aws.session import Clients
from tapcfn.cli import names
from tapcfn.cli.clock import WallClock
from tapcfn.cli.desk import Desk
from tapcfn.cli.options import Session, program
from tapcfn.cli.workplace import STATE, Workplace, clients_of, connect
from tapcfn.errors import BlockedError, StaleError
from tapcfn.events import (
    RunStarted,
)
from tapcfn.ledger import FileLedger
from tapcfn.plan import digest
from tapcfn.secret import masked, secrets_of
from tapcfn.waits import Patience

# Calls at once. The service's own limits are per account and Region; this bounds our threads.
WORKERS = 16

# Stack sets at once: each keeps a thread while it runs, and mostly sleeps.
LANES = 32


# Commands that stage change sets or start operations: one at a time in a folder.
_WRITERS = frozenset({"act", "apply", "bootstrap", "destroy", "drift", "import", "plan", "recover"})


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
    session.console.secrets |= secrets_of(place.rollout)
    writes = command in _WRITERS if writes is None else writes
    clock = WallClock()
    patience = Patience(clock, session.timeout, lambda: clock.interrupted)
    if rehearsed_at is None:
        _tell_others(session, place, command, patience, writes=writes)
    cloud, session.clients = connect(place, patience, rehearsed_at)
    root = root or Path.cwd()
    state = root / STATE
    ledger = _ledger(session, place, command, state)
    if rehearsed_at is None and not place.called:
        names.keep(state, place)
    if writes or rehearsed_at:
        session.record(Path.cwd() / STATE / "told")
    session.console.notify(_started(session, place, command))
    alone = _alone(state, session.console.run) if writes else contextlib.nullcontext()
    with (
        alone,
        clock.raising_on_signals(),
        ThreadPoolExecutor(WORKERS) as pool,
        ThreadPoolExecutor(LANES) as lanes,
    ):
        if writes:
            ledger.begin()
        yield Desk(session, place, cloud, clock, ledger, pool, lanes, patience, root)


def _started(session: Session, place: Workplace, command: str) -> RunStarted:
    return RunStarted(
        command,
        digest(place.rollout),
        place.rollout.targets,
        blueprint=place.blueprint,
        stage=place.stage,
        backend=place.settings.backend,
        resumes=session.resumes.name if session.resumes else "",
    )


def _tell_others(
    session: Session, place: Workplace, command: str, patience: Patience, *, writes: bool
) -> None:
    """Have others told how the run goes, if its settings say so: also of what refuses it now."""
    from tapcfn.cli.notifying import Teller, tells

    if not tells(place, command, writes=writes):
        return

    def clients() -> Clients:
        return session.clients or clients_of(place.settings, patience)

    session.teller = Teller(place, command, session.console, clients, session.link)
    session.reports.listen(session.console)
    session.console.listeners = (*session.console.listeners, session.teller)


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
        **({"source": place.source} if place.source else {}),
        **({"plain": True} if place.plain else {}),
        **({"resumes": earlier.name} if earlier else {}),
    }
    session.ledger = FileLedger(state / "runs", session.console.run, about, secrets)
    return session.ledger


@contextlib.contextmanager
def _alone(state: Path, run: str) -> Iterator[None]:
    """Hold the folder's lock, with a note of who does; raise `BlockedError` while another does."""
    state.mkdir(parents=True, exist_ok=True)
    with open(state / "run.lock", "a+", encoding="utf-8") as lock:
        lock.seek(0)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            who = lock.read().strip()
            raise BlockedError(
                "another plan, apply or destroy is at work in this folder"
                f"{f': {who}' if who else ''}; wait until it has ended"
            ) from error
        lock.truncate(0)
        lock.write(f"run {run}, process {os.getpid()}")
        lock.flush()
        yield
        lock.truncate(0)
