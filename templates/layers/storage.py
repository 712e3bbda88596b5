"""A private, encrypted, versioned bucket; on request copied to another Region and access-logged.

Bucket names are computed, never generated: the replication role and the log delivery policy name
their bucket without a reference to it, which would be a dependency cycle.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from awacs import s3 as s3_actions
from awacs.aws import Allow, ArnLike, Bool, Condition, Deny, Principal, Statement, StringEquals
from troposphere import GetAtt, Output, Parameter, Ref, Sub, s3

from tapcfn.templating import Template
from templates.layers import _iam, replication
from templates.layers._parameters import key_arn
from templates.layers._retention import retained
from templates.layers._tags import tagged

ACCESS_LOG_DAYS = 90


class Out(StrEnum):
    """What other layers may ask this one for."""

    BUCKET_NAME = "BucketName"
    BUCKET_ARN = "BucketArn"
    KEY_ARN = "KeyArn"


def bucket_name(base: str) -> str:
    """Return a bucket's name as text for `Fn::Sub`, unique in the world of buckets. (C-2)"""
    return f"{base}-${{AWS::AccountId}}-${{AWS::Region}}"


def build(
    *,
    title: str,
    base: str,
    tags: Mapping[str, str],
    keep_data: bool,
    copies: replication.Rule | None = None,
    access_logs: str = "",
) -> Template:
    """Return the bucket `base` under the logical ID `title`.

    With `copies` everything in it is copied to the bucket that the parameters name. With
    `access_logs` a second bucket of that base name records who reads and writes.
    """
    template = Template("A private, encrypted and versioned bucket")
    key = template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
    bucket = _private_bucket(title, base, _by_kms(key), tags)
    bucket.VersioningConfiguration = s3.VersioningConfiguration(Status="Enabled")
    template.add(retained(bucket, keep_data))
    template.add(_bucket_policy(bucket))
    if copies:
        bucket.ReplicationConfiguration = replication.add(
            template, copies, source=_arn(base), key=key, tags=tags
        )
    if access_logs:
        records = _access_log_bucket(access_logs, tags)
        template.add(retained(records, keep_data))
        policy = template.add(_bucket_policy(records, _log_delivery(records, base)))
        bucket.LoggingConfiguration = s3.LoggingConfiguration(
            DestinationBucketName=Ref(records), LogFilePrefix=f"{base}/"
        )
        # Without the policy S3 has no right to deliver, and the first records would be lost.
        bucket.DependsOn = [policy.title]
    _outputs(template, bucket, key)
    return template


def _outputs(template: Template, bucket: s3.Bucket, key: Parameter) -> None:
    template.add_output(
        Output(Out.BUCKET_NAME, Description="Name of the bucket", Value=Ref(bucket))
    )
    template.add_output(
        Output(Out.BUCKET_ARN, Description="ARN of the bucket", Value=GetAtt(bucket, "Arn"))
    )
    template.add_output(
        Output(Out.KEY_ARN, Description="ARN of the key that encrypts the bucket", Value=Ref(key))
    )


def _private_bucket(
    title: str, base: str, encryption: s3.ServerSideEncryptionRule, tags: Mapping[str, str]
) -> s3.Bucket:
    """Return a bucket that stays private, whatever policy or ACL comes later. (C-5)"""
    return s3.Bucket(
        title,
        BucketName=Sub(bucket_name(base)),
        BucketEncryption=s3.BucketEncryption(ServerSideEncryptionConfiguration=[encryption]),
        PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True,
            BlockPublicPolicy=True,
            IgnorePublicAcls=True,
            RestrictPublicBuckets=True,
        ),
        OwnershipControls=s3.OwnershipControls(
            Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
        ),
        Tags=tagged(tags),
    )


def _by_kms(key: Parameter) -> s3.ServerSideEncryptionRule:
    return s3.ServerSideEncryptionRule(
        # A bucket key asks KMS once for many objects instead of once for each.
        BucketKeyEnabled=True,
        ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(
            SSEAlgorithm="aws:kms", KMSMasterKeyID=Ref(key)
        ),
    )


def _bucket_policy(bucket: s3.Bucket, *more: Statement) -> s3.BucketPolicy:
    return s3.BucketPolicy(
        f"{bucket.title}Policy",
        Bucket=Ref(bucket),
        PolicyDocument=_iam.document(_tls_only(bucket), *more),
    )


def _tls_only(bucket: s3.Bucket) -> Statement:
    """Refuse every request that travels in the clear."""
    return Statement(
        Sid="OnlyOverTls",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[s3_actions.Action("*")],
        Resource=[GetAtt(bucket, "Arn"), Sub(f"${{{bucket.title}.Arn}}/*")],
        Condition=Condition(Bool("aws:SecureTransport", "false")),
    )


# Access logs ----------------------------------------------------------------------------------


def _access_log_bucket(base: str, tags: Mapping[str, str]) -> s3.Bucket:
    """Return a bucket that forgets its records in time.

    Encrypted by S3's own keys: with a customer key the log delivery would need a grant on it, and
    would lose records in silence when that goes.
    """
    by_s3 = s3.ServerSideEncryptionRule(
        ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
    )
    bucket = _private_bucket("AccessLogBucket", base, by_s3, tags)
    bucket.LifecycleConfiguration = s3.LifecycleConfiguration(
        Rules=[
            s3.LifecycleRule(
                Id="ExpireAccessLogs", Status="Enabled", ExpirationInDays=ACCESS_LOG_DAYS
            )
        ]
    )
    return bucket


def _log_delivery(bucket: s3.Bucket, source: str) -> Statement:
    """Let S3 deliver the records of one bucket of this account, and no other's."""
    return Statement(
        Sid="S3DeliversAccessLogs",
        Effect=Allow,
        Principal=Principal("Service", "logging.s3.amazonaws.com"),
        Action=[s3_actions.PutObject],
        Resource=[Sub(f"${{{bucket.title}.Arn}}/{source}/*")],
        Condition=Condition(
            [
                StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
                ArnLike("aws:SourceArn", Sub(_arn(source))),
            ]
        ),
    )


def _arn(base: str) -> str:
    """Return a bucket's ARN as text for `Fn::Sub`."""
    return f"arn:${{AWS::Partition}}:s3:::{bucket_name(base)}"
