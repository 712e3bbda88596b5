"""Commands that change what is deployed, or say what they would change: plan and apply."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapcfn.cli.agreeing import close, confirmed, make_sure_that_somebody_answers
from tapcfn.cli.drifting import show_drift
from tapcfn.cli.options import (
    Removal,
    Session,
    Where,
    allow_loss,
    common,
    fail_fast,
    placed,
    program,
    removing,
    selected,
)
from tapcfn.cli.rolling_back import about_to_deploy, deployed_whole
from tapcfn.cli.staged import (
    approval_of,
    code_of,
    discard,
    has_changes,
    part_of,
    previewed,
    show_plan,
)
from tapcfn.cli.workplace import Workplace, workplace
from tapcfn.errors import UsageError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.events import Outcome
    from tapcfn.model import Snapshot
    from tapcfn.operations import Approval
    from tapcfn.plan import Plan
    from tapcfn.saved import SavedPlan
    from tapcfn.selection import Selection


@click.command()
@click.pass_obj
@placed()
@selected
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the change sets and write a plan file for `apply --plan`.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 if there is something to do.")
@click.option(
    "--drift", is_flag=True, help="Detect the drift of the stacks that would be updated, too."
)
@allow_loss
@common
def plan(
    session: Session,
    /,
    *,
    where: Where,
    selection: Selection,
    out: Path | None,
    detailed_exitcode: bool,
    drift: bool,
    allow_loss: tuple[str, ...],
) -> int:
    """Show what apply would do, from real change sets, and leave nothing behind."""
    from tapcfn import saved
    from tapcfn.cli.desk import open_desk
    from tapcfn.cli.guarding import (
        allowances,
        before_writing,
        beside_the_plan,
        unused,
        verdict_on,
    )
    from tapcfn.plan import plan as make_plan

    if out is not None and not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}")
    place = workplace(session.package, where)
    with open_desk(session, place, "plan") as desk:
        chosen = selection.of(place.rollout)
        snapshot = desk.settled_snapshot()
        planned = part_of(make_plan(place.rollout, snapshot, chosen), chosen, snapshot)
        allowed = allowances(desk, snapshot, allow_loss)
        before_writing(desk, planned)
        with previewed(desk, planned, snapshot, allowed, thorough=True) as staged:
            show_plan(session, planned, staged.previews)
            if drift:
                show_drift(desk, planned, snapshot)
            beside_the_plan(desk, planned, snapshot, staged.previews)
            unused(desk, planned, staged.previews, allowed)
            code = verdict_on(desk, staged.previews, code_of(staged.previews))
            if out is not None and code == 0:
                text = saved.dump(planned, staged.previews, allowed)
                out.write_text(text + "\n", encoding="utf-8")
                staged.keep_for_later(desk)
                session.console.say(
                    f"Saved: {out}; apply exactly this with: {program()} apply "
                    + (f"{place.plain} " if place.plain else "")
                    + f"--plan {out}"
                    + (f" --from-bundle {place.bundle}" if place.bundle else "")
                    + (f" --settings {place.file}" if place.file else "")
                )
    if code == 0 and detailed_exitcode and has_changes(planned, staged.previews):
        return 10
    return code


@click.command()
@click.pass_obj
@placed(required=False, stage="")
@selected
@fail_fast
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Apply exactly this saved plan, or nothing (exit 6).",
)
@click.option("--yes", is_flag=True, help="Approve the plan; never the loss of data.")
@removing
@allow_loss
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
    allow_loss: tuple[str, ...],
) -> int:
    """Bring what is deployed to what is wanted: preview, confirm, carry out, wait."""
    from tapcfn import orphans, saved
    from tapcfn.cli.desk import open_desk
    from tapcfn.cli.guarding import (
        allowances,
        before_writing,
        beside_the_plan,
        unused,
        verdict_on,
    )
    from tapcfn.cli.losses import find_losses, settle_losses
    from tapcfn.plan import plan as make_plan

    if plan_file is not None and removal.orphans:
        raise UsageError("--remove-orphan: a plan file removes no orphans; apply without it")
    read = saved.load(plan_file) if plan_file is not None else None
    place = _place_to_apply(session, where, plan_file, read)
    with open_desk(session, place, "apply") as desk:
        chosen = _chosen(selection, place, read)
        snapshot = desk.settled_snapshot()
        planned = part_of(make_plan(place.rollout, snapshot, chosen), chosen, snapshot)
        if read is not None:
            return _apply_saved(desk, planned, snapshot, read)
        allowed = allowances(desk, snapshot, allow_loss)
        going = orphans.chosen(snapshot.orphans, removal.orphans)
        planned = orphans.with_removal(planned, going, desk.cloud)
        asks = not (place.is_local or yes)
        if planned.has_work and asks:
            make_sure_that_somebody_answers(session)
        before_writing(desk, planned)
        with previewed(desk, planned, snapshot, allowed, thorough=asks) as staged:
            show_plan(session, planned, staged.previews)
            beside_the_plan(desk, planned, snapshot, staged.previews)
            losses = find_losses(desk, planned, {})
            unused(desk, planned, staged.previews, allowed, losses.used(allowed))
            if not planned.has_work:
                deployed_whole(desk, planned)
                _show_outputs(desk, snapshot)
                return 0
            if code := verdict_on(desk, staged.previews, code_of(staged.previews)):
                return code
            if going:
                session.console.answer("losses", losses.fields(), losses.text())
                losses.check(removal.buckets, lift_protection=removal.lift_protection)
                losses.check_allowed(allowed)
            if asks and not confirmed(desk):
                return 130
            staged.keep = True
        settle_losses(desk, losses)
        approval = approval_of(staged.previews, allowed, strict=asks)
        return _carry_out(desk, planned, snapshot, approval)


def _chosen(selection: Selection, place: Workplace, read: SavedPlan | None) -> frozenset[str]:
    """Return the names of the stacks to apply: a plan file says it for itself."""
    if read is None:
        return selection.of(place.rollout)
    if not selection.is_all:
        raise UsageError("a plan file says itself which stacks it is for; plan again for others")
    return frozenset(read.units)


def _place_to_apply(
    session: Session, where: Where, file: Path | None, read: SavedPlan | None
) -> Workplace:
    """Return what to apply: as the plan file says, or as the arguments do."""
    if where.is_plain:
        place = workplace(session.package, where)
        if read is not None and (place.blueprint, place.stage) != (read.blueprint, read.stage):
            raise UsageError(
                f"{file} is a plan for {read.blueprint}, stage {read.stage}; {where.blueprint} is "
                f"{place.blueprint}, stage {place.stage}"
            )
        return place
    if read is not None:
        if where.blueprint not in {None, read.blueprint}:
            raise UsageError(f"{file} is a plan for {read.blueprint}, not {where.blueprint}")
        if where.stage not in {"", read.stage}:
            raise UsageError(f"{file} is a plan for stage {read.stage}, not {where.stage}")
        where = replace(where, blueprint=read.blueprint, stage=read.stage)
    if where.bundle is None:
        where = replace(where, stage=where.stage or "local")
    return workplace(session.package, where)


def _apply_saved(desk: Desk, planned: Plan, snapshot: Snapshot, read: SavedPlan) -> int:
    """Carry out what a plan file says, each change set read again."""
    from tapcfn import saved
    from tapcfn.cli.guarding import before_writing, still_allowed, verdict_on

    allowed = still_allowed(desk, read.allowed)
    read = replace(read, allowed=allowed)
    before_writing(desk, planned)
    previews = saved.restore(read, planned, desk.cloud, desk.pool, desk.begun)
    show_plan(desk.session, planned, previews)
    if not planned.has_work:
        deployed_whole(desk, planned)
        _show_outputs(desk, snapshot)
        return 0
    if code := verdict_on(desk, previews, code_of(previews)):
        return code
    approval = approval_of(previews, allowed, strict=True)
    return _carry_out(desk, planned, snapshot, approval, reviewed=True)


def _carry_out(
    desk: Desk, planned: Plan, snapshot: Snapshot, approval: Approval, *, reviewed: bool = False
) -> int:
    """Do the plan. What was `reviewed` in a file stays for `resume`, if the run is stopped."""
    about_to_deploy(desk, planned)
    outcome = desk.carry_out(planned, snapshot, approval)
    if not (reviewed and outcome.exit_code in {7, 130}):
        _discard_untouched(desk, outcome, approval)
    code = close(desk, outcome, "apply")
    if code == 0:
        deployed_whole(desk, planned)
        _show_outputs(desk, desk.snapshot())
        _show_next_steps(desk)
    return code


def _discard_untouched(desk: Desk, outcome: Outcome, approval: Approval) -> None:
    """Remove the change sets of stacks that were skipped."""
    from tapcfn.model import Ending

    skipped = {each.stack for each in outcome.ended(Ending.SKIPPED)}
    discard(desk, [each for name, each in approval.previews.items() if name in skipped])


def _show_outputs(desk: Desk, snapshot: Snapshot) -> None:
    from tapcfn.cli.desk import show_outputs

    desk.session.console.result("")
    show_outputs(desk.session, desk.rollout, snapshot)


def _show_next_steps(desk: Desk) -> None:
    call, name = program(), desk.place.command
    desk.session.console.say(
        "\nWhat to try next:\n"
        f"  {call} plan {name}     what would change now: nothing\n"
        f"  {call} status {name}   where each stack stands\n"
        f"  {call} destroy {name}  take it away again"
    )
