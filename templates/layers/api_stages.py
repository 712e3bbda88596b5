"""Stages of REST APIs: access logs, execution logs, a canary, tracing; and plans for their callers.

A stage writes logs only where the account's role for API Gateway is set (L-11), which is the
business of an earlier stack.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from troposphere import Parameter, Ref, Sub, apigateway, logs

from tapcfn.templating import Template
from templates.layers._tags import tagged
from templates.layers._values import Value, value
from templates.layers.rest_api import Api

# What an access log says of a request; CloudWatch Logs finds the request by its id.
ACCESS = {
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "caller": "$context.identity.caller",
    "user": "$context.identity.user",
    "requestTime": "$context.requestTime",
    "httpMethod": "$context.httpMethod",
    "resourcePath": "$context.resourcePath",
    "status": "$context.status",
    "protocol": "$context.protocol",
    "responseLength": "$context.responseLength",
}

# What a stage adds to the name of a log group for the requests of its canary.
CANARY = "/Canary"


@dataclass(frozen=True, slots=True)
class Canary:
    """The deployment that some of the requests try, and their share in percent."""

    deployment: apigateway.Deployment
    percent: Parameter | Value


@dataclass(frozen=True, slots=True)
class Plan:
    """How much the holder of a key may ask for: requests a day, in a burst, and a second."""

    daily: int
    burst: int
    rate: int


def execution_log_group(api: str, stage: str) -> str:
    """Return, as text for `Fn::Sub`, the name that API Gateway gives a stage's execution logs.

    `api` is the API's logical ID.
    """
    return f"API-Gateway-Execution-Logs_${{{api}}}/{stage}"


def add(
    template: Template,
    title: str,
    api: Api,
    *,
    name: str,
    access_logs: logs.LogGroup,
    tags: Mapping[str, str],
    execution_logs: bool = False,
    after: tuple[str, ...] = (),
    tracing: bool = False,
) -> apigateway.Stage:
    """Add a stage of the API's newest deployment, with a record of every request.

    `execution_logs` has API Gateway report errors in the group of `execution_log_group`. `after`
    are the logical IDs of the log groups that must be there first, or API Gateway makes its own.
    """
    stage = apigateway.Stage(
        title,
        RestApiId=Ref(api.api),
        StageName=name,
        DeploymentId=Ref(api.deployment),
        AccessLogSetting=apigateway.AccessLogSetting(
            # Without the `:*` of the group's Arn attribute, which would show as drift.
            DestinationArn=Sub(
                "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:"
                f"log-group:${{{access_logs.title}}}"
            ),
            Format=json.dumps(ACCESS, separators=(",", ":")),
        ),
        TracingEnabled=tracing,
        Tags=tagged(tags),
    )
    if execution_logs:
        stage.MethodSettings = [_errors_only()]
    if after:
        stage.DependsOn = [*after]
    return template.add(stage)


def try_out(stage: apigateway.Stage, baseline: apigateway.Deployment, canary: Canary) -> None:
    """Have the stage serve `baseline`, and the canary to its share of the requests."""
    stage.DeploymentId = Ref(baseline)
    stage.CanarySetting = apigateway.StageCanarySetting(
        DeploymentId=Ref(canary.deployment),
        PercentTraffic=value(canary.percent),
        UseStageCache=False,
    )


def _errors_only() -> apigateway.MethodSetting:
    """Log errors of every method; never whole requests, which may hold what is nobody's business.

    In this property `/*` is every path.
    """
    return apigateway.MethodSetting(
        HttpMethod="*", ResourcePath="/*", LoggingLevel="ERROR", DataTraceEnabled=False
    )


def add_plan(
    template: Template,
    api: Api,
    stage: apigateway.Stage,
    plan: Plan,
    *,
    name: str,
    tags: Mapping[str, str],
) -> apigateway.ApiKey:
    """Add a usage plan and the first key under it.

    A plan counts by key, so that only routes that need one are held to it.
    """
    key = template.add(
        apigateway.ApiKey("ApiKey", Name=f"{name}-key", Enabled=True, Tags=tagged(tags))
    )
    made = template.add(
        apigateway.UsagePlan(
            "UsagePlan",
            UsagePlanName=f"{name}-plan",
            ApiStages=[apigateway.ApiStage(ApiId=Ref(api.api), Stage=Ref(stage))],
            Quota=apigateway.QuotaSettings(Limit=plan.daily, Period="DAY"),
            Throttle=apigateway.ThrottleSettings(BurstLimit=plan.burst, RateLimit=plan.rate),
            Tags=tagged(tags),
        )
    )
    template.add(
        apigateway.UsagePlanKey(
            "UsagePlanKey", KeyId=Ref(key), KeyType="API_KEY", UsagePlanId=Ref(made)
        )
    )
    return key
