"""Buckets that anyone may read as a website.

S3 serves a website in the clear and to nobody in particular: such a bucket has no rule for TLS,
and its objects are encrypted by S3's own keys, for an anonymous reader may use no other.
"""

from __future__ import annotations

from collections.abc import Mapping

from awacs import s3 as s3_actions
from awacs.aws import Allow, Principal, Statement
from troposphere import Ref, Sub, s3

from tapcfn.templating import Template
from templates.layers import _iam, storage
from templates.layers._retention import retained
from templates.layers._tags import tagged


def add(
    template: Template,
    title: str,
    *,
    base: str,
    tags: Mapping[str, str],
    keep_data: bool,
) -> s3.Bucket:
    """Add a versioned bucket with a website, and the policy that lets everyone read its objects.

    ACLs stay blocked. The policy is refused where the account blocks public policies as a whole.
    """
    bucket = s3.Bucket(
        title,
        BucketName=Sub(storage.bucket_name(base)),
        BucketEncryption=_encryption(),
        OwnershipControls=s3.OwnershipControls(
            Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
        ),
        PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True,
            BlockPublicPolicy=False,
            IgnorePublicAcls=True,
            RestrictPublicBuckets=False,
        ),
        VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled"),
        WebsiteConfiguration=s3.WebsiteConfiguration(
            IndexDocument="index.html", ErrorDocument="error.html"
        ),
        Tags=tagged(tags),
    )
    template.add(retained(bucket, keep_data))
    template.add(_public(bucket))
    return bucket


def _encryption() -> s3.BucketEncryption:
    by_s3 = s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
    return s3.BucketEncryption(
        ServerSideEncryptionConfiguration=[
            s3.ServerSideEncryptionRule(ServerSideEncryptionByDefault=by_s3)
        ]
    )


def _public(bucket: s3.Bucket) -> s3.BucketPolicy:
    everyone_reads = Statement(
        Sid="PublicReadGetObject",
        Effect=Allow,
        Principal=Principal("*"),
        Action=[s3_actions.GetObject],
        Resource=[Sub(f"${{{bucket.title}.Arn}}/*")],
    )
    return s3.BucketPolicy(
        storage.policy_title(str(bucket.title)),
        Bucket=Ref(bucket),
        PolicyDocument=_iam.document(everyone_reads),
    )
