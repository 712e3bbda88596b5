"""S1: in each of several Regions, an API that only its own VPC can reach."""

from __future__ import annotations

from templates.blueprints.private_api.settings import Settings
from templates.blueprints.private_api.stacks import NAME, rollout

__all__ = ["NAME", "Settings", "rollout"]
