"""The blueprints by name. Only the chosen one is imported, so that `--help` stays quick."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

BLUEPRINTS: Mapping[str, str] = MappingProxyType(
    {
        "baseline": "templates.blueprints.baseline",
        "delivery": "templates.blueprints.delivery",
        "private_api": "templates.blueprints.private_api",
        "region_migration": "templates.blueprints.region_migration",
        "regional_web": "templates.blueprints.regional_web",
        "replicated_storage": "templates.blueprints.replicated_storage",
        "serverless_api": "templates.blueprints.serverless_api",
    }
)
