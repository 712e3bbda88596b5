"""What services do that the emulator's do not: each module puts fronts before a service's actions.

A front takes what a request asks, in the shapes of the service's API, and refuses what the service
refuses and tells what the service tells. `wire` carries it for services that speak form fields and
XML, `table` for those that speak JSON. Where a front cannot stand between request and answer, since
the service speaks several protocols or one of its own, `emulator` has a door inside the service.

What a front has to remember lies on the emulator's own records or, where the emulator has none, in
`records`, so that it is saved, reset and deleted with the stacks.
"""

from __future__ import annotations

from tapcfn.local.services import (
    accelerators,
    addresses,
    alarms,
    backups,
    balancers,
    batch_jobs,
    certificates,
    copies,
    database_groups,
    database_snapshots,
    databases,
    dependents,
    dns,
    endpoints,
    failovers,
    firewalls,
    groups,
    images,
    instances,
    launch_templates,
    listeners,
    nesting,
    organizations,
    peering,
    quotas,
    recorders,
    replicas,
    rest_apis,
    restores,
    routes,
    scaling,
    secrets,
    shield,
    stages,
    tables,
    targets,
    volumes,
)

# In this order: of two fronts before one action, the later one is asked first.
_MODULES = (
    accelerators,
    addresses,
    alarms,
    backups,
    balancers,
    batch_jobs,
    certificates,
    copies,
    database_groups,
    database_snapshots,
    databases,
    dependents,
    dns,
    endpoints,
    failovers,
    firewalls,
    groups,
    images,
    instances,
    launch_templates,
    listeners,
    nesting,
    organizations,
    peering,
    quotas,
    recorders,
    replicas,
    rest_apis,
    restores,
    routes,
    scaling,
    secrets,
    shield,
    stages,
    tables,
    targets,
    volumes,
)


def install() -> None:
    """Put every front before its action."""
    for module in _MODULES:
        module.install()
