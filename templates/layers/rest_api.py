"""REST APIs: routes, who may call them, and deployments that follow every change of either.

A deployment is a snapshot (L-12): its logical ID carries a hash of the API's definition, so that a
changed route or policy makes a new one, and a changed tag does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awacs import execute_api
from awacs.aws import Allow, Condition, PolicyDocument, Principal, Statement
from troposphere import GetAtt, Ref, Sub, apigateway, awslambda

from tapcfn.model import canonical, digest_of
from tapcfn.templating import Template
from templates.layers._tags import tagged
from templates.layers._values import Value

# Ten hexadecimal digits tell any two definitions of one API apart.
HASH_DIGITS = 10

# What has no part in a snapshot: changing it must not make a new one.
_UNDEPLOYED = frozenset({"Name", "Description", "Tags"})


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, such as GET of `/items`, and what answers it."""

    path: str
    verb: str
    integration: apigateway.Integration
    responses: tuple[apigateway.MethodResponse, ...] = ()
    needs_key: bool = False


@dataclass(frozen=True, slots=True)
class Api:
    """An API with its routes, and the deployment of what they are now."""

    api: apigateway.RestApi
    methods: tuple[str, ...]
    deployment: apigateway.Deployment


# Routes -------------------------------------------------------------------------------------------


def proxy(path: str, verb: str, function: awslambda.Function, *, needs_key: bool = False) -> Route:
    """Return a route that hands the whole request to a function; Lambda is always called by POST.

    The function must let the API in: see `let_in`.
    """
    integration = apigateway.Integration(
        Type="AWS_PROXY",
        IntegrationHttpMethod="POST",
        Uri=Sub(
            "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
            f"${{{function.title}.Arn}}/invocations"
        ),
    )
    return Route(path, verb, integration, needs_key=needs_key)


def mock(path: str, verb: str, body: str = "", headers: Mapping[str, str] | None = None) -> Route:
    """Return a route that API Gateway answers by itself: status 200, and no backend."""
    told = {f"method.response.header.{key}": f"'{text}'" for key, text in (headers or {}).items()}
    answer = apigateway.IntegrationResponse(StatusCode="200")
    response = apigateway.MethodResponse(StatusCode="200")
    if body:
        answer.ResponseTemplates = {"application/json": body}
    if told:
        answer.ResponseParameters = told
        response.ResponseParameters = dict.fromkeys(told, True)
    integration = apigateway.Integration(
        Type="MOCK",
        PassthroughBehavior="WHEN_NO_MATCH",
        RequestTemplates={"application/json": '{"statusCode": 200}'},
        IntegrationResponses=[answer],
    )
    return Route(path, verb, integration, (response,))


def cors(path: str, verbs: Sequence[str]) -> Route:
    """Return the answer to a browser that asks beforehand: any origin, these methods."""
    headers = {
        "Access-Control-Allow-Headers": "Content-Type,Authorization,X-Api-Key",
        "Access-Control-Allow-Methods": ",".join(verbs),
        "Access-Control-Allow-Origin": "*",
    }
    return mock(path, "OPTIONS", headers=headers)


# Who may call -------------------------------------------------------------------------------------


def regional() -> apigateway.EndpointConfiguration:
    """Return the endpoint of an API that the internet reaches in its own Region."""
    return apigateway.EndpointConfiguration(Types=["REGIONAL"])


def private(vpc_endpoint: Value) -> apigateway.EndpointConfiguration:
    """Return the endpoint of an API that only a VPC reaches, through its endpoint."""
    return apigateway.EndpointConfiguration(Types=["PRIVATE"], VpcEndpointIds=[vpc_endpoint])


def invoke(sid: str, *resources: str, given: Condition | None = None) -> Statement:
    """Return a statement of an API's policy: whoever meets the condition may call these.

    A resource is `<stage>/<method>/<path>`, each perhaps `*`. API Gateway puts the API's own ARN
    before it: the policy is a part of the API, and cannot refer to it.
    """
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": Allow,
        "Principal": Principal("*"),
        "Action": [execute_api.Invoke],
        "Resource": [f"execute-api:/{resource}" for resource in resources],
    }
    if given is not None:
        statement["Condition"] = given
    return Statement(**statement)


def let_in(
    template: Template, api: apigateway.RestApi, function: awslambda.Function
) -> awslambda.Permission:
    """Add the permission by which this API, and no other, may call the function."""
    return template.add(
        awslambda.Permission(
            f"{function.title}Permission",
            FunctionName=Ref(function),
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=Sub(
                "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
                f"${{{api.title}}}/*/*"
            ),
        )
    )


# The API ------------------------------------------------------------------------------------------


def add(
    template: Template,
    title: str,
    *,
    name: Value,
    endpoint: apigateway.EndpointConfiguration,
    policy: PolicyDocument,
    routes: Sequence[Route],
    tags: Mapping[str, str],
    behind: Sequence[str] = (),
) -> Api:
    """Add an API, its routes, and a deployment of them.

    `behind` are the values of parameters that the policy and the routes refer to: a template does
    not show when they change, and the deployment must follow them all the same.
    """
    api = template.add(
        apigateway.RestApi(
            title,
            Name=name,
            EndpointConfiguration=endpoint,
            # troposphere wants a plain mapping here.
            Policy=policy.JSONrepr(),
            Tags=tagged(tags),
        )
    )
    resources = [template.add(each) for each in _resources(api, routes)]
    methods = [template.add(_method(api, route)) for route in routes]
    digest = _digest([api, *resources, *methods], behind)
    titles = tuple(str(method.title) for method in methods)
    return Api(api, titles, deploy(template, api, titles, f"Deployment{digest}"))


def deploy(
    template: Template, api: apigateway.RestApi, methods: Sequence[str], title: str
) -> apigateway.Deployment:
    """Add one more snapshot, taken when it is first deployed and never again."""
    return template.add(
        apigateway.Deployment(title, RestApiId=Ref(api), Description=title, DependsOn=[*methods])
    )


def _resources(api: apigateway.RestApi, routes: Sequence[Route]) -> Iterator[apigateway.Resource]:
    """Yield a resource for every step of every path, each once; the root is there already."""
    made: set[str] = set()
    for route in routes:
        steps = route.path.strip("/").split("/") if route.path != "/" else []
        for depth, step in enumerate(steps):
            title = _resource_title("/".join(steps[: depth + 1]))
            if title not in made:
                made.add(title)
                parent = _place(api, "/".join(steps[:depth]))
                yield apigateway.Resource(title, RestApiId=Ref(api), ParentId=parent, PathPart=step)


def _method(api: apigateway.RestApi, route: Route) -> apigateway.Method:
    method = apigateway.Method(
        f"{_words(route.path)}{route.verb.capitalize()}",
        RestApiId=Ref(api),
        ResourceId=_place(api, route.path),
        HttpMethod=route.verb,
        AuthorizationType="NONE",
        Integration=route.integration,
    )
    if route.responses:
        method.MethodResponses = list(route.responses)
    if route.needs_key:
        method.ApiKeyRequired = True
    return method


def _place(api: apigateway.RestApi, path: str) -> Value:
    """Return the id of the resource at a path."""
    if path.strip("/"):
        return Ref(_resource_title(path))
    return GetAtt(api, "RootResourceId")


def _resource_title(path: str) -> str:
    return f"{_words(path)}Resource"


def _words(path: str) -> str:
    """Return a path as a logical ID has it: `/api/{proxy+}` is `ApiProxy`, and `/` is `Root`."""
    words = [
        "".join(letter for letter in step if letter.isalnum()).capitalize()
        for step in path.strip("/").split("/")
    ]
    return "".join(words) or "Root"


def _digest(parts: Sequence[Any], behind: Sequence[str]) -> str:
    """Return the hash of all that a deployment is a snapshot of."""
    definition = {part.title: json.loads(json.dumps(part.to_dict())) for part in parts}
    for part in definition.values():
        for name in _UNDEPLOYED & part["Properties"].keys():
            del part["Properties"][name]
    return digest_of(canonical([definition, list(behind)]))[:HASH_DIGITS]
