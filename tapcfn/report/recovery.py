"""A diagnosis as text and as fields: why, what helps, what goes."""

from __future__ import annotations

from collections.abc import Iterator

from tapcfn.model import StackEvent
from tapcfn.recovery import Cure, Diagnosis, Going
from tapcfn.report.text import table


def diagnosis_text(found: Diagnosis, call: str) -> str:
    """Return what a person must know before the call."""
    stack, status = found.stack, found.deployed.status
    return "\n".join(
        [
            f"{stack.name} ({stack.target}) is {status}",
            *_cause_lines(found),
            *_going_lines(found),
            *_skip_lines(found),
            *_cure_lines(found, call),
        ]
    )


def diagnosis_fields(found: Diagnosis, call: str) -> dict[str, object]:
    """Return the same for programs."""
    return {
        "unit": found.stack.name,
        "account": found.stack.target.account,
        "region": found.stack.target.region,
        "status": found.deployed.status,
        "cure": found.cure,
        "call": call or None,
        "first_failure": _event(found.first),
        "rollback_failure": _event(found.in_rollback),
        "lost": [_resource(each) for each in found.going if not each.kept],
        "orphaned": [_resource(each) for each in found.going if each.kept],
        "skippable": sorted(found.skippable),
    }


def _cause_lines(found: Diagnosis) -> Iterator[str]:
    for what, event in (("failed first", found.first), ("rollback", found.in_rollback)):
        if event is not None:
            source = found.stack.template.source.get(event.logical_id)
            where = f" — {source}" if source else ""
            yield (
                f"  {what}: {event.logical_id} ({event.resource_type}) {event.status}: "
                f"{event.reason or 'no reason given'}{where}"
            )


def _going_lines(found: Diagnosis) -> Iterator[str]:
    rows = [
        (
            "  stays, in no stack" if each.kept else "  is deleted",
            each.logical_id,
            each.resource_type,
            each.physical_id,
            "holds data" if each in found.lost else "",
        )
        for each in found.going
    ]
    if rows:
        yield table(("  then", "resource", "type", "physical id", ""), rows)
    elif found.cure in {Cure.DELETE, Cure.DISCARD}:
        yield "  nothing is in it"


def _skip_lines(found: Diagnosis) -> Iterator[str]:
    if found.skippable:
        names = ", ".join(sorted(found.skippable))
        yield f"  failed because of the rollback, so --skip takes: {names}"
        yield "  what is skipped no longer matches the template; the next plan must settle it"


def _cure_lines(found: Diagnosis, call: str) -> Iterator[str]:
    match found.cure:
        case Cure.NOTHING:
            yield "  nothing to recover: it can be deployed to"
        case Cure.WAIT:
            yield "  CloudFormation is at work: wait until that has ended"
        case Cure.REPLAY:
            yield "  it was deployed in EXPRESS mode, which takes no RollbackStack; what helps is"
            yield f"  the last good template under EXPRESS, by hand: {call}"
        case Cure.LOOK:
            yield f"  a person must look at it, no call repairs it: {call}"
        case _:
            yield f"  what helps: {call}"


def _event(event: StackEvent | None) -> dict[str, object] | None:
    if event is None:
        return None
    return {
        "logical_id": event.logical_id,
        "resource_type": event.resource_type,
        "status": event.status,
        "reason": event.reason or None,
    }


def _resource(each: Going) -> dict[str, object]:
    return {
        "logical_id": each.logical_id,
        "resource_type": each.resource_type,
        "physical_id": each.physical_id or None,
    }
