"""What a migration can do when it is asked to, whichever move it stands at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tapcfn.model import Action, LockDownDefaultGroup, ResetPassword, RestoreDrill, Target
from templates.blueprints.region_migration import data
from templates.layers import network

if TYPE_CHECKING:
    from templates.blueprints.region_migration.stacks import System


def of(system: System, stage: str) -> Iterator[Action]:
    """Yield the actions, in the order in which they are listed."""
    yield from _restores(system, stage)
    yield from _password(system)
    yield from _default_group(system)


def _place(system: System, region: str) -> Target:
    return Target(system.settings.account_id, region)


def _restores(system: System, stage: str) -> Iterator[Action]:
    """Yield what is worth trying before it is needed: a way from the backups. (O-18)

    A replica has none of its own: the target's are those of the promoted database.
    """
    settings = system.settings
    places = [("source", settings.source_region, settings.copied_database)]
    if settings.promoted:
        places.append(("target", settings.target_region, settings.names.target_database))
    for side, region, database in places:
        copy = f"{stage}-region-migration-drill"
        yield RestoreDrill(f"restore-drill-{side}", _place(system, region), database, copy)


def _password(system: System) -> Iterator[Action]:
    """Yield the password again, for a secret whose value was changed by hand. (O-15)

    The stack gives the first one; it does not look at the secret again by itself.
    """
    settings = system.settings
    if settings.password_reset:
        place = _place(system, settings.target_region)
        secret = system.output("replica", data.Out.SECRET_ARN)
        yield ResetPassword("reset-password", place, settings.names.target_database, secret)


def _default_group(system: System) -> Iterator[Action]:
    """Yield the end of the rules that EC2 puts into the default group of a VPC of ours."""
    settings = system.settings
    if settings.vpc_fallback is None:
        vpc = system.output("network", network.Out.VPC_ID)
        place = _place(system, settings.target_region)
        yield LockDownDefaultGroup("close-default-group", place, vpc)
