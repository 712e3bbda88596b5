"""Nested stacks: stacks like any other, made through CloudFormation's own API and waited for.

So they have statuses on the way, durations, events with a token of their own, rollbacks, checks
and faults. Where the parent's change set has one for the nested stack, that is carried out, with
the template that was reviewed. One that cannot be created is deleted at once, whether its parent
rolls back or not: the parent knows no physical id of it by which that could happen later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.local import calls, emulator, nested_sets
from tapcfn.local.change_sets import ChangeSet
from tapcfn.local.nested_sets import TYPE
from tapcfn.local.provisioners.resource import Made, Provisioner, Wanted, picked

GLANCE_SECONDS = 0.02
NOTHING_TO_DO = "No updates are to be performed."

Stack = MutableMapping[str, Any]


class NestedStackError(Exception):
    """A nested stack that did not become what its parent wanted, in the service's words."""


def renewed(operation: str, do: Callable[..., Any]) -> Callable[..., Any]:
    """Update a nested stack whose properties stay, where its reviewed change set has changes.

    Its template may be another one under the same address; the engine looks at properties alone.
    """
    if operation != "update":
        return do

    def update(kind: str, physical_id: str, old: Any, new: Any, stack: str, *rest: Any) -> Any:
        if kind == TYPE and old == new and rest:
            reviewed = nested_sets.awaiting(stack, rest[0])
            if reviewed is not None and reviewed["Changes"]:
                new = {**new, "TemplateURL": f"{new['TemplateURL']}#changed"}
        return do(kind, physical_id, old, new, stack, *rest)

    return update


def _create(wanted: Wanted) -> Made:
    child = _begun(wanted)
    if _settled(child) == "CREATE_COMPLETE":
        return _made(child)
    failed = f"was not successfully created: {_reason(child, 'create')}"
    _remove(child["StackId"])
    raise NestedStackError(f"Embedded stack {child['StackId']} {failed}")


def _begun(wanted: Wanted) -> Stack:
    """Begin to create a nested stack: the one in review, if there is one, or another."""
    reviewed = nested_sets.awaiting(wanted.stack, wanted.logical_id)
    if reviewed is not None:
        _execute(reviewed, wanted, DisableRollback=True)
        return emulator.engine.stacks()[reviewed["StackName"]]
    name = nested_sets.name_of(wanted.stack, wanted.logical_id)
    more = picked(wanted.properties, "TimeoutInMinutes")
    _ask("create_stack", wanted, name, DisableRollback=True, **more)
    child = emulator.engine.stacks()[name]
    child["ParentId"] = emulator.engine.stacks()[wanted.stack]["StackId"]
    return child


def _update(wanted: Wanted) -> Made:
    child = _find(wanted.physical_id)
    if not _changed(child, wanted):
        return _made(child)
    status = _settled(child)
    if status.endswith("_COMPLETE") and "ROLLBACK" not in status:
        return _made(child)
    raise NestedStackError(
        f"Embedded stack {child['StackId']} was not successfully updated. "
        f"Currently in {status} with reason: {_reason(child, 'update')}"
    )


def _changed(child: Stack, wanted: Wanted) -> bool:
    """Begin to update a nested stack, and say whether there is anything to do."""
    reviewed = nested_sets.awaiting(wanted.stack, wanted.logical_id)
    if reviewed is not None:
        return _execute(reviewed, wanted)
    try:
        _ask("update_stack", wanted, child["StackName"])
    except NestedStackError as error:
        if NOTHING_TO_DO not in str(error):
            raise
        return False
    return True


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
    with _refusals():
        getattr(calls.client("cloudformation"), action)(
            StackName=name,
            TemplateURL=wanted["TemplateURL"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in _parameters(wanted).items()
            ],
            Tags=[tag for tag in wanted.get("Tags") or () if not tag["Key"].startswith("aws:")],
            Capabilities=emulator.engine.stacks()[wanted.stack].get("Capabilities", []),
            ClientRequestToken=emulator.new_id(),
            **picked(wanted.properties, "NotificationARNs"),
            **more,
        )


def _execute(reviewed: ChangeSet, wanted: Wanted, **more: Any) -> bool:
    """Carry out the change set that was reviewed, if the values of now leave anything to do."""
    with _refusals():
        if not nested_sets.bring_up_to_date(reviewed, _parameters(wanted)):
            return False
        calls.client("cloudformation").execute_change_set(
            ChangeSetName=reviewed["ChangeSetId"], ClientRequestToken=emulator.new_id(), **more
        )
    return True


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn a refusal into the failure of the nested stack, in the service's words."""
    try:
        yield
    except ClientError as error:
        raise NestedStackError(error.response["Error"]["Message"]) from error
    except ValueError as error:
        raise NestedStackError(str(error)) from error


def _parameters(wanted: Wanted) -> dict[str, str]:
    """Return the parameters as the texts that CreateStack takes; a list must have been joined."""
    found = wanted.get("Parameters") or {}
    if any(isinstance(value, list | dict) for value in found.values()):
        raise NestedStackError(
            "Value of property Parameters must be an object with String (or simple type) properties"
        )
    return {key: nested_sets.text_of(value) for key, value in found.items()}


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
