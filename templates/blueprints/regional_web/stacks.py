"""The phases of regional_web: one Region, the others, what joins them, and the dashboard. (S2)

Within a phase the outputs make the order: a Region's key, its network, its fleet, its alarms.
"""

from __future__ import annotations

from collections.abc import Mapping

from tapcfn.model import OutputOf, Phase, Rollout
from templates.blueprints.regional_web import (
    between,
    compute,
    data,
    extras,
    monitoring,
    regions,
    requests,
)
from templates.blueprints.regional_web.settings import Settings
from templates.blueprints.regional_web.system import NAME, System
from templates.layers import network


def rollout(settings: Settings, stage: str) -> Rollout:
    """Return the phases; those that options leave empty are left out."""
    system = System(settings, stage)
    others = tuple(stack for region in settings.others for stack in regions.stacks(system, region))
    phases = (
        Phase("first-region", tuple(regions.stacks(system, settings.first))),
        Phase("other-regions", others),
        Phase("between-regions", tuple(between.stacks(system))),
        Phase("dns", tuple(between.dns_of(system))),
        Phase("dashboard", (between.dashboard_of(system),)),
    )
    present = tuple(phase for phase in phases if phase.stacks)
    return Rollout(NAME, stage, present, _outputs(system), actions=tuple(requests.of(system)))


def _outputs(system: System) -> Mapping[str, OutputOf]:
    """Return what people ask the system for. (S2-19, S2-X13)"""
    settings, output = system.settings, system.output
    first = settings.first
    found = {
        "regions": output("dashboard", first, monitoring.REGIONS),
        "database_endpoint": output("data", first, data.Out.ENDPOINT),
    }
    for region in settings.regions:
        found[f"load_balancer_dns.{region}"] = output("compute", region, compute.Out.DNS_NAME)
    if settings.extra_outputs:
        own = output("secret", first, extras.APP_ARN)
        database = output("data", first, data.Out.CREDENTIALS_ARN)
        found["kms_key_arn"] = system.key(first)
        found["secrets_manager_arn"] = database if settings.secrets == "off" else own
        found["primary_vpc_id"] = output("network", first, network.Out.VPC_ID)
    return found
