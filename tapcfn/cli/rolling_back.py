"""Keep what was deployed whole, and go back to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapcfn.cli import completers
from tapcfn.cli.options import Session, Where, again, allow_loss, common, linked, placed, program
from tapcfn.cli.workplace import STATE, Catalogue, deployment_of, workplace
from tapcfn.errors import TapcfnError, UsageError

if TYPE_CHECKING:
    from tapcfn.bundle.shelf import Shelf
    from tapcfn.cli.desk import Desk
    from tapcfn.plan import Plan


@click.command()
@click.pass_obj
@placed(bundled=False)
@click.option(
    "--to",
    "start",
    shell_complete=completers.bundles,
    metavar="DIGEST",
    help="This bundle, by how its digest starts.",
)
@click.option("--list", "lists", is_flag=True, help="Only list the bundles there are.")
@click.option("--yes", is_flag=True, help="Approve the plan; never the loss of data.")
@allow_loss
@linked
@common
def rollback(
    session: Session,
    /,
    *,
    where: Where,
    start: str | None,
    lists: bool,
    yes: bool,
    allow_loss: tuple[str, ...],
) -> int:
    """Go back to what was deployed whole before: preview, confirm, carry out, wait.

    Every apply that ends well keeps its bundle, the last five of each stage. The newest of them
    that is not what is deployed now is applied as `apply --from-bundle` would.
    """
    blueprint, stage, where = _meant(session, where)
    shelf = _shelf(blueprint, stage)
    if lists:
        _list(session, shelf)
        return 0
    chosen = shelf.find(start) if start else shelf.last_good
    if chosen is None:
        raise UsageError(
            f"{blueprint}, stage {stage}: there is no earlier bundle to go back to "
            f"({len(shelf.good)} kept in {_short(shelf.folder)})"
            + (f"; what was deployed last was not kept: {shelf.refusal}" if shelf.refusal else "")
        )
    return _apply(session, where, shelf.folder / chosen.bundle, allow_loss, yes=yes)


def about_to_deploy(desk: Desk, planned: Plan) -> None:
    """Note on the shelf that something is begun; a part of a rollout is no bundle."""
    from tapcfn.plan import digest

    if not planned.left_out:
        with _on(desk) as shelf:
            shelf.begin(digest(planned.rollout))


def deployed_whole(desk: Desk, planned: Plan) -> None:
    """Keep the bundle of what has just been deployed, unless it would hold a secret."""
    from tapcfn.plan import digest
    from tapcfn.secret import secrets_of

    if planned.left_out:
        return
    if secrets_of(planned.rollout):
        why = "a NoEcho parameter has its value in the settings"
        desk.session.console.say(f"No bundle is kept for `rollback`: {why}.")
        with _on(desk) as shelf:
            shelf.refuse(why)
        return
    about = {"deployment": deployment_of(desk.place.settings)}
    with _on(desk) as shelf:
        shelf.keep(planned.rollout, digest(planned.rollout), about)


def about_to_destroy(desk: Desk, planned: Plan) -> None:
    """Note that nothing of it is deployed any more, where something was."""
    from tapcfn.bundle.shelf import GONE

    with _on(desk) as shelf:
        if shelf.good and not planned.left_out:
            shelf.begin(GONE)


@contextlib.contextmanager
def _on(desk: Desk) -> Iterator[Shelf]:
    """Hand over the stage's shelf; say in one line where it can't be written."""
    shelf = _shelf(desk.place.blueprint, desk.place.stage)
    try:
        yield shelf
    except OSError as error:
        raise TapcfnError(f"{shelf.folder}: cannot be written: {error.strerror}") from error


def _shelf(blueprint: str, stage: str) -> Shelf:
    from tapcfn.bundle.shelf import Shelf

    return Shelf(Path.cwd() / STATE / "bundles" / f"{stage}-{blueprint}")


def _meant(session: Session, where: Where) -> tuple[str, str, Where]:
    """Return the blueprint and stage that are meant, and the settings file that says where.

    The templates of today are not rendered: they may be the reason to go back.
    """
    if where.is_plain:
        place = workplace(session.package, where)
        return place.blueprint, place.stage, replace(where, file=None)
    blueprint = str(where.blueprint)
    catalogue = Catalogue.load(session.package)
    catalogue.module(blueprint)
    file = where.file or catalogue.file(blueprint, where.stage)
    return blueprint, where.stage, replace(where, file=file)


def _list(session: Session, shelf: Shelf) -> None:
    from tapcfn.report.text import table

    target = shelf.last_good
    rows = [
        (each.bundle[:12], "rollback goes there" if each == target else "", str(path))
        for each in shelf.good
        if (path := _short(shelf.folder / each.bundle))
    ]
    fields = {
        "bundles": [each.bundle for each in shelf.good],
        "next": target.bundle if target else None,
    }
    text = table(("bundle", "", "folder"), rows) if rows else "No bundle is kept yet."
    session.console.answer("rollback.bundles", fields, text)


def _apply(
    session: Session, where: Where, folder: Path, allowed: tuple[str, ...], *, yes: bool
) -> int:
    """Apply a kept bundle; a run of that is what `resume` goes on with."""
    bundle = str(_short(folder))
    words = ["--from-bundle", bundle]
    words += ["--settings", str(where.file)] if where.file else []
    words += [word for each in allowed for word in ("--allow-loss", each)]
    words += ["--yes"] if yes else []
    session.words = ("apply", *words)
    session.console.say(f"Going back: {program()} {' '.join(session.words)}")
    return again(session, "apply", words)


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd())
