"""All commands, and the one place where errors become exit codes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from tapcfn import __version__
from tapcfn.cli.bundles import bundle
from tapcfn.cli.console import Console
from tapcfn.cli.local_cloud import local
from tapcfn.cli.looking import events, outputs, status
from tapcfn.cli.options import Session
from tapcfn.cli.rehearsal import rehearse
from tapcfn.cli.rollouts import apply, destroy, plan
from tapcfn.cli.templates import check, graph, render, schema
from tapcfn.errors import CloudError, TapcfnError

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
    """Render, check, preview and apply raw CloudFormation over many accounts and Regions."""


_COMMANDS = (
    *(render, check, graph, schema, bundle, plan, apply, destroy),
    *(status, outputs, events, rehearse, local),
)
for _command in _COMMANDS:
    cli.add_command(_command)


def run(package: str, arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; the last line of JSON is always the summary."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    color = not ("--no-color" in arguments or os.environ.get("NO_COLOR"))
    console = Console(f"{moment}-{os.urandom(3).hex()}", json="--json" in arguments, color=color)
    session = Session(package, console, debug="--debug" in arguments)
    code = _attempt(session, arguments)
    if console.json:
        _sum_up(session, code)
    return code


def _sum_up(session: Session, code: int) -> None:
    from tapcfn.events import Outcome, Summarised

    clients = session.clients
    session.console.notify(
        Summarised(
            STATUSES.get(code, "failed"),
            code,
            session.outcome or Outcome(),
            session.resume,
            clients.calls if clients else 0,
            clients.throttles if clients else 0,
            session.console.seconds,
        )
    )


def _attempt(session: Session, arguments: Sequence[str]) -> int:
    """Run the command; tell what went wrong, if anything, in one line."""
    try:
        code = cli.main(list(arguments), prog_name="tapcfn", standalone_mode=False, obj=session)
    except click.ClickException as error:
        return _usage(session, error)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _fault(session, "interrupted", 130)
    except TapcfnError as error:
        _trace(session)
        return _refuse(session, error)
    except Exception as error:  # the last resort: one line, not a page
        _trace(session)
        return _fault(session, f"{type(error).__name__}: {error} (--debug shows where)", 1)
    return code if isinstance(code, int) else 0


def _usage(session: Session, error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    hint = f"see {context.command_path} --help" if context else "see --help"
    session.console.complain(error.format_message(), "usage", hint)
    return 2


def _refuse(session: Session, error: TapcfnError) -> int:
    """Tell an error of ours; each fault of a settings file gets a line of its own."""
    code = error.code if isinstance(error, CloudError) else type(error).__name__
    request = error.request_id if isinstance(error, CloudError) else ""
    faults = getattr(error, "faults", ())
    text = "\n  ".join([f"{getattr(error, 'where', '')}:", *faults]) if faults else str(error)
    session.console.complain(text, code, request_id=request)
    return error.exit_code


def _fault(session: Session, message: str, code: int) -> int:
    session.console.complain(message)
    return code


def _trace(session: Session) -> None:
    if session.debug:
        import traceback

        session.console.say(traceback.format_exc())
