"""The local cloud's own tests talk to a real server through real boto3."""

from tests.local_cloud import aws, local_cloud

__all__ = ["aws", "local_cloud"]
