"""AWS Config: a recorder with its bucket, rules, and what puts right what breaks a rule.

An account has one recorder and one delivery channel in a Region (L-23). Rules work with whichever
recorder is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from awacs import kms
from awacs import s3 as s3_actions
from awacs.aws import Allow, Condition, Principal, Statement, StringEquals
from troposphere import GetAtt, If, Parameter, Ref, Sub, config, iam, s3

from tapcfn.templating import Template
from templates.layers import _iam, storage
from templates.layers._tags import tagged
from templates.layers._values import Value, value

SERVICE = "config.amazonaws.com"

# The logical IDs that a rule waits for, where the recorder stands in the same template.
RECORDER = ("ConfigRecorder", "ConfigChannel")


# The recorder -------------------------------------------------------------------------------------


def add_recorder(
    template: Template,
    *,
    bucket: str,
    global_types: bool | If,
    key: Parameter | Value,
    tags: Mapping[str, str],
    keep_data: bool,
) -> None:
    """Add the recorder of every resource type, and the channel to a bucket of this base name.

    `global_types` is whether IAM's resources count as this Region's: in one Region they should.
    CloudFormation starts the recorder once it has a channel: neither may depend on the other.
    """
    made = storage.add(
        template,
        storage.Bucket("ConfigBucket", bucket),
        key=key,
        tags=tags,
        keep_data=keep_data,
        statements=_delivery(bucket),
    )
    policy = storage.policy_title(str(made.title))
    role = template.add(_recorder_role(made, key, tags))
    recorder, channel = RECORDER
    template.add(
        config.ConfigurationRecorder(
            recorder,
            RoleARN=GetAtt(role, "Arn"),
            RecordingGroup=config.RecordingGroup(
                AllSupported=True, IncludeGlobalResourceTypes=global_types
            ),
            DependsOn=[policy],
        )
    )
    template.add(
        config.DeliveryChannel(
            channel, S3BucketName=Ref(made), S3KmsKeyArn=value(key), DependsOn=[policy]
        )
    )


def _delivery(bucket: str) -> list[Statement]:
    """Let Config of this account look at the bucket and write under the account's prefix."""
    service = Principal("Service", SERVICE)
    account = {"aws:SourceAccount": Ref("AWS::AccountId")}
    arn = storage.bucket_arn(bucket)
    return [
        Statement(
            Sid="ConfigLooksAtBucket",
            Effect=Allow,
            Principal=service,
            Action=[s3_actions.GetBucketAcl, s3_actions.ListBucket],
            Resource=[Sub(arn)],
            Condition=Condition(StringEquals(account)),
        ),
        Statement(
            Sid="ConfigWrites",
            Effect=Allow,
            Principal=service,
            Action=[s3_actions.PutObject],
            Resource=[Sub(f"{arn}/AWSLogs/${{AWS::AccountId}}/Config/*")],
            Condition=Condition(
                StringEquals(account | {"s3:x-amz-acl": "bucket-owner-full-control"})
            ),
        ),
    ]


def _recorder_role(bucket: s3.Bucket, key: Parameter | Value, tags: Mapping[str, str]) -> iam.Role:
    """Return the recorder's role: it reads what it records, and delivers to the one bucket.

    The managed policy is AWS's own list of what reading every type needs; it grows with the types.
    """
    prefix = f"${{{bucket.title}.Arn}}/AWSLogs/${{AWS::AccountId}}"
    deliver = [
        Statement(
            Sid="Deliver",
            Effect=Allow,
            Action=[s3_actions.PutObject],
            Resource=[Sub(f"{prefix}/Config/*")],
        ),
        Statement(
            Sid="LookAtBucket",
            Effect=Allow,
            Action=[s3_actions.GetBucketAcl],
            Resource=[GetAtt(bucket, "Arn")],
        ),
        Statement(
            Sid="Encrypt",
            Effect=Allow,
            Action=[kms.Decrypt, kms.GenerateDataKey],
            Resource=[value(key)],
        ),
    ]
    return iam.Role(
        "ConfigRole",
        Description="Lets AWS Config record resources and deliver to one bucket",
        AssumeRolePolicyDocument=_iam.trust(
            SERVICE, StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))
        ),
        ManagedPolicyArns=[
            Sub("arn:${AWS::Partition}:iam::aws:policy/service-role/AWS_ConfigRole")
        ],
        Policies=[iam.Policy(PolicyName="deliver", PolicyDocument=_iam.document(*deliver))],
        Tags=tagged(tags),
    )


# Rules --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """One of AWS's own rules: its identifier, the types that it looks at, and its figures.

    Without types the rule runs from time to time.
    """

    title: str
    identifier: str
    description: str
    types: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)


def add_rule(template: Template, rule: Rule, *, after: Sequence[str] = ()) -> config.ConfigRule:
    """Add a rule; `after` are the logical IDs of the recorder and its channel, if they are here."""
    made = config.ConfigRule(
        rule.title,
        Description=rule.description,
        Source=config.Source(Owner="AWS", SourceIdentifier=rule.identifier),
    )
    if rule.types:
        made.Scope = config.Scope(ComplianceResourceTypes=list(rule.types))
    if rule.inputs:
        made.InputParameters = dict(rule.inputs)
    if after:
        made.DependsOn = list(after)
    return template.add(made)


def key_age(days: int) -> Rule:
    """Return the rule that no access key is older than this."""
    return Rule(
        "AccessKeysRotated",
        "ACCESS_KEYS_ROTATED",
        f"Access keys are changed within {days} days",
        inputs={"maxAccessKeyAge": str(days)},
    )


def no_public_read() -> Rule:
    """Return the rule that nobody outside may read a bucket."""
    return Rule(
        "NoPublicRead",
        "S3_BUCKET_PUBLIC_READ_PROHIBITED",
        "No bucket may be read by everybody",
        types=("AWS::S3::Bucket",),
    )


# Remediation --------------------------------------------------------------------------------------


def close_public_buckets(
    template: Template, rule: config.ConfigRule, *, tags: Mapping[str, str], attempts: int = 3
) -> None:
    """Have Systems Manager block public access to each bucket that breaks the rule, by itself."""
    role = template.add(_closing_role(tags))
    template.add(
        config.RemediationConfiguration(
            f"{rule.title}Remediation",
            ConfigRuleName=Ref(rule),
            ResourceType="AWS::S3::Bucket",
            TargetType="SSM_DOCUMENT",
            TargetId="AWS-DisableS3BucketPublicReadWrite",
            Automatic=True,
            MaximumAutomaticAttempts=attempts,
            RetryAttemptSeconds=60,
            Parameters={
                "AutomationAssumeRole": {"StaticValue": {"Values": [GetAtt(role, "Arn")]}},
                "S3BucketName": {"ResourceValue": {"Value": "RESOURCE_ID"}},
            },
        )
    )


def _closing_role(tags: Mapping[str, str]) -> iam.Role:
    """Return the role by which an automation closes buckets.

    Which bucket will break the rule is not known, so that it is any of this account's.
    """
    close = Statement(
        Sid="CloseBuckets",
        Effect=Allow,
        Action=[s3_actions.GetBucketPublicAccessBlock, s3_actions.PutBucketPublicAccessBlock],
        Resource=[Sub("arn:${AWS::Partition}:s3:::*")],
        Condition=Condition(StringEquals("aws:ResourceAccount", Ref("AWS::AccountId"))),
    )
    return iam.Role(
        "RemediationRole",
        Description="Lets an automation block public access to buckets",
        AssumeRolePolicyDocument=_iam.trust(
            "ssm.amazonaws.com", StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))
        ),
        Policies=[iam.Policy(PolicyName="close", PolicyDocument=_iam.document(close))],
        Tags=tagged(tags),
    )
