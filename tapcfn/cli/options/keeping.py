"""Where a plan is kept as a file."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from tapcfn.cli.options.flags import Duration
from tapcfn.cli.options.session import Session

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where a plan is kept as a file, and for how many seconds it is good."""

    out: Path | None = None
    expires: float | None = None


def keeping_a_plan(command: F) -> F:
    """Add what keeps a plan as a file, and hand it over as one `Keeping`."""

    @functools.wraps(command)
    def call(session: Session, *, out: Path | None, expires: float | None, **rest: Any) -> Any:
        return command(session, keeping=Keeping(out, expires), **rest)

    decorated: Any = call
    for decorate in (
        click.option(
            "--expires",
            type=Duration(),
            help="How long the plan file is good for (90m, 24h); 72h unless it is said.",
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Keep the change sets and write a plan file for `apply --plan`.",
        ),
    ):
        decorated = decorate(decorated)
    result: F = decorated
    return result
