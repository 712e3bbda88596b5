"""Early validation and Hooks: change sets that fail, or warn, and say why in DescribeEvents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any
from xml.sax.saxutils import escape

from tapcfn.local import change_sets, emulator
from tapcfn.local.emulator import Action, Answer, Params
from tapcfn.local.faults import invocations
from tapcfn.local.faults.state import Faults, fits
from tapcfn.local.faults.table import Fault, Finding

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
TEXT = (
    "The following hook(s)/validation failed: [{}]. To troubleshoot Early Validation errors, "
    "use the DescribeEvents API for detailed failure information."
)
PROPERTIES, EXISTENCE = (
    f"AWS::EarlyValidation::{check}" for check in ("PropertyValidation", "ResourceExistenceCheck")
)

ChangeSet = MutableMapping[str, Any]


def install(running: Callable[[], Faults]) -> None:
    """Put early validation around the actions that meet it and tell of it."""
    for name, around in (("CreateChangeSet", _validated(running)), ("DescribeEvents", _telling)):
        emulator.engine.wrap_action(name, around)


def _validated(running: Callable[[], Faults]) -> Callable[[Action], Action]:
    def around(do: Action) -> Action:
        def act(params: Params) -> Answer:
            answer = do(params)
            made = change_sets.made(answer)
            if made is not None:
                _meet(running(), made)
            return answer

        return act

    return around


def _meet(faults: Faults, made: ChangeSet) -> None:
    fault = faults.first(lambda fault: fault.do == "early_validation" and _is_met(fault, made))
    object_to(made, fault.findings if fault else ())
    hooks = faults.every(lambda fault: fault.target == "change_set" and _is_met(fault, made))
    invocations.object_to(made, hooks)


def _is_met(fault: Fault, made: ChangeSet) -> bool:
    return fits((fault.account, emulator.account_id()), (fault.region, emulator.region())) and any(
        fits((fault.logical_id, name), (fault.type, kind))
        for name, kind in _resources(made).items()
    )


def object_to(made: ChangeSet, findings: tuple[Finding, ...]) -> None:
    """Keep the findings with the change set, and fail it unless all are warnings."""
    if not findings:
        return
    made["_findings"] = [*made.get("_findings", ()), *_events(made, findings)]
    failing = {
        PROPERTIES if finding.name == "PROPERTY_VALIDATION" else EXISTENCE
        for finding in findings
        if finding.mode == "FAIL"
    }
    if failing:
        change_sets.fail(made, TEXT.format(", ".join(sorted(failing))))


def _events(made: ChangeSet, findings: tuple[Finding, ...]) -> Iterator[Mapping[str, str]]:
    operation = emulator.new_id()
    fails = any(finding.mode == "FAIL" for finding in findings)
    for finding in findings:
        named = re.match("/Resources/([^/]+)", finding.path)
        logical_id = finding.logical_id or (named.group(1) if named else "")
        yield {
            "EventId": emulator.new_id(),
            "StackId": made["StackId"],
            "OperationId": operation,
            "OperationType": "CREATE_CHANGESET",
            "OperationStatus": "FAILED" if fails else "SUCCEEDED",
            "EventType": "VALIDATION_ERROR",
            "LogicalResourceId": logical_id,
            "ResourceType": finding.type or _resources(made).get(logical_id, ""),
            "Timestamp": made["CreationTime"],
            "ValidationFailureMode": finding.mode,
            "ValidationName": finding.name,
            "ValidationStatus": "FAILED",
            "ValidationStatusReason": finding.reason,
            "ValidationPath": finding.path,
        }


def _resources(made: ChangeSet) -> dict[str, str]:
    found = (made.get("_template") or {}).get("Resources") or {}
    return {name: str(body.get("Type", "")) for name, body in found.items()}


def _telling(do: Action) -> Action:
    """Tell the findings of a change set that is named by its ARN; every one counts as failed."""

    def act(params: Params) -> Answer:
        name = emulator.parameter(params, "ChangeSetName")
        found = emulator.engine.find_change_set(name)[1] if name.startswith("arn:") else None
        events = (found or {}).get("_findings", ())
        return _told(events) if events else do(params)

    return act


def _told(events: list[Mapping[str, str]]) -> Answer:
    members = "".join(
        "<member>"
        + "".join(f"<{key}>{escape(value)}</{key}>" for key, value in event.items() if value)
        + "</member>"
        for event in events
    )
    body = (
        f'<DescribeEventsResponse xmlns="{NAMESPACE}"><DescribeEventsResult>'
        f"<OperationEvents>{members}</OperationEvents></DescribeEventsResult>"
        f"<ResponseMetadata><RequestId>{emulator.new_id()}</RequestId></ResponseMetadata>"
        "</DescribeEventsResponse>"
    )
    return 200, {"Content-Type": "text/xml"}, body.encode()
