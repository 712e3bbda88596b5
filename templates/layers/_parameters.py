"""Parameters that more than one layer declares. None has a default: a value left out fails fast."""

from __future__ import annotations

from troposphere import Parameter

KEY_ARN_PATTERN = "^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$"
BUCKET_ARN_PATTERN = "^arn:[a-z-]+:s3:::[a-z0-9.-]+$"
REGION_PATTERN = "^[a-z]{2}(-[a-z]+)+-[0-9]$"
CIDR_PATTERN = r"^([0-9]{1,3}\.){3}[0-9]{1,3}/([0-9]|[12][0-9]|3[0-2])$"


def key_arn(title: str, description: str) -> Parameter:
    """Return a parameter for the ARN of a key; an id or an alias is refused."""
    return Parameter(
        title,
        Type="String",
        Description=description,
        AllowedPattern=KEY_ARN_PATTERN,
        ConstraintDescription="must be the ARN of a KMS key",
    )


def bucket_arn(title: str, description: str) -> Parameter:
    """Return a parameter for the ARN of a bucket; a name is refused."""
    return Parameter(
        title,
        Type="String",
        Description=description,
        AllowedPattern=BUCKET_ARN_PATTERN,
        ConstraintDescription="must be the ARN of an S3 bucket",
    )


def cidr(title: str, description: str, default: str = "") -> Parameter:
    """Return a parameter for an IPv4 CIDR block, with a default only where one is given."""
    parameter = Parameter(
        title,
        Type="String",
        Description=description,
        AllowedPattern=CIDR_PATTERN,
        ConstraintDescription="must be an IPv4 CIDR block such as 10.0.0.0/16",
    )
    if default:
        parameter.Default = default
    return parameter
