"""Stack policies: what an update may do to which resource.

Without a policy everything is allowed. With one, what no statement allows is denied, and a Deny
counts more than any Allow. A policy is asked when an update reaches a resource: its change or
replacement then fails with the service's reason, and so does the removal of one that leaves.
UpdateStack may bring a policy for that update alone; a change set can't.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from tapcfn.local import emulator, ledger
from tapcfn.local.emulator import Action, Answer, Params

_DURING = "_policy_during_update"

Statement = Mapping[str, Any]


class DeniedByPolicyError(Exception):
    """What a stack policy does not allow; its text is the reason that the event shows."""


def install() -> None:
    """Ask the policy of the stack before anything is changed, replaced or removed."""
    emulator.steps.wrap_operations(_asking)
    emulator.steps.wrap_outputs(_guarding_removals)
    for name in ("UpdateStack", "ExecuteChangeSet"):
        emulator.engine.wrap_action(name, _for_this_update)


def statements(body: str) -> Sequence[Statement] | None:
    """Return the statements of a policy, or None if it can't be read as one."""
    try:
        found = json.loads(body)["Statement"]
    except (ValueError, KeyError, TypeError):
        return None
    found = [found] if isinstance(found, dict) else found
    right = isinstance(found, list) and all(
        isinstance(each, dict) and each.get("Effect") in ("Allow", "Deny") for each in found
    )
    return found if right else None


def refusal(
    policy: Sequence[Statement], action: str, logical_id: str, resource_type: str
) -> str | None:
    """Return why the policy does not allow an action such as `Update:Replace`, or None."""
    resource = f"LogicalResourceId/{logical_id}"
    meant = [
        (number, each["Effect"])
        for number, each in enumerate(policy, start=1)
        if _covers(each, action, resource, resource_type)
    ]
    denying = next((number for number, effect in meant if effect == "Deny"), None)
    if denying is not None:
        return (
            f"Action denied by stack policy: Statement [#{denying}] does not allow [{action}] "
            f"for resource [{resource}];"
        )
    return None if meant else "Action not allowed by stack policy"


def _covers(statement: Statement, action: str, resource: str, resource_type: str) -> bool:
    return (
        _matches(statement, "Action", action)
        and _matches(statement, "Resource", resource)
        and _condition_holds(statement.get("Condition") or {}, resource_type)
    )


def _matches(statement: Statement, member: str, value: str) -> bool:
    """Tell whether a value is among those of a member, or outside those of its Not."""
    if member in statement:
        return _any(statement[member], value)
    return f"Not{member}" in statement and not _any(statement[f"Not{member}"], value)


def _condition_holds(condition: Mapping[str, Any], resource_type: str) -> bool:
    return all(
        _any(wanted.get("ResourceType", ()), resource_type) != operator.startswith("StringNot")
        for operator, wanted in condition.items()
    )


def _any(patterns: Any, value: str) -> bool:
    listed = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(value, str(each).replace("[", "[[]")) for each in listed)


# Where updates ask --------------------------------------------------------------------------------


def _asking(operation: str, do: Callable[..., Any]) -> Callable[..., Any]:
    """Ask before an update that changes something; rollbacks go back unasked."""
    if operation != "update":
        return do

    def update(kind: str, physical_id: str, old: Any, new: Any, stack: str, *rest: Any) -> Any:
        if old != new and rest:
            replaces = emulator.handlers.is_replaced(kind, old, new)
            _ask(stack, "Update:Replace" if replaces else "Update:Modify", rest[0], kind)
        return do(kind, physical_id, old, new, stack, *rest)

    return update


def _guarding_removals(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Ask about every resource that leaves, once the others are done and before it is deleted."""

    def outputs(*given: Any) -> Any:
        surviving, name = given[2], str(given[5])
        stack = emulator.engine.stacks().get(name) or {}
        for logical_id, record in stack.get("_resources", {}).items():
            if logical_id not in surviving:
                _ask_removal(stack, logical_id, record)
        return resolve(*given)

    return outputs


def _ask_removal(stack: Mapping[str, Any], logical_id: str, record: Mapping[str, Any]) -> None:
    kind = str(record["ResourceType"])
    try:
        _ask(stack["StackName"], "Update:Delete", logical_id, kind)
    except DeniedByPolicyError as error:
        place = (logical_id, kind, "UPDATE_FAILED", str(record["PhysicalResourceId"]))
        emulator.engine.write_event(stack, *place, str(error))
        raise


def _ask(name: str, action: str, logical_id: str, resource_type: str) -> None:
    stack = emulator.engine.stacks().get(name) or {}
    if stack.get("StackStatus") != "UPDATE_IN_PROGRESS":
        return
    policy = statements(stack.get(_DURING) or stack.get("_stack_policy") or "")
    why = refusal(policy, action, logical_id, resource_type) if policy is not None else None
    if why:
        raise DeniedByPolicyError(why)


def _for_this_update(do: Action) -> Action:
    """Keep the policy that an update brings for itself, and forget that of an earlier one."""

    def act(params: Params) -> Answer:
        answer = do(params)
        stack = ledger.stack_of(params)
        if emulator.succeeded(answer) and stack is not None:
            stack[_DURING] = emulator.parameter(params, "StackPolicyDuringUpdateBody")
        return answer

    return act
