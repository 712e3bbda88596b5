"""Canaries against the local cloud: who is served what, patch by patch."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tapcfn.acting import ActionStatus, ActMeans, act
from tapcfn.aws.actions import AwsActions
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.local.server import LocalCloud
from tapcfn.model import PromoteCanary, Target
from tapcfn.waits import Patience
from tests.fakes import FakeClock, FakeLedger
from tests.local_cloud import HOME, Aws, aws, local_cloud

__all__ = ["aws", "local_cloud"]


@pytest.fixture
def stage(aws: Aws) -> dict[str, str]:
    """Deploy an API twice, and let its stage serve the first deployment."""
    gateway = aws.client("apigateway")
    api = gateway.create_rest_api(name="items")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    place = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**place, authorizationType="NONE")
    gateway.put_integration(**place, type="MOCK")
    first, second = (gateway.create_deployment(restApiId=api)["id"] for _ in range(2))
    gateway.create_stage(restApiId=api, stageName="prod", deploymentId=first)
    return {"api": api, "first": first, "second": second}


def test_a_canary_is_promoted(aws: Aws, local_cloud: LocalCloud, stage: dict[str, str]):
    """As a rollout does it; the stage tells what it serves."""
    actions = AwsActions(Clients(on_local_cloud(local_cloud.url)), Patience(FakeClock()))
    there = (Target(aws.account, HOME), stage["api"], "prod")
    first, second = stage["first"], stage["second"]

    gateway, named = aws.client("apigateway"), {"restApiId": stage["api"], "stageName": "prod"}
    share = {"percentTraffic": "10.0", "deploymentId": second, "useStageCache": "false"}
    gateway.update_stage(
        **named,
        patchOperations=[
            {"op": "replace", "path": f"/canarySettings/{name}", "value": value}
            for name, value in share.items()
        ],
    )
    trying = gateway.get_stage(**named)
    clock = FakeClock()
    means = ActMeans(actions, clock, FakeLedger(), Patience(clock), lambda _: None)

    state = act(PromoteCanary("keep", *there, second), means)

    told = gateway.get_stage(**named)
    assert (first, 10.0) == (trying["deploymentId"], trying["canarySettings"]["percentTraffic"])
    assert (second, None) == (told["deploymentId"], told.get("canarySettings"))
    assert (ActionStatus.DONE, {"deployment before": first}) == (state.status, state.facts)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("/canarySettings/percentTraffic", "101", "between 0.0 and 100.0"),
        ("/canarySettings/percentTraffic", "10", "Invalid Deployment identifier"),
        ("/canarySettings/deploymentId", "nobody", "Invalid Deployment identifier"),
        ("/deploymentId", "nobody", "Invalid Deployment identifier"),
    ],
)
def test_patches_are_refused(aws: Aws, stage: dict[str, str], path: str, value: str, why: str):
    """And change nothing."""
    gateway, named = aws.client("apigateway"), {"restApiId": stage["api"], "stageName": "prod"}

    with pytest.raises(ClientError, match=why) as caught:
        gateway.update_stage(
            **named, patchOperations=[{"op": "replace", "path": path, "value": value}]
        )

    told = gateway.get_stage(**named)
    assert caught.value.response["Error"]["Code"] == "BadRequestException"
    assert (told["deploymentId"], told.get("canarySettings")) == (stage["first"], None)


def test_no_other_deployment_under_a_canary(aws: Aws, stage: dict[str, str]):
    """The stage keeps what it serves until the canary is gone."""
    gateway, named = aws.client("apigateway"), {"restApiId": stage["api"], "stageName": "prod"}
    third = gateway.create_deployment(restApiId=stage["api"])["id"]
    values = {"/canarySettings/deploymentId": stage["second"], "/description": "tried"}
    gateway.update_stage(
        **named,
        patchOperations=[
            {"op": "replace", "path": path, "value": value} for path, value in values.items()
        ],
    )

    with pytest.raises(ClientError, match="Non canary deployment not supported"):
        gateway.update_stage(
            **named, patchOperations=[{"op": "replace", "path": "/deploymentId", "value": third}]
        )
    assert gateway.get_stage(**named)["description"] == "tried"
