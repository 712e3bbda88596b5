"""What Hooks annotate: the results of a change set's Hooks, and whom they look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.emulator import Params
from tapcfn.local.faults.table import Fault
from tapcfn.local.stack_sets.refusals import RefusedError
from tapcfn.local.stack_sets.wire import answering

_FIELDS: Mapping[str, str] = {
    "name": "AnnotationName",
    "message": "StatusMessage",
    "severity": "SeverityLevel",
    "remedy": "RemediationMessage",
    "link": "RemediationLink",
}

# Results by their id, until the process ends.
_results: dict[str, dict[str, Any]] = {}


def install() -> None:
    """Put the three actions among the emulator's, which has none of them."""
    acts = {"ListHookResults": _listed, "GetHookResult": _told, "DescribeChangeSetHooks": _hooks}
    for name, act in acts.items():
        emulator.engine.ACTIONS[name] = answering(name, act)


def keep(made: MutableMapping[str, Any], hooks: Iterable[Fault], reasons: Iterable[str]) -> None:
    """Keep what Hooks say of a change set, to be asked for by its ARN."""
    for hook, reason in zip(hooks, reasons, strict=True):
        number = emulator.new_id()
        _results[number] = {
            "HookResultId": number,
            "InvocationPoint": "PRE_PROVISION",
            "FailureMode": hook.mode,
            "TypeName": hook.hook,
            "Status": "HOOK_COMPLETE_FAILED",
            "HookStatusReason": reason,
            "change_set": made["ChangeSetId"],
            "annotations": [
                {"Status": "FAILED"} | {_FIELDS[key]: value for key, value in each.items()}
                for each in hook.annotations
            ],
        }


def _listed(params: Params) -> Mapping[str, Any]:
    kind, subject = (emulator.parameter(params, key) for key in ("TargetType", "TargetId"))
    found = [_plain(each) for each in _results.values() if each["change_set"] == subject]
    return {"TargetType": kind, "TargetId": subject, "HookResults": found}


def _told(params: Params) -> Mapping[str, Any]:
    number = emulator.parameter(params, "HookResultId")
    if number not in _results:
        raise RefusedError("HookResultNotFound", f"{number} does not exist", 404)
    found = _results[number]
    return _plain(found) | {"Annotations": found["annotations"]}


def _plain(result: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key[0].isupper()}


def _hooks(params: Params) -> Mapping[str, Any]:
    """Tell of no Hook for a single resource: those here look at the change set as a whole."""
    name = emulator.parameter(params, "ChangeSetName")
    return {"ChangeSetId": name, "Status": "PLANNED", "Hooks": []}
