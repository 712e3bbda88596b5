"""Every word of CloudFormation has a decision; a new one in botocore's model must be entered."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from tapcfn.aws import change_sets, drift, stacks
from tapcfn.errors import CloudError, StackError, StaleError, UnknownStatusError
from tapcfn.guard import possible_replacement
from tapcfn.model import Change, Detail, Replacement, StackEvent, StackStatus
from tapcfn.waits import Patience
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.wire import (
    ARN,
    HERE,
    MORNING,
    STACK_ID,
    Wire,
    a_change,
    a_request,
    described,
    summary,
)

_MODEL: Any = botocore.session.Session().get_service_model("cloudformation")


def words(shape: str) -> set[str]:
    """Return the values of an enum of the service."""
    return set(_MODEL.shape_for(shape).enum)


@pytest.fixture
def cfn() -> Any:
    """Return a wire whose answers need not all be asked for."""
    wire = Wire("cloudformation")
    yield wire
    wire.forget()
    wire.close()


# A stack: moving, a success of what brought it there, or a failure.
STACKS = {
    "CREATE_IN_PROGRESS": "moves",
    "CREATE_FAILED": "fails",
    "CREATE_COMPLETE": "succeeds",
    "ROLLBACK_IN_PROGRESS": "moves",
    "ROLLBACK_FAILED": "fails",
    "ROLLBACK_COMPLETE": "fails",
    "DELETE_IN_PROGRESS": "moves",
    "DELETE_FAILED": "fails",
    "DELETE_COMPLETE": "fails",
    "UPDATE_IN_PROGRESS": "moves",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "moves",
    "UPDATE_COMPLETE": "succeeds",
    "UPDATE_FAILED": "fails",
    "UPDATE_ROLLBACK_IN_PROGRESS": "moves",
    "UPDATE_ROLLBACK_FAILED": "fails",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "moves",
    "UPDATE_ROLLBACK_COMPLETE": "fails",
    "REVIEW_IN_PROGRESS": "not begun",
    "IMPORT_IN_PROGRESS": "moves",
    "IMPORT_COMPLETE": "succeeds",
    "IMPORT_ROLLBACK_IN_PROGRESS": "moves",
    "IMPORT_ROLLBACK_FAILED": "fails",
    "IMPORT_ROLLBACK_COMPLETE": "fails",
}


def decision(status: StackStatus) -> str:
    """Return what a status means for an operation that was not to delete."""
    if status.is_moving:
        return "moves"
    if not status.is_settled:
        return "not begun"
    return "succeeds" if status.is_healthy else "fails"


def test_every_status_of_a_stack_is_decided() -> None:
    """By the word itself, never by a message. (DC-4, X-37)"""
    assert words("StackStatus") == STACKS.keys() == set(StackStatus)
    assert {str(status): decision(status) for status in StackStatus} == STACKS


def test_an_unknown_status_of_a_stack_is_an_error(cfn: Wire) -> None:
    """Shown verbatim, and of a class of its own. (X-37)"""
    cfn.answers("describe_stacks", {"Stacks": [summary("DREAMING")]}, StackName=STACK_ID)

    with pytest.raises(UnknownStatusError, match="network: CloudFormation says DREAMING"):
        stacks.stack(cfn.client, STACK_ID, HERE)


# A change set that is being written: waited for, taken, refused, or an attempt that is used up.
CHANGE_SETS = {
    "CREATE_PENDING": "waited for",
    "CREATE_IN_PROGRESS": "waited for",
    "CREATE_COMPLETE": "taken",
    "DELETE_PENDING": "used up",
    "DELETE_IN_PROGRESS": "used up",
    "DELETE_COMPLETE": "used up",
    "DELETE_FAILED": "used up",
    "FAILED": "refused",
    "DREAMING": "unknown",
}


def staged(cfn: Wire, **answer: str) -> str:
    """Stage a change set that stays as it is, and return what was decided."""
    clock = FakeClock()
    cfn.says("create_change_set", {"Id": ARN, "StackId": STACK_ID})
    cfn.answers("describe_change_set", described(**answer), ChangeSetName=ARN)
    if answer.get("Status") == "FAILED":
        cfn.says("describe_events", {"OperationEvents": []})
    try:
        made = change_sets.stage(cfn.client, a_request(), {}, Patience(clock, 0.1))
    except StackError:
        return "refused"
    except CloudError:
        return "unknown"
    except Exception as error:
        return "waited for" if "has not settled" in str(error) else f"{error}"
    return "used up" if made is None else "taken"


def test_every_status_of_a_change_set_is_in_the_table() -> None:
    """And one that does not exist."""
    assert words("ChangeSetStatus") | {"DREAMING"} == CHANGE_SETS.keys()


@pytest.mark.parametrize("status", CHANGE_SETS)
def test_every_status_of_a_change_set_is_decided(cfn: Wire, status: str) -> None:
    """Only one of them lets it be carried out."""
    assert CHANGE_SETS[status] == staged(cfn, Status=status)


# Whether a change set may still be carried out, and whether a refused call has carried it out.
EXECUTIONS = {
    "UNAVAILABLE": ("unknown", "stale"),
    "AVAILABLE": ("taken", "stale"),
    "EXECUTE_IN_PROGRESS": ("used up", "ours"),
    "EXECUTE_COMPLETE": ("used up", "ours"),
    "EXECUTE_FAILED": ("used up", "ours"),
    "OBSOLETE": ("used up", "stale"),
    "DREAMING": ("unknown", "stale"),
}


def test_every_execution_status_is_in_the_table() -> None:
    """And one that does not exist."""
    assert words("ExecutionStatus") | {"DREAMING"} == EXECUTIONS.keys()


@pytest.mark.parametrize("status", EXECUTIONS)
def test_every_execution_status_is_decided(cfn: Wire, status: str) -> None:
    """A call that was refused has had its effect only where the change set says so. (X-2)"""
    again, refused = EXECUTIONS[status]
    seen = staged(cfn, Status="CREATE_COMPLETE", ExecutionStatus=status)
    cfn.fails("execute_change_set", "InvalidChangeSetStatus")
    answer = described(Status="CREATE_COMPLETE", ExecutionStatus=status)
    cfn.answers("describe_change_set", answer, ChangeSetName=ARN)
    plain = change_sets.ChangeSet(ARN, "network", STACK_ID)
    try:
        change_sets.execute(cfn.client, plain, HERE, "tapcfn-x")
        carried_out = "ours"
    except StaleError:
        carried_out = "stale"

    assert (again, refused) == (seen, carried_out)


# A resource's drift: whether it counts as drifted, or why nothing can be said.
DRIFTS = {
    "IN_SYNC": False,
    "MODIFIED": True,
    "DELETED": True,
    "NOT_CHECKED": False,
    "UNKNOWN": False,
    "UNSUPPORTED": False,
    "DREAMING": "Topic: its drift is DREAMING, which is unknown here",
}


@pytest.mark.parametrize("status", DRIFTS)
def test_every_drift_of_a_resource_is_decided(cfn: Wire, status: str) -> None:
    """One that we do not know is not taken for none. (X-37)"""
    about = {"StackId": STACK_ID, "Timestamp": MORNING}
    ended = {"StackDriftDetectionId": "d", "DetectionStatus": "DETECTION_COMPLETE", **about}
    topic = {"LogicalResourceId": "Topic", "ResourceType": "AWS::SNS::Topic", **about}
    cfn.says("detect_stack_drift", {"StackDriftDetectionId": "d"})
    cfn.says("describe_stack_drift_detection_status", ended)
    listed = [{**topic, "StackResourceDriftStatus": status}]
    cfn.says("describe_stack_resource_drifts", {"StackResourceDrifts": listed})
    seen: bool | str
    try:
        found = drift.detect(cfn.client, STACK_ID, HERE, Patience(FakeClock()))
        seen = bool(found.drifted)
    except UnknownStatusError as error:
        seen = str(error)

    assert words("StackResourceDriftStatus") | {"DREAMING"} == DRIFTS.keys()
    assert DRIFTS[status] == seen


# What a change does, as it is read: taken, or an error. (D-18)
ACTIONS = {
    "Add": "taken",
    "Modify": "taken",
    "Remove": "taken",
    "Import": "taken",
    "Dynamic": "taken",
    "SyncWithActual": "taken",
    "Destroy": "Logs: Action is Destroy, which is unknown",
}


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_decided(cfn: Wire, action: str) -> None:
    """One that we do not know is no small change: the stack is left alone. (X-37)"""
    cfn.says("describe_change_set", described(a_change("Logs", action)))
    cfn.says("describe_change_set", described(a_change("Logs", action)))
    try:
        change_sets.find(cfn.client, ARN, HERE)
        seen = "taken"
    except CloudError as error:
        seen = str(error).rpartition(" ")[0]

    assert words("ChangeAction") | {"Destroy"} == ACTIONS.keys()
    assert ACTIONS[action] == seen


# What becomes of a resource that goes or is replaced, and whether that loses data. (D-18)
POLICIES = {
    "Delete": True,
    "Retain": False,
    "Snapshot": False,
    "ReplaceAndDelete": True,
    "ReplaceAndRetain": False,
    "ReplaceAndSnapshot": False,
    "Destroy": True,
}


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_action_is_decided(policy: str) -> None:
    """Only what is known to keep the data is no loss. (X-37)"""
    removed = Change("Logs", "AWS::S3::Bucket", "Remove", policy_action=policy)
    replaced = Change(
        "Logs", "AWS::S3::Bucket", "Modify", "b", Replacement.TRUE, policy_action=policy
    )

    assert words("PolicyAction") | {"Destroy"} == POLICIES.keys()
    assert POLICIES[policy] is removed.loses is replaced.loses


# Whether a changed property may force a replacement, where the schemas say "in place".
RECREATIONS = {"Never": False, "Conditionally": False, "Always": True, "Perhaps": True}


@pytest.mark.parametrize("word", RECREATIONS)
def test_every_recreation_is_decided(word: str) -> None:
    """A word that we do not know is not outvoted by a schema. (X-37)"""
    detail = Detail("/Properties/KeyPolicy", recreation=word)
    change = Change(
        "Key", "AWS::KMS::Key", "Modify", "k", Replacement.CONDITIONAL, details=(detail,)
    )

    assert words("RequiresRecreation") | {"Perhaps"} == RECREATIONS.keys()
    assert RECREATIONS[word] is any(possible_replacement(change))


# A line of a history, and whether `resources` lists what is in that state.
RESOURCES = {
    "CREATE_IN_PROGRESS": (False, True),
    "CREATE_FAILED": (True, False),
    "CREATE_COMPLETE": (False, True),
    "DELETE_IN_PROGRESS": (False, True),
    "DELETE_FAILED": (True, True),
    "DELETE_COMPLETE": (False, False),
    "DELETE_SKIPPED": (False, True),
    "UPDATE_IN_PROGRESS": (False, True),
    "UPDATE_FAILED": (True, True),
    "UPDATE_COMPLETE": (False, True),
    "IMPORT_FAILED": (True, True),
    "IMPORT_COMPLETE": (False, True),
    "IMPORT_IN_PROGRESS": (False, True),
    "IMPORT_ROLLBACK_IN_PROGRESS": (False, True),
    "IMPORT_ROLLBACK_FAILED": (True, True),
    "IMPORT_ROLLBACK_COMPLETE": (False, True),
    "EXPORT_FAILED": (True, True),
    "EXPORT_COMPLETE": (False, True),
    "EXPORT_IN_PROGRESS": (False, True),
    "EXPORT_ROLLBACK_IN_PROGRESS": (False, True),
    "EXPORT_ROLLBACK_FAILED": (True, True),
    "EXPORT_ROLLBACK_COMPLETE": (False, True),
    "UPDATE_ROLLBACK_IN_PROGRESS": (False, True),
    "UPDATE_ROLLBACK_COMPLETE": (False, True),
    "UPDATE_ROLLBACK_FAILED": (True, True),
    "ROLLBACK_IN_PROGRESS": (False, True),
    "ROLLBACK_COMPLETE": (False, True),
    "ROLLBACK_FAILED": (True, True),
}


def test_every_status_of_a_resource_is_in_the_table() -> None:
    """A resource in a state that we do not know is taken to be there."""
    assert words("ResourceStatus") == RESOURCES.keys()


@pytest.mark.parametrize("status", RESOURCES)
def test_every_status_of_a_resource_is_decided(cfn: Wire, status: str) -> None:
    """Whether it failed, and whether there is still something."""
    listed = {
        "LogicalResourceId": "Topic",
        "ResourceType": "AWS::SNS::Topic",
        "ResourceStatus": status,
        "LastUpdatedTimestamp": MORNING,
    }
    cfn.answers("list_stack_resources", {"StackResourceSummaries": [listed]}, StackName=STACK_ID)

    there = bool(stacks.resources(cfn.client, STACK_ID, HERE))

    failed = StackEvent("e", "Topic", "AWS::SNS::Topic", status).is_failure
    assert RESOURCES[status] == (failed, there)
