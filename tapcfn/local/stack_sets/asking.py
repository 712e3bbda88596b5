"""What a request that changes a stack set asks for, and what such requests are refused for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tapcfn.local import emulator
from tapcfn.local.emulator import Params
from tapcfn.local.stack_sets import engine, parameters, store
from tapcfn.local.stack_sets.model import InstanceStatus, StackSet, Target
from tapcfn.local.stack_sets.preferences import Preferences, from_wire
from tapcfn.local.stack_sets.refusals import RefusedError, invalid
from tapcfn.local.stack_sets.targets import rectangle
from tapcfn.local.stack_sets.wire import is_given, is_true, strings, structure, text

ONLY_SELF_MANAGED = "The local cloud has only self-managed stack sets for now"
ACCOUNT, REGION = re.compile(r"\d{12}"), re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_CHOICES = (
    *("RegionConcurrencyType", "ConcurrencyMode", "FailureToleranceCount"),
    *("FailureTolerancePercentage", "MaxConcurrentCount", "MaxConcurrentPercentage"),
)


def found(params: Params) -> StackSet:
    """Return the stack set that is named, with no operation that nobody works on."""
    stack_set = store.find(text(params, "StackSetName"))
    engine.settle_interrupted(stack_set)
    return stack_set


def claimed(params: Params) -> tuple[StackSet, str]:
    """Return the stack set and the new operation's id, once the operation may begin."""
    stack_set = found(params)
    operation_id = text(params, "OperationId") or emulator.new_id()
    engine.claim(stack_set, operation_id)
    return stack_set, operation_id


def named(params: Params) -> tuple[Target, ...]:
    """Return every named account in every named Region."""
    accounts, regions = strings(params, "Accounts"), strings(params, "Regions")
    wrong = [
        *(each for each in accounts if not ACCOUNT.fullmatch(each)),
        *(each for each in regions if not REGION.fullmatch(each)),
    ]
    if wrong:
        raise invalid(f"Not an account or not a Region: {', '.join(wrong)}")
    return rectangle(accounts, regions)


def at_least_one(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """Refuse a request that names no target."""
    if not targets:
        raise invalid("At least one account and one Region must be specified")
    return targets


def all_there(stack_set: StackSet, named: tuple[Target, ...]) -> tuple[Target, ...]:
    """Refuse targets in which the stack set has no instance."""
    missing = [str(each) for each in named if str(each) not in stack_set["instances"]]
    if missing:
        message = f"StackSet {stack_set['name']} has no stack instance in {', '.join(missing)}"
        raise RefusedError("StackInstanceNotFoundException", message, 404)
    return named


def operable(stack_set: StackSet, named: tuple[Target, ...]) -> tuple[Target, ...]:
    """Leave out the instances that are INOPERABLE, which nothing but a deletion touches."""
    instances = stack_set["instances"]
    inoperable = {
        key for key, each in instances.items() if each["status"] == InstanceStatus.INOPERABLE
    }
    return tuple(each for each in named if str(each) not in inoperable)


def overrides(
    params: Params, stack_set: StackSet, named: tuple[Target, ...]
) -> dict[Target, dict[str, str]]:
    """Return each named instance's overrides after the request."""
    name = "ParameterOverrides"
    given = emulator.engine.extract_members(params, name) if is_given(params, name) else None
    declared, instances = stack_set["definition"]["parameters"], stack_set["instances"]
    before = {
        each: instances[str(each)]["overrides"] if str(each) in instances else {} for each in named
    }
    return {each: parameters.overridden(given, old, declared) for each, old in before.items()}


def refuse_too_new(stack_set: StackSet, overrides: Mapping[Target, Mapping[str, str]]) -> None:
    """Refuse to override a parameter that an instance's own stack does not have yet."""
    for target, values in overrides.items():
        declared = stack_set["instances"][str(target)]["declared"]
        unknown = [name for name in values if declared and name not in declared]
        if unknown:
            raise invalid(
                f"Parameters: [{', '.join(unknown)}] are not yet in stack instance {target}; "
                "update all stack instances with the new template first"
            )


def preferences(params: Params) -> Preferences:
    """Return how the operation is to go about its targets."""
    told = structure(params, "OperationPreferences", _CHOICES, ("RegionOrder",))
    return from_wire(told)


def refuse_what_is_not_built(params: Params) -> None:
    """Refuse organizations, imports and queues, rather than pass over them."""
    service_managed = (
        text(params, "PermissionModel") == "SERVICE_MANAGED"
        or text(params, "CallAs") == "DELEGATED_ADMIN"
        or any(is_given(params, each) for each in ("AutoDeployment", "DeploymentTargets"))
    )
    if service_managed:
        raise invalid(f"{ONLY_SELF_MANAGED}: no organizational units, no automatic deployment")
    if is_true(params, "ManagedExecution.Active"):
        raise invalid("The local cloud has no managed execution of stack sets for now")
    if text(params, "StackId"):
        raise invalid("The local cloud imports no stacks into stack sets for now")
