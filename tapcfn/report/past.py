"""Past runs as text and as fields."""

from __future__ import annotations

from collections.abc import Iterable

from tapcfn.report.text import table
from tapcfn.runs import Run, StackRun

_WORDS = {
    None: "no last word",
    0: "done",
    2: "refused",
    4: "blocked",
    5: "partial",
    6: "stale",
    7: "still running",
    10: "changes",
    130: "interrupted",
}


def runs_text(runs: Iterable[Run]) -> str:
    """Return a line for each run."""
    rows = [
        (run.name, run.command, run.blueprint, run.stage, _took(run), outcome_of(run))
        for run in runs
    ]
    if not rows:
        return "Nothing has been run here."
    return table(("run", "command", "blueprint", "stage", "took", "outcome"), rows)


def run_text(run: Run) -> str:
    """Return one run, its stacks in the order in which they ended, and why they failed."""
    resumed = f", goes on with {run.resumes}" if run.resumes else ""
    lines = [
        f"{run.name}: {run.command} {run.blueprint}, stage {run.stage}{resumed}",
        f"began {run.began or '?'}, ended {run.ended or '?'}, took {_took(run)}: {outcome_of(run)}",
    ]
    rows = [
        (each.stack, each.region, each.operation, _seconds(each), each.ending or "not known")
        for each in run.stacks
    ]
    if rows:
        lines += ["", table(("stack", "Region", "operation", "took", "ending"), rows)]
    causes = [f"{each.stack}: {each.cause}" for each in run.stacks if each.cause]
    return "\n".join([*lines, *(["", *causes] if causes else [])])


def run_fields(run: Run) -> dict[str, object]:
    """Return one run for programs; what is not known is null."""
    return {
        "name": run.name,
        "command": run.command,
        "blueprint": run.blueprint or None,
        "stage": run.stage or None,
        "resumes": run.resumes or None,
        "began": run.began or None,
        "ended": run.ended or None,
        "seconds": run.seconds,
        "exit_code": run.exit_code,
        "outcome": outcome_of(run),
        "units": [_stack_fields(each) for each in run.stacks],
    }


def outcome_of(run: Run) -> str:
    """Return in a word how a run ended."""
    return _WORDS.get(run.exit_code, "failed")


def _stack_fields(each: StackRun) -> dict[str, object]:
    return {
        "unit": each.stack,
        "account": each.account,
        "region": each.region,
        "operation": each.operation or None,
        "ending": each.ending or None,
        "status": each.status or None,
        "seconds": each.seconds,
        "cause": each.cause or None,
    }


def _took(run: Run) -> str:
    return "?" if run.seconds is None else f"{run.seconds:.1f} s"


def _seconds(each: StackRun) -> str:
    return f"{each.seconds:.1f} s" if each.seconds else ""
