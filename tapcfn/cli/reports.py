"""What a run leaves for machines beside its lines: files, and what GitHub Actions reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tapcfn.cli.files import why_not_writable, write_text_whole
from tapcfn.errors import TapcfnError

if TYPE_CHECKING:
    from tapcfn.cli.console import Console
    from tapcfn.events import Event, Summarised
    from tapcfn.report.collected import Report

F = TypeVar("F", bound=Callable[..., Any])

OUTPUTS = "--outputs-file"
HTML = "--html"

_HELP = {
    "--junit": "Write how each stack and instance ended as JUnit XML.",
    "--sarif": "Write the findings as SARIF 2.1.0.",
    "--markdown": "Write verdict, changes, findings and causes as Markdown.",
    HTML: "Write all that the run tells as one page of HTML.",
    OUTPUTS: "Write all outputs as JSON: by unit, account, Region and key.",
}


@dataclass(slots=True)
class Reports:
    """The files that were asked for, by option, and what they are to be written from."""

    files: dict[str, Path] = field(default_factory=dict)
    _events: list[Event] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)

    def ask(self, option: str, file: Path, console: Console) -> None:
        """Have a file written at the end of the run."""
        if option == HTML and option not in self.files:
            console.readers = (*console.readers, self._lines.append)
        self.files[option] = file
        self.listen(console)

    def listen(self, console: Console) -> None:
        """Take note of what is told from now on."""
        if self._hear not in console.listeners:
            console.listeners = (*console.listeners, self._hear)

    def _hear(self, event: Event) -> None:
        from tapcfn.report.collected import KEPT

        if isinstance(event, KEPT):
            self._events.append(event)

    def of(self, summary: Summarised) -> Report:
        """Return all that was told."""
        from tapcfn.report.collected import report_of

        return report_of(self._events, summary)

    def lines_to(self, summary: Summarised, console: Console) -> Iterator[str]:
        """Yield the lines of the run, and last the summary that they will have."""
        from tapcfn.report.ndjson import line

        yield from self._lines
        yield line(summary, seq=len(self._lines), ts=console.now(), run=console.run)


def reporting(*options: str) -> Callable[[F], F]:
    """Add options that have a file written at the end, whether the run fails or not."""

    def add(command: F) -> F:
        for name in reversed(options):
            command = click.option(
                name,
                metavar="FILE",
                type=click.Path(path_type=Path),
                expose_value=False,
                callback=_note,
                help=_HELP[name],
            )(command)
        return command

    return add


def _note(context: click.Context, parameter: click.Parameter, file: Path | None) -> None:
    """Keep a file for the end; refuse one that can't be written before anything is begun."""
    if file is None:
        return
    reports: Reports = context.obj.reports
    name = parameter.opts[0]
    if fault := why_not_writable(file):
        raise click.BadParameter(fault, context, parameter)
    other = next((key for key, each in reports.files.items() if each == file and key != name), None)
    if other is not None:
        raise click.BadParameter(f"{file}: is where {other} goes", context, parameter)
    reports.ask(name, file, context.obj.console)


def write_files(reports: Reports, report: Report, lines: Callable[[], Iterable[str]]) -> None:
    """Write each file whole; raise once all have been tried."""
    faults = []
    for option, file in reports.files.items():
        try:
            text = _page(lines()) if option == HTML else _text(option, report)
            write_text_whole(file, text)
        except TapcfnError as error:
            faults.append(f"{option} {error}")
    if faults:
        raise TapcfnError("; ".join(faults))


def _page(lines: Iterable[str]) -> str:
    from tapcfn.report.html import html
    from tapcfn.report.recorded import recorded

    run = recorded(lines)
    return html(run) if run else ""


def _text(option: str, report: Report) -> str:
    from tapcfn.report.junit import junit
    from tapcfn.report.markdown import markdown
    from tapcfn.report.outputs_file import outputs_file
    from tapcfn.report.sarif import sarif

    writers: dict[str, Callable[[Report], str]] = {
        "--junit": junit,
        "--sarif": sarif,
        "--markdown": markdown,
        OUTPUTS: outputs_file,
    }
    return writers[option](report)


# GitHub Actions -----------------------------------------------------------------------------------


def is_on_github() -> bool:
    """Whether a step of GitHub Actions runs this."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def tell_github(report: Report, console: Console) -> None:
    """Leave what the step's page and later steps read; warn where that can't be."""
    from tapcfn.events import Diagnosed
    from tapcfn.report.github import errors, step_outputs

    for line in errors(report):
        console.command(line)
    texts = {"GITHUB_STEP_SUMMARY": _step_summary(report), "GITHUB_OUTPUT": step_outputs(report)}
    for variable, text in texts.items():
        path = os.environ.get(variable, "")
        try:
            if path and text:
                with open(path, "a", encoding="utf-8") as file:
                    file.write(text)
        except OSError as error:
            told = f"{variable}: {path}: cannot be written: {error.strerror}"
            console.notify(Diagnosed("warning", told))


def _step_summary(report: Report) -> str:
    """Return the Markdown, as far as there is room for it: GitHub shows no summary above 1 MiB."""
    from tapcfn.report.github import LONGEST_SUMMARY
    from tapcfn.report.markdown import LONGEST, markdown

    path = Path(os.environ.get("GITHUB_STEP_SUMMARY", ""))
    room = LONGEST_SUMMARY - (path.stat().st_size if path.is_file() else 0)
    text = "" if report.is_empty else markdown(report, LONGEST)
    return text if len(text.encode()) <= room else ""


class Groups:
    """Listens to a run and puts what is told of each phase in a group of its own."""

    def __init__(self, phases: dict[str, str], say: Callable[[str], None]) -> None:
        self._phases = phases
        self._say = say
        self._open = ""

    def __call__(self, event: Event) -> None:
        """Open a group where an event is about another phase than the one before."""
        from tapcfn.report.github import group, unit_of

        phase = self._phases.get(unit_of(event), self._open)
        if phase != self._open:
            self.close()
            self._say(group(f"phase {phase}"))
            self._open = phase

    def close(self) -> None:
        """Close the group that is open."""
        from tapcfn.report.github import END_OF_GROUP

        if self._open:
            self._say(END_OF_GROUP)
        self._open = ""
