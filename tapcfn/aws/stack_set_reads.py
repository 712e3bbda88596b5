"""Read stack sets, their instances and operations: the service's answers in our own words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from tapcfn.aws.behalf import Behalf
from tapcfn.aws.calls import code_of
from tapcfn.aws.paging import Answer
from tapcfn.errors import UnknownStatusError
from tapcfn.model import (
    EXECUTION_ROLE,
    AutoDeployment,
    DeployedSet,
    DetailedStatus,
    Instance,
    InstanceStatus,
    Permission,
    Preferences,
    ResultStatus,
    SelfManaged,
    ServiceManaged,
    SetOperation,
    SetOperationStatus,
    SetResult,
    Share,
    StackSet,
    Target,
    canonical,
)

S = TypeVar("S", bound=StrEnum)

_NO_SET = "StackSetNotFound"


class SetState(StrEnum):
    """Whether a set is there; a deleted one may still be told of."""

    ACTIVE = "ACTIVE"
    DELETED = "DELETED"


class Model(StrEnum):
    """Whose roles a set works with."""

    SELF_MANAGED = "SELF_MANAGED"
    SERVICE_MANAGED = "SERVICE_MANAGED"


def known(kind: type[S], word: str, subject: str, who: str = "CloudFormation") -> S:
    """Return the service's word as one of ours; one that we do not know stops us. (X-37)"""
    try:
        return kind(word)
    except ValueError as error:
        raise UnknownStatusError(f"{subject}: {who} says {word}, which is unknown here") from error


def answer_to(behalf: Behalf, call: str, absent: frozenset[str], **request: Any) -> Answer | None:
    """Return what a call tells, or None where there is no such thing."""
    try:
        return behalf(call, **request)
    except ClientError as error:
        if code_of(error) in absent:
            return None
        raise


# Sets ---------------------------------------------------------------------------------------------


def told_set(behalf: Behalf, name: str) -> Answer | None:
    """Return a set in the service's words, or None where there is none."""
    answer = answer_to(behalf, "describe_stack_set", frozenset({_NO_SET}), StackSetName=name)
    if answer is None:
        return None
    found: Answer = answer["StackSet"]
    gone = known(SetState, found.get("Status", "ACTIVE"), name) is SetState.DELETED
    return None if gone else found


def deployed(behalf: Behalf, stack_set: StackSet) -> DeployedSet | None:
    """Return the set of this name as it stands, or None where there is none."""
    found = told_set(behalf, stack_set.name)
    if found is None:
        return None
    return DeployedSet(
        name=found["StackSetName"],
        set_id=found["StackSetId"],
        template=_canonical(found.get("TemplateBody", "")),
        arn=found.get("StackSetARN", ""),
        description=found.get("Description", ""),
        parameters=_parameters(found.get("Parameters", ())),
        tags={pair["Key"]: pair["Value"] for pair in found.get("Tags", ())},
        capabilities=tuple(found.get("Capabilities", ())),
        permission=_permission(found, stack_set),
        queues=bool(found.get("ManagedExecution", {}).get("Active", False)),
        units=tuple(found.get("OrganizationalUnitIds", ())),
        drift=found.get("StackSetDriftDetectionDetails", {}).get("DriftStatus", ""),
    )


def _canonical(body: str) -> str:
    try:
        return canonical(json.loads(body))
    except ValueError:
        return body


def _parameters(listed: Any) -> dict[str, str]:
    return {pair["ParameterKey"]: pair.get("ParameterValue", "") for pair in listed}


def _permission(found: Answer, stack_set: StackSet) -> Permission:
    """Return whose roles the set works with. On whose behalf it was found, only the asker knows."""
    word = found.get("PermissionModel", "SELF_MANAGED")
    if known(Model, word, stack_set.name) is Model.SELF_MANAGED:
        administration = found.get("AdministrationRoleARN", "")
        return SelfManaged(administration, found.get("ExecutionRoleName", EXECUTION_ROLE))
    mine = stack_set.permission if isinstance(stack_set.permission, ServiceManaged) else None
    return ServiceManaged(mine is not None and mine.delegated, _auto(found, mine))


def _auto(found: Answer, mine: ServiceManaged | None) -> AutoDeployment | None:
    """Return the automatic deployment. The order of the sets before says nothing: ours stays."""
    told = found.get("AutoDeployment", {})
    if not told.get("Enabled"):
        return None
    after = tuple(arn.rpartition("/")[2].partition(":")[0] for arn in told.get("DependsOn", ()))
    if mine is not None and mine.auto is not None and set(after) == set(mine.auto.after):
        after = mine.auto.after
    return AutoDeployment(bool(told.get("RetainStacksOnAccountRemoval", False)), after)


# Instances ----------------------------------------------------------------------------------------


def instances(behalf: Behalf, name: str, operation_id: str) -> tuple[Instance, ...]:
    """Return all instances, or those that an operation was the last to touch; sorted."""
    filters = [{"Name": "LAST_OPERATION_ID", "Values": operation_id}]
    more = {"Filters": filters} if operation_id else {}
    found = behalf.rows("list_stack_instances", StackSetName=name, **more)
    by_target = {each.target: each for each in map(_instance, found)}
    return tuple(by_target[target] for target in sorted(by_target))


def instance(behalf: Behalf, name: str, pair: Target) -> Instance | None:
    """Return one instance with its overrides, or None where there is none."""
    answer = answer_to(
        behalf,
        "describe_stack_instance",
        frozenset({_NO_SET, "StackInstanceNotFound"}),
        StackSetName=name,
        StackInstanceAccount=pair.account,
        StackInstanceRegion=pair.region,
    )
    if answer is None:
        return None
    found = answer["StackInstance"]
    return _instance(found, _parameters(found.get("ParameterOverrides", ())))


def _instance(each: Answer, overrides: Mapping[str, str] | None = None) -> Instance:
    target = Target(each["Account"], each["Region"])
    subject = f"instance {target}"
    status = known(InstanceStatus, each["Status"], subject)
    return Instance(
        target=target,
        status=status,
        detailed=known(DetailedStatus, _detailed(each, status), subject),
        reason=each.get("StatusReason", ""),
        stack_id=each.get("StackId", ""),
        operation=each.get("LastOperationId", ""),
        unit=each.get("OrganizationalUnitId", ""),
        drift=each.get("DriftStatus", ""),
        overrides=overrides,
    )


def _detailed(each: Answer, status: InstanceStatus) -> str:
    """Return the detailed status. An instance that has none yet waits, or is past all updates."""
    none = "INOPERABLE" if status is InstanceStatus.INOPERABLE else "PENDING"
    return str(each.get("StackInstanceStatus", {}).get("DetailedStatus", none))


def known_sets(behalf: Behalf) -> Mapping[str, bool]:
    """Return the names of all sets, and whether each is there; a name may have been used again."""
    found: dict[str, bool] = {}
    for each in behalf.rows("list_stack_sets"):
        name = each["StackSetName"]
        found[name] = found.get(name, False) or each.get("Status") == "ACTIVE"
    return found


# Operations ---------------------------------------------------------------------------------------


def operations(behalf: Behalf, name: str) -> tuple[SetOperation, ...]:
    """Return the operations that the service remembers, newest first."""
    found = behalf.rows("list_stack_set_operations", StackSetName=name)
    by_id = {each.operation_id: each for each in map(_operation, found)}
    return tuple(sorted(by_id.values(), key=lambda each: each.created, reverse=True))


def operation(behalf: Behalf, name: str, operation_id: str) -> SetOperation | None:
    """Return one operation, or None where there is none of this id."""
    absent = frozenset({_NO_SET, "OperationNotFound"})
    asked = {"StackSetName": name, "OperationId": operation_id}
    answer = answer_to(behalf, "describe_stack_set_operation", absent, **asked)
    return None if answer is None else _operation(answer["StackSetOperation"])


def _operation(each: Answer) -> SetOperation:
    return SetOperation(
        operation_id=each["OperationId"],
        action=each["Action"],
        status=known(SetOperationStatus, each["Status"], f"operation {each['OperationId']}"),
        reason=each.get("StatusReason", ""),
        created=_moment(each.get("CreationTimestamp")),
        ended=_moment(each.get("EndTimestamp")),
        retain=bool(each.get("RetainStacks", False)),
        failed=each.get("StatusDetails", {}).get("FailedStackInstancesCount"),
        preferences=_preferences(each.get("OperationPreferences", {})),
    )


def _moment(time: Any) -> str:
    return time.isoformat() if time is not None else ""


def _preferences(told: Answer) -> Preferences:
    return Preferences(
        region_order=tuple(told.get("RegionOrder", ())),
        parallel=told.get("RegionConcurrencyType") == "PARALLEL",
        tolerance=_share(told, "FailureTolerance", 0),
        concurrent=_share(told, "MaxConcurrent", 1),
        soft=told.get("ConcurrencyMode") == "SOFT_FAILURE_TOLERANCE",
    )


def _share(told: Answer, name: str, usual: int) -> Share:
    if f"{name}Percentage" in told:
        return Share(told[f"{name}Percentage"], percent=True)
    return Share(told.get(f"{name}Count", usual))


def results(
    behalf: Behalf, name: str, operation_id: str, status: ResultStatus | None
) -> tuple[SetResult, ...]:
    """Return how the pairs of an operation ended, or only those that ended so; sorted."""
    more: dict[str, Any] = {}
    if status is not None:
        more["Filters"] = [{"Name": "OPERATION_RESULT_STATUS", "Values": status.value}]
    found = behalf.rows(
        "list_stack_set_operation_results", StackSetName=name, OperationId=operation_id, **more
    )
    by_target = {each.target: each for each in map(_result, found)}
    return tuple(by_target[target] for target in sorted(by_target))


def _result(each: Answer) -> SetResult:
    target = Target(each["Account"], each["Region"])
    gate = each.get("AccountGateResult", {})
    return SetResult(
        target=target,
        status=known(ResultStatus, each["Status"], f"result {target}"),
        reason=each.get("StatusReason", ""),
        gate=gate.get("Status", ""),
        gate_reason=gate.get("StatusReason", ""),
        unit=each.get("OrganizationalUnitId", ""),
    )


def auto_deployment_targets(behalf: Behalf, name: str) -> Mapping[str, tuple[str, ...]]:
    """Return the Regions that accounts joining each organizational unit get instances in."""
    found = behalf.rows("list_stack_set_auto_deployment_targets", StackSetName=name)
    by_unit = {each["OrganizationalUnitId"]: tuple(sorted(each["Regions"])) for each in found}
    return {unit: by_unit[unit] for unit in sorted(by_unit)}
