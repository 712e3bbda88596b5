"""Commands that ask before anything is written: preflight and references."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tapcfn.cli.options import Session, Where, common, placed
from tapcfn.cli.workplace import workplace

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.plan import Plan
    from tapcfn.preflight import Check


@click.command()
@click.pass_obj
@placed()
@click.option("--strict", is_flag=True, help="Let what could not be told count as a failure.")
@common
def preflight(session: Session, /, *, where: Where, strict: bool) -> int:
    """Look for what would stop an apply half way: accounts, Regions, names, quotas. Only reads."""
    from tapcfn.cli.opening import open_desk
    from tapcfn.preflight import fields_of, refuse
    from tapcfn.report.text import table

    place = workplace(session.package, where)
    with open_desk(session, place, "preflight") as desk:
        checks = _checks(desk)
    rows = [
        (each.verdict, each.name, str(each.target), each.subject, each.reason) for each in checks
    ]
    text = table(("verdict", "check", "target", "subject", "reason"), rows)
    session.console.answer("preflight", fields_of(checks), text)
    refuse(checks, strict=strict)
    return 0


def _checks(desk: Desk) -> tuple[Check, ...]:
    """Check accounts and Regions first: without those nothing else can be asked."""
    from tapcfn import obstacles, set_obstacles
    from tapcfn.errors import BlockedError
    from tapcfn.plan import plan
    from tapcfn.preflight import FAIL, check_regions, places, skipped, standing, unasked

    check_regions(desk.rollout, desk.cloud)
    first = places(desk.rollout, desk.cloud, desk.pool)
    if any(check.verdict is FAIL for check in first):
        return (*first, *skipped(desk.rollout, first))
    snapshot = desk.snapshot(to_plan=True)
    states = standing(desk.rollout, snapshot)
    stuck = {check.subject for check in states if check.verdict is FAIL}
    names = frozenset(stack.name for stack in desk.rollout.stacks)
    try:
        planned = plan(desk.rollout, snapshot, names - stuck)
    except BlockedError as error:
        return (*first, *states, *unasked(desk.rollout, str(error)))
    asked = obstacles.thorough(planned, desk.cloud, desk.pool)
    roles = set_obstacles.roles(planned, desk.cloud, desk.pool)
    access = set_obstacles.access(planned, desk.sets, desk.pool)
    suspended = set_obstacles.suspended(planned)
    stacks = set_obstacles.stacks(planned, desk.cloud, desk.pool)
    return (*first, *states, *asked, *roles, *access, *suspended, *stacks)


@click.command()
@click.pass_obj
@placed()
@common
def references(session: Session, /, *, where: Where) -> int:
    """Print who takes what from whom: outputs, exports, SSM parameters, other stacks' imports."""
    from tapcfn.cli.opening import open_desk
    from tapcfn.plan import plan_destroy
    from tapcfn.references import edges, weak_needs

    place = workplace(session.package, where)
    weak_needs(place.rollout)
    found = [
        (each.producer, each.consumer, str(each.kind), each.key) for each in edges(place.rollout)
    ]
    with open_desk(session, place, "references") as desk:
        found += _live(desk, plan_destroy(place.rollout, desk.snapshot()), found)
    _show(session, sorted(found))
    return 0


def _live(
    desk: Desk, planned: Plan, known: list[tuple[str, str, str, str]]
) -> list[tuple[str, str, str, str]]:
    """Return the imports that the service knows of beside those of the rollout's templates."""
    from tapcfn.cli.guarding import tell
    from tapcfn.consumers import live_importers

    live, unknown = live_importers(planned, desk.cloud, desk.pool)
    tell(desk, unknown)
    return [
        edge
        for producer, key, _, user in live
        if (edge := (producer, user, "import", key)) not in known
    ]


def _show(session: Session, found: list[tuple[str, str, str, str]]) -> None:
    from tapcfn.report.text import table

    keys = ("producer", "consumer", "kind", "key")
    fields = {"edges": [dict(zip(keys, edge, strict=True)) for edge in found]}
    text = table(keys, found) if found else "No stack takes anything from another."
    session.console.answer("references", fields, text)
