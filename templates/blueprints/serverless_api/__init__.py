"""S3: an API, a function and a table in two Regions, and the weights that move traffic over."""

from __future__ import annotations

from templates.blueprints.serverless_api.settings import Settings
from templates.blueprints.serverless_api.stacks import rollout
from templates.blueprints.serverless_api.system import NAME

__all__ = ["NAME", "Settings", "rollout"]
