"""What a load balancer may stand between: functions behind it, a bucket for its records."""

from __future__ import annotations

from collections.abc import Mapping

from awacs import s3 as s3_actions
from awacs.aws import Allow, ArnLike, Condition, Principal, Statement, StringEquals
from troposphere import GetAtt, Ref, Sub, awslambda
from troposphere import elasticloadbalancingv2 as elb

from tapcfn.templating import Template
from templates.layers import storage
from templates.layers._tags import tagged
from templates.layers.load_balancers import AccessLogs, HealthCheck

RECORD_DAYS = 90

_HERE = "arn:${AWS::Partition}:elasticloadbalancing:${AWS::Region}:${AWS::AccountId}"


def add_function_target(
    template: Template,
    function: awslambda.Function,
    *,
    check: HealthCheck,
    tags: Mapping[str, str],
    title: str = "TargetGroup",
) -> elb.TargetGroup:
    """Add a target group whose one target is a function, which lets this group in.

    The group has the function's name, of at most 32 characters: the permission must be there before
    the group, and cannot refer to it.
    """
    permission = template.add(
        awslambda.Permission(
            f"{function.title}Permission",
            FunctionName=Ref(function),
            Action="lambda:InvokeFunction",
            Principal="elasticloadbalancing.amazonaws.com",
            SourceArn=Sub(f"{_HERE}:targetgroup/${{{function.title}}}/*"),
        )
    )
    return template.add(
        elb.TargetGroup(
            title,
            Name=Ref(function),
            TargetType="lambda",
            Targets=[elb.TargetDescription(Id=GetAtt(function, "Arn"))],
            HealthCheckEnabled=True,
            HealthCheckPath=check.path,
            HealthCheckIntervalSeconds=check.interval,
            HealthCheckTimeoutSeconds=check.timeout,
            HealthyThresholdCount=check.healthy,
            UnhealthyThresholdCount=check.unhealthy,
            Matcher=elb.Matcher(HttpCode=check.codes),
            Tags=tagged(tags),
            DependsOn=[permission.title],
        )
    )


def add_records(
    template: Template, base: str, *, prefix: str, tags: Mapping[str, str], keep_data: bool
) -> AccessLogs:
    """Add a bucket for the records of the Region's load balancers, for 90 days.

    S3's own encryption is the only one that their delivery knows.
    """
    deliver = Statement(
        Sid="BalancersDeliverRecords",
        Effect=Allow,
        Principal=Principal("Service", "logdelivery.elasticloadbalancing.amazonaws.com"),
        Action=[s3_actions.PutObject],
        Resource=[Sub(f"{storage.bucket_arn(base)}/{prefix}/AWSLogs/${{AWS::AccountId}}/*")],
        Condition=Condition(
            [
                StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
                ArnLike("aws:SourceArn", Sub(f"{_HERE}:loadbalancer/*")),
            ]
        ),
    )
    bucket = storage.add(
        template,
        storage.Bucket(
            "BalancerLogBucket",
            base,
            versioned=False,
            lifecycle=(storage.expire("ExpireRecords", RECORD_DAYS),),
        ),
        key=None,
        tags=tags,
        keep_data=keep_data,
        statements=[deliver],
    )
    return AccessLogs(Ref(bucket), prefix, (storage.policy_title(str(bucket.title)),))
