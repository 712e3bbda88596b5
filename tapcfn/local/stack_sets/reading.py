"""The actions that describe and list stack sets, instances, operations and results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.local.emulator import Params
from tapcfn.local.stack_sets import definition, engine, store
from tapcfn.local.stack_sets.model import (
    Action,
    Instance,
    Operation,
    Result,
    ResultStatus,
    StackSet,
    with_status,
)
from tapcfn.local.stack_sets.refusals import RefusedError
from tapcfn.local.stack_sets.wire import filters, page, text

UNCHECKED = "NOT_CHECKED"
SELF_MANAGED = "SELF_MANAGED"
LATEST = 10**9  # so that the keys of newer operations come first


# Describe -----------------------------------------------------------------------------------------


def describe_stack_set(params: Params) -> Mapping[str, Any]:
    """Describe a stack set with its template and parameters."""
    stack_set = _found(params)
    told = stack_set["definition"]
    regions = sorted({each["region"] for each in stack_set["instances"].values()})
    about = {
        **_set_summary(stack_set),
        "TemplateBody": told["template"],
        "Parameters": definition.shown(stack_set, told["parameters"]),
        "Capabilities": told["capabilities"],
        "Tags": told["tags"],
        "StackSetARN": stack_set["arn"],
        "AdministrationRoleARN": told["administration_role"],
        "ExecutionRoleName": told["execution_role"],
        "OrganizationalUnitIds": [],
        "Regions": regions,
    }
    return {"StackSet": {name: value for name, value in about.items() if name != "DriftStatus"}}


def describe_stack_instance(params: Params) -> Mapping[str, Any]:
    """Describe one instance; only here are its overrides seen."""
    stack_set = _found(params)
    place = f"{text(params, 'StackInstanceAccount')}/{text(params, 'StackInstanceRegion')}"
    instance = stack_set["instances"].get(place)
    if instance is None:
        message = f"StackSet {stack_set['name']} has no stack instance in {place}"
        raise RefusedError("StackInstanceNotFoundException", message, 404)
    overrides = definition.shown(stack_set, instance["overrides"])
    about = _instance_summary(stack_set, instance)
    return {"StackInstance": {**about, "ParameterOverrides": overrides}}


def describe_stack_set_operation(params: Params) -> Mapping[str, Any]:
    """Describe one operation."""
    stack_set = _found(params)
    operation = store.find_operation(stack_set, text(params, "OperationId"))
    is_deletion = operation["action"] == Action.DELETE
    about = {
        **_operation_summary(operation),
        "StackSetId": stack_set["id"],
        "RetainStacks": operation["retain_stacks"] if is_deletion else None,
        "AdministrationRoleARN": operation["administration_role"],
        "ExecutionRoleName": operation["execution_role"],
    }
    return {"StackSetOperation": about}


# List ---------------------------------------------------------------------------------------------


def list_stack_sets(params: Params) -> Mapping[str, Any]:
    """List the stack sets of this account and Region by name, deleted ones too unless told."""
    wanted = text(params, "Status")
    rows = [
        (each["id"], _set_summary(each))
        for each in store.sets().values()
        if wanted in ("", each["status"])
    ]
    return page(rows, params, f"sets/{wanted}")


def list_stack_instances(params: Params) -> Mapping[str, Any]:
    """List instances by account and Region."""
    stack_set = _found(params)
    wanted = {
        **filters(params, ("DETAILED_STATUS", "LAST_OPERATION_ID", "DRIFT_STATUS")),
        "account": text(params, "StackInstanceAccount"),
        "region": text(params, "StackInstanceRegion"),
    }
    rows = [
        (key, _instance_summary(stack_set, each))
        for key, each in stack_set["instances"].items()
        if _matches(each, wanted)
    ]
    return page(rows, params, f"instances/{stack_set['id']}")


def _matches(instance: Instance, wanted: Mapping[str, str]) -> bool:
    has = {
        "DETAILED_STATUS": instance["detailed_status"],
        "LAST_OPERATION_ID": instance["last_operation"],
        "DRIFT_STATUS": UNCHECKED,
        "account": instance["account"],
        "region": instance["region"],
    }
    return all(value in ("", has[name]) for name, value in wanted.items())


def list_stack_set_operations(params: Params) -> Mapping[str, Any]:
    """List operations, the last one first."""
    stack_set = _found(params)
    rows = [
        (f"{LATEST - number:010d}", _operation_summary(each))
        for number, each in enumerate(stack_set["operations"].values())
    ]
    return page(rows, params, f"operations/{stack_set['id']}")


def list_stack_set_operation_results(params: Params) -> Mapping[str, Any]:
    """List what an operation did to each target, in the order in which these were named."""
    stack_set = _found(params)
    operation = store.find_operation(stack_set, text(params, "OperationId"))
    wanted = filters(params, ("OPERATION_RESULT_STATUS",)).get("OPERATION_RESULT_STATUS", "")
    rows = [
        (f"{number:06d}", _result_summary(each))
        for number, each in enumerate(operation["results"].values())
        if wanted in ("", each["status"])
    ]
    return page(rows, params, f"results/{stack_set['id']}/{operation['id']}")


# In the service's words ---------------------------------------------------------------------------


def _found(params: Params) -> StackSet:
    stack_set = store.find(text(params, "StackSetName"), deleted=True)
    engine.settle_interrupted(stack_set)
    return stack_set


def _set_summary(stack_set: StackSet) -> dict[str, Any]:
    return {
        "StackSetName": stack_set["name"],
        "StackSetId": stack_set["id"],
        "Description": stack_set["definition"]["description"] or None,
        "Status": stack_set["status"],
        "PermissionModel": SELF_MANAGED,
        "DriftStatus": UNCHECKED,
        "ManagedExecution": {"Active": False},
    }


def _instance_summary(stack_set: StackSet, instance: Instance) -> dict[str, Any]:
    return {
        "StackSetId": stack_set["id"],
        "Region": instance["region"],
        "Account": instance["account"],
        "StackId": instance["stack_id"] or None,
        "Status": instance["status"],
        "StatusReason": instance["reason"] or None,
        "StackInstanceStatus": {"DetailedStatus": instance["detailed_status"]},
        "DriftStatus": UNCHECKED,
        "LastOperationId": instance["last_operation"] or None,
    }


def _operation_summary(operation: Operation) -> dict[str, Any]:
    failed = len(with_status(operation, ResultStatus.FAILED))
    return {
        "OperationId": operation["id"],
        "Action": operation["action"],
        "Status": operation["status"],
        "CreationTimestamp": operation["created"],
        "EndTimestamp": operation["ended"] or None,
        "StatusReason": operation["reason"] or None,
        "StatusDetails": {"FailedStackInstancesCount": failed},
        "OperationPreferences": operation["preferences"],
    }


def _result_summary(result: Result) -> dict[str, Any]:
    return {
        "Account": result["account"],
        "Region": result["region"],
        "Status": result["status"],
        "StatusReason": result["reason"] or None,
    }


ACTS: Mapping[str, Callable[[Params], Mapping[str, Any]]] = {
    "DescribeStackSet": describe_stack_set,
    "DescribeStackInstance": describe_stack_instance,
    "DescribeStackSetOperation": describe_stack_set_operation,
    "ListStackSets": list_stack_sets,
    "ListStackInstances": list_stack_instances,
    "ListStackSetOperations": list_stack_set_operations,
    "ListStackSetOperationResults": list_stack_set_operation_results,
}
