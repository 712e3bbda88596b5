"""API Gateway: patches of a stage's deployment and canary, which the emulator keeps as text."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services.refusal import RefusedError

Stage = dict[str, Any]
Patch = Mapping[str, Any]

_CANARY = "canarySettings"
_HIGHEST = 100.0


def install() -> None:
    """Put our patches before the emulator's."""
    emulator.rest.wrap_stage_updates(_patching)


def _patching(do: Callable[..., emulator.Answer]) -> Callable[..., emulator.Answer]:
    def update(api: str, name: str, data: Mapping[str, Any]) -> emulator.Answer:
        stage = emulator.rest.store("_stages_v1").get(api, {}).get(name)
        if stage is None:
            return do(api, name, data)
        patches = list(data.get("patchOperations") or ())
        ours = [each for each in patches if _is_ours(each)]
        try:
            wanted = _patched(stage, ours)
            _refuse(api, stage, wanted)
        except RefusedError as refused:
            return emulator.json_error(refused.code, str(refused), refused.status)
        stage.pop(_CANARY, None)
        stage.update(wanted)
        return do(api, name, {"patchOperations": [each for each in patches if each not in ours]})

    return update


def _is_ours(patch: Patch) -> bool:
    path = str(patch.get("path", ""))
    return patch.get("op") == "copy" or path.startswith((f"/{_CANARY}", "/deploymentId"))


def _patched(stage: Stage, patches: list[Patch]) -> Stage:
    """Return the stage as the patches, one after the other, would have it."""
    wanted = copy.deepcopy(stage)
    for patch in patches:
        path = str(patch["path"])
        if patch["op"] == "remove" and path == f"/{_CANARY}":
            if not wanted.pop(_CANARY, None):
                raise _bad(f"Invalid patch path '{path}' specified for op 'remove'")
        elif patch["op"] == "copy":
            _set(wanted, path, copy.deepcopy(_value(wanted, str(patch["from"]))))
        elif patch["op"] == "replace":
            _set(wanted, path, patch.get("value"))
        else:
            raise _bad(f"Invalid patch operation '{patch['op']}' for path '{path}'")
    return wanted


def _value(stage: Stage, path: str) -> Any:
    found: Any = stage
    for part in path.strip("/").split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    if found is None:
        raise _bad(f"Invalid patch path '{path}': there is nothing to copy")
    return found


def _set(stage: Stage, path: str, value: Any) -> None:
    first, _, name = path.strip("/").partition("/")
    if first != _CANARY:
        stage[first] = value
        return
    if name not in _MEMBERS:
        raise _bad(f"Invalid patch path '{path}': the local cloud models {', '.join(_MEMBERS)}")
    new = {"percentTraffic": 0.0, "useStageCache": False}
    stage[_CANARY] = {**(stage.get(_CANARY) or new), name: _MEMBERS[name](value)}


def _percent(value: Any) -> float:
    try:
        percent = float(value)
    except ValueError:
        percent = -1.0
    if not 0.0 <= percent <= _HIGHEST:
        raise _bad("Canary percent traffic must be between 0.0 and 100.0")
    return percent


def _flag(value: Any) -> bool:
    return str(value).lower() == "true"


_MEMBERS: Mapping[str, Callable[[Any], Any]] = {
    "deploymentId": str,
    "percentTraffic": _percent,
    "useStageCache": _flag,
}


def _refuse(api: str, stage: Stage, wanted: Stage) -> None:
    """Refuse a deployment that is not there, and another one under a canary."""
    there, canary = emulator.rest.store("_deployments_v1").get(api, {}), wanted.get(_CANARY)
    named = [wanted["deploymentId"], *([canary.get("deploymentId")] if canary else [])]
    if any(each not in there for each in named):
        raise _bad("Invalid Deployment identifier specified")
    is_moved = wanted["deploymentId"] != stage["deploymentId"]
    if canary and is_moved and wanted["deploymentId"] != canary["deploymentId"]:
        raise _bad(f"Non canary deployment not supported on stage {stage['stageName']}")


def _bad(message: str) -> RefusedError:
    return RefusedError("BadRequestException", message)
