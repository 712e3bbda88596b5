"""stackset skew: which instance runs what, and which stacks no instance stands for any more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapcfn.cli.options import Session, Where, common, placed
from tapcfn.cli.set_place import found_of, one_set, sets_of
from tapcfn.cli.workplace import workplace

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.model import StackSet
    from tapcfn.stack_sets.fleet import Fleet


@click.command("skew")
@click.pass_obj
@placed()
@one_set
@click.option(
    "--bundle",
    "bundles",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A bundle that names versions by its commit. May be given more than once.",
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 10 if there are several versions, or a stack is gone.",
)
@common
def skew(
    session: Session,
    /,
    *,
    where: Where,
    name: str,
    bundles: tuple[Path, ...],
    detailed_exitcode: bool,
) -> int:
    """Say which instance runs what: its stack's own template and parameters.

    Stacks that are gone while their instance stays are named, and those that were left behind.
    """
    from tapcfn.cli.opening import open_desk
    from tapcfn.report.set_answers import skew_fields
    from tapcfn.report.stack_sets import skew_text
    from tapcfn.stack_sets.skew import Stand, kinds, versions

    place = workplace(session.package, where)
    commits = _commits(bundles)
    differs = False
    with open_desk(session, place, "stackset skew") as desk:
        for each in sets_of(place, name):
            fleet = _fleet(desk, each)
            told = versions(fleet.running)
            known = {each.template.digest: "that of the settings", **commits}
            fields = skew_fields(each.name, told, known, fleet.retained)
            text = f"{each.name}\n{skew_text(told, known, fleet.retained)}"
            session.console.answer("stackset.skew", fields, text)
            gone = any(one.stand is Stand.GONE for one in told)
            differs = differs or gone or kinds(told) > 1
    return 10 if differs and detailed_exitcode else 0


def _fleet(desk: Desk, stack_set: StackSet) -> Fleet:
    from tapcfn.plain.templates import normal
    from tapcfn.preflight import closed_accounts
    from tapcfn.stack_sets.fleet import Reading, places_of, read_fleet

    found = found_of(desk, stack_set, to_plan=False)
    records = tuple(desk.keeper.records(stack_set.name).values())
    places = places_of(stack_set.pairs, found.instances, records)
    closed = closed_accounts(sorted(places), desk.cloud, desk.pool)
    reading = Reading(desk.cloud, desk.pool, normal, desk.warn, closed)
    return read_fleet(stack_set, found.instances, places, records, reading)


def _commits(bundles: tuple[Path, ...]) -> dict[str, str]:
    """Return the commit that each template of some bundles is from, by its digest."""
    from tapcfn.bundle import read

    named: dict[str, str] = {}
    for each in map(read, bundles):
        units = [stack.template for stack in each.rollout.stacks]
        units += [stack_set.template for stack_set in each.rollout.stack_sets]
        named |= dict.fromkeys((body.digest for body in units), each.commit[:12] or "a bundle")
    return named
