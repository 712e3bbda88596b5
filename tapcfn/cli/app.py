"""All commands, and the one place where errors become exit codes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from tapcfn import __version__
from tapcfn.cli.acts import act
from tapcfn.cli.asking import preflight, references
from tapcfn.cli.bootstrapping import bootstrap
from tapcfn.cli.bringing import import_
from tapcfn.cli.bundles import bundle
from tapcfn.cli.completing import VARIABLE, answer_shells, completion
from tapcfn.cli.console import Console
from tapcfn.cli.destroying import destroy
from tapcfn.cli.drifting import drift
from tapcfn.cli.interrupts import Interrupts
from tapcfn.cli.local_cloud import local
from tapcfn.cli.looking import events, outputs, status
from tapcfn.cli.moves import phases, runbook
from tapcfn.cli.notify import notify
from tapcfn.cli.options import Session, program, resume_line
from tapcfn.cli.past import resume, runs
from tapcfn.cli.pipelines import pipeline
from tapcfn.cli.recovering import recover
from tapcfn.cli.rehearsal import rehearse
from tapcfn.cli.reporting import report
from tapcfn.cli.reports import is_on_github, tell_github, write_files
from tapcfn.cli.roles import role
from tapcfn.cli.rolling_back import rollback
from tapcfn.cli.rollouts import apply, plan
from tapcfn.cli.stack_sets import stackset
from tapcfn.cli.templates import check, graph, render, schema
from tapcfn.errors import CloudError, TapcfnError
from tapcfn.secret import veiled

if TYPE_CHECKING:
    from tapcfn.events import Summarised

# Exit codes and their names.
STATUSES = {
    0: "ok",
    1: "failed",
    2: "usage",
    4: "blocked",
    5: "partial",
    6: "stale",
    7: "running",
    10: "changes",
    130: "interrupted",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="tapcfn %(version)s")
def cli() -> None:
    """Render, check, preview and apply raw CloudFormation over many accounts and Regions.

    A folder of templates with a tapcfn.toml may stand wherever a command takes a BLUEPRINT.
    """


_COMMANDS = (
    *(render, check, graph, schema, bundle, plan, apply, destroy),
    *(status, outputs, events, rehearse, local),
    *(runs, report, resume, preflight, references),
    *(drift, import_, role, bootstrap),
    *(recover, rollback, stackset),
    *(phases, runbook, act, notify, completion, pipeline),
)
for _command in _COMMANDS:
    cli.add_command(_command)


def _new_name() -> str:
    """Return a run's name; names sort as the runs began, also those of one second."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03}Z-{os.urandom(3).hex()}"


def run(package: str, arguments: Sequence[str], interrupts: Interrupts | None = None) -> int:
    """Run one command and return its exit code; the last line of JSON is always the summary.

    `interrupts` holds the signals that have come before.
    """
    if VARIABLE in os.environ:
        answer_shells()
    color = not ("--no-color" in arguments or os.environ.get("NO_COLOR"))
    console = Console(_new_name(), json="--json" in arguments, color=color)
    session = Session(package, console, debug="--debug" in arguments, words=tuple(arguments))
    if is_on_github():
        session.reports.listen(console)
    code = _noted(session, _attempt(session, arguments, interrupts or Interrupts()))
    code = _reported(session, code)
    _told(session, code)
    if console.is_read:
        console.notify(_summary(session, code))
    if session.recording is not None:
        session.recording.close()
    return code


def _noted(session: Session, code: int) -> int:
    """Note the end of a run; one whose notes could not be kept has failed. (X-8)"""
    if session.ledger is None:
        return code
    session.ledger.close(code, session.console.seconds, session.console.now())
    if session.ledger.fault and code != 130:
        session.console.complain(session.ledger.fault, "ledger", "make room, then run it again")
        return 1
    return code


def _reported(session: Session, code: int) -> int:
    """Write the files that were asked for, however the run ended; without them it has failed."""
    reports, console = session.reports, session.console
    if not (reports.files or is_on_github()):
        return code
    try:
        summary = veiled(_summary(session, code), console.secrets)
        told = reports.of(summary)
        if is_on_github():
            tell_github(told, console)
        write_files(reports, told, lambda: reports.lines_to(summary, console))
    except TapcfnError as error:
        refused = _refuse(session, error)
        return code or refused
    except Exception as error:  # a fault here must not take the summary away
        _trace(session)
        fault = _fault(session, f"{type(error).__name__}: {error} (--debug shows where)", 1)
        return code or fault
    return code


def _told(session: Session, code: int) -> None:
    """Tell others how it ended; whatever becomes of that, the run has ended so."""
    from tapcfn.events import Diagnosed

    if session.teller is None:
        return
    try:
        summary = veiled(_summary(session, code), session.console.secrets)
        session.teller.end(session.reports.of(summary))
    except Exception as error:  # a fault here must not take the summary away
        _trace(session)
        text = f"others were not told: {type(error).__name__} (--debug shows where)"
        session.console.notify(Diagnosed("warning", text, "notification"))


def _summary(session: Session, code: int) -> Summarised:
    from tapcfn.events import Outcome, Summarised

    clients = session.clients
    return Summarised(
        STATUSES.get(code, "failed"),
        code,
        session.outcome or Outcome(),
        session.resume,
        clients.calls if clients else 0,
        clients.throttles if clients else 0,
        session.console.seconds,
        clients.longest_wait if clients else 0.0,
        session.ways,
    )


def _attempt(session: Session, arguments: Sequence[str], interrupts: Interrupts) -> int:
    """Run the command; tell what went wrong, if anything, in one line."""
    try:
        with interrupts.raising():
            code = cli.main(list(arguments), prog_name="tapcfn", standalone_mode=False, obj=session)
    except click.ClickException as error:
        return _usage(session, error)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _stopped(session, _fault(session, "interrupted", 130))
    except TapcfnError as error:
        _trace(session)
        return _stopped(session, _refuse(session, error))
    except Exception as error:  # the last resort: one line, not a page
        _trace(session)
        return _fault(session, f"{type(error).__name__}: {error} (--debug shows where)", 1)
    return code if isinstance(code, int) else 0


def _usage(session: Session, error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    words = context.command_path.partition(" ")[2] if context else ""
    hint = " ".join(filter(None, ("see", program(), words, "--help")))
    session.console.complain(error.format_message(), "usage", hint)
    return 2


def _refuse(session: Session, error: TapcfnError) -> int:
    """Tell an error of ours; each fault of a settings file gets a line of its own."""
    code = error.code if isinstance(error, CloudError) else type(error).__name__
    request = error.request_id if isinstance(error, CloudError) else ""
    faults = getattr(error, "faults", ())
    text = "\n  ".join([f"{getattr(error, 'where', '')}:", *faults]) if faults else str(error)
    retryable = error.passing if isinstance(error, CloudError) else None
    session.console.complain(text, code, request_id=request, retryable=retryable)
    return error.exit_code


def _fault(session: Session, message: str, code: int) -> int:
    session.console.complain(message)
    return code


def _stopped(session: Session, code: int) -> int:
    """Say how to go on with a run that was stopped half way."""
    if session.resume is None and (line := resume_line(session, code)):
        session.resume = line
        session.console.say(f"To go on: {line}")
    return code


def _trace(session: Session) -> None:
    if session.debug:
        import traceback

        session.console.say(traceback.format_exc())
