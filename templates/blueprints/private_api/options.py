"""What a Region has on request: flow logs, a trail, Config, a bucket for artifacts."""

from __future__ import annotations

from dataclasses import dataclass

from troposphere import Equals, If, Parameter, Ref, s3

from tapcfn.templating import Template
from templates.blueprints.private_api.settings import Settings
from templates.layers import (
    alarms,
    config_rules,
    flow_logs,
    network,
    notifications,
    storage,
    trail,
)
from templates.layers._parameters import REGION_PATTERN
from templates.layers._values import Value

KEY_AGE_DAYS = 90

IS_HOME = "IsHome"


@dataclass(frozen=True, slots=True)
class Base:
    """A Region's template with what it always has; `key` is the ARN of its key."""

    template: Template
    settings: Settings
    network: network.Network
    bucket: s3.Bucket
    key: Value


def add(base: Base) -> None:
    """Add what the settings ask for."""
    settings = base.settings
    if settings.cloudtrail or settings.aws_config:
        _know_home(base.template)
    if settings.flow_log:
        _add_flow_log(base, settings.flow_log)
    if settings.trail:
        _add_trail(base, settings.trail)
    if settings.unauthorized_calls_alarm:
        _add_alarm(base)
    if settings.aws_config:
        _add_recorder(base)
    _add_rules(base)
    if settings.artifacts_bucket:
        _add_artifacts(base)


def _know_home(template: Template) -> None:
    """Declare the one difference between Regions: what counts for the account stands once."""
    home = template.add_parameter(
        Parameter(
            "HomeRegion",
            Type="String",
            Description="Region whose trail and recorder cover what is no Region's own",
            AllowedPattern=REGION_PATTERN,
        )
    )
    template.add_condition(IS_HOME, Equals(Ref("AWS::Region"), Ref(home)))


def _add_flow_log(base: Base, flow_log: flow_logs.FlowLog) -> None:
    """Record the VPC's traffic. (S1-X6)"""
    flow_logs.add(
        base.template,
        flow_log,
        vpc=Ref(base.network.vpc),
        key=base.key,
        tags=base.settings.all_tags,
        keep_data=base.settings.keep_data,
    )


def _add_trail(base: Base, wanted: trail.Trail) -> None:
    """Record who does what in the Region, and who reads and writes the secure bucket. (S1-X1)"""
    trail.add(
        base.template,
        wanted,
        whole_account=If(IS_HOME, True, False),
        key=base.key,
        tags=base.settings.all_tags,
        keep_data=base.settings.keep_data,
        data_of=[base.bucket],
    )


def _add_alarm(base: Base) -> None:
    """Tell somebody when the trail sees a call refused. (S1-X7)"""
    template, settings = base.template, base.settings
    topic = notifications.add(
        template, key=base.key, tags=settings.all_tags, email=settings.alarm_email
    )
    refused = alarms.Alarm(
        "UnauthorizedCallsAlarm",
        "Somebody tried what they are not allowed to do",
        trail.count_unauthorized_calls(template, settings.metric_namespace),
        "Sum",
        1,
        periods=1,
        seconds=300,
        compare=alarms.Compare.AT_LEAST,
    )
    alarms.add(template, refused, tags=settings.all_tags, actions=[Ref(topic)])


def _add_recorder(base: Base) -> None:
    """Record what the Region's resources are like. (S1-X2)"""
    config_rules.add_recorder(
        base.template,
        bucket=base.settings.config_bucket,
        global_types=If(IS_HOME, True, False),
        key=base.key,
        tags=base.settings.all_tags,
        keep_data=base.settings.keep_data,
    )


def _add_rules(base: Base) -> None:
    """Check the age of access keys, and close public buckets. (S1-X3, S1-X4)"""
    settings, template = base.settings, base.template
    after = config_rules.RECORDER if settings.aws_config else ()
    if settings.key_age_rule:
        config_rules.add_rule(template, config_rules.key_age(KEY_AGE_DAYS), after=after)
    if settings.remediation:
        rule = config_rules.add_rule(template, config_rules.no_public_read(), after=after)
        config_rules.close_public_buckets(template, rule, tags=settings.all_tags)


def _add_artifacts(base: Base) -> None:
    """Add the artifacts' bucket, and one with its access logs. (S1-X9)"""
    settings, name = base.settings, base.settings.artifacts_name
    bucket = storage.add(
        base.template,
        storage.Bucket("ArtifactsBucket", name, bucket_key=settings.bucket_key),
        key=base.key,
        tags=settings.all_tags,
        keep_data=settings.keep_data,
    )
    storage.add_access_logs(
        base.template,
        bucket,
        name,
        logs=f"{name}-logs",
        tags=settings.all_tags,
        keep_data=settings.keep_data,
    )
