"""How other systems are deployed from GitHub: an identity provider, and roles that hold no keys."""

from __future__ import annotations

from templates.blueprints.delivery.settings import Settings
from templates.blueprints.delivery.stacks import NAME, rollout

__all__ = ["NAME", "Settings", "rollout"]
