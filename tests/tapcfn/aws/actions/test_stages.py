"""Stages of REST APIs: what is asked of API Gateway, patch by patch."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.acting import ActionStatus
from tapcfn.aws.actions import AwsActions
from tapcfn.errors import BlockedError
from tapcfn.model import AbortCanary, Action, PromoteCanary, RedeployApi, StartCanary
from tapcfn.waits import Patience
from tests.fakes import FakeClock
from tests.tapcfn.aws.wire import HERE, Wires

STAGE = {"restApiId": "api1", "stageName": "prod"}
REDEPLOY = RedeployApi("again", HERE, "api1", "prod", "new")
START = StartCanary("try", HERE, "api1", "prod", "new", 10.0)
PROMOTE = PromoteCanary("keep", HERE, "api1", "prod", "new")
ABORT = AbortCanary("drop", HERE, "api1", "prod")
CANARY = {"deploymentId": "new", "percentTraffic": 10.0, "useStageCache": False}
OTHER = {**CANARY, "deploymentId": "other"}
REMOVE = {"op": "remove", "path": "/canarySettings"}


@pytest.fixture
def actions(wires: Wires) -> AwsActions:
    return AwsActions(wires, Patience(FakeClock()))  # type: ignore[arg-type]


def there(wires: Wires, deployment: str, canary: dict[str, Any] | None = None) -> None:
    """Queue the stage as it is."""
    stage = {"stageName": "prod", "deploymentId": deployment}
    more = {"canarySettings": canary} if canary else {}
    wires.to("apigateway").answers("get_stage", {**stage, **more}, **STAGE)


def patched(wires: Wires, *patches: dict[str, str]) -> None:
    """Expect exactly these patches, in one call."""
    wires.to("apigateway").answers("update_stage", {}, **STAGE, patchOperations=list(patches))


def replacing(path: str, value: str) -> dict[str, str]:
    return {"op": "replace", "path": path, "value": value}


@pytest.mark.parametrize(
    ("action", "deployment", "canary", "status"),
    [
        (REDEPLOY, "old", None, "absent"),
        (REDEPLOY, "new", None, "done"),
        (START, "old", None, "absent"),
        (START, "old", CANARY, "done"),
        (START, "old", {**CANARY, "percentTraffic": 5.0}, "absent"),
        (START, "old", OTHER, "absent"),
        (START, "new", None, "done"),
        (PROMOTE, "old", CANARY, "absent"),
        (PROMOTE, "new", CANARY, "absent"),
        (PROMOTE, "new", None, "done"),
        (PROMOTE, "old", None, "absent"),
        (ABORT, "old", CANARY, "absent"),
        (ABORT, "old", None, "done"),
    ],
)
def test_what_a_stage_is_says_whether_it_is_done(
    wires: Wires, actions: AwsActions, action: Action, deployment: str, canary: Any, status: str
):
    """Whoever did it. A canary that was taken back is not one that was promoted."""
    there(wires, deployment, canary)

    assert actions.look(action, "t").status is ActionStatus(status)


def test_a_stage_is_let_serve_a_deployment(wires: Wires, actions: AwsActions):
    """The facts name the deployment before, also in the looks that follow."""
    there(wires, "old")
    patched(wires, replacing("/deploymentId", "new"))
    there(wires, "new")

    actions.begin(REDEPLOY, "t")

    assert actions.look(REDEPLOY, "t").facts == {"deployment before": "old"}


def test_a_canary_gets_its_share(wires: Wires, actions: AwsActions):
    """Without the cache of the stage."""
    there(wires, "old")
    patched(
        wires,
        replacing("/canarySettings/percentTraffic", "10.0"),
        replacing("/canarySettings/deploymentId", "new"),
        replacing("/canarySettings/useStageCache", "false"),
    )

    actions.begin(START, "t")


def test_a_canary_is_promoted_as_documented(wires: Wires, actions: AwsActions):
    """Its variables and its deployment are copied; only then is it taken off."""
    there(wires, "old", {**CANARY, "stageVariableOverrides": {"a": "b"}})
    variables = {"op": "copy", "from": "/canarySettings/stageVariableOverrides"}
    deployment = {"op": "copy", "from": "/canarySettings/deploymentId"}
    patched(
        wires,
        replacing("/canarySettings/percentTraffic", "0.0"),
        {**variables, "path": "/variables"},
        {**deployment, "path": "/deploymentId"},
    )
    patched(wires, REMOVE)

    actions.begin(PROMOTE, "t")


def test_a_promotion_goes_on_where_it_ended(wires: Wires, actions: AwsActions):
    """The stage serves the deployment by now, and the canary is still there."""
    there(wires, "new", {**CANARY, "percentTraffic": 0.0})
    patched(wires, REMOVE)

    actions.begin(PROMOTE, "t")


def test_a_canary_is_taken_off_once(wires: Wires, actions: AwsActions):
    """Where there is none, nothing is sent: the service would refuse it."""
    there(wires, "old", CANARY)
    patched(wires, REMOVE)
    there(wires, "old")

    actions.begin(ABORT, "t")
    actions.begin(ABORT, "t")


@pytest.mark.parametrize(
    ("action", "canary", "why"),
    [
        (REDEPLOY, CANARY, "has a canary of new: promote it or take it off first"),
        (START, OTHER, "has a canary of other"),
        (PROMOTE, OTHER, "no canary of new to promote, but one of other"),
        (PROMOTE, None, "no canary of new to promote, but none"),
    ],
)
def test_what_somebody_else_tries_is_left_alone(
    wires: Wires, actions: AwsActions, action: Action, canary: Any, why: str
):
    """No canary is overwritten, and none but the one that is meant is promoted."""
    there(wires, "old", canary)

    with pytest.raises(BlockedError, match=why):
        actions.begin(action, "t")
