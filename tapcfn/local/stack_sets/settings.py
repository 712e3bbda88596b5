"""What a stack set is besides its definition: who may deploy it, by itself, and in which turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tapcfn.local.emulator import Params
from tapcfn.local.stack_sets import callers, store, turns
from tapcfn.local.stack_sets.model import (
    SELF_MANAGED,
    SERVICE_MANAGED,
    AutoDeployment,
    StackSet,
    is_service_managed,
)
from tapcfn.local.stack_sets.refusals import invalid
from tapcfn.local.stack_sets.wire import is_given, is_true, strings, text

AUTO = "AutoDeployment"
MANAGED = "ManagedExecution.Active"
MOST_DEPENDENCIES = 10


def permission_model(params: Params, before: StackSet | None = None) -> str:
    """Return who gives permissions; that can be changed as long as there are no instances."""
    told = text(params, "PermissionModel")
    had = before["permission_model"] if before else SELF_MANAGED
    wanted = told or had
    if wanted not in (SELF_MANAGED, SERVICE_MANAGED):
        raise invalid(f"PermissionModel must be SELF_MANAGED or SERVICE_MANAGED, not {wanted}")
    if before and wanted != had and before["instances"]:
        raise invalid("PermissionModel can't be changed while there are stack instances")
    if wanted == SERVICE_MANAGED:
        callers.refuse_outsiders()
    elif callers.is_delegated(params):
        raise invalid("A delegated administrator has only SERVICE_MANAGED stack sets")
    return wanted


def auto_deployment(
    params: Params, model: str, before: StackSet | None = None
) -> AutoDeployment | None:
    """Return what becomes of accounts that come and go; self-managed sets do not follow them."""
    if not is_given(params, AUTO):
        return before["auto"] if before and model == SERVICE_MANAGED else None
    if model != SERVICE_MANAGED:
        raise invalid("AutoDeployment is only supported for SERVICE_MANAGED stack sets")
    enabled = is_true(params, f"{AUTO}.Enabled")
    retain, depends_on = f"{AUTO}.RetainStacksOnAccountRemoval", f"{AUTO}.DependsOn"
    if not enabled and (is_true(params, retain) or strings(params, depends_on)):
        raise invalid("AutoDeployment must be enabled for its other settings")
    if enabled and not is_given(params, retain):
        raise invalid("RetainStacksOnAccountRemoval must be specified if AutoDeployment is enabled")
    told = strings(params, depends_on)
    _refuse_dependencies(told, before)
    return AutoDeployment(enabled=enabled, retain=is_true(params, retain), depends_on=told)


def is_managed(params: Params, before: StackSet | None = None) -> bool:
    """Tell whether operations wait for each other; fixed while any is at work."""
    had = before["is_managed"] if before else False
    wanted = is_true(params, MANAGED) if is_given(params, MANAGED) else had
    if before and wanted != had:
        turns.refuse_if_busy(before)
    return wanted


def _refuse_dependencies(told: list[str], before: StackSet | None) -> None:
    """Refuse dependencies that are too many, unknown, or come back to the set itself."""
    if len(told) > MOST_DEPENDENCIES:
        raise invalid(f"A stack set can depend on at most {MOST_DEPENDENCIES} others")
    known = {each["arn"]: each for each in store.every_active() if is_service_managed(each)}
    missing = [each for each in told if each not in known]
    if missing:
        raise invalid(f"DependsOn: stack sets not found: {', '.join(missing)}")
    if before and before["arn"] in _reached(told, known):
        raise invalid(f"DependsOn: {before['arn']} would depend on itself")


def _reached(told: Iterable[str], known: Mapping[str, StackSet]) -> set[str]:
    """Return all that is depended on, directly or by way of others."""
    reached, left = set[str](), list(told)
    while left:
        arn = left.pop()
        if arn not in reached and arn in known:
            reached.add(arn)
            auto = known[arn]["auto"]
            left += auto["depends_on"] if auto else []
    return reached
