"""Plan files: what is written into one, and what is applied from one."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tapcfn import __version__
from tapcfn.cli.options import Removal, Session, Where, program
from tapcfn.cli.workplace import Workplace, workplace
from tapcfn.errors import UsageError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.cli.losses import Losses
    from tapcfn.cli.staged import Staged
    from tapcfn.model import Snapshot
    from tapcfn.plan import Plan
    from tapcfn.saved import SavedPlan
    from tapcfn.selection import Selection

# How long a plan file is good for, unless it is said: over a weekend.
EXPIRES = 72 * 3600.0

_GIT_SECONDS = 10


def check_out(out: Path | None, expires: float | None) -> None:
    """Raise `UsageError` where no plan file can be written, or none is to be."""
    if out is None and expires is not None:
        raise UsageError("--expires is for a plan file: give --out, too")
    if out is not None and not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}")


def save(
    desk: Desk,
    out: Path,
    planned: Plan,
    staged: Staged,
    *,
    allowed: frozenset[str],
    removal: Removal,
    losses: Losses,
    expires: float | None,
) -> None:
    """Write a plan file, keep what is staged, and say how it is applied."""
    from tapcfn import saved

    place = desk.place
    until = datetime.now(UTC) + timedelta(seconds=EXPIRES if expires is None else expires)
    about = saved.About(
        __version__,
        commit_of(Path(place.source).parent if place.plain else Path()),
        until.replace(microsecond=0),
        removal.buckets,
        removal.lift_protection,
        losses.by_stack,
        place.plain,
    )
    out.write_text(saved.dump(planned, staged.previews, allowed, about) + "\n", encoding="utf-8")
    staged.keep_for_later(desk)
    desk.session.console.say(
        f"Saved: {out}, good until {about.expires.isoformat()}; apply exactly this with: "
        f"{program()} apply "
        + (f"{place.plain} " if place.plain else "")
        + f"--plan {out}"
        + (f" --from-bundle {place.bundle}" if place.bundle else "")
        + (f" --settings {place.file}" if place.file else "")
    )


def commit_of(folder: Path) -> str | None:
    """Return the commit that a folder's files are from, marked where they differ; None, if none."""
    git = shutil.which("git")
    if git is None:
        return None
    words = ["describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        found = subprocess.run(  # noqa: S603 - nothing of the user's is in it
            [git, *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def read(
    session: Session, file: Path | None, removal: Removal, allow_loss: tuple[str, ...]
) -> SavedPlan | None:
    """Return the plan of a file, if one is named; what it says itself is not to be said again.

    Raises `StaleError` where it has run out, but for a run that goes on with what it began.
    """
    from tapcfn import saved

    if file is None:
        return None
    if removal != Removal() or allow_loss:
        raise UsageError(
            "a plan file says itself what goes and what may be lost; to change that, plan again"
        )
    found = saved.load(file)
    if session.resumes is None:
        saved.check_fresh(found, datetime.now(UTC))
    return found


def chosen_by(selection: Selection, plan: SavedPlan) -> frozenset[str]:
    """Return the names of the stacks to apply: a plan file says it for itself."""
    if not selection.is_all:
        raise UsageError("a plan file says itself which stacks it is for; plan again for others")
    return plan.stacks


def place_to_apply(
    session: Session, where: Where, file: Path | None, plan: SavedPlan | None
) -> Workplace:
    """Return what to apply: as the plan file says, or as the arguments do."""
    if where.is_plain:
        place = workplace(session.package, where)
        if plan is not None and (place.blueprint, place.stage) != (plan.blueprint, plan.stage):
            raise UsageError(
                f"{file} is a plan for {plan.blueprint}, stage {plan.stage}; {where.blueprint} is "
                f"{place.blueprint}, stage {place.stage}"
            )
        return place
    if plan is not None and plan.source and where.blueprint is None and where.bundle is None:
        raise UsageError(
            f"{file} is a plan for the templates of {plan.source}: name them, too: "
            f"{program()} apply {plan.source} --plan {file}"
        )
    if plan is not None:
        if where.blueprint not in {None, plan.blueprint}:
            raise UsageError(f"{file} is a plan for {plan.blueprint}, not {where.blueprint}")
        if where.stage not in {"", plan.stage}:
            raise UsageError(f"{file} is a plan for stage {plan.stage}, not {where.stage}")
        where = replace(where, blueprint=plan.blueprint, stage=plan.stage)
    if where.bundle is None:
        where = replace(where, stage=where.stage or "local")
    return workplace(session.package, where)


def with_orphans(desk: Desk, planned: Plan, snapshot: Snapshot, plan: SavedPlan) -> Plan:
    """Return the plan with the deletions of a plan file; `StaleError` where one cannot be done."""
    from tapcfn import orphans, saved

    going = saved.going(plan, snapshot.orphans, desk.begun)
    return orphans.with_removal(planned, going, desk.cloud)


def losses_of(desk: Desk, planned: Plan, plan: SavedPlan) -> Losses:
    """Return what the deletions of a plan file lose: what was reviewed, and still allowed.

    Raises `StaleError` and `BlockedError` where it is not.
    """
    from tapcfn import saved
    from tapcfn.cli.losses import find_losses
    from tapcfn.plan import Verb

    losses = find_losses(desk, planned, {})
    names = {step.stack.name for step in planned.steps if step.verb is Verb.DELETE} - desk.begun
    saved.check_holdings(plan, names, losses.by_stack)
    if names:
        removal = Removal(buckets=plan.buckets, lift_protection=plan.lift_protection)
        losses.check_all(removal, plan.allowed)
    return losses
