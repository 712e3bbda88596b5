"""stackset simulate: how a rollout over all pairs would go; for pairs and files without a cloud."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapcfn.cli.options import Session, Where, common, placed
from tapcfn.cli.set_place import one_set, sets_of
from tapcfn.cli.workplace import STATE, workplace
from tapcfn.errors import CloudError, UsageError

if TYPE_CHECKING:
    from tapcfn.cli.workplace import Workplace
    from tapcfn.model import Member, StackSet

_HINT = "a file of the accounts and their units does as well: --accounts FILE"


@click.command("simulate")
@click.pass_obj
@placed()
@one_set
@click.option(
    "--accounts",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The accounts of organizational units, .csv, .json or .toml with account and ou; "
    "without it the organization is asked.",
)
@common
def simulate(session: Session, /, *, where: Where, name: str, accounts: Path | None) -> int:
    """Say how a rollout over all pairs would go: batches, worst case, time.

    Asks no cloud, but for the accounts of organizational units.
    """
    from tapcfn.ledger import FileLedger

    place = workplace(session.package, where)
    chosen = sets_of(place, name)
    asking = [each for each in chosen if each.organization is not None]
    if accounts is not None and not asking:
        raise UsageError(f"--accounts {accounts}: no stack set here is for organizational units")
    members = _told(session, asking, accounts) if accounts else _asked(session, place, asking)
    ledger = FileLedger(Path.cwd() / STATE / "runs", session.console.run, {})
    for each in chosen:
        _show(session, each, members.get(each.name, ()), ledger.times("instance", each))
    return 0


def _show(
    session: Session, stack_set: StackSet, members: tuple[Member, ...], usual: tuple[float, ...]
) -> None:
    from tapcfn.model import FoundSet
    from tapcfn.report.set_answers import simulation_fields
    from tapcfn.report.stack_sets import members_text, simulation_text
    from tapcfn.stack_sets.finding import left_out, pairs_of
    from tapcfn.stack_sets.simulation import simulate as simulated
    from tapcfn.stack_sets.steps import cover_for

    told = simulated(
        pairs_of(stack_set, members),
        stack_set.preferences,
        usual,
        stack_set.waves,
        cover_for(stack_set, FoundSet(members=members)),
    )
    missed = left_out(stack_set, members)
    lines = [stack_set.name, simulation_text(told)]
    if missed:
        lines.append(f"warning: suspended, so left out of the targets: {members_text(missed)}")
    fields = simulation_fields(stack_set.name, told, missed)
    session.console.answer("stackset.simulation", fields, "\n".join(lines))


def _told(
    session: Session, sets: Iterable[StackSet], file: Path
) -> Mapping[str, tuple[Member, ...]]:
    """Return the members of each set as a file tells them."""
    from tapcfn.events import Diagnosed
    from tapcfn.model import ServiceManaged
    from tapcfn.stack_sets.members import members_of, read_accounts, units_without_accounts

    listed = read_accounts(file)
    found: dict[str, tuple[Member, ...]] = {}
    for each in sets:
        assert each.organization is not None
        assert isinstance(each.permission, ServiceManaged)
        if empty := units_without_accounts(each.organization, listed):
            text = f"{each.name}: {file} has no account under {', '.join(empty)}"
            session.console.notify(Diagnosed("warning", text))
        # The management account gets no instances; only its delegate may be a target.
        away = "" if each.permission.delegated else each.home.account
        members = members_of(each.organization, listed)
        found[each.name] = tuple(member for member in members if member.account != away)
    return found


def _asked(
    session: Session, place: Workplace, sets: list[StackSet]
) -> Mapping[str, tuple[Member, ...]]:
    """Return the members of each set as the organization tells them; no call for no set."""
    from tapcfn.cli.opening import open_desk
    from tapcfn.cli.set_place import check_home

    if not sets:
        return {}
    found: dict[str, tuple[Member, ...]] = {}
    try:
        with open_desk(session, place, "stackset simulate") as desk:
            for each in sets:
                assert each.organization is not None
                check_home(desk, each)
                found[each.name] = desk.sets.members(each.home, each.organization.units)
    except CloudError as error:
        raise CloudError(
            f"{error}; {_HINT}", code=error.code, passing=error.passing, lasting=error.lasting
        ) from error
    return found
