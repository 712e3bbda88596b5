"""Change sets that bring drifted resources back: DeploymentMode REVERT_DRIFT.

Such a change set compares the template with what is really there, where others compare it with what
was deployed before. So each drifted resource is a change from its actual properties, and when the
change set is executed the stack starts from those: a failure goes back to them. A resource that is
gone is made again. Types whose drift cannot be detected do not take part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from tapcfn.local import change_sets, emulator
from tapcfn.local.change_sets import ChangeSet
from tapcfn.local.emulator import Action, Answer, Params
from tapcfn.local.emulator.drifts import Drift, of

REVERT = "REVERT_DRIFT"

Stack = MutableMapping[str, Any]


def install() -> None:
    """Put drift into the change sets that ask for it; before their making takes time."""
    emulator.engine.wrap_action("CreateChangeSet", _proposing)
    emulator.engine.wrap_action("ExecuteChangeSet", _executing)


def _proposing(do: Action) -> Action:
    def act(params: Params) -> Answer:
        mode = emulator.parameter(params, "DeploymentMode")
        if mode and mode != REVERT:
            return _refused(f"DeploymentMode {mode} is unknown")
        if mode and emulator.parameter(params, "ChangeSetType") not in {"", "UPDATE"}:
            return _refused("DeploymentMode REVERT_DRIFT is only for change sets of type UPDATE")
        answer = do(params)
        made = change_sets.made(answer)
        if mode and made is not None:
            _add(made)
        return answer

    return act


def _refused(message: str) -> Answer:
    return emulator.engine.error("ValidationError", message)


def _add(made: ChangeSet) -> None:
    """Let each drifted resource be a change, unless the new template removes it."""
    stack = emulator.engine.stacks()[made["StackName"]]
    drifts = {
        name: drift for name, drift in _drifts(stack) if name in made["_template"]["Resources"]
    }
    if not drifts:
        return
    told = {each["ResourceChange"]["LogicalResourceId"]: each for each in made["Changes"]}
    told |= {name: _change(stack, name, drift, told.get(name)) for name, drift in drifts.items()}
    made["Changes"] = [told[name] for name in sorted(told)]
    made["_reverts"] = {
        name: None if each.is_gone else each.actual for name, each in drifts.items()
    }
    if change_sets.is_empty(made):
        made["Status"], made["ExecutionStatus"] = "CREATE_COMPLETE", "AVAILABLE"
        made["StatusReason"] = ""


def _drifts(stack: Stack) -> Iterator[tuple[str, Drift]]:
    for name in stack["_resources"]:
        if (drift := of(stack, name)) is not None:
            yield name, drift


def _change(
    stack: Stack, name: str, drift: Drift, other: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """Return the change of one resource, beside what its new template changes of it."""
    record = stack["_resources"][name]
    change = {"LogicalResourceId": name, "ResourceType": record["ResourceType"]}
    if drift.is_gone:
        return {"ResourceChange": {**change, "Action": "Add"}}
    before = other["ResourceChange"] if other else {}
    details = [
        each for each in before.get("Details", ()) if each["Target"].get("Name") not in drift.actual
    ]
    details += [_detail(key, value) for key, value in drift.actual.items()]
    return {
        "ResourceChange": {
            "Action": "Modify",
            "PhysicalResourceId": record["PhysicalResourceId"],
            "Replacement": "False",
            **change,
            **before,
            "Scope": sorted({"Properties", *before.get("Scope", ())}),
            "Details": details,
        }
    }


def _detail(name: str, actual: Any) -> Mapping[str, Any]:
    target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": "Never"}
    return {
        "Target": {**target, "_actual": actual},
        "Evaluation": "Static",
        "ChangeSource": "DirectModification",
    }


def _executing(do: Action) -> Action:
    """Let the stack know what is really there, so that the update starts from that."""

    def act(params: Params) -> Answer:
        change_set = change_sets.asked_for(params)
        if change_set is not None and change_set["ExecutionStatus"] == "AVAILABLE":
            resources = emulator.engine.stacks()[change_set["StackName"]]["_resources"]
            for name, actual in change_set.get("_reverts", {}).items():
                _face(resources, name, actual)
        return do(params)

    return act


def _face(resources: MutableMapping[str, Any], name: str, actual: Mapping[str, Any] | None) -> None:
    if actual is None:
        resources.pop(name, None)
    elif name in resources:
        known = {**resources[name].get("Properties", {}), **actual}
        there = {key: value for key, value in known.items() if value is not None}
        resources[name] = {**resources[name], "Properties": there}
