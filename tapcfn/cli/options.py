"""The options that commands share, and the session that carries what they say."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tapcfn.cli.console import Console

if TYPE_CHECKING:
    from tapcfn.aws.session import Clients
    from tapcfn.events import Outcome

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(slots=True)
class Session:
    """One command: its voice, its options, and what its last line will sum up."""

    package: str
    console: Console
    debug: bool = False
    no_input: bool = False
    timeout: float = 3600.0
    outcome: Outcome | None = None
    resume: str | None = None
    clients: Clients | None = None

    @property
    def may_ask(self) -> bool:
        """Whether a person can be asked: not in CI, and not when told not to."""
        return not self.no_input and os.environ.get("CI", "").lower() not in {"1", "true"}


@dataclass(frozen=True, slots=True)
class Where:
    """Which blueprint at which stage, and the settings file if it is not the stage's own.

    With a `bundle` all three say something only where they are given.
    """

    blueprint: str | None
    stage: str
    file: Path | None
    bundle: Path | None = None


def program() -> str:
    """Return how this program was called, as a person can type it again from here."""
    if Path(sys.argv[0]).name == "tapcfn":
        return "tapcfn"
    python = Path(sys.executable)
    inside = python.is_relative_to(Path.cwd())
    return f"{python.relative_to(Path.cwd()) if inside else 'python'} deploy.py"


class Duration(click.ParamType[float]):
    """A time such as 90s, 30m or 2h; a bare number is minutes."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", str(value))
        if match is None:
            self.fail(f'"{value}" is no duration; allowed: 90s, 30m, 2h', param, ctx)
        return float(match[1]) * _UNITS[match[2] or "m"]


def common(command: F) -> F:
    """Add the options that every command takes; what they say goes into the session."""
    for option in (
        _noted("--debug", "debug", is_flag=True, help="Show a traceback when something fails."),
        _noted("--no-color", None, is_flag=True, help="Print without colours."),
        _noted(
            "--timeout",
            "timeout",
            type=Duration(),
            default="60m",
            show_default=True,
            help="Stop waiting after this long (90s, 30m, 2h); what runs goes on.",
        ),
        _noted(
            "--no-input",
            "no_input",
            is_flag=True,
            help="Never ask; an answer that is needed is exit 2.",
        ),
        _noted("--json", None, is_flag=True, help="Lines of JSON on stdout."),
    ):
        command = option(command)
    return command


def _noted(name: str, attribute: str | None, **rest: Any) -> Callable[[F], F]:
    """Return an option that is kept in the session instead of being handed to the command.

    `--json` and `--no-color` decide how even a wrong command line is told, so they have been read
    before.
    """

    def note(context: click.Context, _: click.Parameter, value: Any) -> None:
        if attribute is not None:
            setattr(context.obj, attribute, value)

    return click.option(name, expose_value=False, callback=note, **rest)


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
            if from_bundle is not None and _is_default("stage"):
                stage = ""
            elif from_bundle is None and blueprint is None and required:
                raise click.UsageError("Missing argument 'BLUEPRINT'.", click.get_current_context())
            return command(session, where=Where(blueprint, stage, file, from_bundle), **rest)

        decorated: Any = call
        for decorate in (
            click.argument("blueprint", required=required and not bundled),
            click.option(
                "--stage",
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


def _is_default(name: str) -> bool:
    """Tell whether a person left an option out."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.DEFAULT


_from_bundle = click.option(
    "--from-bundle",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="What a bundle holds, in place of a blueprint's templates; verified first.",
)

allow_loss = click.option(
    "--allow-loss",
    multiple=True,
    metavar="STACK/LOGICAL_ID",
    help="Allow this resource, and its data, to be lost. May be given more than once.",
)
