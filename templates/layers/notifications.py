"""A Region's topic for alarms, encrypted, and the address that hears of them. (L-10)"""

from __future__ import annotations

from collections.abc import Mapping

from awacs import sns as sns_actions
from awacs.aws import (
    Allow,
    ArnLike,
    Bool,
    Condition,
    Deny,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import Parameter, Ref, Sub, sns

from tapcfn.templating import Template
from templates.layers import _iam
from templates.layers._tags import tagged
from templates.layers._values import Value, value


def add(
    template: Template,
    title: str = "AlarmTopic",
    *,
    key: Parameter | Value,
    tags: Mapping[str, str],
    name: Value = "",
    email: Parameter | Value | None = None,
) -> sns.Topic:
    """Add a topic that this account's alarms may publish to; `email` must confirm by itself.

    The key's policy must let CloudWatch in, or every message is lost in silence.
    """
    topic = sns.Topic(title, KmsMasterKeyId=value(key), Tags=tagged(tags))
    if name:
        topic.TopicName = name
    template.add(topic)
    template.add(
        sns.TopicPolicy(
            f"{title}Policy",
            Topics=[Ref(topic)],
            PolicyDocument=_iam.document(_alarms_publish(topic), _only_over_tls(topic)),
        )
    )
    if email is not None:
        template.add(
            sns.SubscriptionResource(
                f"{title}Email", TopicArn=Ref(topic), Protocol="email", Endpoint=value(email)
            )
        )
    return topic


def _alarms_publish(topic: sns.Topic) -> Statement:
    return Statement(
        Sid="AlarmsPublish",
        Effect=Allow,
        Principal=Principal("Service", "cloudwatch.amazonaws.com"),
        Action=[sns_actions.Publish],
        Resource=[Ref(topic)],
        Condition=Condition(
            [
                StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
                ArnLike(
                    "aws:SourceArn",
                    Sub(
                        "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"
                    ),
                ),
            ]
        ),
    )


def _only_over_tls(topic: sns.Topic) -> Statement:
    return Statement(
        Sid="OnlyOverTls",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[sns_actions.Publish],
        Resource=[Ref(topic)],
        Condition=Condition(Bool("aws:SecureTransport", "false")),
    )
