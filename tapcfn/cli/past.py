"""Past runs, and going on with one that did not end."""

from __future__ import annotations

from pathlib import Path

import click

from tapcfn.cli import completers
from tapcfn.cli.options import Session, again, common, linked, program
from tapcfn.cli.workplace import STATE
from tapcfn.errors import UsageError
from tapcfn.runs import Run, read, unfinished

# Options of one call: what a run wanted does not depend on them.
_FLAGS = frozenset({"--json", "--no-color", "--debug", "--no-input"})
_VALUED = frozenset({"--timeout"})


@click.command()
@click.pass_obj
@click.argument(
    "name", metavar="[BLUEPRINT|RUN]", required=False, shell_complete=completers.runs_and_blueprints
)
@common
def runs(session: Session, /, *, name: str | None) -> int:
    """List what has been run in this folder, newest first, or show one run's stacks."""
    from tapcfn.report.past import run_fields, run_text, runs_text

    known = read(Path.cwd() / STATE / "runs")
    if (one := _named(known, name)) is not None:
        session.console.answer("run", run_fields(one), run_text(one))
        return 0
    shown = tuple(run for run in known if name in {None, run.blueprint})
    if name is not None and not shown:
        places = ", ".join(sorted({run.blueprint for run in known if run.blueprint})) or "none"
        raise UsageError(f"{name}: no run and no blueprint that was run here (there are: {places})")
    session.console.answer("runs", {"runs": [run_fields(run) for run in shown]}, runs_text(shown))
    return 0


@click.command()
@click.pass_obj
@click.argument("name", metavar="[RUN]", required=False, shell_complete=completers.runs)
@click.option("--yes", is_flag=True, help="Approve the plan; never the loss of data.")
@linked
@common
def resume(session: Session, /, *, name: str | None, yes: bool) -> int:
    """Go on with the last run that did not end, or with the one that is named.

    What still runs is waited for, and its events are shown from its start; nothing is started
    twice. Then the run's own command does what is left, with the options that it had.
    """
    run = _to_resume(read(Path.cwd() / STATE / "runs"), name)
    if run is None or run.exit_code == 0:
        what = f"{run.name} has done all it wanted" if run else "no run is unfinished"
        session.console.say(f"Nothing to resume: {what}.")
        return 0
    if not run.words:
        raise UsageError(
            f"{run.name}: does not say what it was called with; go on with: {program()} "
            f"{run.command} {run.blueprint} --stage {run.stage}"
        )
    session.console.say(f"Going on with {run.name}: {program()} {' '.join(run.words)}")
    session.resumes, session.words = run, run.words
    words = [*_without_own(run.words[1:]), *(["--yes"] if yes else [])]
    return again(session, run.command, words)


def _to_resume(known: tuple[Run, ...], name: str | None) -> Run | None:
    if name is None:
        return unfinished(known)
    run = _named(known, name)
    if run is None:
        raise UsageError(f"{name}: no such run; `{program()} runs` lists them")
    if run.is_over and run.exit_code != 0:
        raise UsageError(
            f"{name}: {run.command} was refused or only looked, so there is nothing to go on with"
        )
    return run


def _named(known: tuple[Run, ...], name: str | None) -> Run | None:
    return next((run for run in known if run.name == name), None)


def _without_own(words: tuple[str, ...]) -> list[str]:
    """Return the words that say what a run wanted, without those that say how it was told."""
    kept: list[str] = []
    skip = False
    for word in words:
        own = skip or word in _FLAGS or word.partition("=")[0] in _VALUED
        skip = not skip and word in _VALUED
        if not own:
            kept.append(word)
    return kept
