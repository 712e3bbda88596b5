"""The actions that describe and list stack sets, instances, operations and results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tapcfn.local.emulator import Params
from tapcfn.local.stack_sets import callers, definition, drift, store, trials, turns
from tapcfn.local.stack_sets.model import (
    Action,
    AutoDeployment,
    Gate,
    Instance,
    Named,
    Operation,
    Result,
    ResultStatus,
    StackSet,
    is_service_managed,
    with_status,
)
from tapcfn.local.stack_sets.refusals import RefusedError
from tapcfn.local.stack_sets.wire import filters, page, strings, text

LATEST = 10**9  # so that the keys of newer operations come first


# Describe -----------------------------------------------------------------------------------------


def describe_stack_set(params: Params) -> Mapping[str, Any]:
    """Describe a stack set with its template and parameters."""
    stack_set = _found(params)
    told, own = stack_set["definition"], not is_service_managed(stack_set)
    regions = sorted({each["region"] for each in stack_set["instances"].values()})
    about = {
        **_set_summary(stack_set),
        "TemplateBody": told["template"],
        "Parameters": definition.shown(stack_set, told["parameters"]),
        "Capabilities": told["capabilities"],
        "Tags": told["tags"],
        "StackSetARN": stack_set["arn"],
        "AdministrationRoleARN": told["administration_role"] if own else None,
        "ExecutionRoleName": told["execution_role"] if own else None,
        "StackSetDriftDetectionDetails": drift.details(stack_set, drift.last(stack_set)),
        "OrganizationalUnitIds": list(stack_set["units"]),
        "Regions": regions,
    }
    elsewhere = ("DriftStatus", "LastDriftCheckTimestamp")
    return {"StackSet": {name: value for name, value in about.items() if name not in elsewhere}}


def describe_stack_instance(params: Params) -> Mapping[str, Any]:
    """Describe one instance; only here are its overrides seen."""
    stack_set = _found(params)
    instance = _found_instance(params, stack_set)
    overrides = definition.shown(stack_set, instance["overrides"])
    about = _instance_summary(stack_set, instance)
    return {"StackInstance": {**about, "ParameterOverrides": overrides}}


def describe_stack_set_operation(params: Params) -> Mapping[str, Any]:
    """Describe one operation."""
    stack_set = _found(params)
    operation = store.find_operation(stack_set, text(params, "OperationId"))
    action, own = operation["action"], not is_service_managed(stack_set)
    detects, named = action == Action.DETECT_DRIFT, operation["named"]
    about = {
        **_operation_summary(operation),
        "StackSetId": stack_set["id"],
        "RetainStacks": operation["retain_stacks"] if action == Action.DELETE else None,
        "AdministrationRoleARN": operation["administration_role"] if own else None,
        "ExecutionRoleName": operation["execution_role"] if own else None,
        "DeploymentTargets": _named(named) if named else None,
        "StackSetDriftDetectionDetails": drift.details(stack_set, operation) if detects else None,
    }
    return {"StackSetOperation": about}


# List ---------------------------------------------------------------------------------------------


def list_stack_sets(params: Params) -> Mapping[str, Any]:
    """List the stack sets of this account and Region by name, deleted ones too unless told."""
    wanted, delegated = text(params, "Status"), callers.is_delegated(params)
    rows = [
        (each["id"], each)
        for each in store.sets().values()
        if wanted in ("", each["status"]) and (is_service_managed(each) or not delegated)
    ]
    return page(rows, params, f"sets/{wanted}", _set_summary)


def list_stack_instances(params: Params) -> Mapping[str, Any]:
    """List instances by account and Region."""
    stack_set = _found(params)
    wanted = {
        **filters(params, ("DETAILED_STATUS", "LAST_OPERATION_ID", "DRIFT_STATUS")),
        "account": text(params, "StackInstanceAccount"),
        "region": text(params, "StackInstanceRegion"),
    }
    rows = [(key, each) for key, each in stack_set["instances"].items() if _matches(each, wanted)]
    return page(rows, params, f"instances/{stack_set['id']}", partial(_instance_summary, stack_set))


def _matches(instance: Instance, wanted: Mapping[str, str]) -> bool:
    has = {
        "DETAILED_STATUS": instance["detailed_status"],
        "LAST_OPERATION_ID": instance["last_operation"],
        "DRIFT_STATUS": instance["drift"],
        "account": instance["account"],
        "region": instance["region"],
    }
    return all(value in ("", has[name]) for name, value in wanted.items())


def list_stack_set_operations(params: Params) -> Mapping[str, Any]:
    """List operations, the last one first."""
    stack_set = _found(params)
    rows = [
        (f"{LATEST - number:010d}", each)
        for number, each in enumerate(stack_set["operations"].values())
    ]
    return page(rows, params, f"operations/{stack_set['id']}", _operation_summary)


def list_stack_set_operation_results(params: Params) -> Mapping[str, Any]:
    """List what an operation did to each target, in the order in which these were named."""
    stack_set = _found(params)
    operation = store.find_operation(stack_set, text(params, "OperationId"))
    wanted = filters(params, ("OPERATION_RESULT_STATUS",)).get("OPERATION_RESULT_STATUS", "")
    rows = [
        (f"{number:06d}", each)
        for number, each in enumerate(
            trials.lagging(stack_set, list(operation["results"].values()))
        )
        if wanted in ("", each["status"])
    ]
    return page(rows, params, f"results/{stack_set['id']}/{operation['id']}", _result_summary)


def list_drifts(params: Params) -> Mapping[str, Any]:
    """List what an operation found of the resources of one instance."""
    stack_set = _found(params)
    place = _place(params)
    operation = store.find_operation(stack_set, text(params, "OperationId"))
    found = operation["drifts"].get(place)
    if found is None:
        _found_instance(params, stack_set)
    wanted = strings(params, "StackInstanceResourceDriftStatuses")
    rows = [
        (each["LogicalResourceId"], each)
        for each in (found["resources"] if found else ())
        if not wanted or each["StackResourceDriftStatus"] in wanted
    ]
    return page(rows, params, f"drifts/{stack_set['id']}/{operation['id']}/{place}", dict)


def list_auto_deployment_targets(params: Params) -> Mapping[str, Any]:
    """List the organizational units to which the set is deployed by itself, with their Regions."""
    stack_set = _found(params)
    auto = stack_set["auto"]
    rows = [
        (unit, {"OrganizationalUnitId": unit, "Regions": sorted(regions)})
        for unit, regions in stack_set["units"].items()
        if auto and auto["enabled"]
    ]
    return page(rows, params, f"auto/{stack_set['id']}", dict)


# In the service's words ---------------------------------------------------------------------------


def _found(params: Params) -> StackSet:
    stack_set = store.find(
        text(params, "StackSetName"), deleted=True, delegated=callers.is_delegated(params)
    )
    turns.settle_interrupted(stack_set)
    return stack_set


def _found_instance(params: Params, stack_set: StackSet) -> Instance:
    instance = stack_set["instances"].get(_place(params))
    if instance is None:
        message = f"StackSet {stack_set['name']} has no stack instance in {_place(params)}"
        raise RefusedError("StackInstanceNotFoundException", message, 404)
    return instance


def _place(params: Params) -> str:
    return f"{text(params, 'StackInstanceAccount')}/{text(params, 'StackInstanceRegion')}"


def _set_summary(stack_set: StackSet) -> dict[str, Any]:
    auto, checked = stack_set["auto"], drift.last(stack_set)
    return {
        "StackSetName": stack_set["name"],
        "StackSetId": stack_set["id"],
        "Description": stack_set["definition"]["description"] or None,
        "Status": stack_set["status"],
        "PermissionModel": stack_set["permission_model"],
        "AutoDeployment": _auto(auto) if auto else None,
        "DriftStatus": drift.verdict(checked),
        "LastDriftCheckTimestamp": checked["ended"] or None if checked else None,
        "ManagedExecution": {"Active": stack_set["is_managed"]},
    }


def _auto(auto: AutoDeployment) -> dict[str, Any]:
    if not auto["enabled"]:
        return {"Enabled": False}
    return {
        "Enabled": True,
        "RetainStacksOnAccountRemoval": auto["retain"],
        "DependsOn": auto["depends_on"] or None,
    }


def _named(named: Named) -> dict[str, Any]:
    return {name: value for name, value in named.items() if value}


def _instance_summary(stack_set: StackSet, instance: Instance) -> dict[str, Any]:
    return {
        "StackSetId": stack_set["id"],
        "Region": instance["region"],
        "Account": instance["account"],
        "StackId": instance["stack_id"] or None,
        "Status": instance["status"],
        "StatusReason": instance["reason"] or None,
        "StackInstanceStatus": {"DetailedStatus": instance["detailed_status"]},
        "OrganizationalUnitId": instance["unit"] or None,
        "DriftStatus": instance["drift"],
        "LastDriftCheckTimestamp": instance["drift_checked"] or None,
        "LastOperationId": instance["last_operation"] or None,
    }


def _operation_summary(operation: Operation) -> dict[str, Any]:
    failed = len(with_status(operation, ResultStatus.FAILED))
    return {
        "OperationId": operation["id"],
        "Action": Action.CREATE if operation["action"] == Action.IMPORT else operation["action"],
        "Status": operation["status"],
        "CreationTimestamp": operation["created"],
        "EndTimestamp": operation["ended"] or None,
        "StatusReason": operation["reason"] or None,
        "StatusDetails": {"FailedStackInstancesCount": failed},
        "OperationPreferences": operation["preferences"] or None,
    }


def _result_summary(result: Result) -> dict[str, Any]:
    return {
        "Account": result["account"],
        "Region": result["region"],
        "Status": result["status"],
        "StatusReason": result["reason"] or None,
        "AccountGateResult": _gate(result["gate"]) if result["gate"] else None,
        "OrganizationalUnitId": result["unit"] or None,
    }


def _gate(gate: Gate) -> dict[str, Any]:
    return {"Status": gate["status"], "StatusReason": gate["reason"] or None}


ACTS: Mapping[str, Callable[[Params], Mapping[str, Any]]] = {
    "DescribeStackSet": describe_stack_set,
    "DescribeStackInstance": describe_stack_instance,
    "DescribeStackSetOperation": describe_stack_set_operation,
    "ListStackSets": list_stack_sets,
    "ListStackInstances": list_stack_instances,
    "ListStackSetOperations": list_stack_set_operations,
    "ListStackSetOperationResults": list_stack_set_operation_results,
    "ListStackInstanceResourceDrifts": list_drifts,
    "ListStackSetAutoDeploymentTargets": list_auto_deployment_targets,
}
