"""What a stage of a REST API serves: another deployment, or a canary's. (O-8, O-12, S3-16)

The patches are those that the service's guide documents for canary releases. What CloudFormation
believes of the stage is another matter: the next change set has to say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done
from tapcfn.errors import BlockedError
from tapcfn.model import EMPTY, AbortCanary, PromoteCanary, RedeployApi, StartCanary

AnyStage = RedeployApi | StartCanary | PromoteCanary | AbortCanary
Patch = dict[str, str]

_CANARY = "/canarySettings"
_REMOVE: Patch = {"op": "remove", "path": _CANARY}


# Deployments --------------------------------------------------------------------------------------


def look_at_deployment(door: Door, action: RedeployApi, _token: str) -> ActionState:
    """Return DONE for a stage that serves the deployment."""
    stage = _stage(door, action)
    return _served(stage) if stage["deploymentId"] == action.deployment_id else ABSENT


def redeploy(door: Door, action: RedeployApi, _token: str) -> Facts:
    """Let the stage serve the deployment; the service changes none under a canary."""
    stage = _stage(door, action)
    if canary := _canary(stage):
        raise _in_the_way(action, canary)
    _patch(door, action, _replace("/deploymentId", str(action.deployment_id)))
    return _before(stage)


# Canaries -----------------------------------------------------------------------------------------


def look_at_canary(door: Door, action: StartCanary, _token: str) -> ActionState:
    """Return DONE where the deployment has its share, or is what the stage serves by now."""
    stage = _stage(door, action)
    canary = _canary(stage)
    if not canary and stage["deploymentId"] == action.deployment_id:
        return _served(stage)
    share = canary.get("deploymentId"), float(canary.get("percentTraffic", 0.0))
    if share != (action.deployment_id, action.percent):
        return ABSENT
    return done(f"{action.deployment_id} serves {action.percent:g} %", _before(stage))


def start(door: Door, action: StartCanary, _token: str) -> Facts:
    """Give the deployment its share, without the stage's cache; another's canary is left alone."""
    stage = _stage(door, action)
    canary = _canary(stage)
    if canary.get("deploymentId", action.deployment_id) != action.deployment_id:
        raise _in_the_way(action, canary)
    _patch(
        door,
        action,
        _replace(f"{_CANARY}/percentTraffic", str(float(action.percent))),
        _replace(f"{_CANARY}/deploymentId", str(action.deployment_id)),
        _replace(f"{_CANARY}/useStageCache", "false"),
    )
    return _before(stage)


def look_at_promotion(door: Door, action: PromoteCanary, _token: str) -> ActionState:
    """Return DONE for a stage that serves what was its canary's, and has no canary any more."""
    stage = _stage(door, action)
    is_served = stage["deploymentId"] == action.deployment_id and not _canary(stage)
    return _served(stage) if is_served else ABSENT


def promote(door: Door, action: PromoteCanary, _token: str) -> Facts:
    """Copy the canary's deployment and variables to the stage, and only then take it off."""
    stage = _stage(door, action)
    canary = _canary(stage)
    if canary.get("deploymentId") != action.deployment_id:
        raise BlockedError(
            f"{action.name}: {_name(action)} has no canary of {action.deployment_id} to promote, "
            f"but {_told(canary)}"
        )
    if stage["deploymentId"] != action.deployment_id:
        _patch(door, action, *_promotion(canary))
    _patch(door, action, _REMOVE)
    return _before(stage)


def look_at_end(door: Door, action: AbortCanary, _token: str) -> ActionState:
    """Return DONE for a stage without a canary."""
    stage = _stage(door, action)
    return ABSENT if _canary(stage) else _served(stage)


def abort(door: Door, action: AbortCanary, _token: str) -> Facts:
    """Take the canary off: all requests go to what the stage serves."""
    canary = _canary(_stage(door, action))
    if not canary:
        return EMPTY
    _patch(door, action, _REMOVE)
    return {"canary before": str(canary.get("deploymentId", ""))}


def _promotion(canary: Mapping[str, Any]) -> list[Patch]:
    patches = [_replace(f"{_CANARY}/percentTraffic", "0.0")]
    if canary.get("stageVariableOverrides"):
        patches.append(_copy(f"{_CANARY}/stageVariableOverrides", "/variables"))
    return [*patches, _copy(f"{_CANARY}/deploymentId", "/deploymentId")]


# The service --------------------------------------------------------------------------------------


def _stage(door: Door, action: AnyStage) -> Mapping[str, Any]:
    client = door("apigateway", action.target)
    stage: Mapping[str, Any] = client.get_stage(
        restApiId=str(action.api_id), stageName=action.stage
    )
    return stage


def _canary(stage: Mapping[str, Any]) -> Mapping[str, Any]:
    return stage.get("canarySettings") or EMPTY


def _patch(door: Door, action: AnyStage, *patches: Patch) -> None:
    door("apigateway", action.target).update_stage(
        restApiId=str(action.api_id), stageName=action.stage, patchOperations=list(patches)
    )


def _replace(path: str, value: str) -> Patch:
    return {"op": "replace", "path": path, "value": value}


def _copy(origin: str, path: str) -> Patch:
    return {"op": "copy", "from": origin, "path": path}


# Words --------------------------------------------------------------------------------------------


def _served(stage: Mapping[str, Any]) -> ActionState:
    return done(f"the stage serves {stage['deploymentId']}")


def _before(stage: Mapping[str, Any]) -> Facts:
    return {"deployment before": str(stage["deploymentId"])}


def _name(action: AnyStage) -> str:
    return f"stage {action.stage} of API {action.api_id} ({action.target})"


def _told(canary: Mapping[str, Any]) -> str:
    return f"one of {canary['deploymentId']}" if canary else "none"


def _in_the_way(action: AnyStage, canary: Mapping[str, Any]) -> BlockedError:
    return BlockedError(
        f"{action.name}: {_name(action)} has a canary of {canary['deploymentId']}: promote it or "
        "take it off first"
    )
