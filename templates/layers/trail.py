"""CloudTrail: who did what in the account, in a bucket of its own, perhaps in a log group too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from awacs import logs as logs_actions
from awacs import s3 as s3_actions
from awacs.aws import Allow, Condition, Principal, Statement, StringEquals
from troposphere import GetAtt, If, Parameter, Ref, Sub, cloudtrail, iam, logs, s3

from tapcfn.templating import Template
from templates.layers import _iam, alarms, log_groups, storage
from templates.layers._tags import tagged
from templates.layers._values import Value, text, value

SERVICE = "cloudtrail.amazonaws.com"

# What CloudTrail writes when somebody was not allowed to do what they tried.
UNAUTHORIZED = '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }'


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail: its name and the base of its bucket's name, both as text for `Fn::Sub`.

    `log_group` is the name of a log group that gets every event as well, for so many days.
    """

    name: str
    bucket: str
    log_group: str = ""
    log_days: int = 90


def arn(name: str) -> Sub:
    """Return the ARN of a trail of this account and Region; the key's policy names it."""
    return Sub(
        f"arn:${{AWS::Partition}}:cloudtrail:${{AWS::Region}}:${{AWS::AccountId}}:trail/{name}"
    )


def add(
    template: Template,
    trail: Trail,
    *,
    whole_account: bool | If,
    key: Parameter | Value,
    tags: Mapping[str, str],
    keep_data: bool,
    data_of: Sequence[s3.Bucket] = (),
) -> cloudtrail.Trail:
    """Add a trail with its bucket; of the buckets `data_of` reads and writes are recorded too.

    Never name the trail's own bucket there: each record would make another one. `whole_account`
    is whether the trail covers every Region and the global services: one of an account should.
    """
    bucket = storage.add(
        template,
        storage.Bucket("TrailBucket", trail.bucket),
        key=key,
        tags=tags,
        keep_data=keep_data,
        statements=_delivery(trail),
    )
    made = cloudtrail.Trail(
        "Trail",
        TrailName=text(trail.name),
        S3BucketName=Ref(bucket),
        IsLogging=True,
        IsMultiRegionTrail=whole_account,
        IncludeGlobalServiceEvents=whole_account,
        EnableLogFileValidation=True,
        KMSKeyId=value(key),
        EventSelectors=[_selector(data_of)],
        Tags=tagged(tags),
        # CloudTrail tries to write before it takes a trail.
        DependsOn=[storage.policy_title(str(bucket.title))],
    )
    if trail.log_group:
        group = _group(template, trail, key, tags, keep_data)
        role = template.add(_role(group, tags))
        made.CloudWatchLogsLogGroupArn = GetAtt(group, "Arn")
        made.CloudWatchLogsRoleArn = GetAtt(role, "Arn")
    return template.add(made)


def _selector(data_of: Sequence[s3.Bucket]) -> cloudtrail.EventSelector:
    """Return what is recorded: every management event, and the objects of some buckets."""
    selector = cloudtrail.EventSelector(ReadWriteType="All", IncludeManagementEvents=True)
    if data_of:
        objects = [Sub(f"${{{bucket.title}.Arn}}/") for bucket in data_of]
        selector.DataResources = [cloudtrail.DataResource(Type="AWS::S3::Object", Values=objects)]
    return selector


def _delivery(trail: Trail) -> list[Statement]:
    """Let this trail, and no other, look at the bucket and write under its account's prefix."""
    service = Principal("Service", SERVICE)
    source = StringEquals("aws:SourceArn", arn(trail.name))
    bucket = storage.bucket_arn(trail.bucket)
    return [
        Statement(
            Sid="TrailLooksAtBucket",
            Effect=Allow,
            Principal=service,
            Action=[s3_actions.GetBucketAcl, s3_actions.GetBucketLocation],
            Resource=[Sub(bucket)],
            Condition=Condition(source),
        ),
        Statement(
            Sid="TrailWritesLogs",
            Effect=Allow,
            Principal=service,
            Action=[s3_actions.PutObject],
            Resource=[Sub(f"{bucket}/AWSLogs/${{AWS::AccountId}}/*")],
            Condition=Condition(
                [
                    StringEquals(
                        {
                            "aws:SourceArn": arn(trail.name),
                            "s3:x-amz-acl": "bucket-owner-full-control",
                        }
                    )
                ]
            ),
        ),
    ]


# The log group ------------------------------------------------------------------------------------


def _group(
    template: Template,
    trail: Trail,
    key: Parameter | Value,
    tags: Mapping[str, str],
    keep_data: bool,
) -> logs.LogGroup:
    return log_groups.add(
        template,
        "TrailLogGroup",
        name=text(trail.log_group),
        days=trail.log_days,
        key=key,
        tags=tags,
        keep_data=keep_data,
    )


def _role(group: logs.LogGroup, tags: Mapping[str, str]) -> iam.Role:
    """Return the role by which the account's trails write to the group's streams of their own."""
    return iam.Role(
        "TrailRole",
        Description="Lets CloudTrail write to one log group",
        AssumeRolePolicyDocument=_iam.trust(
            SERVICE, StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))
        ),
        Policies=[
            iam.Policy(
                PolicyName="write",
                PolicyDocument=_iam.document(
                    Statement(
                        Sid="WriteEvents",
                        Effect=Allow,
                        Action=[logs_actions.CreateLogStream, logs_actions.PutLogEvents],
                        Resource=[
                            Sub(
                                "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:"
                                f"log-group:${{{group.title}}}:log-stream:"
                                "${AWS::AccountId}_CloudTrail_*"
                            )
                        ],
                    )
                ),
            )
        ],
        Tags=tagged(tags),
    )


def count_unauthorized_calls(template: Template, namespace: str) -> alarms.Metric:
    """Add the filter that counts refused calls in the trail's log group; AWS has no such metric."""
    metric = alarms.Metric(namespace, "UnauthorizedAPICalls")
    template.add(
        logs.MetricFilter(
            "UnauthorizedCalls",
            LogGroupName=Ref("TrailLogGroup"),
            FilterPattern=UNAUTHORIZED,
            MetricTransformations=[
                logs.MetricTransformation(
                    MetricNamespace=metric.namespace,
                    MetricName=metric.name,
                    MetricValue="1",
                    DefaultValue=0,
                    Unit="Count",
                )
            ],
        )
    )
    return metric
