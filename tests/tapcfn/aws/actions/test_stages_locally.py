"""Canaries against the local cloud: who is served what, patch by patch."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tapcfn.acting import ActionStatus, ActMeans, act
from tapcfn.aws.actions import AwsActions
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.local.server import LocalCloud
from tapcfn.model import AbortCanary, Action, PromoteCanary, RedeployApi, StartCanary, Target
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


def test_a_canary_is_started_promoted_and_taken_back(
    aws: Aws, local_cloud: LocalCloud, stage: dict[str, str]
):
    """As a rollout does it; the stage tells what it serves."""
    actions = AwsActions(Clients(on_local_cloud(local_cloud.url)), Patience(FakeClock()))
    there = (Target(aws.account, HOME), stage["api"], "prod")
    first, second = stage["first"], stage["second"]

    def done(action: Action) -> dict[str, object]:
        clock = FakeClock()
        means = ActMeans(actions, clock, FakeLedger(), Patience(clock), lambda _: None)
        assert act(action, means).status is ActionStatus.DONE
        told = aws.client("apigateway").get_stage(restApiId=stage["api"], stageName="prod")
        return {name: told.get(name) for name in ("deploymentId", "canarySettings")}

    share = {"deploymentId": second, "percentTraffic": 10.0, "useStageCache": False}
    trying = {"deploymentId": first, "canarySettings": share}

    assert trying == done(StartCanary("try", *there, second, 10.0))
    assert {"deploymentId": first, "canarySettings": None} == done(AbortCanary("drop", *there))
    assert trying == done(StartCanary("try", *there, second, 10.0))
    assert {"deploymentId": second, "canarySettings": None} == done(
        PromoteCanary("keep", *there, second)
    )
    assert {"deploymentId": first, "canarySettings": None} == done(
        RedeployApi("back", *there, first)
    )


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
