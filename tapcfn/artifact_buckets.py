"""The bucket through which large templates are handed over, as a template."""

from __future__ import annotations

from awacs import s3 as s3_actions
from awacs.aws import Allow, Bool, Condition, Deny, PolicyDocument, Principal, Statement
from troposphere import GetAtt, Parameter, Ref, Sub, s3

from tapcfn.templating import Template


def build() -> Template:
    """Return a private bucket for templates, which the accounts that are named may read.

    A template is named by its digest, so that no version of it is ever needed again.
    """
    template = Template("Templates that are too large for a request")
    name = template.add_parameter(
        Parameter("BucketName", Type="String", Description="Name of the bucket")
    )
    readers = template.add_parameter(
        Parameter(
            "Readers",
            Type="CommaDelimitedList",
            Description="Ids of the accounts that may read the templates",
        )
    )
    bucket = template.add(_bucket(name))
    template.add(
        s3.BucketPolicy(
            "BucketPolicy",
            Bucket=Ref(bucket),
            PolicyDocument=PolicyDocument(
                Version="2012-10-17", Statement=[_only_by_tls(bucket), _read(readers)]
            ),
        )
    )
    return template


def _bucket(name: Parameter) -> s3.Bucket:
    encrypted = s3.ServerSideEncryptionRule(
        ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
    )
    owned = s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")
    return s3.Bucket(
        "Bucket",
        BucketName=Ref(name),
        BucketEncryption=s3.BucketEncryption(ServerSideEncryptionConfiguration=[encrypted]),
        OwnershipControls=s3.OwnershipControls(Rules=[owned]),
        PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True,
            BlockPublicPolicy=True,
            IgnorePublicAcls=True,
            RestrictPublicBuckets=True,
        ),
        VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled"),
        DeletionPolicy="RetainExceptOnCreate",
        UpdateReplacePolicy="Retain",
    )


def _only_by_tls(bucket: s3.Bucket) -> Statement:
    return Statement(
        Sid="OnlyByTls",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[s3_actions.Action("*")],
        Resource=[GetAtt(bucket, "Arn"), Sub("${Bucket.Arn}/*")],
        Condition=Condition(Bool({"aws:SecureTransport": "false"})),
    )


def _read(readers: Parameter) -> Statement:
    return Statement(
        Sid="ReadTemplates",
        Effect=Allow,
        Principal=Principal("AWS", Ref(readers)),
        Action=[s3_actions.GetObject],
        Resource=[Sub("${Bucket.Arn}/templates/*")],
    )
