"""What may be taken away: named losses, orphans, the contents of buckets, protection."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from tapcfn.cli.options.session import Session

F = TypeVar("F", bound=Callable[..., Any])


allow_loss = click.option(
    "--allow-loss",
    multiple=True,
    metavar="STACK/LOGICAL_ID[@REGION][:ACTION][:until=DAY]",
    help="Allow this resource, and its data, to be lost. ACTION is remove, replace, dynamic, "
    "policy or delete; DAY such as 2030-12-31. May be given more than once.",
)


@dataclass(frozen=True, slots=True)
class Removal:
    """What may be taken away with stacks: named orphans, named buckets' contents, protection."""

    orphans: tuple[str, ...] = ()
    buckets: frozenset[str] = frozenset()
    lift_protection: bool = False


def removing(command: F) -> F:
    """Add what it takes to delete stacks, and hand it over as one `Removal`."""

    @functools.wraps(command)
    def call(
        session: Session,
        *,
        remove_orphan: tuple[str, ...],
        empty_buckets: tuple[str, ...],
        lift_protection: bool,
        **rest: Any,
    ) -> Any:
        removal = Removal(remove_orphan, frozenset(empty_buckets), lift_protection)
        return command(session, removal=removal, **rest)

    decorated: Any = call
    for option in (
        click.option(
            "--lift-protection",
            is_flag=True,
            help="Take termination protection off the stacks that are to go.",
        ),
        click.option(
            "--empty-buckets",
            multiple=True,
            metavar="BUCKET",
            help="Delete all that is in this bucket first. May be given more than once.",
        ),
        click.option(
            "--remove-orphan",
            multiple=True,
            metavar="STACK[@REGION]",
            help="Delete this stack of other settings, which the rollout no longer has. May be "
            "given more than once.",
        ),
    ):
        decorated = option(decorated)
    result: F = decorated
    return result
