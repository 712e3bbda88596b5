"""The actions that change stack sets and their instances."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.emulator import Params
from tapcfn.local.stack_sets import asking, definition, engine, store
from tapcfn.local.stack_sets.model import (
    Action,
    Definition,
    InstanceStatus,
    SetStatus,
    StackSet,
    Target,
    target_of,
)
from tapcfn.local.stack_sets.refusals import RefusedError, invalid
from tapcfn.local.stack_sets.wire import is_given, is_true, strings, text

NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")


# Stack sets ---------------------------------------------------------------------------------------


def create_stack_set(params: Params) -> Mapping[str, Any]:
    """Create a stack set; the same request under the same token is the same stack set."""
    asking.refuse_what_is_not_built(params)
    name, token = text(params, "StackSetName"), text(params, "ClientRequestToken")
    if not NAME.fullmatch(name):
        raise invalid(f"StackSetName {name} must match [a-zA-Z][-a-zA-Z0-9]* and 128 characters")
    wanted = definition.created(params)
    there = store.active(name)
    if there is not None:
        return {"StackSetId": _same(there, token, wanted)["id"]}
    made = _new(name, token, wanted)
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
        definition=wanted,
        instances={},
        operations={},
    )


def update_stack_set(params: Params) -> Mapping[str, Any]:
    """Change the set itself, whatever becomes of the operation, and then its instances."""
    asking.refuse_what_is_not_built(params)
    stack_set, operation_id = asking.claimed(params)
    before = stack_set["definition"]
    after = definition.updated(params, before)
    asked = engine.Asked(
        operation_id,
        Action.UPDATE,
        _targets_to_update(params, stack_set),
        asking.preferences(params),
    )
    stack_set["definition"] = after
    if definition.is_changed(params, before, after):
        _outdate(stack_set)
    return _begun(stack_set, asked)


def _targets_to_update(params: Params, stack_set: StackSet) -> tuple[Target, ...]:
    """Return the named instances, or all; never those that are INOPERABLE."""
    if bool(strings(params, "Accounts")) != bool(strings(params, "Regions")):
        raise invalid("Accounts and Regions must be specified together")
    named = asking.named(params) or tuple(map(target_of, stack_set["instances"].values()))
    return asking.operable(stack_set, asking.all_there(stack_set, named))


def _outdate(stack_set: StackSet) -> None:
    for instance in stack_set["instances"].values():
        if instance["status"] != InstanceStatus.INOPERABLE:
            instance["status"] = InstanceStatus.OUTDATED


def delete_stack_set(params: Params) -> Mapping[str, Any]:
    """Delete a stack set that has no instances."""
    asking.refuse_what_is_not_built(params)
    stack_set = asking.found(params)
    engine.refuse_if_busy(stack_set)
    if stack_set["instances"]:
        raise RefusedError("StackSetNotEmptyException", "StackSet is not empty", 409)
    stack_set["status"] = SetStatus.DELETED
    return {}


# Stack instances ----------------------------------------------------------------------------------


def create_stack_instances(params: Params) -> Mapping[str, Any]:
    """Create the instances that are missing, and deploy all that are named."""
    asking.refuse_what_is_not_built(params)
    stack_set, operation_id = asking.claimed(params)
    named = asking.at_least_one(asking.named(params))
    overrides = asking.overrides(params, stack_set, named)
    asked = engine.Asked(
        operation_id, Action.CREATE, asking.operable(stack_set, named), asking.preferences(params)
    )
    return _begun(stack_set, asked, overrides)


def update_stack_instances(params: Params) -> Mapping[str, Any]:
    """Change what instances put in the place of the set's parameters."""
    asking.refuse_what_is_not_built(params)
    stack_set, operation_id = asking.claimed(params)
    named = asking.all_there(stack_set, asking.at_least_one(asking.named(params)))
    overrides = asking.overrides(params, stack_set, named)
    asking.refuse_too_new(stack_set, overrides)
    asked = engine.Asked(
        operation_id, Action.UPDATE, asking.operable(stack_set, named), asking.preferences(params)
    )
    return _begun(stack_set, asked, overrides)


def delete_stack_instances(params: Params) -> Mapping[str, Any]:
    """Delete those of the named instances that there are, with their stacks or without."""
    asking.refuse_what_is_not_built(params)
    stack_set, operation_id = asking.claimed(params)
    if not is_given(params, "RetainStacks"):
        raise invalid("RetainStacks must be specified")
    named = asking.at_least_one(asking.named(params))
    there = tuple(each for each in named if str(each) in stack_set["instances"])
    if not there:
        asking.all_there(stack_set, named)
    retain = is_true(params, "RetainStacks")
    asked = engine.Asked(operation_id, Action.DELETE, there, asking.preferences(params), retain)
    return _begun(stack_set, asked)


def stop_stack_set_operation(params: Params) -> Mapping[str, Any]:
    """Stop an operation that runs."""
    stack_set = asking.found(params)
    engine.stop(stack_set, store.find_operation(stack_set, text(params, "OperationId")))
    return {}


def _begun(
    stack_set: StackSet,
    asked: engine.Asked,
    overrides: Mapping[Target, dict[str, str]] | None = None,
) -> Mapping[str, Any]:
    operation = engine.begin(stack_set, asked)
    for target, values in (overrides or {}).items():
        if str(target) in operation["results"]:
            stack_set["instances"][str(target)]["overrides"] = values
    return {"OperationId": operation["id"]}


ACTS: Mapping[str, Callable[[Params], Mapping[str, Any]]] = {
    "CreateStackSet": create_stack_set,
    "UpdateStackSet": update_stack_set,
    "DeleteStackSet": delete_stack_set,
    "CreateStackInstances": create_stack_instances,
    "UpdateStackInstances": update_stack_instances,
    "DeleteStackInstances": delete_stack_instances,
    "StopStackSetOperation": stop_stack_set_operation,
}
