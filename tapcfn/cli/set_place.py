"""Which stack set a command means, and how it stands: what all commands on stack sets share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tapcfn.cli import completers
from tapcfn.errors import BlockedError, UsageError
from tapcfn.nearest import hint

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.cli.workplace import Workplace
    from tapcfn.model import FoundSet, StackSet

F = TypeVar("F", bound=Callable[..., Any])

one_set = click.option(
    "--set",
    "name",
    shell_complete=completers.stack_sets,
    default="",
    metavar="NAME",
    help="The stack set, where there are several.",
)
yes = click.option("--yes", is_flag=True, help="Approve what is shown; never the loss of data.")

at_once = click.option(
    "--at-once", is_flag=True, help="Without the set's waves, their bakes and gates."
)


def sets_of(place: Workplace, name: str) -> tuple[StackSet, ...]:
    """Return the rollout's stack sets, or the one of this name."""
    known = {each.name: each for each in place.rollout.stack_sets}
    if not known:
        raise UsageError(f"{place.blueprint} has no stack sets")
    if name and name not in known:
        raise UsageError(
            f"--set {name}: no such stack set{hint(name, known)} (there are: "
            f"{', '.join(sorted(known))})"
        )
    return (known[name],) if name else tuple(known.values())


def set_of(place: Workplace, name: str) -> StackSet:
    """Return the one stack set that is meant; raise `UsageError` where it could be several."""
    known = sets_of(place, name)
    if len(known) > 1:
        raise UsageError(f"which one? give --set {' or --set '.join(each.name for each in known)}")
    return known[0]


def found_of(desk: Desk, stack_set: StackSet, *, to_plan: bool = True) -> FoundSet:
    """Return the set as it stands; raise `BlockedError` where the credentials are not its home's.

    Not settled: what is at work on it goes on.
    """
    from tapcfn.stack_sets.finding import find

    check_home(desk, stack_set)
    return find(stack_set, desk.sets, desk.cloud, desk.pool, to_plan=to_plan, warn=desk.warn)


def check_home(desk: Desk, stack_set: StackSet) -> None:
    """Raise `BlockedError` where the credentials are not those of the set's home."""
    caller = desk.cloud.caller(stack_set.home)
    if caller != stack_set.home.account:
        raise BlockedError(
            f"{stack_set.name}: its home is account {stack_set.home.account}, and the credentials "
            f"are for account {caller}; nothing was written"
        )


def settled(desk: Desk, stack_set: StackSet) -> FoundSet:
    """Wait until nothing is at work on the set; return it, as it is to be written to.

    Raises `BlockedError` where there is none.
    """
    found_of(desk, stack_set, to_plan=False)
    desk.settle_sets((stack_set,))
    found = found_of(desk, stack_set)
    if found.deployed is None:
        raise BlockedError(f"{stack_set.name}: is not deployed in {stack_set.home}; apply it first")
    return found
