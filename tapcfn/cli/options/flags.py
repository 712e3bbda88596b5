"""Options that go into the session: how a run is told, how long it may take, when it stops."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


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


def fail_fast(command: F) -> F:
    """Add `--fail-fast`, which goes into the session."""
    return _noted(
        "--fail-fast",
        "fail_fast",
        is_flag=True,
        help="Start nothing new after the first failure.",
    )(command)


def linked(command: F) -> F:
    """Add `--link`, which goes into the session."""
    return _noted(
        "--link",
        "link",
        metavar="URL",
        default="",
        help="The page of the CI job, for notifications; GitHub's, GitLab's and others' is known.",
    )(command)


def sampled(command: F) -> F:
    """Add `--sample`, which goes into the session."""
    return _noted(
        "--sample",
        "sample",
        type=click.IntRange(min=1),
        help="Preview only so many instances of each kind of a stack set in each Region.",
    )(command)


def cancel_on_interrupt(command: F) -> F:
    """Add `--cancel-on-interrupt`, which goes into the session."""
    return _noted(
        "--cancel-on-interrupt",
        "cancel_on_interrupt",
        is_flag=True,
        help="After Ctrl-C roll running updates back, and a shift to its last good step; without "
        "it, and creations always, they go on.",
    )(command)


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
