"""Where a rollout with moves stands, and where it is to be led."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tapcfn.cli import completers
from tapcfn.cli.options.session import Session
from tapcfn.errors import UsageError

if TYPE_CHECKING:
    from tapcfn.model import Rollout
    from tapcfn.selection import Selection

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Journey:
    """Where a rollout with moves is to be led: `at` says where it stands, if that can't be told.

    `confirmed` are the points of no return that are agreed to on the command line, `approved` the
    gates whose question is answered there.
    """

    back_to: str = ""
    at: str = ""
    confirmed: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()

    def goal(self, rollout: Rollout, selection: Selection) -> tuple[int, bool] | None:
        """Return the move to go to and whether that is back, or None where nothing moves.

        Raises `UsageError` for a move that there is not, and for contradictions.
        """
        from tapcfn.journey import number_of

        moves = {move.name for move in rollout.moves}
        if self.back_to and selection.until:
            raise UsageError("--back-to and --until exclude each other")
        if self.back_to:
            if not moves:
                raise UsageError(f"--back-to {self.back_to}: this rollout has no moves")
            return number_of(rollout, self.back_to), True
        if selection.until in moves:
            if selection.only or selection.phase:
                raise UsageError(f"--until {selection.until}: a move is taken whole")
            return number_of(rollout, selection.until), False
        return None


def stands(command: F) -> F:
    """Add `--at`, for rollouts with moves."""
    return click.option(
        "--at",
        shell_complete=completers.moves_and_base,
        default="",
        metavar="MOVE",
        help="Take a rollout with moves to stand here, where what is deployed does not tell.",
    )(command)


def looking_ahead(command: F) -> F:
    """Add what tells of the way to a move, or back, and hand it over as one `Journey`."""

    @functools.wraps(command)
    def call(session: Session, *, back_to: str, at: str, **rest: Any) -> Any:
        return command(session, journey=Journey(back_to, at), **rest)

    decorated: Any = stands(call)
    decorated = click.option(
        "--back-to",
        shell_complete=completers.moves_and_base,
        default="",
        metavar="MOVE",
        help="Show which moves would be taken back down to this one, and no stacks.",
    )(decorated)
    result: F = decorated
    return result


def travelling(command: F) -> F:
    """Add what leads a rollout through its moves, and hand it over as one `Journey`."""

    @functools.wraps(command)
    def call(
        session: Session,
        *,
        back_to: str,
        at: str,
        confirm_point_of_no_return: tuple[str, ...],
        approve: tuple[str, ...],
        **rest: Any,
    ) -> Any:
        session.approved = approve
        journey = Journey(back_to, at, confirm_point_of_no_return, approve)
        return command(session, journey=journey, **rest)

    decorated: Any = stands(call)
    for decorate in (
        click.option(
            "--back-to",
            shell_complete=completers.moves_and_base,
            default="",
            metavar="MOVE",
            help='Take moves back, one after another, down to this one; "base" is before all.',
        ),
        click.option(
            "--confirm-point-of-no-return",
            shell_complete=completers.points,
            multiple=True,
            metavar="NAME",
            help="Cross this point of no return without being asked; by its name.",
        ),
        click.option(
            "--approve",
            multiple=True,
            metavar="GATE",
            help="Answer this gate's question with yes: somebody has been asked before.",
        ),
    ):
        decorated = decorate(decorated)
    result: F = decorated
    return result
