"""Nested stacks: stacks like any other, made through CloudFormation's own API and waited for.

So they have statuses on the way, durations, events with a token of their own, rollbacks, checks
and faults. One that cannot be created is deleted at once, whether its parent rolls back or not:
the parent knows no physical id of it by which that could happen later.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.resource import Made, Provisioner, Wanted, picked

TYPE = "AWS::CloudFormation::Stack"
LONGEST_NAME = 128
GLANCE_SECONDS = 0.02
NOTHING_TO_DO = "No updates are to be performed."

Stack = MutableMapping[str, Any]


class NestedStackError(Exception):
    """A nested stack that did not become what its parent wanted, in the service's words."""


def _create(wanted: Wanted) -> Made:
    tail = f"-{wanted.logical_id}-{emulator.new_id().replace('-', '')[:12].upper()}"
    name = wanted.stack[: LONGEST_NAME - len(tail)] + tail
    more = picked(wanted.properties, "TimeoutInMinutes")
    _ask("create_stack", wanted, name, DisableRollback=True, **more)
    child = emulator.engine.stacks()[name]
    child["ParentId"] = emulator.engine.stacks()[wanted.stack]["StackId"]
    if _settled(child) == "CREATE_COMPLETE":
        return _made(child)
    failed = f"was not successfully created: {_reason(child, 'create')}"
    _remove(child["StackId"])
    raise NestedStackError(f"Embedded stack {child['StackId']} {failed}")


def _update(wanted: Wanted) -> Made:
    child = _find(wanted.physical_id)
    try:
        _ask("update_stack", wanted, child["StackName"])
    except NestedStackError as error:
        if NOTHING_TO_DO not in str(error):
            raise
        return _made(child)
    status = _settled(child)
    if status.endswith("_COMPLETE") and "ROLLBACK" not in status:
        return _made(child)
    raise NestedStackError(
        f"Embedded stack {child['StackId']} was not successfully updated. "
        f"Currently in {status} with reason: {_reason(child, 'update')}"
    )


def _delete(wanted: Wanted) -> None:
    if _remove(wanted.physical_id) == "DELETE_FAILED":
        child = _find(wanted.physical_id)
        raise NestedStackError(
            f"Embedded stack {child['StackId']} was not successfully deleted: "
            f"{_reason(child, 'delete')}"
        )


def _remove(stack_id: str) -> str:
    """Delete a nested stack if it is there, and return how that ended."""
    child = emulator.engine.resolve_stack(stack_id)
    if child is None:
        return "DELETE_COMPLETE"
    calls.client("cloudformation").delete_stack(
        StackName=stack_id, ClientRequestToken=emulator.new_id()
    )
    return _settled(child)


def _ask(action: str, wanted: Wanted, name: str, **more: Any) -> None:
    """Begin an operation of the nested stack, under the capabilities of its parent."""
    parameters = wanted.get("Parameters") or {}
    try:
        getattr(calls.client("cloudformation"), action)(
            StackName=name,
            TemplateURL=wanted["TemplateURL"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": _text(value)}
                for key, value in parameters.items()
            ],
            Tags=[tag for tag in wanted.get("Tags") or () if not tag["Key"].startswith("aws:")],
            Capabilities=emulator.engine.stacks()[wanted.stack].get("Capabilities", []),
            ClientRequestToken=emulator.new_id(),
            **picked(wanted.properties, "NotificationARNs"),
            **more,
        )
    except ClientError as error:
        raise NestedStackError(error.response["Error"]["Message"]) from error


def _text(value: Any) -> str:
    """Return a parameter as the text that CreateStack takes; a list must have been joined."""
    if isinstance(value, list | dict):
        raise NestedStackError(
            "Value of property Parameters must be an object with String (or simple type) properties"
        )
    return str(value).lower() if isinstance(value, bool) else str(value)


# What came of it ----------------------------------------------------------------------------------


def _find(stack_id: str) -> Stack:
    found = emulator.engine.resolve_stack(stack_id)
    if found is None:
        raise NestedStackError(f"Stack [{stack_id}] does not exist")
    return found


def _settled(child: Stack) -> str:
    """Wait until the stack no longer moves, and return its status; a reset ends it too."""
    while str(child["StackStatus"]).endswith("_IN_PROGRESS"):
        if emulator.engine.resolve_stack(child["StackId"]) is None:
            raise NestedStackError("The local cloud was reset")
        time.sleep(GLANCE_SECONDS)
    return str(child["StackStatus"])


def _made(child: Stack) -> Made:
    told = {f"Outputs.{each['OutputKey']}": each["OutputValue"] for each in child["Outputs"]}
    return Made(child["StackId"], told)


def _reason(child: Stack, verb: str) -> str:
    """Return which resources failed in the last operation, or what the stack itself says."""
    events = emulator.engine.stack_events().get(child["StackId"], [])
    token = events[-1].get("ClientRequestToken") if events else None
    failed = [
        str(event["LogicalResourceId"])
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
        and event["PhysicalResourceId"] != child["StackId"]
        and event.get("ClientRequestToken") == token
    ]
    if failed:
        named = ", ".join(dict.fromkeys(failed))
        return f"The following resource(s) failed to {verb}: [{named}]. "
    return str(child["StackStatusReason"])


PROVISIONERS = (Provisioner(TYPE, create=_create, update=_update, delete=_delete, tags="Tags"),)
