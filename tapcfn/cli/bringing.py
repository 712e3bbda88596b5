"""import: let a stack take over resources that exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from tapcfn.cli import completers
from tapcfn.cli.options import Session, Where, common, linked, placed
from tapcfn.cli.workplace import workplace
from tapcfn.errors import BlockedError, UsageError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.cli.named import Aim
    from tapcfn.model import Snapshot, Stack
    from tapcfn.ports import Imported


@click.command("import")
@click.pass_obj
@placed()
@click.argument("stack", shell_complete=completers.stacks)
@click.argument("resources", nargs=-1, required=True, metavar="LOGICAL_ID=IDENTIFIER...")
@click.option("--yes", is_flag=True, help="Approve the import.")
@linked
@common
def import_(
    session: Session,
    /,
    *,
    where: Where,
    stack: str,
    resources: tuple[str, ...],
    yes: bool,
) -> int:
    """Let a stack take over resources that exist, named by what identifies them.

    Data=my-bucket, or Rule=Name=nightly,EventBusName=default where several properties do.
    """
    from tapcfn.cli.named import carry_out, stack_of
    from tapcfn.cli.opening import open_desk

    given = _given(resources)
    place = workplace(session.package, where)
    with open_desk(session, place, "import") as desk:
        wanted = stack_of(desk, stack)
        snapshot = desk.settled_snapshot()
        aim = _aim(desk, snapshot, wanted, given)
        return carry_out(desk, snapshot, [aim], "import", yes=yes)


def _given(resources: tuple[str, ...]) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in resources:
        logical_id, _, identifier = text.partition("=")
        if not logical_id or not identifier:
            raise UsageError(f"{text}: allowed: LOGICAL_ID=IDENTIFIER")
        if logical_id in given:
            raise UsageError(f"{text}: {logical_id} is named twice")
        given[logical_id] = identifier
    return given


def _aim(desk: Desk, snapshot: Snapshot, wanted: Stack, given: Mapping[str, str]) -> Aim:
    """Return what to ask for: the deployed stack with the named resources, and nothing else."""
    from tapcfn.cli.named import Aim, parameters_of
    from tapcfn.importing import importing, values
    from tapcfn.plan import Reason
    from tapcfn.ports import Purpose

    deployed = snapshot.stacks.get(wanted.name)
    there = deployed is not None and not deployed.status.is_absent
    if deployed and there and not deployed.status.is_updatable:
        raise BlockedError(f"{wanted.name}: is {deployed.status}; settle that first")
    text = desk.cloud.template(deployed.stack_id, wanted.target) if deployed and there else ""
    stack = importing(wanted, deployed, text, given)
    known = desk.cloud.identifiers(stack)
    imports = tuple(
        _imported(stack, logical_id, identifier, known.get(logical_id, ()))
        for logical_id, identifier in sorted(given.items())
    )
    parameters = values(stack, deployed, parameters_of(wanted, snapshot))
    stack = replace(stack, parameters=parameters)
    return Aim(stack, parameters, Reason.IMPORTED, Purpose(imports), frozenset(given))


def _imported(stack: Stack, logical_id: str, identifier: str, keys: tuple[str, ...]) -> Imported:
    """Return one resource with its identifier by property; raise `UsageError` for another form."""
    from tapcfn.ports import Imported

    kind = stack.template.resources[logical_id]
    if not keys:
        raise BlockedError(f"{stack.name}/{logical_id}: a {kind} cannot be imported")
    if len(keys) == 1:
        pairs = {keys[0]: identifier.removeprefix(f"{keys[0]}=")}
    else:
        pairs = dict(part.partition("=")[::2] for part in identifier.split(","))
    if set(pairs) != set(keys):
        form = ",".join(f"{key}=..." for key in keys)
        raise UsageError(f"{logical_id}={identifier}: a {kind} is identified by {form}")
    return Imported(logical_id, kind, tuple(sorted(pairs.items())))
