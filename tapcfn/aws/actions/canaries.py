"""Promote a stage's canary, or take it off: the stage serves one deployment. (O-12, S3-16)

The patches are those that the service's guide documents for canary releases. What CloudFormation
believes of the stage is another matter: the next change set has to say the same. A canary begins
and gets its share by change sets; they do not take one off. (aws-cdk 33901)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done
from tapcfn.errors import BlockedError
from tapcfn.model import EMPTY, PromoteCanary, RemoveCanary

Patch = dict[str, str]
Either = PromoteCanary | RemoveCanary

_CANARY = "/canarySettings"
_REMOVE: Patch = {"op": "remove", "path": _CANARY}


def look(door: Door, action: PromoteCanary, _token: str) -> ActionState:
    """Return DONE for a stage that serves what was its canary's, and has no canary any more."""
    stage = _stage(door, action)
    is_served = stage["deploymentId"] == action.deployment_id and not _canary(stage)
    return done(f"the stage serves {stage['deploymentId']}") if is_served else ABSENT


def promote(door: Door, action: PromoteCanary, _token: str) -> Facts:
    """Copy the canary's deployment and variables to the stage, and only then take it off."""
    stage = _stage(door, action)
    canary = _canary(stage)
    if canary.get("deploymentId") != action.deployment_id:
        there = f"one of {canary['deploymentId']}" if canary else "none"
        raise BlockedError(
            f"{action.name}: stage {action.stage} of API {action.api_id} ({action.target}) has no "
            f"canary of {action.deployment_id} to promote, but {there}"
        )
    if stage["deploymentId"] != action.deployment_id:
        _patch(door, action, *_promotion(canary))
    _patch(door, action, _REMOVE)
    return {"deployment before": str(stage["deploymentId"])}


def look_at_end(door: Door, action: RemoveCanary, _token: str) -> ActionState:
    """Return DONE for a stage without a canary."""
    stage = _stage(door, action)
    return ABSENT if _canary(stage) else done(f"the stage serves {stage['deploymentId']}")


def remove(door: Door, action: RemoveCanary, _token: str) -> Facts:
    """Take the canary off: all requests go to what the stage serves."""
    canary = _canary(_stage(door, action))
    if not canary:
        return EMPTY
    _patch(door, action, _REMOVE)
    return {"canary before": str(canary.get("deploymentId", ""))}


def _promotion(canary: Mapping[str, Any]) -> list[Patch]:
    patches: list[Patch] = [
        {"op": "replace", "path": f"{_CANARY}/percentTraffic", "value": "0.0"},
    ]
    if canary.get("stageVariableOverrides"):
        patches.append(_copy(f"{_CANARY}/stageVariableOverrides", "/variables"))
    return [*patches, _copy(f"{_CANARY}/deploymentId", "/deploymentId")]


def _copy(origin: str, path: str) -> Patch:
    return {"op": "copy", "from": origin, "path": path}


def _stage(door: Door, action: Either) -> Mapping[str, Any]:
    client = door("apigateway", action.target)
    stage: Mapping[str, Any] = client.get_stage(
        restApiId=str(action.api_id), stageName=action.stage
    )
    return stage


def _canary(stage: Mapping[str, Any]) -> Mapping[str, Any]:
    return stage.get("canarySettings") or EMPTY


def _patch(door: Door, action: Either, *patches: Patch) -> None:
    door("apigateway", action.target).update_stage(
        restApiId=str(action.api_id), stageName=action.stage, patchOperations=list(patches)
    )
