"""Rehearse a rollout: the real plan and apply against a fresh local cloud, faults included."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapcfn.cli.options import Session, Where, common, placed
from tapcfn.cli.reports import reporting
from tapcfn.cli.workplace import Workplace, workplace
from tapcfn.errors import BlockedError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.events import Outcome
    from tapcfn.plan import Plan
    from tapcfn.report.rehearsal import Stopwatch


@click.command()
@click.pass_obj
@placed()
@click.option(
    "--faults",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML table of what goes wrong; docs/local-cloud.md has its grammar.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=20.0,
    show_default=True,
    help="How many times faster than AWS.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Draws other durations.")
@reporting("--junit", "--sarif", "--markdown")
@common
def rehearse(
    session: Session, /, *, where: Where, faults: Path | None, speed: float, seed: int
) -> int:
    """Try a rollout out: how long, on which path, and what if something fails."""
    from tapcfn.local import server
    from tapcfn.local.faults import read

    place = workplace(session.package, where)
    table = read(faults) if faults else ""
    with tempfile.TemporaryDirectory(prefix="tapcfn-") as folder:
        root = Path(folder)
        cloud = server.start(root, speed=speed, seed=seed, faults=table)
        try:
            return _rehearse(session, place, cloud.url, root, speed)
        finally:
            server.stop(root, settle=0)


def _rehearse(session: Session, place: Workplace, url: str, root: Path, speed: float) -> int:
    from tapcfn.cli.desk import open_desk
    from tapcfn.cli.staged import approval_of, code_of, previewed, show_plan
    from tapcfn.plan import plan as make_plan
    from tapcfn.report.rehearsal import Stopwatch

    watch = Stopwatch()
    with open_desk(session, place, "rehearse", rehearsed_at=url, root=root) as desk:
        snapshot = desk.settled_snapshot()
        planned = make_plan(place.rollout, snapshot)
        _make_ready(desk, planned)
        with previewed(desk, planned, snapshot, frozenset()) as staged:
            show_plan(session, planned, staged.previews)
            if code := code_of(staged.previews):
                return code
            staged.keep = True
        approval = approval_of(staged.previews, frozenset(), strict=True)
        with session.console.heard_by(watch):
            session.outcome = desk.carry_out(planned, snapshot, approval)
        _report(desk, planned, watch, session.outcome, speed, root)
    return session.outcome.exit_code


def _make_ready(desk: Desk, planned: Plan) -> None:
    """Make the roles that stack sets need and the rollout does not make: a fresh cloud has none."""
    from tapcfn.bootstrap import bootstrap
    from tapcfn.model import Snapshot
    from tapcfn.operations import Approval
    from tapcfn.plan import plan
    from tapcfn.preflight import FAIL
    from tapcfn.set_obstacles import roles

    if not any(each.verdict is FAIL for each in roles(planned, desk.cloud, desk.pool)):
        return
    first = bootstrap(desk.rollout, desk.place.settings)
    before = replace(desk, place=replace(desk.place, rollout=first))
    outcome = before.carry_out(plan(first, Snapshot()), Snapshot(), Approval())
    if outcome.exit_code:
        raise BlockedError("the roles that the stack sets need could not be made")


def _report(
    desk: Desk, planned: Plan, watch: Stopwatch, outcome: Outcome, speed: float, root: Path
) -> None:
    """Tell what the rehearsal taught."""
    from tapcfn.local import server
    from tapcfn.report.rehearsal import rehearsal_text, schedule

    times = schedule(planned, watch.seconds(speed))
    fired = {_name(each): int(each["done"]) for each in server.injected(root) if each["done"]}
    left = _left(desk, outcome)
    fields = {
        "seconds": round(times.seconds),
        "speed": speed,
        "critical_path": list(times.critical_path),
        "units": [
            {"unit": span.stack, "start": round(span.start), "end": round(span.end)}
            for span in times.spans
        ],
        "left": left,
        "faults": fired,
    }
    text = rehearsal_text(times, outcome, left, fired)
    desk.session.console.answer("rehearsal", fields, text)


def _left(desk: Desk, outcome: Outcome) -> dict[str, str]:
    """Return what each stack that failed has left: its status, and the resources in it."""
    found = desk.snapshot().stacks
    left = {}
    for ended in outcome.endings:
        deployed = found.get(ended.stack)
        if deployed is None or ended.succeeded:
            continue
        resources = desk.cloud.resources(deployed.stack_id, ended.target)
        names = ", ".join(sorted(resources)) or "no resources"
        left[ended.stack] = f"{deployed.status}, {names}"
    return left


def _name(fault: Mapping[str, Any]) -> str:
    """Return a line of the table in short."""
    words = (f"{key}={value}" for key, value in fault.items() if key not in {"matched", "done"})
    return " ".join(words)
