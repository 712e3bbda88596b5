"""S0: a bucket whose every object is copied to another Region, beside a small VPC for its users."""

from __future__ import annotations

from templates.blueprints.replicated_storage.settings import Settings
from templates.blueprints.replicated_storage.stacks import NAME, rollout

__all__ = ["NAME", "Settings", "rollout"]
