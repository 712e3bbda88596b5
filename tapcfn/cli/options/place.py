"""What a command works on: a blueprint at a stage, a bundle or a folder; all of it or a part."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from tapcfn.cli import completers
from tapcfn.cli.options.session import Session

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Where:
    """Which blueprint at which stage, and the settings file if it is not the stage's own.

    With a `bundle` all three say something only where they are given. A folder of templates, or a
    TOML file beside some, may stand where a blueprint's name does.
    """

    blueprint: str | None
    stage: str
    file: Path | None
    bundle: Path | None = None

    @property
    def is_plain(self) -> bool:
        """Whether a path stands where a blueprint's name would."""
        return self.blueprint is not None and _is_path(self.blueprint)


def _is_path(name: str) -> bool:
    """Tell a path from a name: by its form, or because a folder of templates is called so."""
    if "/" in name or name in {".", ".."} or name.endswith(".toml"):
        return True
    return (Path(name) / "tapcfn.toml").is_file()


def placed(
    *, required: bool = True, stage: str = "local", bundled: bool = True
) -> Callable[[F], F]:
    """Add what names a blueprint and its stage, and hand it over as one `Where`.

    With `bundled` a bundle may stand for both.
    """

    def add(command: F) -> F:
        @functools.wraps(command)
        def call(
            session: Session,
            *,
            blueprint: str | None,
            stage: str,
            file: Path | None,
            from_bundle: Path | None = None,
            **rest: Any,
        ) -> Any:
            apart = from_bundle is not None or Where(blueprint, "", None).is_plain
            if apart and _is_default("stage"):
                stage = ""
            elif from_bundle is None and blueprint is None and required:
                raise click.UsageError(
                    f"Missing argument 'BLUEPRINT'{_there_are(session)}.",
                    click.get_current_context(),
                )
            return command(session, where=Where(blueprint, stage, file, from_bundle), **rest)

        decorated: Any = call
        for decorate in (
            click.argument(
                "blueprint",
                required=required and not bundled,
                shell_complete=completers.blueprints,
            ),
            click.option(
                "--stage",
                shell_complete=completers.stages,
                default=stage,
                show_default=stage or "local, or the plan's",
                help="Which settings.",
            ),
            click.option(
                "--settings",
                "file",
                type=click.Path(path_type=Path),
                help="A settings file, in place of the stage's own.",
            ),
            *([_from_bundle] if bundled else []),
        ):
            decorated = decorate(decorated)
        result: F = decorated
        return result

    return add


def _there_are(session: Session) -> str:
    """Name the blueprints, as far as that can be done."""
    from tapcfn.cli.workplace import Catalogue
    from tapcfn.errors import TapcfnError

    try:
        names = sorted(Catalogue.load(session.package).modules)
    except TapcfnError:
        return ": a folder that has a tapcfn.toml"
    return f" (there are: {', '.join(names)})"


def _is_default(name: str) -> bool:
    """Tell whether a person left an option out."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.DEFAULT


_from_bundle = click.option(
    "--from-bundle",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="What a bundle holds, in place of a blueprint's templates; verified first.",
)


def selected(command: F) -> F:
    """Add what names a part of a rollout, and hand it over as one `Selection`."""

    @functools.wraps(command)
    def call(
        session: Session, *, only: tuple[str, ...], phase: str, until: str, **rest: Any
    ) -> Any:
        from tapcfn.selection import Selection

        return command(session, selection=Selection(only, phase, until), **rest)

    decorated: Any = call
    for decorate in (
        click.option(
            "--only",
            shell_complete=completers.units,
            multiple=True,
            metavar="STACK",
            help="This stack alone; * and ? fit any characters. May be given more than once.",
        ),
        click.option(
            "--phase",
            shell_complete=completers.phases,
            default="",
            metavar="NAME",
            help="This phase alone.",
        ),
        click.option(
            "--until",
            shell_complete=completers.phases_and_moves,
            default="",
            metavar="NAME",
            help="All phases up to this one; a destroy begins with the last.",
        ),
    ):
        decorated = decorate(decorated)
    result: F = decorated
    return result
