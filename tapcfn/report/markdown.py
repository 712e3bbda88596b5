"""A run as Markdown: for a comment on a pull request, and for the summary of a CI job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tapcfn.model import Change, ChangeSet, Target
from tapcfn.report.changes import change_counts, change_lines, is_perilous
from tapcfn.report.collected import Case, Planned, Report, Verdict
from tapcfn.report.folded import fold_lines
from tapcfn.report.folding import Block, Entry, entry, fold
from tapcfn.report.text import findings_text

# A comment may have 65,536 characters; the rest is for whoever puts it there.
LONGEST = 60_000

_CUT = "… cut: the output of the command has all of it"

# How many names stand beside a cause that several have.
_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and lines that are shown as they are. One that is `folded` opens on a click."""

    title: str
    lines: tuple[str, ...]
    folded: bool = False

    def text(self) -> str:
        """Return it as Markdown."""
        fence = _fence(self.lines)
        body = "\n".join((f"{fence}text", *self.lines, fence))
        if not self.folded:
            return f"#### {self.title}\n\n{body}"
        return f"<details><summary>{self.title}</summary>\n\n{body}\n\n</details>"


def markdown(report: Report, longest: int = LONGEST) -> str:
    """Return the document: the verdict, changes, findings, causes, and how to go on.

    Where it would be longer than `longest`, changes are cut first, then findings, then causes.
    """
    sections = [each for each in _sections(report) if each.lines]
    while len(text := _whole(report, sections)) > longest:
        at = next((n for n, each in enumerate(sections) if each.lines != (_CUT,)), None)
        if at is None:
            return text[: longest - len(_CUT) - 1] + "\n" + _CUT
        sections[at] = _shortened(sections[at], len(text) - longest)
    return text


def _whole(report: Report, sections: list[Section]) -> str:
    parts = [_verdict(report), *(each.text() for each in sections)]
    if report.summary.resume:
        resume = Section("To go on", (report.summary.resume,))
        parts.append(resume.text())
    return "\n\n".join(parts) + "\n"


def _sections(report: Report) -> Iterator[Section]:
    for number, planned in enumerate(report.rounds, start=1):
        of = f" {number} of {len(report.rounds)}" if len(report.rounds) > 1 else ""
        busy = sum(each.has_work for each in planned)
        units = f"{busy} of {len(planned)} units"
        yield Section(f"Changes{of}: {units}", tuple(_change_lines(planned)), folded=True)
    findings = dict.fromkeys(each.finding for each in report.findings)
    yield Section("Findings", tuple(findings_text(findings).splitlines()))
    yield Section("Causes", tuple(_cause_lines(report)))


def _shortened(section: Section, excess: int) -> Section:
    """Return a section that is so much shorter, by whole lines, and says so."""
    room = len("\n".join(section.lines)) - excess - len(_CUT) - 1
    kept: list[str] = []
    for line in section.lines:
        room -= len(line) + 1
        if room < 0 or line == _CUT:
            break
        kept.append(line)
    return replace(section, lines=(*kept, _CUT))


def _fence(lines: tuple[str, ...]) -> str:
    """Return a fence that nothing in the lines can close."""
    longest = max((len(each) for line in lines for each in re.findall("`+", line)), default=0)
    return "`" * max(3, longest + 1)


# The verdict --------------------------------------------------------------------------------------


def _verdict(report: Report) -> str:
    summary = report.summary
    word = {"ok": "done", "changes": "there are changes"}.get(summary.status, summary.status)
    name = f"tapcfn {report.command}".rstrip()
    lines = [f"### {name}: {word} (exit code {summary.exit_code})"]
    verdicts = [each.verdict for each in report.cases]
    counts = [f"{verdicts.count(each)} {each}" for each in Verdict if each in verdicts]
    if report.command == "plan" and report.rounds:
        lines += ["", _totals(report.rounds[-1])]
    elif counts:
        lines += ["", f"{', '.join(counts)}."]
    if report.digest:
        lines += ["", f"Digest of what is wanted: `{report.digest}`"]
    return "\n".join(lines)


def _totals(planned: tuple[Planned, ...]) -> str:
    """Return how many units and resources go which way: what a reviewer wants to know first."""
    busy = [each.unit.verb for each in planned if each.has_work]
    units = [f"{busy.count(verb)} to {_VERBS.get(verb, verb)}" for verb in dict.fromkeys(busy)]
    if not units:
        return "**Nothing to do.**"
    found = (each.change for one in planned for each in one.changes if not each.nested)
    counts = change_counts(ChangeSet("", "", "", tuple(found)))
    resources = [f"{number} to {_WAYS.get(way, way)}" for way, number in counts.items() if number]
    text = f"**Stacks: {', '.join(units)}."
    return text + (f" Resources: {', '.join(resources)}.**" if resources else "**")


_VERBS = {"deferred": "be asked about once others are deployed"}
_WAYS = {"modify": "change in place", "may_replace": "change, perhaps by replacement"}


# Changes ------------------------------------------------------------------------------------------


def _change_lines(planned: tuple[Planned, ...]) -> Iterator[str]:
    busy = [each for each in planned if each.has_work or each.changes]
    for phase in dict.fromkeys(each.unit.phase for each in busy):
        yield f"phase {phase}"
        units = [each for each in busy if each.unit.phase == phase]
        for folded in fold(one for each in units for one in _entries(each)):
            yield from fold_lines(folded)


def _entries(planned: Planned) -> Iterator[Entry]:
    """Yield what is said of a stack; or of a stack set, and then of each of its instances."""
    unit = planned.unit
    title = (unit.verb, unit.reason)
    if unit.wave == 0:
        counts = ", ".join(f"{number} to {verb}" for verb, number in unit.counts.items() if number)
        blocks = [Block((f"instances: {counts}",))] if counts else []
        yield entry(unit.stack, unit.target, title, blocks, None)
        title = ("instances", unit.reason)
    elif not planned.changes:
        yield entry(unit.stack, unit.target, title, (), None)
    changes: dict[Target, list[Change]] = {}
    for each in planned.changes:
        if not each.nested:  # such a one is told with the change of its nested stack
            changes.setdefault(each.target, []).append(each.change)
    for target, found in changes.items():
        known = ChangeSet("", unit.stack, "", tuple(found))
        yield entry(unit.stack, target, title, map(_block, found), known)


def _block(change: Change) -> Block:
    lines = tuple(change_lines(change, ""))
    return Block(lines, is_perilous(change), change.physical_id, is_change=True)


# Causes -------------------------------------------------------------------------------------------


def _cause_lines(report: Report) -> Iterator[str]:
    """Yield each cause once, with all that failed of it; a plan's findings are its causes."""
    told = {each.finding.stack for each in report.findings} if report.command == "plan" else set()
    causes: dict[str, list[Case]] = {}
    for each in report.bad:
        if each.name in told:
            continue
        causes.setdefault(each.text or str(each.verdict), []).append(each)
    for text, cases in causes.items():
        names = [_name(each) for each in cases[:_NAMES_SHOWN]]
        more = len(cases) - len(names)
        yield f"{', '.join(names)}{f' and {more} more' if more else ''}:"
        yield from (f"  {line}" for line in text.splitlines())


def _name(case: Case) -> str:
    return f"{case.name} ({case.target})" if case.target else case.name
