"""What Hooks note of a change set: asked only where one has objected, told with the remedy."""

from __future__ import annotations

from typing import Any

from tapcfn.aws import changes
from tapcfn.remark import Remark
from tests.tapcfn.aws.wire import ARN, Wire

GUARD = "Private::Guard::Keys"
FAILURES = {"FailedEvents": True}
OBJECTION = {
    "EventType": "HOOK_INVOCATION_ERROR",
    "HookType": GUARD,
    "HookStatusReason": "two faults",
}
NOTE = {
    "AnnotationName": "Rotation",
    "Status": "FAILED",
    "StatusMessage": "rotation is off",
    "SeverityLevel": "HIGH",
    "RemediationMessage": "set EnableKeyRotation",
    "RemediationLink": "https://guard.example/rotation",
}
TOLD = (
    "rotation is off (HIGH); to mend it: set EnableKeyRotation; see: "
    f"https://guard.example/rotation [{GUARD}, Rotation]"
)


def objects(cfn: Wire, **more: Any) -> None:
    """Queue the Hook's objection as an event."""
    event = {**OBJECTION, **more}
    answer = {"OperationEvents": [event]}
    cfn.answers("describe_events", answer, ChangeSetName=ARN, Filters=FAILURES)


def notes(cfn: Wire, *annotations: dict[str, str], mode: str = "FAIL") -> None:
    """Queue the Hook's result, and one that passed and is not asked about."""
    passed = {
        "HookResultId": "00000000-1111-2222-3333-444444444444",
        "Status": "HOOK_COMPLETE_SUCCEEDED",
    }
    failed = {
        "HookResultId": "00000000-1111-2222-3333-555555555555",
        "Status": "HOOK_COMPLETE_FAILED",
    }
    asked = {"TargetType": "CHANGE_SET", "TargetId": ARN}
    cfn.answers("list_hook_results", {"HookResults": [passed], "NextToken": "2"}, **asked)
    cfn.answers("list_hook_results", {"HookResults": [failed]}, **asked, NextToken="2")
    told = {"TypeName": GUARD, "FailureMode": mode, "Annotations": list(annotations)}
    cfn.answers("get_hook_result", told, HookResultId="00000000-1111-2222-3333-555555555555")


def remarks(cfn: Wire) -> tuple[Remark, ...]:
    return changes.remarks(cfn.client, ChangeSetName=ARN)


def test_no_hook_that_objects_costs_no_call(cfn: Wire) -> None:
    """Early validation has no annotations."""
    objects(cfn, EventType="VALIDATION_ERROR")

    assert 1 == len(remarks(cfn))


def test_every_fault_that_is_noted_is_told(cfn: Wire) -> None:
    """What passed is not; the event says which resource is meant, so no hook is looked up."""
    objects(cfn, LogicalResourceId="Key")
    notes(cfn, NOTE, {"AnnotationName": "Age", "Status": "PASSED"})

    _, note = remarks(cfn)

    assert Remark("Key", f"Key: {TOLD}", origin="hook") == note


def test_the_resource_of_a_note_is_looked_up(cfn: Wire) -> None:
    """By the change set's Hooks, where the event does not name it."""
    objects(cfn)
    notes(cfn, NOTE, mode="WARN")
    about = {"ResourceTargetDetails": {"LogicalResourceId": "Key"}}
    listed = [{"TypeName": GUARD, "TargetDetails": about}, {"TypeName": "Private::Other::Hook"}]
    cfn.answers("describe_change_set_hooks", {"Hooks": listed}, ChangeSetName=ARN)

    _, note = remarks(cfn)

    assert ("Key", True, f"Key: {TOLD[:-1]}, a warning]") == (
        note.logical_id,
        note.warns,
        note.text,
    )


def test_notes_that_may_not_be_read_are_a_warning(cfn: Wire) -> None:
    """The objection itself stands. (X-12)"""
    objects(cfn)
    cfn.fails("list_hook_results", "AccessDenied")

    objection, warning = remarks(cfn)

    assert "two faults" in objection.text
    assert (True, "hook") == (warning.warns, warning.origin)
    assert warning.text.startswith("what the Hooks noted in detail could not be read: ListHook")
