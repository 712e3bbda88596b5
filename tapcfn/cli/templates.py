"""Commands that need no cloud: render, check and schema."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tapcfn.cli.options import Session, Where, common, placed
from tapcfn.cli.workplace import Catalogue, Workplace, enter, schema_of, workplace
from tapcfn.errors import UsageError


@click.command()
@click.pass_obj
@placed(required=False, stage="example", bundled=False)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 if stale.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write; needed for any other stage than example.",
)
@common
def render(session: Session, /, *, where: Where, only_check: bool, out: Path | None) -> int:
    """Write templates and a manifest as files, the same bytes every time."""
    from tapcfn import bundle

    catalogue = Catalogue.load(session.package)
    if out is None and (where.stage != "example" or where.file is not None):
        raise UsageError("--out is missing: only the example stage has a place of its own")
    folder = out or catalogue.settings.parent / "rendered"
    stale = 0
    for place in places(session.package, where):
        target = folder / place.blueprint
        changed = (bundle.stale if only_check else bundle.write)(place.rollout, target)
        stale += len(changed)
        for name in changed:
            session.console.result(f"{'stale' if only_check else 'wrote'} {target / name}")
        if not changed:
            session.console.result(f"{target}: current")
    if only_check and stale:
        session.console.complain(f"{stale} stale files", hint="run render")
    return 1 if only_check and stale else 0


@click.command()
@click.pass_obj
@placed(required=False)
@common
def check(session: Session, /, *, where: Where) -> int:
    """Ask cfn-lint about every template, for the Regions it goes to; a warning is an error."""
    from tapcfn.events import FindingRaised
    from tapcfn.lint import lint
    from tapcfn.model import Severity, Snapshot
    from tapcfn.plan import plan
    from tapcfn.report.text import findings_text

    faults = 0
    for place in places(session.package, where):
        plan(place.rollout, Snapshot())
        findings = lint(place.rollout.stacks)
        faults += sum(each.severity is not Severity.INFO for each in findings)
        for finding in findings:
            session.console.notify(FindingRaised(finding))
        templates = len({stack.template for stack in place.rollout.stacks})
        regions = ", ".join(sorted({target.region for target in place.rollout.targets}))
        if findings:
            session.console.result(findings_text(findings))
        session.console.result(
            f"{place.blueprint}: {templates} templates for {regions}: "
            + (f"{len(findings)} findings" if findings else "clean")
        )
    return 1 if faults else 0


@click.command()
@click.pass_obj
@click.argument("blueprint")
@common
def schema(session: Session, /, *, blueprint: str) -> int:
    """Print the JSON Schema of a blueprint's settings."""
    document = schema_of(Catalogue.load(session.package).module(blueprint))
    session.console.answer("schema", {"schema": document}, json.dumps(document, indent=2))
    return 0


def places(package: str, where: Where) -> list[Workplace]:
    """Return one blueprint, or all that have this stage; raise `UsageError` if none has."""
    if where.blueprint is not None or where.bundle is not None:
        return [workplace(package, where)]
    if where.file is not None:
        raise UsageError("--settings needs a blueprint: a settings file belongs to one")
    catalogue = Catalogue.load(package)
    names = [name for name in sorted(catalogue.modules) if where.stage in catalogue.stages(name)]
    if not names:
        stages = sorted({each for name in catalogue.modules for each in catalogue.stages(name)})
        raise UsageError(
            f'no blueprint has a stage "{where.stage}" (there are: {", ".join(stages) or "none"})'
        )
    return [enter(catalogue, Where(name, where.stage, None)) for name in names]
