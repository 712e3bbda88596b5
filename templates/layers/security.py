"""The key that encrypts a Region's buckets and log groups, or a replica of another Region's key.

A key serves one Region only (L-6), so that this layer goes to every Region that holds data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from awacs import kms
from awacs.aws import Allow, ArnEquals, Condition, PolicyDocument, Principal, Statement
from troposphere import GetAtt, Output, Ref, Sub
from troposphere.kms import Alias, Key, ReplicaKey

from tapcfn.templating import Template
from templates.layers import _iam
from templates.layers._parameters import key_arn
from templates.layers._retention import retained
from templates.layers._tags import tagged

# The longest window that KMS has: a key scheduled for deletion by mistake can be saved until then.
PENDING_DAYS = 30

PURPOSE = "Encrypts the buckets and log groups of its Region"


class Out(StrEnum):
    """What other layers may ask this one for."""

    KEY_ID = "KeyId"
    KEY_ARN = "KeyArn"


def build(
    *,
    alias: str,
    tags: Mapping[str, str],
    keep_data: bool,
    log_groups: Sequence[str] = (),
    multi_region: bool = False,
) -> Template:
    """Return a rotated key that the account and the Logs service, for `log_groups`, may use.

    `multi_region` is for ever: KMS does not turn a key of one Region into a multi-Region key.
    """
    template = Template("A KMS key for one Region's buckets and log groups")
    key = Key(
        "Key",
        Description=PURPOSE,
        EnableKeyRotation=True,
        PendingWindowInDays=PENDING_DAYS,
        KeyPolicy=_key_policy(log_groups),
        Tags=tagged(tags),
    )
    if multi_region:
        key.MultiRegion = True
    template.add(retained(key, keep_data))
    return _published(template, key, alias)


def build_replica(
    *,
    alias: str,
    tags: Mapping[str, str],
    keep_data: bool,
    log_groups: Sequence[str] = (),
) -> Template:
    """Return a replica of another Region's multi-Region key, with a policy and alias of its own.

    Rotation is the primary's: a replica takes no such property.
    """
    template = Template("A replica of a multi-Region KMS key, for one Region's buckets")
    primary = template.add_parameter(
        key_arn("PrimaryKeyArn", "ARN of the multi-Region key to replicate, in its own Region")
    )
    key = ReplicaKey(
        "Key",
        Description=PURPOSE,
        PrimaryKeyArn=Ref(primary),
        PendingWindowInDays=PENDING_DAYS,
        # troposphere wants a plain mapping here, and a document on a Key.
        KeyPolicy=_key_policy(log_groups).JSONrepr(),
        Tags=tagged(tags),
    )
    template.add(retained(key, keep_data))
    return _published(template, key, alias)


def _published(template: Template, key: Key | ReplicaKey, alias: str) -> Template:
    """Give the key its alias and tell the others of it."""
    template.add(Alias("Alias", AliasName=f"alias/{alias}", TargetKeyId=Ref(key)))
    template.add_output(Output(Out.KEY_ID, Description="Id of the key", Value=Ref(key)))
    template.add_output(Output(Out.KEY_ARN, Description="ARN of the key", Value=GetAtt(key, "Arn")))
    return template


def _key_policy(log_groups: Sequence[str]) -> PolicyDocument:
    return _iam.document(_account(), *([_logs(log_groups)] if log_groups else []))


def _account() -> Statement:
    """Let the account's IAM policies decide about the key; without this nobody could manage it.

    In a key policy `*` is this key and no other.
    """
    return Statement(
        Sid="AccountDecidesByIam",
        Effect=Allow,
        Principal=Principal("AWS", Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")),
        Action=[kms.Action("*")],
        Resource=["*"],
    )


def _logs(log_groups: Sequence[str]) -> Statement:
    """Let CloudWatch Logs of this Region encrypt exactly these log groups. (L-7)"""
    return Statement(
        Sid="LogsEncryptsItsGroups",
        Effect=Allow,
        Principal=Principal("Service", Sub("logs.${AWS::Region}.${AWS::URLSuffix}")),
        Action=[
            kms.Encrypt,
            kms.Decrypt,
            kms.Action("ReEncrypt*"),
            kms.Action("GenerateDataKey*"),
            kms.DescribeKey,
        ],
        Resource=["*"],
        Condition=Condition(
            ArnEquals(
                "kms:EncryptionContext:aws:logs:arn",
                [_iam.log_group_arn(name) for name in log_groups],
            )
        ),
    )
