"""What the stack of a Region is told: the same in all Regions, or for itself."""

from __future__ import annotations

from collections.abc import Mapping

from tapcfn.model import EMPTY, ParameterValue, ZoneOf
from tapcfn.templating import Template
from templates.blueprints.private_api.settings import Settings

ZONES = 2


def common(settings: Settings, template: Template) -> Mapping[str, ParameterValue]:
    """Return what every Region is told."""
    return {"HomeRegion": settings.home} if "HomeRegion" in template.parameters else EMPTY


def own(settings: Settings, region: str) -> Mapping[str, ParameterValue]:
    """Return what one Region is told: its zones, and what its load balancer needs. (S1-X8)"""
    zones = {f"AvailabilityZone{index}": ZoneOf(index) for index in range(ZONES)}
    if not settings.alb_front:
        return zones
    return {
        **zones,
        "CertificateArn": settings.certificates[region],
        "DomainName": settings.domain_name,
        "HostedZoneId": settings.hosted_zone_id,
    }
