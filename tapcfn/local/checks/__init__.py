"""What CloudFormation refuses before it does anything, and the emulator lets pass.

A check is a function that takes a `Request` and returns a `Refusal` or None; `CHECKS` says which
run for which action, in that order. Messages read like the service's.
"""

from __future__ import annotations

from tapcfn.local import emulator
from tapcfn.local.checks import (
    asked,
    change_sets,
    exports,
    policies,
    roles,
    rules,
    stack,
    template,
    tokens,
)
from tapcfn.local.checks.asked import MAX_BODY_BYTES
from tapcfn.local.checks.request import Check, Refusal, Request, read
from tapcfn.local.emulator import Action, Answer, Params

__all__ = ["CHECKS", "MAX_BODY_BYTES", "Check", "Refusal", "Request", "install"]


def install() -> None:
    """Put the checks in front of the actions that they belong to."""
    emulator.engine.list_more_in_rules()
    for action, checks in CHECKS.items():
        emulator.engine.ACTIONS[action] = _checked(emulator.engine.ACTIONS[action], checks)


def _checked(do: Action, checks: tuple[Check, ...]) -> Action:
    def act(params: Params) -> Answer:
        request = read(params)
        refusal = next(filter(None, (check(request) for check in checks)), None)
        return refusal.answer() if refusal else do(params)

    return act


_TEMPLATE = (
    asked.body_fits,
    template.references_resolve,
    template.conditions_exist,
    template.order_exists,
    asked.parameters_are_known,
    asked.parameters_have_values,
    template.types_are_supported,
    asked.capabilities_are_acknowledged,
    roles.can_be_assumed,
    rules.can_be_asked,
)
CHECKS: dict[str, tuple[Check, ...]] = {
    "CreateStack": (
        asked.stack_name_fits,
        tokens.is_new_for_the_name,
        stack.is_new,
        *_TEMPLATE,
    ),
    "UpdateStack": (tokens.is_new, stack.may_be_updated, policies.reads, *_TEMPLATE),
    "CreateChangeSet": (
        asked.stack_name_fits,
        change_sets.name_fits,
        stack.may_be_created,
        stack.may_be_updated,
        *_TEMPLATE,
    ),
    "ExecuteChangeSet": (tokens.is_new, change_sets.is_no_nested_one, stack.may_be_executed),
    "DeleteChangeSet": (change_sets.is_no_nested_one,),
    "DeleteStack": (tokens.is_new, stack.may_be_deleted, exports.are_not_in_use),
    "RollbackStack": (tokens.is_new,),
    "ContinueUpdateRollback": (tokens.is_new,),
    "SetStackPolicy": (policies.reads,),
    "DescribeEvents": (change_sets.is_named_by_arn,),
}
