"""What may stand where the cursor is, for shells: names that are at hand, and no call for any.

Nothing here fails: a shell that asks gets no answer rather than a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from click import Context, Parameter
from click.shell_completion import CompletionItem

from tapcfn.cli.names import known

if TYPE_CHECKING:
    from tapcfn.cli.workplace import Catalogue

Found: TypeAlias = "Iterable[str | tuple[str, str]]"
Complete: TypeAlias = "Callable[[Context, Parameter, str], list[CompletionItem[str]]]"

_STATE = Path(".tapcfn")

# How many runs are offered: the last ones.
_RUNS = 20


def _offering(find: Callable[[Context], Found], *, paths: bool = False) -> Complete:
    """Return what a shell asks: the names that begin so, or files where `paths` may stand, too."""

    def complete(context: Context, _: Parameter, begun: str) -> list[CompletionItem[str]]:
        try:
            told = [(each, "") if isinstance(each, str) else each for each in find(context)]
        except Exception:  # whatever is broken here is told by the command itself
            told = []
        found = {name: says for name, says in told if name.startswith(begun)}
        items = [CompletionItem(name, help=says or None) for name, says in found.items()]
        return items or ([CompletionItem(begun, type="file")] if paths else [])

    return complete


def _catalogue(context: Context) -> Catalogue:
    from tapcfn.cli.workplace import Catalogue

    return Catalogue.load(context.obj.package)


def _blueprints(context: Context) -> Iterator[str]:
    """Yield the blueprints, and the folders of templates that lie here."""
    import contextlib

    with contextlib.suppress(Exception):  # there may be no blueprints, only such folders
        yield from sorted(_catalogue(context).modules)
    yield from sorted(path.parent.name for path in Path().glob("*/tapcfn.toml"))


def _stages(context: Context) -> Found:
    catalogue = _catalogue(context)
    blueprint = str(context.params.get("blueprint") or "")
    names = [blueprint] if blueprint in catalogue.modules else sorted(catalogue.modules)
    return sorted({stage for name in names for stage in catalogue.stages(name)})


def _named(*kinds: str) -> Callable[[Context], Found]:
    """Return the names of some kinds, as the last command that made the rollout saw them."""

    def find(context: Context) -> Found:
        blueprint = str(context.params.get("blueprint") or "")
        return known(_STATE, kinds, blueprint, str(context.params.get("stage") or ""))

    return find


def _told_runs(_: Context) -> Iterator[str]:
    """Yield the last runs whose lines are kept, the newest first."""
    for path in sorted((_STATE / "told").glob("*.ndjson"), reverse=True)[:_RUNS]:
        yield path.stem


def _runs(_: Context) -> Iterator[tuple[str, str]]:
    """Yield the last runs, the newest first, and what each did."""
    import json

    for path in sorted((_STATE / "runs").glob("*.ndjson"), reverse=True)[:_RUNS]:
        with path.open(encoding="utf-8") as file:
            about = json.loads(file.readline())
        said = (about.get(key) for key in ("command", "blueprint", "stage"))
        yield path.stem, " ".join(str(each) for each in said if each)


def _runs_and_blueprints(context: Context) -> Iterator[str | tuple[str, str]]:
    yield from _runs(context)
    yield from sorted({said.split()[1] for _, said in _runs(context) if " " in said})


def _bundles(context: Context) -> Iterator[str]:
    """Yield how the digests of the kept bundles begin."""
    blueprint, stage = (str(context.params.get(key) or "") for key in ("blueprint", "stage"))
    place = Path(blueprint)
    kept = (_STATE / "bundles").glob(f"{'*' if place.exists() else stage}-{place.name}/*/")
    yield from sorted(path.name[:12] for path in kept if path.is_dir())


blueprints = _offering(_blueprints, paths=True)
stages = _offering(_stages)
stacks = _offering(_named("stacks"))
stack_sets = _offering(_named("sets"))
units = _offering(_named("stacks", "sets"))
phases = _offering(_named("phases"))
phases_and_moves = _offering(_named("phases", "moves"))
moves = _offering(_named("moves"))
moves_and_base = _offering(lambda context: ("base", *map(str, _named("moves")(context))))
points = _offering(_named("points"))
actions = _offering(_named("actions"))
runs = _offering(_runs)
told_runs = _offering(_told_runs, paths=True)
runs_and_blueprints = _offering(_runs_and_blueprints)
bundles = _offering(_bundles)
