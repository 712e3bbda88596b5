"""The API of one Region of serverless_api: its routes, its stage, its canary and its domain."""

from __future__ import annotations

from collections.abc import Iterator

from awacs.aws import Condition, IpAddress
from troposphere import GetAtt, Output, Parameter, Ref, Sub, apigateway, awslambda

from tapcfn.templating import Template
from templates.blueprints.serverless_api.settings import Settings
from templates.layers import _iam, api_stages, dns, log_groups, rest_api
from templates.layers._parameters import cidr
from templates.layers._values import Value

API = "Api"

LOG_DAYS = 14

PLAN = api_stages.Plan(daily=10_000, burst=500, rate=200)

# The parameter that says which deployment most requests get: what moves is read from parameters.
SERVES = "ServedDeployment"

# How the name of a second snapshot of one definition begins.
COPY = "Canary"

# Keys of the outputs.
API_ID, API_URL, API_HOST, DEPLOYMENT = "ApiId", "ApiUrl", "ApiHost", "DeploymentName"
CANARY = "CanaryDeploymentId"
DOMAIN_TARGET, DOMAIN_ZONE = "DomainTarget", "DomainZone"


def add(template: Template, settings: Settings, function: awslambda.Function) -> rest_api.Api:
    """Add the API with the routes that the settings ask for; the function lets it in."""
    allowed = template.add_parameter(
        cidr("AllowedCidr", "IPv4 block that may call everything but GET /health")
    )
    api = rest_api.add(
        template,
        API,
        name=settings.api,
        endpoint=rest_api.regional(),
        policy=_iam.document(
            rest_api.invoke("AnyoneAsksForHealth", f"{settings.environment}/GET/health"),
            rest_api.invoke(
                "AllowedBlockCalls",
                f"{settings.environment}/*",
                given=Condition(IpAddress("aws:SourceIp", Ref(allowed))),
            ),
        ),
        routes=tuple(_routes(settings, function)),
        tags=settings.tags,
        behind=(settings.allowed_cidr, settings.function),
    )
    rest_api.let_in(template, api.api, function)
    return api


def _routes(settings: Settings, function: awslambda.Function) -> Iterator[rest_api.Route]:
    needs_key = settings.usage_plan
    yield rest_api.proxy("/items", "GET", function, needs_key=needs_key)
    yield rest_api.proxy("/items", "POST", function, needs_key=needs_key)
    yield rest_api.proxy("/health", "GET", function)
    if settings.proxy_routes:
        yield rest_api.proxy("/api/{proxy+}", "ANY", function, needs_key=needs_key)
        yield rest_api.cors("/api/{proxy+}", ("GET", "POST", "OPTIONS"))


# The stage ----------------------------------------------------------------------------------------


def log_group_names(settings: Settings) -> dict[str, str]:
    """Return the API's log groups, by logical ID, as texts for `Fn::Sub`.

    The service adds to the names of a stage's groups for the requests of its canary. Those are
    there without one, too: kept by one canary, they would be in the way of the next.
    """
    names = {
        "AccessLogs": settings.access_log_group,
        "ExecutionLogs": api_stages.execution_log_group(API, settings.environment),
    }
    return names | {f"{title}Canary": name + api_stages.CANARY for title, name in names.items()}


def add_stage(
    template: Template, settings: Settings, api: rest_api.Api, key: Value
) -> apigateway.Stage:
    """Add the stage, which comes after its log groups, and what it serves."""
    groups = [
        log_groups.add(
            template,
            title,
            name=Sub(name) if "${" in name else name,
            days=LOG_DAYS,
            key=key,
            tags=settings.tags,
            keep_data=settings.keep_data,
        )
        for title, name in log_group_names(settings).items()
    ]
    stage = api_stages.add(
        template,
        "Stage",
        api,
        name=settings.environment,
        access_logs=groups[0],
        tags=settings.tags,
        execution_logs=True,
        after=tuple(str(group.title) for group in groups[1:]),
        tracing=settings.xray,
    )
    stage.Description = Ref(template.add_parameter(_serves()))
    _publish(template, settings, _served(template, settings, api, stage))
    if settings.usage_plan:
        api_stages.add_plan(template, api, stage, PLAN, name=settings.api, tags=settings.tags)
    return stage


def _served(
    template: Template,
    settings: Settings,
    api: rest_api.Api,
    stage: apigateway.Stage,
) -> apigateway.Deployment:
    """Have the stage serve what the settings say, and return the deployment that most get.

    A canary tries the newest deployment against the baseline. Where the settings name no other as
    baseline, both are snapshots of one definition.
    """
    newest = api.deployment
    pinned = settings.baseline_deployment
    if pinned in {"", newest.title}:
        baseline = newest
        if not settings.canary:
            return baseline
        newest = rest_api.deploy(template, api.api, api.methods, f"{COPY}{newest.title}")
    else:
        baseline = rest_api.deploy(template, api.api, api.methods, pinned)
    if settings.canary:
        canary = api_stages.Canary(newest, template.add_parameter(_percent()))
        api_stages.try_out(stage, baseline, canary)
        template.add_output(
            Output(CANARY, Description="Id of the canary's deployment", Value=Ref(newest))
        )
    else:
        stage.DeploymentId = Ref(baseline)
    return baseline


def _percent() -> Parameter:
    return Parameter(
        "CanaryPercent",
        Type="Number",
        Description="Share of the requests, in percent, that the canary gets",
        MinValue=0,
        MaxValue=100,
    )


def _serves() -> Parameter:
    return Parameter(
        SERVES,
        Type="String",
        Description="Logical ID of the deployment that the stage serves, which describes it",
        AllowedPattern=r"^[A-Za-z0-9]{1,255}$",
    )


def _publish(template: Template, settings: Settings, deployment: apigateway.Deployment) -> None:
    host = f"${{{API}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"
    url = f"https://{host}/{settings.environment}"
    template.add_output(Output(API_ID, Description="Id of the API", Value=Ref(API)))
    template.add_output(Output(API_URL, Description="URL of the stage", Value=Sub(url)))
    template.add_output(Output(API_HOST, Description="Host of the API", Value=Sub(host)))
    template.add_output(
        Output(
            DEPLOYMENT,
            Description="Logical ID of the deployment that the stage serves",
            Value=deployment.title,
        )
    )


# The domain ---------------------------------------------------------------------------------------


def add_domain(template: Template, settings: Settings, stage: apigateway.Stage) -> None:
    """Add the name that both Regions share, with a certificate of this one. (S3-20)"""
    zone, domain = (template.add_parameter(each) for each in zone_parameters())
    certificate = dns.certify(template, "Certificate", domain=domain, zone=zone, tags=settings.tags)
    name = template.add(
        apigateway.DomainName(
            "DomainName",
            DomainName=Ref(domain),
            EndpointConfiguration=rest_api.regional(),
            RegionalCertificateArn=Ref(certificate),
            SecurityPolicy="TLS_1_2",
            Tags=certificate.Tags,
        )
    )
    template.add(
        apigateway.BasePathMapping(
            "BasePathMapping", DomainName=Ref(name), RestApiId=Ref(API), Stage=Ref(stage)
        )
    )
    for key, attribute, what in (
        (DOMAIN_TARGET, "RegionalDomainName", "Name that the domain must lead to"),
        (DOMAIN_ZONE, "RegionalHostedZoneId", "Zone of that name, for an alias"),
    ):
        template.add_output(Output(key, Description=what, Value=GetAtt(name, attribute)))


def zone_parameters() -> tuple[Parameter, Parameter]:
    """Return the parameters for the zone's id and for the name in it."""
    return (
        Parameter(
            "HostedZoneId",
            Type="String",
            Description="Id of the hosted zone of the domain",
            AllowedPattern="^[A-Z0-9]{1,32}$",
            ConstraintDescription="must be the id of a hosted zone",
        ),
        Parameter(
            "Domain",
            Type="String",
            Description="Name by which clients call the API",
            AllowedPattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$",
            ConstraintDescription="must be a domain name",
        ),
    )
