"""Canaries of REST APIs: what is asked of API Gateway, patch by patch."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.acting import ActionStatus
from tapcfn.aws.actions import AwsActions
from tapcfn.errors import BlockedError
from tapcfn.model import PromoteCanary, RemoveCanary
from tapcfn.waits import Patience
from tests.fakes import FakeClock
from tests.tapcfn.aws.wire import HERE, Wires

STAGE = {"restApiId": "api1", "stageName": "prod"}
DROP = RemoveCanary("drop", HERE, "api1", "prod")
PROMOTE = PromoteCanary("keep", HERE, "api1", "prod", "new")
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
    ("deployment", "canary", "status"),
    [
        ("old", CANARY, "absent"),
        ("new", CANARY, "absent"),
        ("new", None, "done"),
        ("old", None, "absent"),
    ],
)
def test_what_a_stage_is_says_whether_it_is_done(
    wires: Wires, actions: AwsActions, deployment: str, canary: Any, status: str
):
    """Whoever did it. A canary that was taken back is not one that was promoted."""
    there(wires, deployment, canary)

    assert actions.look(PROMOTE, "t").status is ActionStatus(status)


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
    there(wires, "new")

    actions.begin(PROMOTE, "t")

    assert actions.look(PROMOTE, "t").facts == {"deployment before": "old"}


def test_a_promotion_goes_on_where_it_ended(wires: Wires, actions: AwsActions):
    """The stage serves the deployment by now, and the canary is still there."""
    there(wires, "new", {**CANARY, "percentTraffic": 0.0})
    patched(wires, REMOVE)

    actions.begin(PROMOTE, "t")


def test_a_canary_is_taken_off_once(wires: Wires, actions: AwsActions):
    """Where there is none, nothing is sent: the service would refuse it."""
    there(wires, "old", CANARY)
    assert actions.look(DROP, "t").status is ActionStatus.ABSENT
    there(wires, "old", CANARY)
    patched(wires, REMOVE)
    there(wires, "old")
    there(wires, "old")

    actions.begin(DROP, "t")
    assert actions.look(DROP, "t").facts == {"canary before": "new"}
    actions.begin(DROP, "t")


@pytest.mark.parametrize(
    ("canary", "why"),
    [
        (OTHER, "no canary of new to promote, but one of other"),
        (None, "no canary of new to promote, but none"),
    ],
)
def test_what_somebody_else_tries_is_left_alone(
    wires: Wires, actions: AwsActions, canary: Any, why: str
):
    """None but the canary that is meant is promoted."""
    there(wires, "old", canary)

    with pytest.raises(BlockedError, match=why):
        actions.begin(PROMOTE, "t")
