"""Bring what is deployed to one rollout: preview, agree, carry out, wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tapcfn.cli.agreeing import close, confirmed, make_sure_that_somebody_answers
from tapcfn.cli.options import Removal, program
from tapcfn.cli.rolling_back import about_to_deploy, deployed_whole
from tapcfn.cli.staged import approval_of, code_of, discard, part_of, previewed, show_plan

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.events import Outcome
    from tapcfn.model import Orphan, Rollout, Snapshot
    from tapcfn.operations import Approval
    from tapcfn.plan import Plan


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be brought about.

    `chosen` names the units that are meant, `leaving` stacks that go with it, as a move says, and
    `asks` whether somebody must agree. `quiet` leaves out what only the end of a command says.
    """

    rollout: Rollout
    chosen: frozenset[str]
    allow_loss: tuple[str, ...] = ()
    removal: Removal = field(default_factory=Removal)
    leaving: tuple[Orphan, ...] = ()
    asks: bool = False
    quiet: bool = False


def bring(desk: Desk, snapshot: Snapshot, wish: Wish) -> int:
    """Preview, agree, carry out and wait; return the exit code."""
    from tapcfn import orphans
    from tapcfn.cli.guarding import allowances, before_writing, beside_the_plan, unused, verdict_on
    from tapcfn.cli.leftovers import going_of
    from tapcfn.cli.losses import find_losses
    from tapcfn.plan import plan as make_plan

    chosen = wish.chosen
    planned = part_of(make_plan(wish.rollout, snapshot, chosen), chosen, snapshot)
    allowed = allowances(desk, snapshot, wish.allow_loss)
    going = (*going_of(desk, snapshot, wish.removal.orphans), *wish.leaving)
    planned = orphans.with_removal(planned, going, desk.cloud)
    if planned.has_work and wish.asks:
        make_sure_that_somebody_answers(desk.session)
    before_writing(desk, planned)
    with previewed(desk, planned, snapshot, allowed, thorough=wish.asks) as staged:
        show_plan(desk.session, planned, staged.previews, staged.sets)
        beside_the_plan(desk, planned, snapshot, staged.previews)
        losses = find_losses(desk, planned, {})
        if not wish.quiet:
            unused(desk, planned, staged.previews, allowed, losses.used(allowed), staged.sets)
        if planned.is_settled:
            return 0 if wish.quiet else finished(desk, planned, snapshot)
        code = code_of(staged.previews, staged.sets, applying=True)
        if code := verdict_on(desk, staged.previews, code, staged.sets):
            return code
        if going:
            losses.tell(desk)
            given = losses.part_of(wish.removal) if wish.leaving else wish.removal
            losses.check_all(given, allowed)
        if planned.has_work and wish.asks and not confirmed(desk):
            return 130
        staged.keep = True
    sample = desk.session.sample
    approval = approval_of(staged.previews, allowed, strict=True, losses=losses, sample=sample)
    return carry_out(desk, planned, snapshot, approval, quiet=wish.quiet)


def carry_out(
    desk: Desk,
    planned: Plan,
    snapshot: Snapshot,
    approval: Approval,
    *,
    reviewed: bool = False,
    quiet: bool = False,
) -> int:
    """Do the plan. What was `reviewed` in a file stays for `resume`, if the run is stopped."""
    about_to_deploy(desk, planned)
    outcome = desk.carry_out(planned, snapshot, approval)
    if not (reviewed and outcome.exit_code in {7, 130}):
        _discard_untouched(desk, outcome, approval)
    desk.session.outcome = outcome
    if quiet and outcome.exit_code == 0:
        return 0
    code = close(desk, outcome, "apply")
    if code == 0:
        finished(desk, planned, desk.snapshot())
        show_next_steps(desk)
    elif code != 130:
        _note_outputs(desk)
    return code


def finished(desk: Desk, planned: Plan, snapshot: Snapshot) -> int:
    """Note what is deployed as a whole, and show what it puts out."""
    deployed_whole(desk, planned)
    show_outputs(desk, snapshot)
    return 0


def _discard_untouched(desk: Desk, outcome: Outcome, approval: Approval) -> None:
    """Remove the change sets of stacks that were skipped."""
    from tapcfn.model import Ending

    skipped = {each.stack for each in outcome.ended(Ending.SKIPPED)}
    discard(desk, [each for name, each in approval.previews.items() if name in skipped])


def show_outputs(desk: Desk, snapshot: Snapshot) -> None:
    """Print the rollout's outputs after an empty line."""
    from tapcfn.cli.outputs import show_outputs as show

    desk.session.console.result("")
    show(desk, snapshot)


def _note_outputs(desk: Desk) -> None:
    """Have the outputs of what is deployed after a failure in the file, if one is wanted."""
    from tapcfn.cli.outputs import note_outputs
    from tapcfn.cli.reports import OUTPUTS
    from tapcfn.errors import TapcfnError

    if OUTPUTS not in desk.session.reports.files:
        return
    try:
        note_outputs(desk, desk.snapshot())
    except TapcfnError as error:
        desk.warn(f"{OUTPUTS}: the outputs cannot be read: {error}")


def show_next_steps(desk: Desk) -> None:
    """Say what a newcomer may try now."""
    call, name = program(), desk.place.command
    steps = {
        f"{call} plan {name}": "what would change now: nothing",
        f"{call} status {name}": "where each stack stands",
        f"{call} destroy {name}": "take it away again",
    }
    widest = max(map(len, steps))
    lines = [f"  {each:<{widest}}  {says}" for each, says in steps.items()]
    room = desk.session.console.room
    if room is not None and max(map(len, lines)) > room:  # a command is never broken for us
        lines = [line for each, says in steps.items() for line in (f"  {says}:", f"    {each}")]
    desk.session.console.say("\n".join(("\nWhat to try next:", *lines)))
