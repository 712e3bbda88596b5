"""In what a deployed stack differs from what is wanted of it."""

from __future__ import annotations

from collections.abc import Mapping

from tapcfn.errors import BlockedError
from tapcfn.literal import body_of
from tapcfn.model import Deployed, OutputOf, Snapshot, Stack, ZoneOf
from tapcfn.plan.steps import Reason


def resolve(
    stack: Stack,
    outputs: Mapping[str, Mapping[str, str]],
    deployed: Deployed | None,
    zones: tuple[str, ...],
) -> tuple[dict[str, str], tuple[OutputOf, ...]]:
    """Return the parameter values that can be known, and the inputs that cannot be yet."""
    values: dict[str, str] = {}
    unknown: list[OutputOf] = []
    for key, value in sorted(stack.parameters.items()):
        if isinstance(value, OutputOf):
            known = outputs.get(value.stack, {}).get(value.key)
            if known is None:
                unknown.append(value)
            else:
                values[key] = known
        elif isinstance(value, ZoneOf):
            values[key] = _zone(stack, key, value, deployed, zones)
        else:
            values[key] = value
    return values, tuple(unknown)


def _zone(
    stack: Stack, key: str, value: ZoneOf, deployed: Deployed | None, zones: tuple[str, ...]
) -> str:
    """Return the zone that the stack has, or the one that it is to get."""
    if deployed and not deployed.status.is_absent and key in deployed.parameters:
        return deployed.parameters[key]
    if value.index >= len(zones):
        raise BlockedError(
            f"{stack.name}: {key} wants {value}, and {stack.target.region} has {len(zones)} zones"
        )
    return zones[value.index]


def differs(
    stack: Stack, deployed: Deployed, outputs: Mapping[str, Mapping[str, str]], snapshot: Snapshot
) -> Reason | None:
    """Return in what a deployed stack differs from what is wanted, or None.

    A stack whose last update was rolled back is compared like any other: it has its former
    template and parameters again.
    """
    if deployed.template_digest != body_of(stack).digest:
        return Reason.TEMPLATE_DIFFERS
    zones = snapshot.zones.get(stack.target, ())
    values, unknown = resolve(stack, outputs, deployed, zones)
    if unknown:
        return Reason.INPUTS_MAY_DIFFER
    differing = _differing(with_defaults(stack, values), deployed.parameters)
    if differing - stack.template.secret_parameters:
        return Reason.PARAMETERS_DIFFER
    if dict(stack.tags) != dict(deployed.tags):
        return Reason.TAGS_DIFFER
    return _options_differ(stack, deployed) or _cannot_tell(stack, hidden=bool(differing))


def _cannot_tell(stack: Stack, *, hidden: bool) -> Reason | None:
    """Return why only the service knows whether the stack differs, where that is so."""
    if hidden:
        return Reason.HIDDEN_VALUE
    return Reason.OUTSIDE_VALUES if stack.template.may_change_by_itself else None


def _differing(wanted: Mapping[str, str], told: Mapping[str, str]) -> set[str]:
    """Return the parameters that are not told as they are wanted; NoEcho values never are."""
    return {key for key in wanted.keys() | told.keys() if wanted.get(key) != told.get(key)}


def _options_differ(stack: Stack, deployed: Deployed) -> Reason | None:
    """Return in which option a stack differs.

    A service role can't be taken off a stack, so one that is not wanted is no difference.
    """
    if set(stack.options.notification_arns) != deployed.notified:
        return Reason.NOTIFICATIONS_DIFFER
    if stack.options.service_role not in {"", deployed.role}:
        return Reason.ROLE_DIFFERS
    return None


def with_defaults(stack: Stack, values: Mapping[str, str]) -> dict[str, str]:
    """Return what CloudFormation will report as the stack's parameters."""
    return {
        key: values[key] if key in values else str(declaration.get("Default", ""))
        for key, declaration in stack.template.parameters.items()
    }


def outputs_of(snapshot: Snapshot) -> dict[str, Mapping[str, str]]:
    """Return the outputs of every stack that is deployed."""
    return {
        name: deployed.outputs
        for name, deployed in snapshot.stacks.items()
        if deployed.status.is_updatable
    }
