"""Anybody's CloudFormation templates, YAML or JSON, with a small TOML that says where they go."""

from tapcfn.plain.rollout import Plain, file_of, name_of, read
from tapcfn.plain.settings import FILE, Settings

__all__ = ["FILE", "Plain", "Settings", "file_of", "name_of", "read"]
