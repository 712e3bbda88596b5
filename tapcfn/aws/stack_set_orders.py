"""The requests that write to stack sets: what each names, and that nothing is left to a default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.model import (
    AccountFilter,
    AutoDeployment,
    Organization,
    Preferences,
    SelfManaged,
    ServiceManaged,
    Share,
    StackSet,
)
from tapcfn.stack_sets.calls import Act, SetCall, SetRequest, administration_role_of

Order = dict[str, Any]

# The most that the service takes of a set's description.
_DESCRIPTION = 1024


def creation(request: SetRequest, body: Mapping[str, str], after: tuple[str, ...]) -> Order:
    """Return the order of a new set. `after` are the ARNs of the sets that go before it."""
    stack_set = request.stack_set
    order = {**_definition(stack_set), **body, **_permission(stack_set)}
    order["Parameters"] = _values(request)
    order["ManagedExecution"] = {"Active": stack_set.queues}
    order["ClientRequestToken"] = request.token
    if isinstance(stack_set.permission, ServiceManaged):
        order["AutoDeployment"] = automatic(stack_set.permission.auto, after)
    return order


def update(request: SetRequest, body: Mapping[str, str]) -> Order:
    """Return the order of an update: with a body it renews the set, else all of it stays."""
    stack_set = request.stack_set
    order = {**_definition(stack_set), **_permission(stack_set), **_operation(request)}
    order["Capabilities"] += [
        each for each in request.call.capabilities if each not in order["Capabilities"]
    ]
    if request.call.renews:
        order |= body
        order["Parameters"] = _values(request)
        order["ManagedExecution"] = {"Active": stack_set.queues}
    else:
        order["UsePreviousTemplate"] = True
        order["Parameters"] = [
            {"ParameterKey": key, "UsePreviousValue": True}
            for key in sorted(stack_set.template.parameters)
        ]
    return order


def instances(request: SetRequest, units: tuple[str, ...] = ()) -> Order:
    """Return the order to add, override or remove the instances that a call names.

    `units` are those that the instances stand under, where they may not be the set's any more.
    """
    order = _operation(request, units)
    if request.call.act is Act.REMOVE:
        order["RetainStacks"] = request.call.retain
    elif request.call.overrides is not None:
        order["ParameterOverrides"] = _parameters(request.call.overrides)
    return order


def importing(request: SetRequest) -> Order:
    """Return the order to take stacks in as instances; with their units if accounts have units."""
    stack_set, call = request.stack_set, request.call
    order = {**_named(request), "StackIds": list(call.stack_ids)}
    order["OperationPreferences"] = preferences(stack_set.preferences)
    units = call.rectangle.units if call.rectangle else ()
    if not units and stack_set.organization is not None:
        units = stack_set.organization.units
    if units:
        order["OrganizationalUnitIds"] = list(units)
    return order


def detection(stack_set: StackSet, token: str) -> Order:
    """Return the order to detect the drift of all instances."""
    return {
        "StackSetName": stack_set.name,
        "OperationId": token,
        "OperationPreferences": preferences(stack_set.preferences),
    }


# What a set says ----------------------------------------------------------------------------------


def _definition(stack_set: StackSet) -> Order:
    """Return what every order says of the set in full: tags that are left out may stay or go."""
    order: Order = {
        "StackSetName": stack_set.name,
        "Capabilities": list(stack_set.template.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(stack_set.tags.items())],
    }
    description = str(stack_set.template.document.get("Description", ""))
    if description:
        order["Description"] = description[:_DESCRIPTION]
    return order


def _permission(stack_set: StackSet) -> Order:
    """Return whose roles are used."""
    permission = stack_set.permission
    if isinstance(permission, ServiceManaged):
        return {"PermissionModel": "SERVICE_MANAGED"}
    return {
        "PermissionModel": "SELF_MANAGED",
        "AdministrationRoleARN": administration_role_of(stack_set),
        "ExecutionRoleName": permission.execution_role,
    }


def automatic(auto: AutoDeployment | None, after: tuple[str, ...]) -> Order:
    """Return what becomes of accounts that join or leave; what to retain is said where it is on."""
    if auto is None:
        return {"Enabled": False}
    order: Order = {"Enabled": True, "RetainStacksOnAccountRemoval": auto.retain}
    if after:
        order["DependsOn"] = list(after)
    return order


def _values(request: SetRequest) -> list[Order]:
    """Return a value for every parameter; one that nobody gives has the template's default."""
    declared, keeps = request.stack_set.template.parameters, request.call.keeps
    usual = {key: str(each["Default"]) for key, each in declared.items() if "Default" in each}
    told = {key: each for key, each in {**usual, **request.parameters}.items() if key not in keeps}
    kept: list[Order] = [{"ParameterKey": key, "UsePreviousValue": True} for key in keeps]
    return _parameters(told) + kept


def _parameters(values: Mapping[str, str]) -> list[Order]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(values.items())]


# What an operation touches, and how ---------------------------------------------------------------


def _named(request: SetRequest) -> Order:
    return {"StackSetName": request.stack_set.name, "OperationId": request.token}


def _operation(request: SetRequest, units: tuple[str, ...] = ()) -> Order:
    """Return the operation's id, how it goes about its accounts, and which they are."""
    stack_set, call = request.stack_set, request.call
    order = {**_named(request), **_targets(stack_set, call, units)}
    regions = call.rectangle.regions if call.rectangle else ()
    order["OperationPreferences"] = preferences(stack_set.preferences, regions)
    return order


def _targets(stack_set: StackSet, call: SetCall, units: tuple[str, ...]) -> Order:
    """Return the accounts, or the units, and the Regions; nothing where a call means all. (DS-8)"""
    if call.rectangle is None:
        return {}
    regions = list(call.rectangle.regions)
    if stack_set.organization is None or isinstance(stack_set.permission, SelfManaged):
        return {"Accounts": list(call.rectangle.accounts), "Regions": regions}
    if call.rectangle.units:
        targets = _whole_units(stack_set.organization, call.rectangle.units)
    else:
        accounts = call.rectangle.accounts
        targets = _under(
            units or stack_set.organization.units, AccountFilter.INTERSECTION, accounts
        )
    return {"DeploymentTargets": targets, "Regions": regions}


def _whole_units(organization: Organization, units: tuple[str, ...]) -> Order:
    """Return all accounts of units, but for what the set itself says of some of them."""
    if organization.filter is AccountFilter.NONE:
        return _under(units, AccountFilter.NONE)
    return _under(units, organization.filter, tuple(sorted(organization.accounts)))


def _under(units: tuple[str, ...], kind: AccountFilter, accounts: tuple[str, ...] = ()) -> Order:
    order: Order = {"OrganizationalUnitIds": list(units), "AccountFilterType": kind.value}
    return {**order, "Accounts": list(accounts)} if accounts else order


def preferences(wanted: Preferences, regions: tuple[str, ...] = ()) -> Order:
    """Return how an operation goes about its accounts; Regions that it does not name are no one's.

    All Regions count where none are named.
    """
    order: Order = {
        "RegionConcurrencyType": "PARALLEL" if wanted.parallel else "SEQUENTIAL",
        "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE" if wanted.soft else "STRICT_FAILURE_TOLERANCE",
        **_share("FailureTolerance", wanted.tolerance),
        **_share("MaxConcurrent", wanted.concurrent),
    }
    first = [region for region in wanted.region_order if not regions or region in regions]
    return {**order, "RegionOrder": first} if first else order


def _share(name: str, share: Share) -> Order:
    return {f"{name}{'Percentage' if share.percent else 'Count'}": share.number}
