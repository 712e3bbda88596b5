"""role: the least that the deployer needs, and what CloudFormation needs for a rollout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from tapcfn.cli.options import Session, Where, common, placed
from tapcfn.cli.workplace import workplace
from tapcfn.errors import BlockedError, UsageError

if TYPE_CHECKING:
    from tapcfn.cli.workplace import Workplace
    from tapcfn.roles import Policy, Scope


@click.command()
@click.pass_obj
@placed(required=False, stage="example")
@click.option("--deployer", is_flag=True, help="The roles that plan and apply are run with.")
@click.option("--execution", is_flag=True, help="What the resources of BLUEPRINT ask for.")
@common
def role(session: Session, /, *, where: Where, deployer: bool, execution: bool) -> int:
    """Print IAM policies: for the deployer's roles, or for what it deploys.

    With a BLUEPRINT they name its accounts, stacks and Regions; without one, any.
    """
    if deployer == execution:
        raise UsageError("allowed: --deployer or --execution, one of them")
    named = where.blueprint is not None or where.bundle is not None
    place = workplace(session.package, where) if named else None
    if deployer:
        _tell_deployer(session, place)
    elif place is not None:
        _tell_execution(session, place)
    else:
        raise UsageError("--execution: which BLUEPRINT? it is made for the types of its resources")
    return 0


def _tell_deployer(session: Session, place: Workplace | None) -> None:
    from tapcfn.roles import DEPLOYER_NOTES, Scope

    found = _scopes(place) if place else (Scope(),)
    accounts = {scope.account: _deployers(scope) for scope in found}
    _tell(session, {"deployer": accounts}, DEPLOYER_NOTES)


def _deployers(scope: Scope) -> dict[str, Policy]:
    """Return an account's policies; that of moves where the rollout has actions."""
    from tapcfn.roles import apply_policy, moves_policy, plan_policy

    policies = {"plan": plan_policy(scope), "apply": apply_policy(scope)}
    moves = moves_policy(scope)
    return policies | ({"moves": moves} if moves["Statement"] else {})


def _scopes(place: Workplace) -> tuple[Scope, ...]:
    """Return where the roles act; raise `BlockedError` outside of the settings' allow-list."""
    from tapcfn.roles import scopes

    allowed = set(place.settings.accounts)
    outside = sorted({target.account for target in place.rollout.targets} - allowed)
    if outside and not place.is_local:
        raise BlockedError(
            f"stage {place.stage}: account {', '.join(outside)} is not in the settings' accounts "
            f"({', '.join(sorted(allowed)) or 'none'}); no role is made for it"
        )
    wanted = place.settings.notifications
    told = wanted.arns(place.home) if wanted else ()
    return scopes(place.rollout, place.settings.artifact_bucket, told)


def _tell_execution(session: Session, place: Workplace) -> None:
    from tapcfn.roles import EXECUTION_NOTES, execution_policy

    policy, silent = execution_policy(place.rollout)
    notes: tuple[str, ...] = EXECUTION_NOTES
    if silent:
        notes = (*notes, f"Their schemas name no permissions: {', '.join(silent)}.")
    _tell(session, {"execution": policy}, notes)


def _tell(session: Session, policies: Mapping[str, Any], notes: tuple[str, ...]) -> None:
    """Print the policies on stdout and the notes beside them, with a warning of the size."""
    from tapcfn.roles import LONGEST

    said = [*notes, *(_size(where, each, LONGEST) for where, each in _policies("", policies))]
    said = [each for each in said if each]
    session.console.answer(
        "role", {**policies, "notes": said}, json.dumps(policies, indent=2, sort_keys=True)
    )
    for note in said:
        session.console.say(f"note: {note}")


def _policies(where: str, document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the policies of a document, each with the way to it."""
    if "Statement" in document:
        return [(where.lstrip("/"), document)]
    return [
        found for key, inner in document.items() for found in _policies(f"{where}/{key}", inner)
    ]


def _size(where: str, policy: Mapping[str, Any], longest: int) -> str:
    size = len(json.dumps(policy, separators=(",", ":")))
    return f"{where}: {size} characters; a managed policy takes {longest}" if size > longest else ""
