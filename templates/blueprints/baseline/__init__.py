"""An example: what every account of an organization has before anything else, as stack sets."""

from __future__ import annotations

from templates.blueprints.baseline.settings import Settings
from templates.blueprints.baseline.stack_sets import NAME, rollout

__all__ = ["NAME", "Settings", "rollout"]
