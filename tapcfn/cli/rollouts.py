"""Commands that change what is deployed, or say what they would change: plan and apply."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapcfn.cli.applying import Wish, bring, carry_out, finished
from tapcfn.cli.drifting import show_drift
from tapcfn.cli.options import (
    Journey,
    Keeping,
    Removal,
    Session,
    Where,
    allow_loss,
    cancel_on_interrupt,
    common,
    fail_fast,
    keeping_a_plan,
    linked,
    looking_ahead,
    placed,
    removing,
    sampled,
    selected,
    travelling,
)
from tapcfn.cli.reports import reporting
from tapcfn.cli.saving import (
    check_out,
    chosen_by,
    losses_of,
    place_to_apply,
    read,
    save,
    with_orphans,
)
from tapcfn.cli.staged import (
    approval_of,
    code_of,
    durations,
    has_changes,
    part_of,
    previewed,
    show_plan,
)
from tapcfn.cli.workplace import workplace
from tapcfn.errors import UsageError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.model import Snapshot
    from tapcfn.plan import Plan
    from tapcfn.saved import SavedPlan
    from tapcfn.selection import Selection


@click.command()
@click.pass_obj
@placed()
@selected
@keeping_a_plan
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 if there is something to do.")
@click.option(
    "--drift", is_flag=True, help="Detect the drift of the stacks that would be updated, too."
)
@removing
@looking_ahead
@sampled
@allow_loss
@reporting("--junit", "--sarif", "--markdown", "--html")
@common
def plan(
    session: Session,
    /,
    *,
    where: Where,
    selection: Selection,
    keeping: Keeping,
    detailed_exitcode: bool,
    drift: bool,
    removal: Removal,
    journey: Journey,
    allow_loss: tuple[str, ...],
) -> int:
    """Show what apply would do, from real change sets, and leave nothing behind.

    With --until MOVE or --back-to MOVE: the moves that lead there.
    """
    from tapcfn import orphans
    from tapcfn.cli.guarding import (
        allowances,
        before_writing,
        beside_the_plan,
        unused,
        verdict_on,
    )
    from tapcfn.cli.leftovers import check_removal, going_of
    from tapcfn.cli.losses import find_losses
    from tapcfn.cli.opening import open_desk
    from tapcfn.plan import plan as make_plan

    check_out(keeping.out, keeping.expires)
    check_removal(removal)
    place = workplace(session.package, where)
    goal = journey.goal(place.rollout, selection)
    if goal and keeping.out is not None:
        raise UsageError("--out: moves are not kept in a plan file")
    with open_desk(session, place, "plan") as desk:
        snapshot = desk.settled_snapshot()
        if goal:
            return _show_the_way(desk, snapshot, goal, journey, coded=detailed_exitcode)
        wanted = desk.wanted(snapshot, journey.at)
        chosen = selection.of(wanted)
        planned = part_of(make_plan(wanted, snapshot, chosen), chosen, snapshot)
        allowed = allowances(desk, snapshot, allow_loss)
        going = going_of(desk, snapshot, removal.orphans)
        planned = orphans.with_removal(planned, going, desk.cloud)
        before_writing(desk, planned)
        with previewed(desk, planned, snapshot, allowed, thorough=True) as staged:
            show_plan(session, planned, staged.previews, staged.sets)
            _name_points_ahead(desk, snapshot, journey.at)
            if drift:
                show_drift(desk, planned, snapshot)
            beside_the_plan(desk, planned, snapshot, staged.previews)
            losses = find_losses(desk, planned, {})
            unused(desk, planned, staged.previews, allowed, losses.used(allowed), staged.sets)
            code = verdict_on(
                desk, staged.previews, code_of(staged.previews, staged.sets), staged.sets
            )
            if going and code == 0:
                losses.tell(desk)
                losses.check_all(removal, allowed)
            if keeping.out is not None and code == 0:
                save(
                    desk,
                    keeping.out,
                    planned,
                    staged,
                    allowed=allowed,
                    removal=removal,
                    losses=losses,
                    expires=keeping.expires,
                )
    if code == 0 and detailed_exitcode and has_changes(planned, staged.previews):
        return 10
    return code


def _show_the_way(
    desk: Desk, snapshot: Snapshot, goal: tuple[int, bool], journey: Journey, *, coded: bool
) -> int:
    """Show the moves that lead to a goal; return 10 for any, if the code is to say so."""
    from tapcfn.cli.journeys import legs_to
    from tapcfn.report.journeys import legs_text, way_fields

    legs = legs_to(desk, snapshot, goal, journey)
    text = legs_text(desk.place.rollout, legs)
    desk.session.console.answer("way", way_fields(legs), text, paged=True)
    return 10 if legs and coded else 0


def _name_points_ahead(desk: Desk, snapshot: Snapshot, at: str) -> None:
    from tapcfn.report.journeys import points_text

    if text := points_text(desk.place.rollout, desk.position(snapshot, at)):
        desk.session.console.page(text)


@click.command()
@click.pass_obj
@placed(required=False, stage="")
@selected
@fail_fast
@cancel_on_interrupt
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Apply exactly this saved plan, or nothing (exit 6).",
)
@click.option("--yes", is_flag=True, help="Approve the plan; never the loss of data.")
@removing
@travelling
@sampled
@allow_loss
@reporting("--junit", "--sarif", "--markdown", "--html", "--outputs-file")
@linked
@common
def apply(
    session: Session,
    /,
    *,
    where: Where,
    selection: Selection,
    plan_file: Path | None,
    yes: bool,
    removal: Removal,
    journey: Journey,
    allow_loss: tuple[str, ...],
) -> int:
    """Bring what is deployed to what is wanted: preview, confirm, carry out, wait.

    A rollout with moves stays where it stands: --until and --back-to lead it on, or back.
    """
    from tapcfn.cli.journeys import heading_of, travel
    from tapcfn.cli.leftovers import check_removal
    from tapcfn.cli.opening import open_desk
    from tapcfn.plan import plan as make_plan

    saved = read(session, plan_file, removal, allow_loss)
    place = place_to_apply(session, where, plan_file, saved)
    goal = journey.goal(place.rollout, selection)
    check_removal(removal, place.rollout.moves if goal else ())
    with open_desk(session, place, "apply") as desk:
        snapshot = desk.settled_snapshot()
        wanted = desk.wanted(snapshot, journey.at, heading_of(goal))
        if saved is not None:
            chosen = chosen_by(selection, saved)
            planned = part_of(make_plan(wanted, snapshot, chosen), chosen, snapshot)
            return _apply_saved(desk, planned, snapshot, saved)
        asks = not (place.is_local or yes)
        wish = Wish(wanted, frozenset(), allow_loss, removal, asks=asks)
        if goal:
            return travel(desk, snapshot, goal, wish, journey)
        return bring(desk, snapshot, replace(wish, chosen=selection.of(wanted)))


def _apply_saved(desk: Desk, planned: Plan, snapshot: Snapshot, plan: SavedPlan) -> int:
    """Carry out what a plan file says, each change set read again, and each orphan that goes."""
    from tapcfn import saved
    from tapcfn.cli.guarding import before_writing, still_allowed, verdict_on

    plan = replace(plan, allowed=still_allowed(desk, plan.allowed))
    planned = with_orphans(desk, planned, snapshot, plan)
    before_writing(desk, planned)
    previews = saved.restore(plan, planned, desk.cloud, desk.pool, desk.begun)
    show_plan(desk.session, planned, previews, durations(desk, planned))
    if planned.is_settled:
        return finished(desk, planned, snapshot)
    if code := verdict_on(desk, previews, code_of(previews)):
        return code
    losses = losses_of(desk, planned, plan)
    sample = desk.session.sample
    approval = approval_of(previews, plan.allowed, strict=True, losses=losses, sample=sample)
    return carry_out(desk, planned, snapshot, approval, reviewed=True)
