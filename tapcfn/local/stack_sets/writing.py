"""The actions that change stack sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.emulator import Params
from tapcfn.local.stack_sets import asking, definition, settings, store, targeting, turns
from tapcfn.local.stack_sets.engine import Asked, Plan
from tapcfn.local.stack_sets.model import (
    Action,
    Definition,
    InstanceStatus,
    SetStatus,
    StackSet,
    target_of,
)
from tapcfn.local.stack_sets.refusals import RefusedError, invalid
from tapcfn.local.stack_sets.wire import is_given, strings, text

NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")


# Create -------------------------------------------------------------------------------------------


def create_stack_set(params: Params) -> Mapping[str, Any]:
    """Create a stack set; the same request under the same token is the same stack set."""
    name, token = text(params, "StackSetName"), text(params, "ClientRequestToken")
    if not NAME.fullmatch(name):
        raise invalid(f"StackSetName {name} must match [a-zA-Z][-a-zA-Z0-9]* and 128 characters")
    model = settings.permission_model(params)
    wanted = definition.created(params, model)
    there = store.active(name)
    if there is not None:
        return {"StackSetId": _same(there, token, wanted)["id"]}
    made = _new(name, token, wanted)
    made["permission_model"] = model
    made["auto"] = settings.auto_deployment(params, model)
    made["is_managed"] = settings.is_managed(params)
    store.sets()[made["id"]] = made
    return {"StackSetId": made["id"]}


def _same(there: StackSet, token: str, wanted: Definition) -> StackSet:
    """Return the stack set that an earlier sending of the request made, or refuse its name."""
    if not token or there["token"] != token:
        raise RefusedError(
            "NameAlreadyExistsException", f"StackSet {there['name']} already exists", 409
        )
    if there["definition"] != wanted:
        message = f"StackSet {there['name']} was created by this request but has been modified"
        raise RefusedError("CreatedButModifiedException", message, 409)
    return there


def _new(name: str, token: str, wanted: Definition) -> StackSet:
    identifier = f"{name}:{emulator.new_id()}"
    place = f"{emulator.region()}:{emulator.account_id()}"
    return StackSet(
        id=identifier,
        name=name,
        arn=f"arn:aws:cloudformation:{place}:stackset/{identifier}",
        status=SetStatus.ACTIVE,
        token=token,
        permission_model="",
        auto=None,
        is_managed=False,
        units={},
        definition=wanted,
        instances={},
        operations={},
    )


# Update and delete --------------------------------------------------------------------------------


def update_stack_set(params: Params) -> Mapping[str, Any]:
    """Change the set itself, whatever becomes of the operation, and then its instances."""
    stack_set, operation_id = asking.claimed(params)
    return {
        "OperationId": turns.submit(
            stack_set,
            Asked(
                operation_id,
                Action.UPDATE,
                lambda: _plan_of_update(params, stack_set),
                asking.preferences(params),
            ),
        )["id"]
    }


def _plan_of_update(params: Params, stack_set: StackSet) -> Plan:
    before = stack_set["definition"]
    model = settings.permission_model(params, stack_set)
    auto = settings.auto_deployment(params, model, stack_set)
    managed = settings.is_managed(params, stack_set)
    after = definition.updated(params, before, model)

    def change() -> None:
        stack_set["definition"], stack_set["permission_model"] = after, model
        stack_set["auto"], stack_set["is_managed"] = auto, managed
        if definition.is_changed(params, before, after):
            _outdate(stack_set)

    aim = targeting.aim(params, stack_set)
    targets = _to_update(params, stack_set, aim)
    return Plan(targets, named=aim.named, change=change)


def _to_update(params: Params, stack_set: StackSet, aim: targeting.Aim) -> Any:
    """Return the named instances, or all; never those that are INOPERABLE."""
    is_aimed = targeting.is_named(params)
    if is_aimed and is_given(params, settings.AUTO):
        raise invalid("DeploymentTargets and Regions can't be specified with AutoDeployment")
    if is_aimed != bool(strings(params, "Regions")):
        raise invalid("Accounts and Regions must be specified together")
    if not is_aimed:
        named = tuple(map(target_of, stack_set["instances"].values()))
    elif aim.named:
        named = asking.some_there(stack_set, aim.existing(stack_set))
    else:
        named = asking.all_there(stack_set, aim.targets)
    return asking.operable(stack_set, named)


def _outdate(stack_set: StackSet) -> None:
    for instance in stack_set["instances"].values():
        if instance["status"] != InstanceStatus.INOPERABLE:
            instance["status"] = InstanceStatus.OUTDATED


def delete_stack_set(params: Params) -> Mapping[str, Any]:
    """Delete a stack set that has no instances."""
    stack_set = asking.found(params)
    turns.refuse_if_busy(stack_set)
    if stack_set["instances"]:
        raise RefusedError("StackSetNotEmptyException", "StackSet is not empty", 409)
    stack_set["status"] = SetStatus.DELETED
    return {}


ACTS: Mapping[str, Callable[[Params], Mapping[str, Any]]] = {
    "CreateStackSet": create_stack_set,
    "UpdateStackSet": update_stack_set,
    "DeleteStackSet": delete_stack_set,
}
