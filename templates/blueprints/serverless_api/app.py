"""The application of one Region of serverless_api: bucket, function, API, and its alarms."""

from __future__ import annotations

from enum import StrEnum

from awacs.aws import Statement
from troposphere import GetAtt, Join, Output, Parameter, Ref, awslambda, s3

from tapcfn.templating import Template
from templates.blueprints.serverless_api import api as apis
from templates.blueprints.serverless_api import watch
from templates.blueprints.serverless_api.settings import Settings
from templates.layers import (
    alarms,
    functions,
    key_grants,
    notifications,
    replication,
    rest_api,
    security,
    storage,
    tables,
    websites,
)
from templates.layers._parameters import REGION_PATTERN

# The rule that copies the source's bucket.
RULE = "ReplicateEverything"

LOG_DAYS = 14
MIGRATION_LOG_DAYS = 30


class Out(StrEnum):
    """What other stacks, and people, may ask this one for."""

    API_ID = apis.API_ID
    API_URL = apis.API_URL
    API_HOST = apis.API_HOST
    CANARY = apis.CANARY
    DEPLOYMENT = apis.DEPLOYMENT
    DOMAIN_TARGET = apis.DOMAIN_TARGET
    DOMAIN_ZONE = apis.DOMAIN_ZONE
    ALARM = "ServerErrorsAlarm"
    ALARMS = "ShiftAlarms"
    API_KEY = "ApiKeyId"
    BATCH_ROLE_ARN = "BatchRoleArn"
    BUCKET_ARN = "BucketArn"
    BUCKET_NAME = "BucketName"
    FUNCTION_NAME = "FunctionName"
    KEY_ARN = "KeyArn"
    WEBSITE_URL = "WebsiteUrl"


def build(settings: Settings, *, is_source: bool) -> Template:
    """Return one Region's application; the source's bucket is copied to the target's."""
    template = Template("An API, the function behind it, and a website")
    _add_bucket(template, settings, is_source=is_source)
    table = template.add_parameter(table_name())
    function = _function(settings, table)
    key = security.add(
        template,
        alias=f"alias/{settings.prefix}-serverless",
        tags=settings.tags,
        keep_data=settings.keep_data,
        grants=_grants(settings, function),
        purpose="Encrypts the log groups and the alarm messages of its Region",
    )
    template.add_output(Output(Out.KEY_ARN, Description="ARN of the key", Value=GetAtt(key, "Arn")))
    made = functions.add(
        template,
        function,
        key=GetAtt(key, "Arn"),
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    _publish_function(template, made)
    _add_api(template, settings, made, key=GetAtt(key, "Arn"))
    if settings.enable_monitoring:
        _add_alarms(template, settings, table, key=GetAtt(key, "Arn"))
    return template


def table_name() -> Parameter:
    """Return the parameter for the name of the table, which has a replica in every Region."""
    return Parameter(
        "TableName",
        Type="String",
        Description="Name of the table that the function serves",
        AllowedPattern="^[A-Za-z0-9_.-]{3,255}$",
        ConstraintDescription="must be the name of a table",
    )


def _grants(settings: Settings, function: functions.Function) -> list[Statement]:
    """Return what the services need of the key: CloudWatch only where there are alarms."""
    alarms_publish = [key_grants.alarms()] if settings.enable_monitoring else []
    return [*key_grants.logs(_encrypted_groups(settings, function)), *alarms_publish]


def _encrypted_groups(settings: Settings, function: functions.Function) -> list[str]:
    """Return the names of all the log groups under the key, as texts for `Fn::Sub`."""
    names = [function.log_group, *apis.log_group_names(settings).values()]
    if settings.migration_state:
        names.append(f"/aws/lambda/{settings.migration}")
    return names


# The bucket ---------------------------------------------------------------------------------------


def _add_bucket(template: Template, settings: Settings, *, is_source: bool) -> None:
    """Add the bucket; at the source, with the rule that copies everything. (S3-8, S3-9)"""
    base = settings.source_bucket if is_source else settings.target_bucket
    bucket = websites.add(
        template,
        "AssetsBucket",
        base=base,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    if is_source:
        bucket.ReplicationConfiguration = replication.add(
            template,
            replication.Rule(RULE, "STANDARD", measured=True),
            source=storage.bucket_arn(base),
            key=None,
            tags=settings.tags,
        )
        _add_batch_role(template, settings, source=storage.bucket_arn(base))
    _publish_bucket(template, bucket)


def _add_batch_role(template: Template, settings: Settings, *, source: str) -> None:
    role = replication.add_batch_role(template, source=source, tags=settings.tags)
    template.add_output(
        Output(
            Out.BATCH_ROLE_ARN,
            Description="ARN of the role that replicates what was there before the rule",
            Value=GetAtt(role, "Arn"),
        )
    )


def _publish_bucket(template: Template, bucket: s3.Bucket) -> None:
    for key, what, value in (
        (Out.BUCKET_NAME, "Name of the bucket", Ref(bucket)),
        (Out.BUCKET_ARN, "ARN of the bucket", GetAtt(bucket, "Arn")),
        (Out.WEBSITE_URL, "URL of the website", GetAtt(bucket, "WebsiteURL")),
    ):
        template.add_output(Output(key, Description=what, Value=value))


# The function and the API -------------------------------------------------------------------------


def _function(settings: Settings, table: Parameter) -> functions.Function:
    return functions.Function(
        title="Function",
        name=settings.function,
        description="Serves the items of the table",
        code="items",
        runtime=settings.runtime,
        memory=128,
        seconds=settings.function_timeout,
        log_days=LOG_DAYS,
        environment={"DYNAMODB_TABLE": Ref(table)},
        may=(tables.items(f"${{{table.title}}}"),),
        dead_letters=settings.dlq,
        tracing=settings.xray,
    )


def _publish_function(template: Template, function: awslambda.Function) -> None:
    template.add_output(
        Output(Out.FUNCTION_NAME, Description="Name of the function", Value=Ref(function))
    )


def _add_api(
    template: Template,
    settings: Settings,
    function: awslambda.Function,
    *,
    key: GetAtt,
) -> rest_api.Api:
    api = apis.add(template, settings, function)
    stage = apis.add_stage(template, settings, api, key)
    if settings.usage_plan:
        template.add_output(
            Output(Out.API_KEY, Description="Id of the API key", Value=Ref("ApiKey"))
        )
    if settings.hosted_zone_id:
        apis.add_domain(template, settings, stage)
    return api


# Alarms -------------------------------------------------------------------------------------------


def _add_alarms(template: Template, settings: Settings, table: Parameter, *, key: GetAtt) -> None:
    """Add this Region's topic and its alarms. (L-10)"""
    email = template.add_parameter(_email()) if settings.alarm_email else None
    topic = notifications.add(template, key=key, tags=settings.tags, email=email)
    wanted = [*watch.alarms(settings, Ref(table))]
    if settings.enable_cross_region_replication:
        wanted.append(watch.replication(Ref(table), Ref(template.add_parameter(_receiver()))))
    for each in wanted:
        alarms.add(template, each, tags=settings.tags, actions=[Ref(topic)])
    template.add_output(
        Output(
            Out.ALARM,
            Description="Name of the alarm on server errors, which a health check may follow",
            Value=Ref(watch.SERVER_ERRORS),
        )
    )
    template.add_output(
        Output(
            Out.ALARMS,
            Description="Names of the alarms that must be quiet while traffic moves here",
            Value=Join(",", [Ref(title) for title in watch.OF_A_SHIFT]),
        )
    )


def _email() -> Parameter:
    return Parameter("AlarmEmail", Type="String", Description="E-mail address that hears of alarms")


def _receiver() -> Parameter:
    return Parameter(
        "ReceivingRegion",
        Type="String",
        Description="Region of the table's other replica",
        AllowedPattern=REGION_PATTERN,
        ConstraintDescription="must be the name of a Region",
    )
