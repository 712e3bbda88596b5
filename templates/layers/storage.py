"""Private, encrypted buckets: versioned, copied, expired and access-logged as they are asked to.

Bucket names are computed, never generated: the replication role and the log delivery policy name
their bucket without a reference to it, which would be a dependency cycle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from awacs import s3 as s3_actions
from awacs.aws import Allow, ArnLike, Bool, Condition, Deny, Principal, Statement, StringEquals
from troposphere import GetAtt, Output, Parameter, Ref, Sub, s3

from tapcfn.templating import Template
from templates.layers import _iam, replication
from templates.layers._parameters import key_arn
from templates.layers._retention import retained
from templates.layers._tags import tagged
from templates.layers._values import Value, value

ACCESS_LOG_DAYS = 90


class Out(StrEnum):
    """What other layers may ask this one for."""

    BUCKET_NAME = "BucketName"
    BUCKET_ARN = "BucketArn"
    KEY_ARN = "KeyArn"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket: its logical ID, the base of its name, and how it keeps what it is given."""

    title: str
    base: str
    versioned: bool = True
    bucket_key: bool = True
    lifecycle: tuple[s3.LifecycleRule, ...] = ()


def bucket_name(base: str) -> str:
    """Return a bucket's name as text for `Fn::Sub`, unique in the world of buckets. (C-2)

    A base that holds the Region already does not get it a second time.
    """
    region = "" if "${AWS::Region}" in base else "-${AWS::Region}"
    return f"{base}-${{AWS::AccountId}}{region}"


def bucket_arn(base: str) -> str:
    """Return a bucket's ARN as text for `Fn::Sub`."""
    return f"arn:${{AWS::Partition}}:s3:::{bucket_name(base)}"


def build(
    *,
    title: str,
    base: str,
    tags: Mapping[str, str],
    keep_data: bool,
    copies: replication.Rule | None = None,
    access_logs: str = "",
) -> Template:
    """Return the bucket `base` under the logical ID `title`, encrypted by the Region's key.

    With `copies` everything in it is copied to the bucket that the parameters name. With
    `access_logs` a second bucket of that base name records who reads and writes.
    """
    template = Template("A private, encrypted and versioned bucket")
    key = template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
    bucket = add(template, Bucket(title, base), key=key, tags=tags, keep_data=keep_data)
    if copies:
        bucket.ReplicationConfiguration = replication.add(
            template, copies, source=bucket_arn(base), key=key, tags=tags
        )
    if access_logs:
        add_access_logs(template, bucket, base, logs=access_logs, tags=tags, keep_data=keep_data)
    _publish(template, bucket, key)
    return template


def add(
    template: Template,
    bucket: Bucket,
    *,
    key: Parameter | Value | None,
    tags: Mapping[str, str],
    keep_data: bool,
    statements: Sequence[Statement] = (),
) -> s3.Bucket:
    """Add a bucket that stays private, whatever policy or ACL comes later, and its policy. (C-5)

    `key` is the ARN of a key of this Region, or None for S3's own encryption. `statements` join
    the bucket's policy.
    """
    made = s3.Bucket(
        bucket.title,
        BucketName=Sub(bucket_name(bucket.base)),
        BucketEncryption=s3.BucketEncryption(
            ServerSideEncryptionConfiguration=[_encryption(key, bucket.bucket_key)]
        ),
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
    if bucket.versioned:
        made.VersioningConfiguration = s3.VersioningConfiguration(Status="Enabled")
    if bucket.lifecycle:
        made.LifecycleConfiguration = s3.LifecycleConfiguration(Rules=list(bucket.lifecycle))
    template.add(retained(made, keep_data))
    template.add(_policy(made, statements))
    return made


def _encryption(key: Parameter | Value | None, bucket_key: bool) -> s3.ServerSideEncryptionRule:
    if key is None:
        return s3.ServerSideEncryptionRule(
            ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
        )
    return s3.ServerSideEncryptionRule(
        # A bucket key asks KMS once for many objects instead of once for each.
        BucketKeyEnabled=bucket_key,
        ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(
            SSEAlgorithm="aws:kms", KMSMasterKeyID=value(key)
        ),
    )


def _policy(bucket: s3.Bucket, more: Sequence[Statement]) -> s3.BucketPolicy:
    return s3.BucketPolicy(
        policy_title(str(bucket.title)),
        Bucket=Ref(bucket),
        PolicyDocument=_iam.document(_tls_only(bucket), *more),
    )


def policy_title(bucket: str) -> str:
    """Return the logical ID of the policy of the bucket with this logical ID."""
    return f"{bucket}Policy"


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


def _publish(template: Template, bucket: s3.Bucket, key: Parameter) -> None:
    template.add_output(
        Output(Out.BUCKET_NAME, Description="Name of the bucket", Value=Ref(bucket))
    )
    template.add_output(
        Output(Out.BUCKET_ARN, Description="ARN of the bucket", Value=GetAtt(bucket, "Arn"))
    )
    template.add_output(
        Output(Out.KEY_ARN, Description="ARN of the key that encrypts the bucket", Value=Ref(key))
    )


def expire(rule: str, days: int) -> s3.LifecycleRule:
    """Return a rule that deletes what is so many days old."""
    return s3.LifecycleRule(Id=rule, Status="Enabled", ExpirationInDays=days)


# Access logs ----------------------------------------------------------------------------------


def add_access_logs(
    template: Template,
    bucket: s3.Bucket,
    source: str,
    *,
    logs: str,
    tags: Mapping[str, str],
    keep_data: bool,
) -> s3.Bucket:
    """Add a bucket of the base name `logs` that records who reads and writes `bucket`.

    `source` is the base of that bucket's name. The records are encrypted by S3's own keys: with a
    customer key the log delivery would need a grant on it, and would lose records in silence when
    that goes.
    """
    records = Bucket(
        "AccessLogBucket",
        logs,
        versioned=False,
        lifecycle=(expire("ExpireAccessLogs", ACCESS_LOG_DAYS),),
    )
    made = add(
        template,
        records,
        key=None,
        tags=tags,
        keep_data=keep_data,
        statements=[_log_delivery(records.title, source)],
    )
    bucket.LoggingConfiguration = s3.LoggingConfiguration(
        DestinationBucketName=Ref(made), LogFilePrefix=f"{source}/"
    )
    # Without the policy S3 has no right to deliver, and the first records would be lost.
    bucket.DependsOn = [policy_title(records.title)]
    return made


def _log_delivery(bucket: str, source: str) -> Statement:
    """Let S3 deliver the records of one bucket of this account, and no other's."""
    return Statement(
        Sid="S3DeliversAccessLogs",
        Effect=Allow,
        Principal=Principal("Service", "logging.s3.amazonaws.com"),
        Action=[s3_actions.PutObject],
        Resource=[Sub(f"${{{bucket}.Arn}}/{source}/*")],
        Condition=Condition(
            [
                StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
                ArnLike("aws:SourceArn", Sub(bucket_arn(source))),
            ]
        ),
    )
