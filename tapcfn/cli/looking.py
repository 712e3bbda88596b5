"""Commands that only look: status, outputs and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tapcfn.cli import completers
from tapcfn.cli.options import Session, Where, common, placed
from tapcfn.cli.templates import places
from tapcfn.cli.workplace import workplace
from tapcfn.errors import UsageError

if TYPE_CHECKING:
    from tapcfn.model import Stack, StackEvent


@click.command()
@click.pass_obj
@placed(required=False)
@common
def status(session: Session, /, *, where: Where) -> int:
    """Show where each stack stands."""
    from tapcfn.cli.guarding import tell
    from tapcfn.cli.opening import open_desk
    from tapcfn.events import StackMoved
    from tapcfn.orphans import findings
    from tapcfn.report.text import table

    for place in places(session.package, where):
        with open_desk(session, place, "status") as desk:
            snapshot = desk.snapshot()
        rows = []
        for stack in desk.rollout.stacks:
            deployed = snapshot.stacks.get(stack.name)
            word = deployed.status if deployed else "not deployed"
            updated = deployed.updated if deployed else ""
            on = deployed.protected if deployed else None
            session.console.notify(StackMoved(stack.name, stack.target, word, updated, on))
            protected = "protected" if on else ""
            rows.append((stack.name, str(stack.target), word, updated, protected))
        session.console.result(table(("stack", "target", "status", "updated", ""), rows))
        tell(desk, findings(snapshot.orphans), snapshot.orphans)
    return 0


@click.command()
@click.pass_obj
@placed()
@common
def outputs(session: Session, /, *, where: Where) -> int:
    """Print the rollout's outputs."""
    from tapcfn.cli.opening import open_desk
    from tapcfn.cli.outputs import show_outputs

    place = workplace(session.package, where)
    with open_desk(session, place, "outputs") as desk:
        show_outputs(desk, desk.snapshot())
    return 0


@click.command()
@click.pass_obj
@placed()
@click.option("--stack", "only", shell_complete=completers.stacks, help="Only this stack.")
@click.option("--failed", is_flag=True, help="Only what failed.")
@common
def events(session: Session, /, *, where: Where, only: str | None, failed: bool) -> int:
    """Print what happened to each stack, oldest first."""
    from tapcfn.cli.opening import open_desk

    place = workplace(session.package, where)
    names = [stack.name for stack in place.rollout.stacks]
    if only is not None and only not in names:
        raise UsageError(f"--stack {only}: no such stack (there are: {', '.join(names)})")
    with open_desk(session, place, "events") as desk:
        snapshot = desk.snapshot()
        if only not in snapshot.stacks if only else not snapshot.stacks:
            session.console.say(f"No events: {only or place.blueprint} is not deployed.")
        for stack in place.rollout.stacks:
            deployed = snapshot.stacks.get(stack.name)
            if deployed is not None and only in {None, stack.name}:
                found = desk.cloud.events(deployed.stack_id, stack.target, "")
                _show_events(
                    session, stack, [each for each in found if each.is_failure or not failed]
                )
    return 0


def _show_events(session: Session, stack: Stack, found: list[StackEvent]) -> None:
    """Print one stack's history, failures with the line that asked for the resource."""
    from tapcfn.events import ResourceMoved
    from tapcfn.report.text import table

    rows = []
    for event in found:
        source = stack.template.source.get(event.logical_id)
        if session.console.json:
            session.console.notify(ResourceMoved(stack.name, stack.target, event, source))
        where = str(source) if source and event.is_failure else ""
        rows.append((event.time, event.logical_id, event.status, event.reason, where))
    session.console.result(f"{stack.name} ({stack.target.region})")
    session.console.result(table(("time", "resource", "status", "reason", ""), rows) + "\n")
