"""Change sets of nested stacks, made with that of their root (IncludeNestedStacks).

Each nested stack of the template gets a change set of its own, under the values that are known by
now; one that is new gets a stack in review to hold it. What only the operation will know stands in
its parameters as a mark. One that fails fails its parent; one without changes does not, and is not
told of where the nested stack itself stays as it is. The root alone is executed: it carries out
the nested ones, with the values of then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any
from xml.sax.saxutils import unescape

from tapcfn.local import change_sets, emulator, values
from tapcfn.local.change_sets import ChangeSet
from tapcfn.local.emulator import Action, Answer, Params

TYPE = "AWS::CloudFormation::Stack"
LONGEST_NAME = 128
EXECUTING = "EXECUTE_IN_PROGRESS"

# The parameter of a request of our own that names the change set in which this one is nested.
PARENT = "_ParentChangeSet"

Change = MutableMapping[str, Any]
Request = dict[str, list[str]]


def including(do: Action) -> Action:
    """Make the change sets of nested stacks with each one that asks for them."""

    def act(params: Params) -> Answer:
        answer = do(params)
        made = change_sets.made(answer)
        if made is not None:
            asked = emulator.parameter(params, "IncludeNestedStacks").lower() == "true"
            made["IncludeNestedStacks"] = asked
            _belong(made, emulator.parameter(params, PARENT))
            if asked and made["ChangeSetType"] != "IMPORT":
                _include(made)
        return answer

    return act


def name_of(stack: str, logical_id: str) -> str:
    """Return a name for a new nested stack, as CloudFormation makes them up."""
    tail = f"-{logical_id}-{_suffix()}"
    return stack[: LONGEST_NAME - len(tail)] + tail


def awaiting(stack: str, logical_id: str) -> ChangeSet | None:
    """Return the change set of a nested stack that waits for its parent, which is executed now."""
    parent = emulator.engine.stacks()[stack]
    if "ROLLBACK" in parent["StackStatus"]:
        return None
    known = emulator.engine.change_sets()
    arns = [
        _changes(each).get(logical_id, {}).get("ChangeSetId", "")
        for each in known.values()
        if each["StackId"] == parent["StackId"] and each["ExecutionStatus"] == EXECUTING
    ]
    found = known.get(arns[0]) if arns else None
    return found if found and (_is_available(found) or change_sets.is_empty(found)) else None


def bring_up_to_date(change_set: ChangeSet, parameters: Mapping[str, str]) -> bool:
    """Give a nested change set the values of now, and say whether there is anything to do.

    Raises `ValueError` for values that its template does not take.
    """
    stack = emulator.engine.stacks()[change_set["StackName"]]
    given = [{"Key": key, "Value": value} for key, value in parameters.items()]
    before = stack["_resolved_params"]
    found = emulator.engine.resolve_parameters(change_set["_template"], given, before)
    if change_sets.is_empty(change_set) and found == before:
        return False
    change_set["Status"], change_set["ExecutionStatus"] = "CREATE_COMPLETE", "AVAILABLE"
    change_set["_resolved_params"], change_set["_by_root"] = found, True
    return True


def _is_available(change_set: ChangeSet) -> bool:
    return bool(change_set["ExecutionStatus"] == "AVAILABLE")


def _changes(change_set: ChangeSet) -> dict[str, Change]:
    found = (each["ResourceChange"] for each in change_set["Changes"])
    return {change["LogicalResourceId"]: change for change in found}


def _suffix() -> str:
    return emulator.new_id().replace("-", "")[:12].upper()


# Making them --------------------------------------------------------------------------------------


def _belong(made: ChangeSet, parent_id: str) -> None:
    """Note whose change set this one is nested in, and let its stack know its parent."""
    parent = emulator.engine.change_sets().get(parent_id)
    if parent is not None:
        made["ParentChangeSetId"], made["RootChangeSetId"] = parent_id, change_sets.root_of(parent)
        emulator.engine.stacks()[made["StackName"]]["ParentId"] = parent["StackId"]


def _include(made: ChangeSet) -> None:
    """Make a change set for each nested stack that is new, stays, or is another one now."""
    if made["Status"] != "CREATE_COMPLETE" and not change_sets.is_empty(made):
        return
    after, changes = values.after(made, masked=False), _changes(made)
    failed: list[str] = []
    for logical_id in sorted(after.template.get("Resources") or {}):
        body = after.resource(logical_id)
        if body.get("Type") != TYPE or not after.counts(logical_id):
            continue
        nested = _staged(made, logical_id, after.value(body.get("Properties") or {}))
        change = changes.get(logical_id)
        if change is None and change_sets.is_empty(nested):
            del emulator.engine.change_sets()[nested["ChangeSetId"]]
            continue
        _told_of(made, logical_id, change)["ChangeSetId"] = nested["ChangeSetId"]
        if change_sets.verdict(nested)[0] == "FAILED" and not change_sets.is_empty(nested):
            failed.append(nested["ChangeSetId"])
    _judge(made, failed)


def _judge(made: ChangeSet, failed: list[str]) -> None:
    """Fail with the first that failed, and go on telling which changes they are in."""
    changes = sorted(made["Changes"], key=lambda each: each["ResourceChange"]["LogicalResourceId"])
    if failed:
        change_sets.fail(
            made,
            f"Nested change set {failed[0]} was not successfully created: Currently in FAILED.",
        )
    elif changes:
        made["Status"], made["ExecutionStatus"] = "CREATE_COMPLETE", "AVAILABLE"
        made["StatusReason"] = ""
    made["Changes"] = changes


def _told_of(made: ChangeSet, logical_id: str, change: Change | None) -> Change:
    """Return the change of a nested stack; one whose own properties stay gets one as well."""
    if change is not None:
        return change
    new: Change = {
        "Action": "Modify",
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": _physical_id(made, logical_id),
        "ResourceType": TYPE,
        "Replacement": "False",
        "Scope": ["Properties"],
        "Details": [
            {
                "Target": {"Attribute": "Properties", "RequiresRecreation": "Never"},
                "Evaluation": "Dynamic",
                "ChangeSource": "Automatic",
            }
        ],
    }
    made["Changes"].append({"ResourceChange": new})
    return new


def _physical_id(made: ChangeSet, logical_id: str) -> str:
    stack = emulator.engine.stacks()[made["StackName"]]
    return str((stack["_resources"].get(logical_id) or {}).get("PhysicalResourceId", ""))


def _staged(made: ChangeSet, logical_id: str, properties: Mapping[str, Any]) -> ChangeSet:
    """Make the change set of one nested stack; what is refused is one that failed."""
    physical_id = _physical_id(made, logical_id)
    there = emulator.engine.resolve_stack(physical_id) if physical_id else None
    request: Request = {
        "Action": ["CreateChangeSet"],
        "StackName": [there["StackName"] if there else name_of(made["StackName"], logical_id)],
        "ChangeSetName": [_set_name(made["ChangeSetName"], logical_id)],
        "ChangeSetType": ["UPDATE" if there else "CREATE"],
        "TemplateURL": [str(properties.get("TemplateURL", ""))],
        "IncludeNestedStacks": ["true"],
        "DisableValidation": [str(made["_disable_validation"]).lower()],
        PARENT: [made["ChangeSetId"]],
        **_members(made, properties),
    }
    answer = emulator.engine.ACTIONS["CreateChangeSet"](request)
    return change_sets.made(answer) or _refused(made, request, there, answer)


def _set_name(name: str, logical_id: str) -> str:
    tail = f"-{logical_id}-{_suffix()}"
    return name[: LONGEST_NAME - len(tail)] + tail


def _members(made: ChangeSet, properties: Mapping[str, Any]) -> Request:
    """Return the lists of a request; a nested stack has the tags of its parent as well."""
    tags = {each["Key"]: each["Value"] for each in (*made["Tags"], *properties.get("Tags", ()))}
    parameters = properties.get("Parameters") or {}
    return {
        **({} if tags else {"Tags": [""]}),
        **_pairs("Tags", "Key", "Value", tags),
        **_pairs("Parameters", "ParameterKey", "ParameterValue", parameters),
        **_texts("Capabilities", made["Capabilities"]),
        **_texts("NotificationARNs", properties.get("NotificationARNs") or ()),
    }


def _pairs(name: str, key: str, value: str, pairs: Mapping[str, Any]) -> Request:
    found: Request = {}
    for number, (one, other) in enumerate(pairs.items(), start=1):
        found[f"{name}.member.{number}.{key}"] = [one]
        found[f"{name}.member.{number}.{value}"] = [text_of(other)]
    return found


def _texts(name: str, listed: Sequence[Any]) -> Request:
    return {f"{name}.member.{at}": [str(each)] for at, each in enumerate(listed, start=1)}


def text_of(value: Any) -> str:
    """Return the value of a parameter as the text that CloudFormation takes."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refused(
    made: ChangeSet, request: Request, there: Mapping[str, Any] | None, answer: Answer
) -> ChangeSet:
    """Return a change set that failed for the reason for which it was refused."""
    message = re.search(r"<Message>(.*?)</Message>", answer[2].decode(), re.DOTALL)
    name, new = request["StackName"][0], emulator.new_id()
    home = str(made["StackId"]).partition("stack/")[0]
    failed: dict[str, Any] = {
        **{key: made[key] for key in ("CreationTime", "Capabilities", "IncludeNestedStacks")},
        "Description": "",
        "Parameters": [],
        "Tags": [],
        "ChangeSetId": f"{home}changeSet/{request['ChangeSetName'][0]}/{new}",
        "ChangeSetName": request["ChangeSetName"][0],
        "ChangeSetType": request["ChangeSetType"][0],
        "StackName": name,
        "StackId": there["StackId"] if there else f"{home}stack/{name}/{new}",
        "_template": {},
        "_resolved_params": {},
        "ParentChangeSetId": made["ChangeSetId"],
        "RootChangeSetId": change_sets.root_of(made),
    }
    change_sets.fail(failed, unescape(message.group(1)) if message else "")
    emulator.engine.change_sets()[failed["ChangeSetId"]] = failed
    return failed
