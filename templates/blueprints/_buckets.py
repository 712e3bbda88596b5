"""Buckets that are named before they are there: each of two may have to know the other. (L-3)"""

from __future__ import annotations


def bucket_arn(name: str, region: str) -> str:
    """Return the ARN of a bucket in a Region, whose partition it has."""
    return f"arn:{_partition(region)}:s3:::{name}"


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
