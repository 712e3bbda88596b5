"""The command that does one of a rollout's actions on request: a drill, a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tapcfn.cli import completers
from tapcfn.cli.agreeing import agreed
from tapcfn.cli.options import Session, Where, common, linked, placed
from tapcfn.cli.workplace import workplace
from tapcfn.errors import UsageError
from tapcfn.nearest import hint

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.model import Action, Rollout


@click.command()
@click.pass_obj
@placed()
@click.option(
    "--name",
    shell_complete=completers.actions,
    default="",
    metavar="ACTION",
    help="Do this one; without it they are listed.",
)
@click.option("--yes", is_flag=True, help="Do it without being asked.")
@linked
@common
def act(session: Session, /, *, where: Where, name: str, yes: bool) -> int:
    """List what a rollout can do on request beside its stacks, or do one of it."""
    from tapcfn.cli.opening import open_desk

    place = workplace(session.package, where)
    if not name:
        _list(session, place.rollout)
        return 0
    action = _named(place.rollout, name)
    with open_desk(session, place, "act") as desk:
        _tell(desk, action)
        if not yes and not agreed(desk):
            return 130
        _do(desk, action)
    return 0


def _named(rollout: Rollout, name: str) -> Action:
    known = {action.name: action for action in rollout.actions}
    if name not in known:
        there = ", ".join(sorted(known)) or "none"
        raise UsageError(
            f'--name: no action is called "{name}"{hint(name, known)} (there are: {there})'
        )
    return known[name]


def _list(session: Session, rollout: Rollout) -> None:
    from tapcfn.actions import forever, says
    from tapcfn.report.text import table

    rows = [(each.name, str(each.target), says(each), forever(each)) for each in rollout.actions]
    fields = [
        {"name": name, "target": target, "says": text, "forever": why or None}
        for name, target, text, why in rows
    ]
    text = table(("action", "target", "what it does", "cannot be taken back"), rows)
    if not rows:
        text = f"{rollout.blueprint} has nothing to do on request."
    session.console.answer("actions", {"actions": fields}, text)


def _tell(desk: Desk, action: Action) -> None:
    from tapcfn.actions import forever, says

    why = forever(action)
    desk.session.console.say(says(action) + (f"; cannot be taken back: {why}" if why else ""))


def _do(desk: Desk, action: Action) -> None:
    """Do the action with what the deployed stacks put out."""
    from tapcfn.acting import ActMeans
    from tapcfn.acting import act as carry_out
    from tapcfn.actions import resolved

    stacks = desk.snapshot().stacks
    outputs = {name: dict(deployed.outputs) for name, deployed in stacks.items()}
    means = ActMeans(desk.cloud.actions, desk.clock, desk.ledger, desk.patience, desk.tell)
    with desk.clock.heeding_signals():
        carry_out(resolved(action, outputs), means)
