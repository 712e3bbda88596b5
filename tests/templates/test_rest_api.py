"""The layer of REST APIs by itself: what makes a new deployment, and what does not. (L-12)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from awacs.aws import Condition, StringEquals
from troposphere import apigateway, awslambda

from tapcfn.templating import Template
from templates.layers import _iam, rest_api

FUNCTION = awslambda.Function("Function")
POLICY = _iam.document(rest_api.invoke("Anyone", "*"))
ROUTES = (rest_api.mock("/health", "GET", '{"status": "ok"}'),)


def made(
    *,
    routes: Sequence[rest_api.Route] = ROUTES,
    tags: Mapping[str, str] | None = None,
    **keys: Any,
) -> dict[str, Any]:
    """Return the resources of an API that differs from the usual one in these."""
    template = Template("An API")
    rest_api.add(
        template,
        "Api",
        **{
            "name": "api",
            "endpoint": rest_api.regional(),
            "policy": POLICY,
            "routes": routes,
            "tags": tags or {"team": "a"},
            **keys,
        },
    )
    resources: dict[str, Any] = template.to_dict()["Resources"]
    return resources


def deployment(**keys: Any) -> str:
    """Return the logical ID of the deployment."""
    (title,) = (title for title in made(**keys) if title.startswith("Deployment"))
    return title


@pytest.mark.parametrize(
    "keys",
    [
        {"policy": _iam.document(rest_api.invoke("Anyone", "prod/*"))},
        {
            "policy": _iam.document(
                rest_api.invoke("One", "*", given=Condition(StringEquals("aws:SourceVpce", "vpce")))
            )
        },
        {"endpoint": rest_api.private("vpce-1")},
        {"routes": (rest_api.mock("/health", "GET", '{"status": "well"}'),)},
        {"routes": (rest_api.mock("/health", "POST", '{"status": "ok"}'),)},
        {"routes": (rest_api.mock("/ready", "GET", '{"status": "ok"}'),)},
        {"routes": (rest_api.proxy("/health", "GET", FUNCTION),)},
        {"routes": (*ROUTES, rest_api.cors("/health", ["GET"]))},
        {"behind": ("10.0.0.0/8",)},
    ],
    ids=["policy", "condition", "endpoint", "answer", "verb", "path", "backend", "more", "behind"],
)
def test_s1_10_what_is_deployed_makes_a_new_deployment(keys: Mapping[str, Any]) -> None:
    """S1-10: policy, endpoint, paths, methods, integrations, and what parameters stand for."""
    assert deployment(**keys) != deployment()


@pytest.mark.parametrize(
    "keys",
    [{"tags": {"team": "b", "stage": "x"}}, {"name": "another"}],
    ids=["tags", "name"],
)
def test_s1_10_what_is_not_deployed_makes_none(keys: Mapping[str, Any]) -> None:
    """S1-10: a tag and a name take effect by themselves."""
    assert deployment(**keys) == deployment()


def test_paths_share_their_steps() -> None:
    """Each step of a path is one resource, whatever is below it; the root is nobody's."""
    resources = made(
        routes=[
            rest_api.mock("/", "GET"),
            rest_api.mock("/api/items", "GET"),
            rest_api.mock("/api/{proxy+}", "ANY"),
        ]
    )
    parts = {
        title: each["Properties"]["PathPart"]
        for title, each in resources.items()
        if each["Type"] == "AWS::ApiGateway::Resource"
    }

    assert parts == {
        "ApiResource": "api",
        "ApiItemsResource": "items",
        "ApiProxyResource": "{proxy+}",
    }
    assert resources["RootGet"]["Properties"]["ResourceId"] == {
        "Fn::GetAtt": ["Api", "RootResourceId"]
    }
    parent = resources["ApiItemsResource"]["Properties"]["ParentId"]
    assert parent == {"Ref": "ApiResource"}


def test_an_api_answers_by_itself() -> None:
    """A mock is told its own status, or API Gateway fails the request."""
    method = made()["HealthGet"]["Properties"]

    assert method["Integration"]["Type"] == "MOCK"
    assert method["Integration"]["RequestTemplates"] == {"application/json": '{"statusCode": 200}'}
    (answer,) = method["Integration"]["IntegrationResponses"]
    assert answer["ResponseTemplates"] == {"application/json": '{"status": "ok"}'}
    assert method["MethodResponses"] == [{"StatusCode": "200"}]


def test_two_deployments_can_stand_side_by_side() -> None:
    """A canary needs the one before it: a second snapshot waits for all methods too."""
    template = Template("An API")
    api = rest_api.add(
        template,
        "Api",
        name="api",
        endpoint=rest_api.regional(),
        policy=POLICY,
        routes=ROUTES,
        tags={},
    )
    second = rest_api.deploy(template, api.api, api.methods, "DeploymentBefore")

    assert isinstance(second, apigateway.Deployment)
    resources = template.to_dict()["Resources"]
    assert resources["DeploymentBefore"]["DependsOn"] == ["HealthGet"]
    assert resources[str(api.deployment.title)]["DependsOn"] == ["HealthGet"]
