"""What regional_web can do when it is asked to: drills, waits, and what no template can say."""

from __future__ import annotations

from collections.abc import Iterator

from tapcfn.model import (
    Action,
    AwaitCertificate,
    FailoverDrill,
    LockDownDefaultGroup,
    ReplicateSecret,
    RestoreDrill,
    Target,
)
from templates.blueprints.regional_web import data, extras
from templates.blueprints.regional_web.system import System
from templates.layers import network


def of(system: System) -> Iterator[Action]:
    """Yield the actions, in the order in which they are listed."""
    yield from _restores(system)
    yield from _failovers(system)
    yield from _certificates(system)
    yield from _secrets(system)
    yield from _default_groups(system)


def _place(system: System, region: str) -> Target:
    return Target(system.settings.account_id, region)


def _restores(system: System) -> Iterator[Action]:
    """Yield the way from a backup, for every database that has its own. (O-18)"""
    settings = system.settings
    copy = f"{system.stage}-regional-web-drill"
    first = system.output("data", settings.first, data.Out.ID)
    yield RestoreDrill("restore-drill", _place(system, settings.first), first, copy)
    for region in settings.regions if settings.postgres != "off" else ():
        database = system.output("postgres", region, data.Out.ID)
        name = f"restore-drill-postgres-{region}"
        yield RestoreDrill(name, _place(system, region), database, f"{copy}-postgres")


def _failovers(system: System) -> Iterator[Action]:
    """Yield the way to a standby, for the databases that have one. (O-18, S2-17, S2-X4)"""
    settings = system.settings
    place = _place(system, settings.first)
    mysql = system.output("data", settings.first, data.Out.ID)
    yield FailoverDrill("failover-drill", place, mysql)
    if settings.postgres == "managed":
        postgres = system.output("postgres", settings.first, data.Out.ID)
        yield FailoverDrill("failover-drill-postgres", place, postgres)


def _certificates(system: System) -> Iterator[Action]:
    """Yield the wait for certificates of others: a listener takes none before it is issued. (O-20)

    Those that a stack makes are proved and waited for by the stack.
    """
    for region, arn in system.settings.certificates.items():
        yield AwaitCertificate(f"await-certificate-{region}", _place(system, region), arn)


def _secrets(system: System) -> Iterator[Action]:
    """Yield the look at each copy of the application's secret, made again where it is gone.

    CloudFormation asks for the copies, and does not see whether they came or stayed. (S2-X2)
    """
    settings = system.settings
    if settings.secrets != "replicated":
        return
    secret = system.output("secret", settings.first, extras.APP_ARN)
    for region in settings.others:
        place, key = _place(system, settings.first), system.key(region)
        yield ReplicateSecret(f"replicate-secret-{region}", place, secret, region, key)


def _default_groups(system: System) -> Iterator[Action]:
    """Yield the end of the rules that EC2 puts into the default group of a VPC of ours."""
    for region in system.settings.regions:
        if system.existing(region) is None:
            vpc = system.output("network", region, network.Out.VPC_ID)
            name = f"close-default-group-{region}"
            yield LockDownDefaultGroup(name, _place(system, region), vpc)
