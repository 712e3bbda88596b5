"""What a change does to a resource, against what the service is known to do."""

from __future__ import annotations

import pytest

from tapcfn.replacement import Effect, effect


@pytest.mark.parametrize(
    ("resource_type", "path", "then"),
    [
        ("AWS::EC2::VPC", ("CidrBlock",), Effect.REPLACES),
        ("AWS::EC2::VPC", ("EnableDnsSupport",), Effect.UPDATES),
        ("AWS::S3::Bucket", ("BucketName",), Effect.REPLACES),
        ("AWS::S3::Bucket", ("Tags",), Effect.UPDATES),
        ("AWS::RDS::DBInstance", ("KmsKeyId",), Effect.REPLACES),
        ("AWS::RDS::DBInstance", ("BackupRetentionPeriod",), Effect.MAY_REPLACE),
        ("AWS::RDS::DBInstance", ("DBInstanceClass",), Effect.UPDATES),
        ("AWS::KMS::Key", ("MultiRegion",), Effect.FAILS),
        ("AWS::KMS::Key", ("KeyPolicy",), Effect.UPDATES),
        ("Custom::Thing", ("Anything",), Effect.UPDATES),
    ],
)
def test_the_provider_schemas_tell(resource_type: str, path: tuple[str, ...], then: Effect) -> None:
    assert then is effect(resource_type, path)


def test_a_part_of_a_create_only_property_counts_as_the_property() -> None:
    assert Effect.REPLACES is effect("AWS::EC2::VPC", ("CidrBlock", "anything"))


def test_a_change_above_a_create_only_property_counts_as_one_of_it() -> None:
    """A container that goes takes with it what cannot be changed."""
    kind = "AWS::Route53::HealthCheck"

    assert Effect.REPLACES is effect(kind, ("HealthCheckConfig",))
    assert Effect.REPLACES is effect(kind, ("HealthCheckConfig", "Type"))
    assert Effect.UPDATES is effect(kind, ("HealthCheckConfig", "ResourcePath"))
