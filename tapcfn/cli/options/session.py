"""The session that carries what the options of one command say."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapcfn.cli.console import Console
from tapcfn.cli.options.words import program
from tapcfn.cli.reports import Reports

if TYPE_CHECKING:
    from tapcfn.aws.session import Clients
    from tapcfn.cli.notifying import Teller
    from tapcfn.cli.recording import Recording
    from tapcfn.events import Outcome
    from tapcfn.ledger import FileLedger
    from tapcfn.runs import Run


@dataclass(slots=True)
class Session:
    """One command: its voice, its options, and what its last line will sum up."""

    package: str
    console: Console
    debug: bool = False
    no_input: bool = False
    timeout: float = 3600.0
    fail_fast: bool = False
    sample: int | None = None
    cancel_on_interrupt: bool = False
    outcome: Outcome | None = None
    resume: str | None = None
    ways: tuple[tuple[str, str], ...] = ()
    clients: Clients | None = None
    words: tuple[str, ...] = ()
    ledger: FileLedger | None = None
    resumes: Run | None = None
    reports: Reports = field(default_factory=Reports)
    link: str = ""
    teller: Teller | None = None
    recording: Recording | None = None
    approved: tuple[str, ...] = ()

    def record(self, folder: Path) -> None:
        """Keep what is told from now on, as lines in a file of the run's own."""
        from tapcfn.cli.recording import Recording
        from tapcfn.events import Diagnosed

        def warn(text: str) -> None:
            self.console.notify(Diagnosed("warning", text))

        if self.recording is None:
            self.recording = Recording(folder, self.console.run, warn)
            self.console.readers = (*self.console.readers, self.recording)

    @property
    def may_ask(self) -> bool:
        """Whether a person can be asked: not in CI, and not when told not to."""
        return not self.no_input and os.environ.get("CI", "").lower() not in {"1", "true"}


def resume_line(session: Session, code: int) -> str | None:
    """Return what goes on with this run exactly, where it was stopped and not refused."""
    if code not in {7, 130} or session.ledger is None or not session.ledger.is_resumable:
        return None
    return f"{program()} resume {session.console.run}"


def again(session: Session, command: str, words: list[str]) -> int:
    """Run another command in place of this one, told as this one is told."""
    group = click.get_current_context().find_root().command
    assert isinstance(group, click.Group)
    flags = (("--debug", session.debug), ("--no-input", session.no_input))
    own = [f"--timeout={session.timeout}s", *(flag for flag, given in flags if given)]
    code = group.commands[command].main(
        [*words, *own], prog_name=f"tapcfn {command}", standalone_mode=False, obj=session
    )
    return int(code or 0)
