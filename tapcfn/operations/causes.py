"""Why an operation failed, and what it left behind."""

from __future__ import annotations

from collections.abc import Iterable

from tapcfn.errors import CloudError
from tapcfn.model import Deployed, Finding, Severity, Stack, StackEvent, reason_of
from tapcfn.operations.means import Operation
from tapcfn.ports import Cloud


def left_behind(stack: Stack, events: Iterable[StackEvent]) -> tuple[Finding, ...]:
    """Return what should have gone when the stack was cleaned up, and did not.

    The service tries a few times, then calls the update complete and forgets the resource.
    """
    last = {(event.logical_id, event.physical_id): event for event in events}
    return tuple(
        Finding(
            "TAP000",
            Severity.WARNING,
            stack.name,
            event.logical_id,
            f"{event.resource_type} {event.physical_id} could not be deleted "
            f"({event.reason or 'no reason given'}); it is still there, outside the stack: "
            "delete it by hand",
            stack.template.source.get(event.logical_id),
            origin="server",
        )
        for event in last.values()
        if event.status == "DELETE_FAILED"
    )


def cause_of(
    operation: Operation, deployed: Deployed, events: tuple[StackEvent, ...], cloud: Cloud
) -> str:
    """Return the first resource that failed, why, and the line that asked for it.

    Where no resource was even tried, what early validation found; else the stack's own reason.
    """
    stack, failed = operation.stack, [event for event in events if event.is_failure]
    for event in failed:
        if event.physical_id != deployed.stack_id:
            source = stack.template.source.get(event.logical_id)
            where = f" — {source}" if source else ""
            return (
                f"{event.logical_id} ({event.resource_type}) {event.status}: "
                f"{reason_of(event, events)}{where}"
            )
    reasons = [event.reason for event in failed if event.reason]
    own = f"{deployed.status}: {next(iter(reasons), deployed.reason) or 'no reason given'}"
    try:
        return "; ".join(_remarks(operation, deployed, cloud)) or own
    except CloudError as error:
        return f"{own}; what early validation and hooks found could not be read: {error}"


def _remarks(operation: Operation, deployed: Deployed, cloud: Cloud) -> tuple[str, ...]:
    """Return what the service said of this operation, with source lines."""
    subject = operation.id_in(deployed)
    if not subject:
        return ()
    found = cloud.remarks(subject, operation.stack.target)
    lines = operation.stack.template.source
    return tuple(
        f"{each.text} — {lines[each.logical_id]}" if each.logical_id in lines else each.text
        for each in found
    )
