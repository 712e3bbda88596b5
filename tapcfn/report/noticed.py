"""A run as a notice: one that has just ended, or one of the past."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from tapcfn.model import Ending
from tapcfn.notice_settings import When
from tapcfn.notices.notice import Notice, when_of
from tapcfn.report.collected import Case, Report
from tapcfn.report.recorded import Recorded
from tapcfn.runs import Run

# Endings of units that somebody has to do something about, as the ledger and the lines say them.
_BAD = frozenset({str(Ending.FAILED), str(Ending.BLOCKED)})

_KILLED = "the run has no last word: its process was killed"


def notice_of(
    report: Report, *, system: str, environment: str, run: str, regions: Iterable[str], link: str
) -> Notice | None:
    """Return what is told of a run that has just ended; None for one that never began."""
    when = when_of(report.summary.exit_code)
    if when is None:
        return None
    return Notice(
        report.command,
        system,
        environment,
        when,
        run,
        exit_code=report.summary.exit_code,
        regions=tuple(sorted(set(regions))),
        cause=_first(report.bad),
        counts=Counter(str(each.ending) for each in report.ended),
        digest=report.digest or "",
        resume=report.summary.resume or "",
        link=link,
        seconds=report.summary.seconds,
    )


def _first(bad: tuple[Case, ...]) -> str:
    """Return the first cause, and how many others there are."""
    if not bad:
        return ""
    first = bad[0]
    place = f" ({first.target})" if first.target else ""
    name = "" if first.suite == "run" else f"{first.name}{place}: "
    more = len({each.text for each in bad}) - 1
    return f"{name}{first.text or first.verdict}{f' (and {more} more)' if more > 0 else ''}"


def notice_of_past(run: Run, told: Recorded | None, link: str) -> Notice | None:
    """Return what is told of a run of the past: by the ledger, and by its lines if it has any.

    None for one that was refused before it began.
    """
    when = when_of(run.exit_code)
    if when is None:
        return None
    lines = told or Recorded(run.name, ())
    return Notice(
        run.command,
        run.blueprint,
        run.stage,
        when,
        run.name,
        exit_code=run.exit_code,
        regions=_regions(run, lines),
        cause=_cause(run, lines),
        counts=Counter(each.ending for each in run.stacks if each.ending),
        digest=run.digest,
        resume=str(lines.summary.get("resume") or ""),
        link=link,
        seconds=run.seconds,
    )


def _cause(run: Run, lines: Recorded) -> str:
    """Return why the first unit failed, or else the first objection or error of the run."""
    for each in run.stacks:
        if each.ending in _BAD:
            return f"{each.stack} ({each.account}/{each.region}): {each.cause or each.status}"
    for line in lines.of("finding", "diagnostic"):
        if "error" in {line.get("severity"), line.get("level")}:
            unit = f"{line['unit']}: " if line.get("unit") else ""
            return f"{unit}{line.get('message') or ''}"
    return _KILLED if run.exit_code is None else ""


def _regions(run: Run, lines: Recorded) -> tuple[str, ...]:
    """Return the Regions that were wanted, or at least those that were worked on."""
    wanted = {str(each).rpartition("/")[2] for each in lines.start.get("targets") or ()}
    wanted |= {str(line["region"]) for line in lines.of("instance.status") if line.get("region")}
    return tuple(sorted(wanted or {each.region for each in run.stacks if each.region}))


def worst(notice: Notice, job: When) -> Notice:
    """Return a notice that is no better than what the CI system says of its own job."""
    if job is When.SUCCESS or not notice.is_good:
        return notice
    word = "failed" if job is When.FAILURE else "was cancelled"
    return replace(notice, when=job, cause=f"the run ended well, and then the CI job {word}")
