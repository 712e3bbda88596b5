"""Rehearse a rollout: the real plan and apply against a fresh local cloud, faults included."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapcfn.cli.options import Removal, Session, Where, common, placed
from tapcfn.cli.reports import reporting
from tapcfn.cli.workplace import Workplace, workplace
from tapcfn.errors import BlockedError, TapcfnError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.events import Outcome
    from tapcfn.model import Move
    from tapcfn.plan import Plan
    from tapcfn.report.rehearsal import Schedule
    from tapcfn.report.rehearsed_moves import Taken


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
@click.option(
    "--until",
    default="",
    metavar="MOVE",
    help="Take the moves up to this one as well, each closed by its gates.",
)
@reporting("--junit", "--sarif", "--markdown", "--html")
@common
def rehearse(
    session: Session,
    /,
    *,
    where: Where,
    faults: Path | None,
    speed: float,
    seed: int,
    until: str,
) -> int:
    """Try a rollout out: how long, on which path, and what if something fails.

    With --until MOVE the way to that move, too. Nobody is asked, and no command is run: what such
    gates would say is taken for good.
    """
    from tapcfn.journey import number_of
    from tapcfn.local import server
    from tapcfn.local.faults import read
    from tapcfn.outside import hosted_zones

    place = workplace(session.package, where)
    goal = number_of(place.rollout, until) if until else 0
    table = read(faults) if faults else ""
    with tempfile.TemporaryDirectory(prefix="tapcfn-") as folder:
        root = Path(folder)
        cloud = server.start(root, speed=speed, seed=seed, faults=table)
        try:
            server.add_zones(cloud, hosted_zones(place.rollout))
            return _rehearse(session, place, cloud.url, root, speed, goal)
        finally:
            server.stop(root, settle=0)


def _rehearse(
    session: Session, place: Workplace, url: str, root: Path, speed: float, goal: int
) -> int:
    from tapcfn.cli.opening import open_desk
    from tapcfn.cli.staged import approval_of, code_of, previewed, show_plan
    from tapcfn.plan import plan as make_plan
    from tapcfn.report.rehearsal import Stopwatch, schedule
    from tapcfn.variants import at

    watch = Stopwatch()
    with open_desk(session, place, "rehearse", rehearsed_at=url, root=root) as opened:
        desk = _at_home(opened)
        snapshot = desk.settled_snapshot()
        planned = make_plan(at(place.rollout, 0), snapshot)
        _make_ready(desk, planned)
        with previewed(desk, planned, snapshot, frozenset()) as staged:
            show_plan(session, planned, staged.previews)
            if code := code_of(staged.previews):
                return code
            staged.keep = True
        approval = approval_of(staged.previews, frozenset(), strict=True)
        with session.console.heard_by(watch):
            session.outcome = desk.carry_out(planned, snapshot, approval)
        way = _travel(desk, goal, speed, session.outcome.exit_code)
        _report(desk, schedule(planned, watch.seconds(speed)), way, speed, root)
    return way.code


def _at_home(desk: Desk) -> Desk:
    """Let the stage be one of the local cloud, whatever its settings say."""
    settings = desk.place.settings.model_copy(update={"backend": "local"})
    return replace(desk, place=replace(desk.place, settings=settings), rehearsed=True)


@dataclass(frozen=True, slots=True)
class _Way:
    """The moves that were to be rehearsed, what was taken of them, and the exit code of it all."""

    code: int
    moves: Mapping[str, Move]
    taken: tuple[Taken, ...] = ()
    not_tried: tuple[str, ...] = ()


def _travel(desk: Desk, goal: int, speed: float, code: int) -> _Way:
    """Take the moves, if the base stands; what they need to be told is taken as said."""
    from tapcfn.cli.applying import Wish
    from tapcfn.cli.journeys import take
    from tapcfn.journey import forward
    from tapcfn.report.rehearsed_moves import Journal

    moves = desk.place.rollout.moves
    journal = Journal({each.name: each for each in moves}, speed)
    removal, allowed = _needed(moves[:goal])
    wish = Wish(desk.place.rollout, frozenset(), allowed, removal)
    done = 0
    with desk.session.console.heard_by(journal):
        for leg in forward(desk.place.rollout, 0, goal):
            if code:
                break
            try:
                code = take(desk, leg, wish)
            except TapcfnError as error:
                code = error.exit_code
            done += 1
    not_tried = tuple(each.name for each in moves[done:goal])
    return _Way(code, journal.moves, tuple(journal.taken), not_tried)


def _needed(moves: Iterable[Move]) -> tuple[Removal, tuple[str, ...]]:
    """Return what a person must give to these moves, as if given: here nothing is at stake."""
    words = [word for move in moves for need in move.needs for word in shlex.split(need)]
    given = list(pairwise([*words, ""]))
    buckets = frozenset(value for word, value in given if word == "--empty-buckets")
    allowed = tuple(value for word, value in given if word == "--allow-loss")
    return Removal((), buckets, "--lift-protection" in words), allowed


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


def _report(desk: Desk, times: Schedule, way: _Way, speed: float, root: Path) -> None:
    """Tell what the rehearsal taught."""
    from tapcfn.events import Outcome
    from tapcfn.local import server
    from tapcfn.report.rehearsal import rehearsal_text
    from tapcfn.report.rehearsed_moves import moves_fields, moves_text, path_of

    outcome = desk.session.outcome or Outcome()
    fired = {_name(each): int(each["done"]) for each in server.injected(root) if each["done"]}
    left = _left(desk, outcome)
    whole = replace(
        times,
        critical_path=(*times.critical_path, *path_of(way.taken)),
        then=sum(each.seconds for each in way.taken),
    )
    about = (way.taken, times.seconds, way.moves, way.not_tried)
    fields = {
        "seconds": round(whole.seconds),
        "speed": speed,
        "critical_path": list(whole.critical_path),
        "units": [
            {"unit": span.stack, "start": round(span.start), "end": round(span.end)}
            for span in whole.spans
        ],
        "left": left,
        "faults": fired,
        **moves_fields(*about),
    }
    text = rehearsal_text(whole, outcome, left, fired, moves_text(*about))
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
