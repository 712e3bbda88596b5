"""Take a rollout away: say what is lost, agree, delete in reverse order, name what stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from tapcfn.cli import completers
from tapcfn.cli.agreeing import close, confirmed, make_sure_that_somebody_answers
from tapcfn.cli.options import (
    Removal,
    Session,
    Where,
    allow_loss,
    common,
    fail_fast,
    linked,
    placed,
    removing,
    selected,
)
from tapcfn.cli.reports import reporting
from tapcfn.cli.rolling_back import about_to_destroy
from tapcfn.cli.staged import part_of, show_plan
from tapcfn.cli.workplace import workplace

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.cli.losses import Losses
    from tapcfn.model import Snapshot
    from tapcfn.plan import Plan
    from tapcfn.ports import Leaving
    from tapcfn.selection import Selection


@click.command()
@click.pass_obj
@placed()
@selected
@fail_fast
@click.option("--yes", is_flag=True, help="Approve the plan; never the loss of data.")
@removing
@click.option(
    "--retain",
    multiple=True,
    metavar="STACK/LOGICAL_ID",
    help="Leave this resource of a stack behind whose deletion failed. May be given more than "
    "once.",
)
@click.option(
    "--force-delete",
    shell_complete=completers.stacks,
    multiple=True,
    metavar="STACK",
    help="Give up a stack whose deletion failed, and leave behind whatever does not go.",
)
@allow_loss
@reporting("--junit", "--sarif", "--markdown", "--html")
@linked
@common
def destroy(
    session: Session,
    /,
    *,
    where: Where,
    selection: Selection,
    yes: bool,
    removal: Removal,
    retain: tuple[str, ...],
    force_delete: tuple[str, ...],
    allow_loss: tuple[str, ...],
) -> int:
    """Take a rollout away; says first what data would be lost, and what is kept.

    On AWS each resource with data has to be allowed by name, whoever approves the plan; the local
    cloud is there to be thrown away and asks for nothing but full buckets.
    """
    from tapcfn import consumers, orphans, set_obstacles
    from tapcfn.cli.guarding import allowances, beside_the_plan, tell
    from tapcfn.cli.leftovers import going_of, leaving_of, tell_orphans
    from tapcfn.cli.losses import find_losses
    from tapcfn.cli.opening import open_desk
    from tapcfn.plan import plan_destroy
    from tapcfn.preflight import refuse

    place = workplace(session.package, where)
    with open_desk(session, place, "destroy") as desk:
        chosen = selection.of(desk.rollout, backwards=True)
        snapshot = desk.settled_snapshot(to_go=True)
        allowed = allowances(desk, snapshot, allow_loss)
        planned = part_of(plan_destroy(desk.rollout, snapshot), chosen, snapshot)
        going = going_of(desk, snapshot, removal.orphans)
        planned = orphans.with_removal(planned, going, desk.cloud, first=True)
        leaving = leaving_of(desk, planned, retain, force_delete)
        show_plan(session, planned, ())
        beside_the_plan(desk, planned, snapshot, ())
        if not planned.has_work:
            return 0
        losses = find_losses(desk, planned, leaving)
        losses.tell(desk)
        tell_orphans(desk, planned, leaving)
        losses.check(removal.buckets, lift_protection=removal.lift_protection)
        tell(desk, consumers.check(planned, desk.cloud, desk.pool))
        refuse(set_obstacles.stacks(planned, desk.cloud, desk.pool))
        if not place.is_local:
            losses.check_allowed(allowed)
            if not yes:
                make_sure_that_somebody_answers(session)
                if not confirmed(desk):
                    return 130
        return _carry_out(desk, planned, snapshot, losses, leaving)


def _carry_out(
    desk: Desk, planned: Plan, snapshot: Snapshot, losses: Losses, leaving: Mapping[str, Leaving]
) -> int:
    """Delete, clearing the way for each stack in its turn, and say what stays."""
    from tapcfn.cli.leftovers import Leftovers
    from tapcfn.cli.losses import clearing_of
    from tapcfn.operations import Approval

    about_to_destroy(desk, planned)
    for move in desk.passed:  # what is deployed next begins at the beginning
        desk.ledger.moved(desk.place.blueprint, desk.place.stage, move, "gone")
    left = Leftovers()
    approval = Approval(leaving=leaving, clearing=clearing_of(losses))
    with desk.session.console.heard_by(left):
        outcome = desk.carry_out(planned, snapshot, approval)
    code = close(desk, outcome, "destroy")
    left.tell(desk, outcome)
    return code
