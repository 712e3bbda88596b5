"""Statements of a key's policy: the account itself, and each service that encrypts by the key.

In a key policy `*` as a resource is this key and no other.
"""

from __future__ import annotations

from collections.abc import Sequence

from awacs import kms
from awacs.aws import (
    Allow,
    ArnEquals,
    ArnLike,
    Bool,
    Condition,
    Principal,
    Statement,
    StringEquals,
    StringLike,
)
from troposphere import Ref, Sub

from templates.layers import _iam
from templates.layers._values import Value

_USE = [
    kms.Encrypt,
    kms.Decrypt,
    kms.Action("ReEncrypt*"),
    kms.Action("GenerateDataKey*"),
    kms.DescribeKey,
]

_AUTO_SCALING_ROLE = (
    "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/"
    "autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
)


def account() -> Statement:
    """Let the account's IAM policies decide about the key; without this nobody could manage it."""
    return Statement(
        Sid="AccountDecidesByIam",
        Effect=Allow,
        Principal=Principal("AWS", Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")),
        Action=[kms.Action("*")],
        Resource=["*"],
    )


def logs(log_groups: Sequence[str]) -> tuple[Statement, ...]:
    """Let CloudWatch Logs of this Region encrypt exactly these log groups; none is asked for none.

    The names are texts for `Fn::Sub`. (L-7)
    """
    if not log_groups:
        return ()
    return (
        Statement(
            Sid="LogsEncryptsItsGroups",
            Effect=Allow,
            Principal=Principal("Service", Sub("logs.${AWS::Region}.${AWS::URLSuffix}")),
            Action=_USE,
            Resource=["*"],
            Condition=Condition(
                ArnEquals(
                    "kms:EncryptionContext:aws:logs:arn",
                    [_iam.log_group_arn(name) for name in log_groups],
                )
            ),
        ),
    )


def log_exports() -> Statement:
    """Let CloudWatch Logs of this Region export groups of this account to buckets under this key.

    The bucket's own policy says which groups.
    """
    return Statement(
        Sid="LogsExports",
        Effect=Allow,
        Principal=Principal("Service", Sub("logs.${AWS::Region}.${AWS::URLSuffix}")),
        Action=[kms.Decrypt, kms.Action("GenerateDataKey*")],
        Resource=["*"],
        Condition=Condition(StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))),
    )


def auto_scaling() -> tuple[Statement, ...]:
    """Let the account's Auto Scaling launch instances with volumes under this key. (L-8)

    Its service-linked role must exist before the key: KMS refuses a principal that does not.
    """
    role = Principal("AWS", Sub(_AUTO_SCALING_ROLE))
    return (
        Statement(
            Sid="AutoScalingUsesVolumes",
            Effect=Allow,
            Principal=role,
            Action=_USE,
            Resource=["*"],
        ),
        Statement(
            Sid="AutoScalingGrantsVolumes",
            Effect=Allow,
            Principal=role,
            Action=[kms.CreateGrant],
            Resource=["*"],
            Condition=Condition(Bool("kms:GrantIsForAWSResource", "true")),
        ),
    )


def alarms() -> Statement:
    """Let the account's CloudWatch alarms publish to topics under this key."""
    return Statement(
        Sid="AlarmsPublish",
        Effect=Allow,
        Principal=Principal("Service", "cloudwatch.amazonaws.com"),
        Action=[kms.Decrypt, kms.Action("GenerateDataKey*")],
        Resource=["*"],
        Condition=Condition(StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))),
    )


def trail(arn: Value) -> tuple[Statement, ...]:
    """Let exactly this CloudTrail trail encrypt its log files.

    CloudTrail names its trails in the encryption context; describing the key is what it checks
    when a trail is made.
    """
    service = Principal("Service", "cloudtrail.amazonaws.com")
    return (
        Statement(
            Sid="TrailEncryptsLogs",
            Effect=Allow,
            Principal=service,
            Action=[kms.Action("GenerateDataKey*")],
            Resource=["*"],
            Condition=Condition(
                [
                    StringEquals("aws:SourceArn", arn),
                    StringLike(
                        "kms:EncryptionContext:aws:cloudtrail:arn",
                        Sub("arn:${AWS::Partition}:cloudtrail:*:${AWS::AccountId}:trail/*"),
                    ),
                ]
            ),
        ),
        Statement(
            Sid="TrailDescribesKey",
            Effect=Allow,
            Principal=service,
            Action=[kms.DescribeKey],
            Resource=["*"],
            Condition=Condition(StringEquals("aws:SourceArn", arn)),
        ),
    )


def config_delivery() -> Statement:
    """Let AWS Config of this account encrypt what it delivers to a bucket under this key."""
    return Statement(
        Sid="ConfigDelivers",
        Effect=Allow,
        Principal=Principal("Service", "config.amazonaws.com"),
        Action=[kms.Decrypt, kms.Action("GenerateDataKey*")],
        Resource=["*"],
        Condition=Condition(
            [
                StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
                ArnLike(
                    "aws:SourceArn",
                    Sub("arn:${AWS::Partition}:config:*:${AWS::AccountId}:*"),
                ),
            ]
        ),
    )
