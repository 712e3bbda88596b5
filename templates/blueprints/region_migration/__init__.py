"""S4: a bucket, a fleet and a database move to another Region while visitors keep one address."""

from __future__ import annotations

from templates.blueprints.region_migration.settings import Settings
from templates.blueprints.region_migration.stacks import NAME, rollout

__all__ = ["NAME", "Settings", "rollout"]
