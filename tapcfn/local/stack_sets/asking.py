"""What a request that changes a stack set asks for, and what such requests are refused for."""

from __future__ import annotations

from collections.abc import Mapping

from tapcfn.local import emulator
from tapcfn.local.emulator import Params
from tapcfn.local.stack_sets import callers, parameters, store, turns
from tapcfn.local.stack_sets.model import InstanceStatus, StackSet, Target, is_service_managed
from tapcfn.local.stack_sets.preferences import Preferences, from_wire
from tapcfn.local.stack_sets.refusals import RefusedError, invalid
from tapcfn.local.stack_sets.wire import is_given, structure, text

_CHOICES = (
    *("RegionConcurrencyType", "ConcurrencyMode", "FailureToleranceCount"),
    *("FailureTolerancePercentage", "MaxConcurrentCount", "MaxConcurrentPercentage"),
)


def found(params: Params) -> StackSet:
    """Return the stack set that is named, which the caller may change."""
    stack_set = store.find(text(params, "StackSetName"), delegated=callers.is_delegated(params))
    if is_service_managed(stack_set):
        callers.refuse_outsiders()
    turns.settle_interrupted(stack_set)
    return stack_set


def claimed(params: Params) -> tuple[StackSet, str]:
    """Return the stack set and the new operation's id, once the operation may begin."""
    stack_set = found(params)
    operation_id = text(params, "OperationId") or emulator.new_id()
    turns.claim(stack_set, operation_id)
    return stack_set, operation_id


def all_there(stack_set: StackSet, named: tuple[Target, ...]) -> tuple[Target, ...]:
    """Refuse targets in which the stack set has no instance."""
    missing = [str(each) for each in named if str(each) not in stack_set["instances"]]
    if missing:
        raise _not_there(stack_set, ", ".join(missing))
    return named


def some_there(stack_set: StackSet, named: tuple[Target, ...]) -> tuple[Target, ...]:
    """Refuse a request for none of whose targets the stack set has an instance."""
    if not named:
        raise _not_there(stack_set, "the deployment targets")
    return named


def _not_there(stack_set: StackSet, where: str) -> RefusedError:
    message = f"StackSet {stack_set['name']} has no stack instance in {where}"
    return RefusedError("StackInstanceNotFoundException", message, 404)


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
