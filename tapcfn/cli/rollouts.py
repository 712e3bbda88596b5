"""Commands that change what is deployed, or say what they would change: plan, apply, destroy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapcfn.cli.options import Session, Where, allow_loss, common, placed, program
from tapcfn.cli.staged import (
    approval_of,
    code_of,
    discard,
    has_changes,
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


@click.command()
@click.pass_obj
@placed()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the change sets and write a plan file for `apply --plan`.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 if there is something to do.")
@allow_loss
@common
def plan(
    session: Session,
    /,
    *,
    where: Where,
    out: Path | None,
    detailed_exitcode: bool,
    allow_loss: tuple[str, ...],
) -> int:
    """Show what apply would do, from real change sets, and leave nothing behind."""
    from tapcfn import saved
    from tapcfn.cli.desk import open_desk
    from tapcfn.plan import plan as make_plan

    if out is not None and not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}")
    place = workplace(session.package, where)
    with open_desk(session, place, "plan") as desk:
        snapshot = desk.settled_snapshot()
        planned = make_plan(place.rollout, snapshot)
        allowed = frozenset(allow_loss)
        with previewed(desk, planned, snapshot, allowed) as staged:
            show_plan(session, planned, staged.previews)
            code = code_of(staged.previews)
            if out is not None and code == 0:
                text = saved.dump(planned, staged.previews, allowed)
                out.write_text(text + "\n", encoding="utf-8")
                staged.keep_for_later(desk)
                session.console.say(
                    f"Saved: {out}; apply exactly this with: {program()} apply --plan {out}"
                    + (f" --from-bundle {place.bundle}" if place.bundle else "")
                    + (f" --settings {place.file}" if place.file else "")
                )
    if code == 0 and detailed_exitcode and has_changes(planned, staged.previews):
        return 10
    return code


@click.command()
@click.pass_obj
@placed(required=False, stage="")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Apply exactly this saved plan, or nothing (exit 6).",
)
@click.option("--yes", is_flag=True, help="Approve the plan; never the loss of data.")
@allow_loss
@common
def apply(
    session: Session,
    /,
    *,
    where: Where,
    plan_file: Path | None,
    yes: bool,
    allow_loss: tuple[str, ...],
) -> int:
    """Bring what is deployed to what is wanted: preview, confirm, carry out, wait."""
    from tapcfn import saved
    from tapcfn.cli.desk import open_desk
    from tapcfn.plan import plan as make_plan

    read = saved.load(plan_file) if plan_file is not None else None
    place = _place_to_apply(session, where, plan_file, read)
    with open_desk(session, place, "apply") as desk:
        snapshot = desk.settled_snapshot()
        planned = make_plan(place.rollout, snapshot)
        if read is not None:
            return _apply_saved(desk, planned, snapshot, read)
        asks = not (place.is_local or yes)
        if planned.has_work and asks:
            _make_sure_that_somebody_answers(session)
        allowed = frozenset(allow_loss)
        with previewed(desk, planned, snapshot, allowed) as staged:
            show_plan(session, planned, staged.previews)
            if not planned.has_work:
                _show_outputs(desk, snapshot)
                return 0
            if code := code_of(staged.previews):
                return code
            if asks and not _confirmed(desk):
                return 130
            staged.keep = True
        approval = approval_of(staged.previews, allowed, strict=asks)
        return _carry_out(desk, planned, snapshot, approval)


@click.command()
@click.pass_obj
@placed()
@click.option("--yes", is_flag=True, help="Approve the plan; never the loss of data.")
@click.option(
    "--empty-buckets",
    multiple=True,
    metavar="BUCKET",
    help="Delete all that is in this bucket first. May be given more than once.",
)
@click.option(
    "--lift-protection", is_flag=True, help="Take termination protection off the stacks first."
)
@allow_loss
@common
def destroy(
    session: Session,
    /,
    *,
    where: Where,
    yes: bool,
    empty_buckets: tuple[str, ...],
    lift_protection: bool,
    allow_loss: tuple[str, ...],
) -> int:
    """Take a rollout away; says first what data would be lost, and what is kept."""
    from tapcfn.cli.desk import open_desk
    from tapcfn.cli.losses import find_losses, settle_losses
    from tapcfn.operations import Approval
    from tapcfn.plan import plan_destroy

    place = workplace(session.package, where)
    with open_desk(session, place, "destroy") as desk:
        snapshot = desk.settled_snapshot()
        planned = plan_destroy(place.rollout, snapshot)
        show_plan(session, planned, ())
        if not planned.has_work:
            return 0
        losses = find_losses(desk, planned)
        session.console.answer("losses", losses.fields(), losses.text())
        losses.check(frozenset(empty_buckets), lift_protection=lift_protection)
        if not place.is_local:
            if yes:
                losses.check_allowed(frozenset(allow_loss))
            else:
                _make_sure_that_somebody_answers(session)
                if not _confirmed(desk):
                    return 130
        settle_losses(desk, losses)
        return _close(desk, desk.carry_out(planned, snapshot, Approval()), "destroy")


def _place_to_apply(
    session: Session, where: Where, file: Path | None, read: SavedPlan | None
) -> Workplace:
    """Return what to apply: as the plan file says, or as the arguments do."""
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

    previews = saved.restore(read, planned, desk.cloud, desk.pool)
    show_plan(desk.session, planned, previews)
    if not planned.has_work:
        _show_outputs(desk, snapshot)
        return 0
    if code := code_of(previews):
        return code
    return _carry_out(desk, planned, snapshot, approval_of(previews, read.allowed, strict=True))


def _carry_out(desk: Desk, planned: Plan, snapshot: Snapshot, approval: Approval) -> int:
    outcome = desk.carry_out(planned, snapshot, approval)
    _discard_untouched(desk, outcome, approval)
    code = _close(desk, outcome, "apply")
    if code == 0:
        _show_outputs(desk, desk.snapshot())
        _show_next_steps(desk)
    return code


def _discard_untouched(desk: Desk, outcome: Outcome, approval: Approval) -> None:
    """Remove the change sets of stacks that were skipped."""
    from tapcfn.model import Ending

    skipped = {each.stack for each in outcome.ended(Ending.SKIPPED)}
    discard(desk, [each for name, each in approval.previews.items() if name in skipped])


def _close(desk: Desk, outcome: Outcome, command: str) -> int:
    """Print the verdict and how to go on; return the exit code."""
    from tapcfn.report.text import outcome_text

    desk.session.outcome = outcome
    if outcome.exit_code:
        desk.session.resume = f"{program()} {command} {desk.place.command}"
    desk.session.console.say(outcome_text(outcome, desk.session.resume))
    return outcome.exit_code


def _make_sure_that_somebody_answers(session: Session) -> None:
    """Raise `UsageError`, before anything is written, where nobody can be asked."""
    if not session.may_ask:
        raise UsageError("an answer is needed: give --yes, or run it where a person can answer")


def _confirmed(desk: Desk) -> bool:
    """Ask a person to type the stage's name."""
    from tapcfn.cli.console import ask

    stage = desk.place.stage
    return ask(f'Type the stage\'s name, "{stage}", to go on: ') == stage


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
