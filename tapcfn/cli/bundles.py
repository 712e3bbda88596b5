"""Bundles: templates and where they go, as files that can be handed on, verified and compared."""

from __future__ import annotations

from pathlib import Path

import click

from tapcfn.cli.options import Session, Where, common, placed
from tapcfn.cli.workplace import deployment_of, workplace

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group()
def bundle() -> None:
    """Build, verify and compare bundles; `apply --from-bundle` deploys one."""


@bundle.command()
@click.pass_obj
@placed(bundled=False)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where to write."
)
@click.option(
    "--commit", default="", help="The commit that it is made from; noted in the manifest."
)
@common
def build(session: Session, /, *, where: Where, out: Path, commit: str) -> int:
    """Write a stage's templates, where they go, and a manifest with a digest of each."""
    from tapcfn.bundle import write

    place = workplace(session.package, where)
    about = {"deployment": deployment_of(place.settings), **({"commit": commit} if commit else {})}
    changed = write(place.rollout, out, about)
    text = "\n".join([*(f"wrote {out / name}" for name in changed)]) or f"{out}: current"
    session.console.answer("bundle.built", {"folder": str(out), "changed": list(changed)}, text)
    return 0


@bundle.command()
@click.pass_obj
@click.argument("folder", type=FOLDER)
@common
def verify(session: Session, /, *, folder: Path) -> int:
    """Hold every file against its digest; exit 6 if one is missing, different or one too many."""
    from tapcfn.bundle import read
    from tapcfn.report.counted import counted

    found = read(folder)
    templates = len({stack.template.layer for stack in found.rollout.stacks})
    fields = {
        "folder": str(folder),
        "blueprint": found.rollout.blueprint,
        "stage": found.rollout.stage,
        "commit": found.commit or None,
        "digest": found.digest,
        "templates": templates,
        "stacks": len(found.rollout.stacks),
    }
    stacks = counted(len(found.rollout.stacks), "stack")
    made = f", made from {found.commit}" if found.commit else ""
    session.console.answer(
        "bundle.verified",
        fields,
        f"{folder}: {found.rollout.blueprint} for stage {found.rollout.stage}, "
        f"{counted(templates, 'template')} for {stacks}{made}: "
        "every file is as it was written\n"
        f"sha256 of the manifest: {found.digest}",
    )
    return 0


@bundle.command()
@click.pass_obj
@click.argument("old", type=FOLDER)
@click.argument("new", type=FOLDER)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 if they differ.")
@common
def diff(session: Session, /, *, old: Path, new: Path, detailed_exitcode: bool) -> int:
    """Show what two bundles differ in, and which changes make new resources; asks no AWS."""
    from tapcfn.bundle import compare, read
    from tapcfn.report.compared import compared_fields, compared_text

    differences = compare(read(old), read(new))
    session.console.answer(
        "bundle.diff",
        {"differences": [compared_fields(each) for each in differences]},
        compared_text(differences),
    )
    return 10 if differences and detailed_exitcode else 0
