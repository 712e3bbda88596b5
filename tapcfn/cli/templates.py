"""Commands that need no cloud: render, check, graph and schema."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import click

from tapcfn.cli import completers
from tapcfn.cli.options import Session, Where, common, placed
from tapcfn.cli.reports import reporting
from tapcfn.cli.workplace import Catalogue, Workplace, enter, schema_of, workplace
from tapcfn.errors import TapcfnError, UsageError


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

    if out is None and (where.stage != "example" or where.file is not None):
        raise UsageError("--out is missing: only the example stage has a place of its own")
    folder = out or Catalogue.load(session.package).settings.parent / "rendered"
    stale = 0
    for place in places(session.package, where):
        target = folder / place.blueprint
        changed = (bundle.stale if only_check else bundle.write)(place.rollout, target)
        stale += len(changed)
        word = "stale" if only_check else "wrote"
        session.console.answer(
            "render",
            {"folder": str(target), word: list(changed)},
            "\n".join(f"{word} {target / name}" for name in changed) or f"{target}: current",
        )
    if only_check and stale:
        session.console.complain(f"{stale} stale files", hint="run render")
    return 1 if only_check and stale else 0


@click.command()
@click.pass_obj
@placed(required=False)
@reporting("--sarif")
@common
def check(session: Session, /, *, where: Where) -> int:
    """Ask cfn-lint about every template, for the Regions it goes to; a warning is an error."""
    from tapcfn.events import FindingRaised
    from tapcfn.lint import lint
    from tapcfn.model import Severity, Snapshot
    from tapcfn.plan import plan
    from tapcfn.report.counted import counted
    from tapcfn.report.text import findings_text

    faults = 0
    for place in places(session.package, where):
        plan(place.rollout, Snapshot())
        findings = lint(place.rollout.stacks, place.rollout.stack_sets)
        faults += sum(each.severity is not Severity.INFO for each in findings)
        for finding in findings:
            session.console.notify(FindingRaised(finding))
        sets = place.rollout.stack_sets
        templates = len({unit.template for unit in place.rollout.units})
        named = {stack.target.region for stack in place.rollout.stacks}
        regions = ", ".join(sorted(named.union(*(each.regions for each in sets))))
        if findings:
            session.console.result(findings_text(findings))
        session.console.result(
            f"{place.blueprint}: {counted(templates, 'template')} for {regions}: "
            + (counted(len(findings), "finding") if findings else "clean")
        )
    return 1 if faults else 0


@click.command()
@click.pass_obj
@placed(stage="example")
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "dot", "svg"]),
    default="mermaid",
    show_default=True,
    help="svg needs Graphviz.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="A file, in place of stdout."
)
@common
def graph(session: Session, /, *, where: Where, form: str, out: Path | None) -> int:
    """Draw what a blueprint builds: Regions, stacks, and what flows between them."""
    from tapcfn.report.graph import dot, draw, mermaid

    drawing = draw(workplace(session.package, where).rollout)
    text = mermaid(drawing) if form == "mermaid" else dot(drawing)
    if form == "svg":
        text = _svg(text)
    if out is not None:
        out.write_text(text, encoding="utf-8")
        session.console.say(f"wrote {out}")
        text = ""
    fields = {"format": form, "graph": text or None, "file": str(out) if out else None}
    session.console.answer("graph", fields, text.removesuffix("\n"))
    return 0


def _svg(text: str) -> str:
    """Have Graphviz lay out a drawing; raise `UsageError` where it is not installed."""
    program = shutil.which("dot")
    if program is None:
        raise UsageError(
            "an SVG is drawn by Graphviz's dot, which is not here: install the package graphviz "
            "(apt-get install graphviz, brew install graphviz), or take --format mermaid"
        )
    drawn = subprocess.run(  # noqa: S603 (our own text, a program found on the path)
        [program, "-Tsvg"], input=text, capture_output=True, text=True, check=False, timeout=60
    )
    if drawn.returncode:
        raise TapcfnError(f"dot failed: {drawn.stderr.strip()}")
    return drawn.stdout


@click.command()
@click.pass_obj
@click.argument("blueprint", required=False, shell_complete=completers.blueprints)
@click.option("--ndjson", is_flag=True, help="That of the lines which --json prints.")
@common
def schema(session: Session, /, *, blueprint: str | None, ndjson: bool) -> int:
    """Print the JSON Schema of a blueprint's settings, or of what programs are told."""
    from tapcfn.report.ndjson import stream_schema

    if (blueprint is None) is not ndjson:
        raise UsageError("say one of them: BLUEPRINT or --ndjson")
    if blueprint is None:
        document = stream_schema()
    else:
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
