"""Flow logs of a VPC: each with an encrypted log group and a role of its own, perhaps a metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from awacs import logs as logs_actions
from awacs.aws import Allow, ArnLike, Statement, StringEquals
from troposphere import GetAtt, Parameter, Ref, Sub, ec2, iam, logs

from tapcfn.templating import Template
from templates.layers import _iam, log_groups
from templates.layers._tags import tagged
from templates.layers._values import Value, text

# The fields of a flow log record in its default format; the names are ours, the order is AWS's.
REJECTED = (
    "[version, account, interface, source, destination, sourceport, destinationport, protocol, "
    'packets, bytes, start, end, action="REJECT", status]'
)


@dataclass(frozen=True, slots=True)
class FlowLog:
    """One flow log of the VPC: what it records, in which log group, and for how long.

    The group's name may be text for `Fn::Sub`.
    With a `metric` (namespace and name) the packets of rejected records are counted there.
    """

    title: str
    traffic: str
    group: str
    days: int
    metric: tuple[str, str] | None = None


def add(
    template: Template,
    flow_log: FlowLog,
    *,
    vpc: Value,
    key: Parameter | Value,
    tags: Mapping[str, str],
    keep_data: bool,
) -> None:
    """Add a flow log of the whole VPC, with its encrypted group and a role of its own."""
    group = log_groups.add(
        template,
        f"{flow_log.title}Group",
        name=text(flow_log.group),
        days=flow_log.days,
        key=key,
        tags=tags,
        keep_data=keep_data,
    )
    role = template.add(_role(f"{flow_log.title}Role", group, tags))
    template.add(
        ec2.FlowLog(
            flow_log.title,
            ResourceId=vpc,
            ResourceType="VPC",
            TrafficType=flow_log.traffic,
            LogDestinationType="cloud-watch-logs",
            LogGroupName=Ref(group),
            DeliverLogsPermissionArn=GetAtt(role, "Arn"),
            MaxAggregationInterval=60,
            Tags=tagged(tags),
        )
    )
    if flow_log.metric:
        template.add(_rejected_packets(flow_log.metric, group))


def _rejected_packets(metric: tuple[str, str], group: logs.LogGroup) -> logs.MetricFilter:
    """Return the filter that makes a metric of the rejected packets: AWS has none for a VPC."""
    namespace, name = metric
    return logs.MetricFilter(
        name,
        LogGroupName=Ref(group),
        FilterPattern=REJECTED,
        MetricTransformations=[
            logs.MetricTransformation(
                MetricNamespace=namespace,
                MetricName=name,
                MetricValue="$packets",
                DefaultValue=0,
                Unit="Count",
            )
        ],
    )


def _role(title: str, group: logs.LogGroup, tags: Mapping[str, str]) -> iam.Role:
    """Return a role by which the VPC's flow logs write to `group`, and to no other.

    Describing log groups is checked against all groups of the Region, so that one statement is
    as wide as that; it reads names, never records.
    """
    return iam.Role(
        title,
        Description="Lets VPC flow logs write to one log group",
        AssumeRolePolicyDocument=_iam.trust(
            "vpc-flow-logs.amazonaws.com",
            StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
            ArnLike(
                "aws:SourceArn",
                Sub("arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:vpc-flow-log/*"),
            ),
        ),
        Policies=[
            iam.Policy(
                PolicyName="write",
                PolicyDocument=_iam.document(
                    Statement(
                        Sid="WriteRecords",
                        Effect=Allow,
                        Action=[
                            logs_actions.CreateLogGroup,
                            logs_actions.CreateLogStream,
                            logs_actions.PutLogEvents,
                            logs_actions.DescribeLogStreams,
                        ],
                        Resource=[GetAtt(group, "Arn")],
                    ),
                    Statement(
                        Sid="FindGroup",
                        Effect=Allow,
                        Action=[logs_actions.DescribeLogGroups],
                        Resource=[_iam.log_group_arn("*")],
                    ),
                ),
            )
        ],
        Tags=tagged(tags),
    )
