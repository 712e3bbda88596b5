"""How a run went, why, and what to do now: what a page says first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tapcfn.report.counted import counted
from tapcfn.report.html.fleets import Fleet, Why
from tapcfn.report.html.gating import MoveCard
from tapcfn.report.html.moments import in_utc, told_at
from tapcfn.report.html.units import Unit
from tapcfn.report.recorded import Line, Recorded
from tapcfn.report.text import duration

# A word, a sign and a tone for each status of a summary.
_WORDS = {
    "ok": ("Done", "✓", "good"),
    "changes": ("There are changes", "~", "calm"),
    "failed": ("Failed", "✗", "bad"),
    "usage": ("Refused", "✗", "bad"),
    "blocked": ("Blocked", "✗", "bad"),
    "partial": ("Partly failed", "✗", "bad"),
    "stale": ("Stale", "✗", "warn"),
    "running": ("Still running", "»", "warn"),
    "interrupted": ("Interrupted", "»", "warn"),
}

_OPEN_END = ("No last word", "?", "warn")

_PLACE = re.compile(r" — (\S+:\d+)$")


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that went wrong: of whom it is told, what, and the line that asked for it."""

    who: str
    where: str
    text: str
    source: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """A command, after what it is for."""

    says: str
    command: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The head of the page."""

    word: str
    sign: str
    tone: str
    subject: str
    counts: tuple[str, ...]
    causes: tuple[Cause, ...]
    ways: tuple[Way, ...]
    facts: tuple[tuple[str, str], ...]


def verdict_of(
    run: Recorded, units: Iterable[Unit], fleets: Iterable[Fleet], moves: Iterable[MoveCard]
) -> Verdict:
    """Return the verdict on a run; one without a last word was killed, and is called so."""
    start, summary = run.start, run.summary
    word, sign, tone = _WORDS.get(summary.get("status", ""), _OPEN_END)
    command = start.get("command", "run")
    if summary.get("status") == "ok" and command == "plan":
        word = "Planned"
    subject = f"{command} of {start['blueprint']}" if start.get("blueprint") else command
    if start.get("stage"):
        subject += f", stage {start['stage']}"
    units = tuple(units)
    is_over = summary.get("exit_code") in {0, 10}
    causes = () if is_over else tuple(_causes(run, units, tuple(fleets), moves))
    return Verdict(
        word,
        sign,
        tone,
        subject,
        tuple(_counts(run, units)),
        causes,
        tuple(_ways(run)),
        tuple(_facts(run)),
    )


def _counts(run: Recorded, units: tuple[Unit, ...]) -> Iterator[str]:
    """Yield how many units stand how."""
    endings: dict[str, int] = {}
    for each in units:
        if each.ending:
            endings[each.ending] = endings.get(each.ending, 0) + 1
    for ending, number in sorted(endings.items(), key=lambda each: (-each[1], each[0])):
        yield f"{counted(number, 'unit')} {ending}"
    if not endings and (planned := [each for each in units if each.verb]):
        busy = sum(each.verb != "none" for each in planned)
        yield f"{busy} of {len(planned)} units to change" if busy else "nothing to do"
    passed = sum(bool(line["passed"]) for line in run.of("move.end"))
    if passed:
        yield f"{counted(passed, 'move')} taken"
    if rehearsed := run.of("rehearsal"):
        yield f"would take about {duration(rehearsed[-1]['seconds'])} on AWS"
        if refused := rehearsed[-1].get("longest_refusal"):
            yield f"no write is taken for {duration(refused)}"


def _causes(
    run: Recorded, units: Iterable[Unit], fleets: tuple[Fleet, ...], moves: Iterable[MoveCard]
) -> Iterator[Cause]:
    """Yield what went wrong: units, each cause of a set once, moves, objections, and errors."""
    told = {fleet.name for fleet in fleets if fleet.causes}
    yield from (_of_unit(each) for each in units if each.is_bad and each.name not in told)
    for fleet in fleets:
        yield from (_of_set(fleet, why) for why in fleet.causes)
    for move in moves:
        if move.tone == "bad" and move.cause:
            yield Cause(f"move {move.name}", "", move.cause)
    yield from (_of_finding(line) for line in run.of("finding") if line["severity"] == "error")
    yield from (_of_error(line) for line in run.of("diagnostic") if line["level"] == "error")
    if not run.summary:
        yield _open_end(run)


def _of_unit(unit: Unit) -> Cause:
    """Return a unit's cause; the line of the template at its end stands on its own."""
    text = unit.cause or ("still running" if unit.ending == "running" else unit.status)
    found = _PLACE.search(text)
    return Cause(unit.short, unit.place, _PLACE.sub("", text), found[1] if found else "")


def _of_set(fleet: Fleet, why: Why) -> Cause:
    struck = f"{why.count} of {fleet.total} instances, first {why.first}"
    return Cause(fleet.name, struck, why.text or "no reason given")


def _of_finding(line: Line) -> Cause:
    source, name = line["source"], f"{line['rule']} {line['logical_id'] or ''}".strip()
    place = f"{source['file']}:{source['line']}" if source else ""
    return Cause(line["unit"], name, line["message"], place)


def _of_error(line: Line) -> Cause:
    return Cause(line["code"] or "error", "", line["message"], "", line["hint"] or "")


def _open_end(run: Recorded) -> Cause:
    text = (
        "ended without a last word: its process was killed, or it still runs. What it told last "
        f"is of {in_utc(told_at(run.lines[-1]))}."
    )
    advice = "What CloudFormation was told to do goes on without it."
    return Cause("the run", "", text, "", advice)


def _ways(run: Recorded) -> Iterator[Way]:
    summary = run.summary
    if summary.get("resume"):
        yield Way("Go on", summary["resume"])
    for each in summary.get("ways", ()):
        says = {"on": "The next move", "back": "The way back"}.get(each["says"], each["says"])
        if each["command"] != summary.get("resume"):
            yield Way(says, each["command"])


def _facts(run: Recorded) -> Iterator[tuple[str, str]]:
    start, summary = run.start, run.summary
    yield "Began", in_utc(told_at(run.lines[0]))
    if summary:
        yield "Took", duration(summary["duration_ms"] / 1000)
    targets = start.get("targets") or ()
    if targets:
        accounts = {each.partition("/")[0] for each in targets}
        regions = sorted({each.partition("/")[2] for each in targets})
        account = next(iter(accounts)) if len(accounts) == 1 else f"{len(accounts)} accounts"
        yield "Where", f"{account}, {', '.join(regions)}"
    if start.get("backend") == "local":
        yield "Backend", "the local cloud"
    if summary:
        throttled = f", {summary['throttles']} throttled" if summary["throttles"] else ""
        yield "API calls", f"{summary['api_calls']}{throttled}"
        yield "Exit code", f"{summary['exit_code']} ({summary['status']})"
    if start.get("resumes"):
        yield "Goes on with", start["resumes"]
