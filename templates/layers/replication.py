"""Copies of a bucket in another Region: the rule, the role behind it, and where they go. (L-3)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from awacs import kms
from awacs import s3 as s3_actions
from awacs.aws import Allow, Condition, Statement, StringEquals, StringLike
from troposphere import GetAtt, Parameter, Ref, Sub, iam, s3

from tapcfn.templating import Template
from templates.layers import _iam
from templates.layers._parameters import REGION_PATTERN, bucket_arn, key_arn
from templates.layers._tags import tagged
from templates.layers._values import Value, value


@dataclass(frozen=True, slots=True)
class Rule:
    """The name of the one replication rule, and the storage class of the copies."""

    name: str
    storage_class: str


def add(
    template: Template,
    rule: Rule,
    *,
    source: str,
    key: Parameter | Value | None,
    tags: Mapping[str, str],
) -> s3.ReplicationConfiguration:
    """Declare where the copies go, add the role that makes them, and return the configuration.

    `source` is the source bucket's ARN as text for `Fn::Sub`: a reference to the bucket, which
    itself refers to the role, would be a dependency cycle. `key` is the ARN of the source's key,
    or None where both buckets are encrypted by S3's own.
    """
    bucket = template.add_parameter(
        bucket_arn("DestinationBucketArn", "ARN of the bucket that gets the copies")
    )
    if key is None:
        role = template.add(_role((*_reads_source(source), _writes_copies(bucket)), tags))
        return _configuration(role, _replicate_everything(rule, bucket))
    destination = _declared_key(template)
    statements = (
        *_reads_source(source),
        _decrypts_source(source, value(key)),
        _writes_copies(bucket),
        _encrypts_copies(bucket, destination),
    )
    role = template.add(_role(statements, tags))
    return _configuration(role, _replicate_everything(rule, bucket, destination.key))


@dataclass(frozen=True, slots=True)
class _DestinationKey:
    """The key of the copies and its Region, both parameters."""

    key: Parameter
    region: Parameter


def _declared_key(template: Template) -> _DestinationKey:
    return _DestinationKey(
        template.add_parameter(
            key_arn(
                "DestinationKeyArn", "ARN of the key, in the destination's Region, of the copies"
            )
        ),
        template.add_parameter(
            Parameter(
                "DestinationRegion",
                Type="String",
                Description="Region of that bucket and of that key",
                AllowedPattern=REGION_PATTERN,
                ConstraintDescription="must be the name of a Region",
            )
        ),
    )


def _configuration(
    role: iam.Role, rule: s3.ReplicationConfigurationRules
) -> s3.ReplicationConfiguration:
    return s3.ReplicationConfiguration(Role=GetAtt(role, "Arn"), Rules=[rule])


def _replicate_everything(
    rule: Rule, bucket: Parameter, key: Parameter | None = None
) -> s3.ReplicationConfigurationRules:
    """Return one rule for the whole bucket: encrypted objects and delete markers included."""
    destination = s3.ReplicationConfigurationRulesDestination(
        Bucket=Ref(bucket), StorageClass=rule.storage_class
    )
    made = s3.ReplicationConfigurationRules(
        Id=rule.name,
        Status="Enabled",
        Priority=1,
        Filter=s3.ReplicationRuleFilter(Prefix=""),
        DeleteMarkerReplication=s3.DeleteMarkerReplication(Status="Enabled"),
        Destination=destination,
    )
    if key is not None:
        destination.EncryptionConfiguration = s3.EncryptionConfiguration(ReplicaKmsKeyID=Ref(key))
        # S3 passes over every object encrypted by KMS unless it is told to select them.
        made.SourceSelectionCriteria = s3.SourceSelectionCriteria(
            SseKmsEncryptedObjects=s3.SseKmsEncryptedObjects(Status="Enabled")
        )
    return made


def _role(statements: tuple[Statement, ...], tags: Mapping[str, str]) -> iam.Role:
    """Return the role by which S3 copies objects: what `statements` say, and no more.

    The policy is inline, so that the role is complete before the bucket uses it. Its trust has no
    `aws:SourceArn`: that S3 sends one when it replicates is not documented.
    """
    return iam.Role(
        "ReplicationRole",
        Description="Lets S3 copy one bucket to another Region",
        AssumeRolePolicyDocument=_iam.trust("s3.amazonaws.com"),
        Policies=[iam.Policy(PolicyName="replicate", PolicyDocument=_iam.document(*statements))],
        Tags=tagged(tags),
    )


def _reads_source(source: str) -> tuple[Statement, ...]:
    """Read the versions of the source."""
    return (
        Statement(
            Sid="ReadSourceBucket",
            Effect=Allow,
            Action=[s3_actions.GetReplicationConfiguration, s3_actions.ListBucket],
            Resource=[Sub(source)],
        ),
        Statement(
            Sid="ReadSourceVersions",
            Effect=Allow,
            Action=[
                s3_actions.GetObjectVersionForReplication,
                s3_actions.GetObjectVersionAcl,
                s3_actions.GetObjectVersionTagging,
            ],
            Resource=[Sub(f"{source}/*")],
        ),
    )


def _decrypts_source(source: str, key: Value) -> Statement:
    """Decrypt the source where S3 of this Region asks for it."""
    return Statement(
        Sid="DecryptSource",
        Effect=Allow,
        Action=[kms.Decrypt],
        Resource=[key],
        Condition=_through_s3("${AWS::Region}", [Sub(source), Sub(f"{source}/*")]),
    )


def _writes_copies(bucket: Parameter) -> Statement:
    return Statement(
        Sid="WriteDestination",
        Effect=Allow,
        Action=[
            s3_actions.ReplicateObject,
            s3_actions.ReplicateDelete,
            s3_actions.ReplicateTags,
        ],
        Resource=[Sub(f"${{{bucket.title}}}/*")],
    )


def _encrypts_copies(bucket: Parameter, destination: _DestinationKey) -> Statement:
    """Encrypt the copies where S3 of their Region asks for it.

    Decrypt is there for the bucket key alone: S3 reads the destination's back before it uses it.
    """
    return Statement(
        Sid="EncryptDestination",
        Effect=Allow,
        Action=[kms.Encrypt, kms.GenerateDataKey, kms.Decrypt],
        Resource=[Ref(destination.key)],
        Condition=_through_s3(
            f"${{{destination.region.title}}}", [Ref(bucket), Sub(f"${{{bucket.title}}}/*")]
        ),
    )


def _through_s3(region: str, bucket_and_objects: list[Ref | Sub]) -> Condition:
    """Allow a key's use only by S3 of `region`, and only for this bucket.

    S3 names the object in the encryption context, or the bucket once a bucket key is in play.
    """
    return Condition(
        [
            StringEquals("kms:ViaService", Sub(f"s3.{region}.${{AWS::URLSuffix}}")),
            StringLike("kms:EncryptionContext:aws:s3:arn", bucket_and_objects),
        ]
    )
