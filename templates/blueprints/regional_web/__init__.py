"""S2: the same web tier in three Regions or more, with one database in the first of them."""

from __future__ import annotations

from templates.blueprints.regional_web.settings import Settings
from templates.blueprints.regional_web.stacks import rollout
from templates.blueprints.regional_web.system import NAME

__all__ = ["NAME", "Settings", "rollout"]
