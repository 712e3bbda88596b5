"""The blueprints by name. Only the chosen one is imported, so that `--help` stays quick."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

BLUEPRINTS: Mapping[str, str] = MappingProxyType(
    {
        "replicated_storage": "templates.blueprints.replicated_storage",
    }
)
