"""report: the page of a run that was kept here, or of lines that somebody saved."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapcfn.cli import completers
from tapcfn.cli.files import why_not_writable, write_text_whole
from tapcfn.cli.options import Session, common, program
from tapcfn.cli.workplace import STATE
from tapcfn.errors import TapcfnError, UsageError

if TYPE_CHECKING:
    from tapcfn.report.recorded import Recorded


@click.command()
@click.pass_obj
@click.argument("what", metavar="[RUN|FILE]", required=False, shell_complete=completers.told_runs)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Where the page goes; - is stdout. Without it: .tapcfn/reports/<RUN>.html.",
)
@click.option("--open", "opens", is_flag=True, help="Show it in the browser.")
@common
def report(session: Session, /, *, what: str | None, out: Path | None, opens: bool) -> int:
    """Make a page of HTML of the last run, or of the one that is named.

    A FILE has what `--json` printed, such as the log of a CI job; - is stdin. The page needs
    nothing but itself.
    """
    from tapcfn.report.html import html

    to_stdout = out == Path("-")
    if to_stdout and (opens or session.console.json):
        raise UsageError(f"--out -: excludes {'--open' if opens else '--json'}")
    run = _run(what)
    page = html(run)
    if to_stdout:
        session.console.result(page.rstrip("\n"))
        return 0
    file = _place(run.run) if out is None else out
    if fault := why_not_writable(file):
        raise UsageError(f"--out {fault}")
    write_text_whole(file, page)
    fields = {"of_run": run.run, "file": str(file), "lines": len(run.lines)}
    session.console.answer("report", fields, str(file))
    if opens:
        _show(session, file)
    return 0


def _place(run: str) -> Path:
    """Return where a page goes that nobody said a place for; make the folder."""
    folder = STATE / "reports"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TapcfnError(f"{folder}: cannot be made: {error.strerror}") from error
    name = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in run)
    return folder / f"{name[:100]}.html"


def _show(session: Session, file: Path) -> None:
    import webbrowser

    if not webbrowser.open(file.resolve().as_uri()):
        session.console.say("warning: no browser could be opened")


def _run(what: str | None) -> Recorded:
    """Return the run that is meant; raise `UsageError` where there is none."""
    from tapcfn.report.recorded import recorded

    file = _file(what)
    try:
        text = sys.stdin.read() if file is None else file.read_text("utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    found = recorded(text.splitlines())
    if found is None:
        name = "stdin" if file is None else file
        raise UsageError(f"{name}: has no line that `--json` prints (version 1)")
    return found


def _file(what: str | None) -> Path | None:
    """Return the file that is meant: None for stdin."""
    if what == "-":
        return None
    known = sorted((STATE / "told").glob("*.ndjson"))
    if what is None:
        if not known:
            raise UsageError("no run has been kept here; name a file with what `--json` printed")
        return known[-1]
    named = next((path for path in known if path.stem == what), None)
    if named is not None:
        return named
    if Path(what).is_file():
        return Path(what)
    raise UsageError(
        f"{what}: no run that was kept here, and no file; `{program()} runs` lists runs"
    )
