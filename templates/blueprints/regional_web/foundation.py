"""What every other stack of a Region needs first: its key, its topic and its log group."""

from __future__ import annotations

from awacs.aws import Statement
from troposphere import GetAtt, Output, Ref, Sub
from troposphere.kms import Key, ReplicaKey

from tapcfn.templating import Template
from templates.blueprints.regional_web.names import REGION
from templates.blueprints.regional_web.settings import Settings
from templates.layers import key_grants, log_groups, notifications, security, trail
from templates.layers._values import Value

PURPOSE = "Encrypts the disks, databases, messages and logs of its Region"

TOPIC_ARN = "TopicArn"
LOG_GROUP_NAME = "LogGroupName"

# S2-X1
PROFILE_PENDING_DAYS = 7


def differs(settings: Settings) -> bool:
    """Say whether the first Region's key is another than those of the others."""
    return settings.kms_profile == "multi_region" or (
        settings.kms_profile == "off" and settings.cloudtrail
    )


def build(settings: Settings, *, first: bool) -> Template:
    """Return a Region's key, topic and log group. (S2-8, S2-9, S2-16)"""
    template = Template("A Region's key, its topic for alarms and its log group")
    key: Key | ReplicaKey
    if settings.kms_profile == "multi_region" and not first:
        key = security.add_replica(
            template,
            alias=_alias(settings),
            tags=settings.tags,
            keep_data=settings.keep_data,
            grants=_grants(settings, first=first),
            purpose=PURPOSE,
            pending_days=PROFILE_PENDING_DAYS,
        )
    else:
        key = security.add(
            template,
            alias=_alias(settings),
            tags=settings.tags,
            keep_data=settings.keep_data,
            grants=_grants(settings, first=first),
            purpose=PURPOSE,
            multi_region=settings.kms_profile == "multi_region",
            pending_days=_pending_days(settings),
        )
    security.publish(template, key)
    _topic(template, settings, GetAtt(key, "Arn"))
    _log_group(template, settings, GetAtt(key, "Arn"))
    return template


def _alias(settings: Settings) -> Sub:
    if settings.kms_profile == "off":
        return Sub(f"alias/{settings.names.here('key')}")
    return Sub(f"alias/PROD-{REGION}-{settings.environment}")


def _pending_days(settings: Settings) -> int:
    return security.PENDING_DAYS if settings.kms_profile == "off" else PROFILE_PENDING_DAYS


def _grants(settings: Settings, *, first: bool) -> list[Statement]:
    """Return the services that the key lets in; the trail is the first Region's alone."""
    trails = settings.kms_profile != "off" or (settings.cloudtrail and first)
    return [
        *key_grants.logs(settings.log_groups),
        *key_grants.auto_scaling(),
        key_grants.alarms(),
        *(key_grants.trail(trail.arn(settings.names.of("trail"))) if trails else ()),
        *([key_grants.config_delivery()] if settings.aws_config else []),
    ]


def _topic(template: Template, settings: Settings, key: Value) -> None:
    topic = notifications.add(
        template,
        key=key,
        tags=settings.tags,
        name=settings.names.label("alerts"),
        email=settings.alerts or None,
    )
    template.add_output(Output(TOPIC_ARN, Description="ARN of the topic", Value=Ref(topic)))


def _log_group(template: Template, settings: Settings, key: Value) -> None:
    group = log_groups.add(
        template,
        "LogGroup",
        name=Sub(settings.names.log_group),
        days=settings.log_days,
        key=key,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    template.add_output(
        Output(LOG_GROUP_NAME, Description="Name of the log group", Value=Ref(group))
    )
