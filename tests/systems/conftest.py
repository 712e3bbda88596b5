"""Whole systems on one local cloud, each test in an account of its own."""

from tests.local_cloud import aws, local_cloud
from tests.systems.deployments import deployment

__all__ = ["aws", "deployment", "local_cloud"]
