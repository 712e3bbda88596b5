"""Commands that show a rollout's moves: where it stands, and the runbook of the way."""

from __future__ import annotations

from pathlib import Path

import click

from tapcfn.cli.options import Session, Where, common, placed, program, stands
from tapcfn.cli.workplace import workplace
from tapcfn.errors import BlockedError, TapcfnError


@click.command()
@click.pass_obj
@placed()
@stands
@common
def phases(session: Session, /, *, where: Where, at: str) -> int:
    """Show what a rollout does step by step: what is done, what is next, how far back it can go."""
    from tapcfn.cli.opening import open_desk
    from tapcfn.journey import undoable_until
    from tapcfn.report.journeys import open_still, phases_text
    from tapcfn.variants import BASE

    place = workplace(session.package, where)
    with open_desk(session, place, "phases") as desk:
        snapshot, passed = desk.snapshot(), desk.passed
        here: int | None
        try:
            here, fault = desk.position(snapshot, at), ""
        except BlockedError as error:
            here, fault = None, str(error)
    names = [BASE, *(move.name for move in place.rollout.moves)]
    fields = {
        "moves": names,
        "here": names[here] if here is not None else None,
        "back_to": names[undoable_until(place.rollout, here)] if here is not None else None,
        "next": names[here + 1] if here is not None and here + 1 < len(names) else None,
        "passed": here is None or not open_still(place.rollout, here, passed),
        "fault": fault or None,
    }
    text = _no_moves(place.blueprint)
    if place.rollout.moves:
        text = phases_text(place.rollout, here, passed)
    session.console.answer("phases", fields, text, paged=True)
    if fault:
        session.console.say(fault)
    return 0


def _no_moves(blueprint: str) -> str:
    return f"{blueprint} has no moves: `apply` brings all of it."


@click.command()
@click.pass_obj
@placed()
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "html"]),
    default="markdown",
    help="markdown unless it is said; html is one page that needs nothing else.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file."
)
@common
def runbook(session: Session, /, *, where: Where, form: str, out: Path | None) -> int:
    """Print the way of a rollout, step by step, with every command and the way back."""
    from tapcfn.report.runbook import runbook_html, runbook_markdown

    place = workplace(session.package, where)
    text = runbook_markdown(place.rollout, program(), place.command)
    if form == "html":
        text = runbook_html(text, f"Runbook: {place.blueprint}, stage {place.stage}")
    if out is None:
        session.console.answer("runbook", {"format": form, "text": text}, text.rstrip())
        return 0
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TapcfnError(f"--out {out}: cannot be written: {error.strerror}") from error
    session.console.say(f"Written: {out}")
    return 0
