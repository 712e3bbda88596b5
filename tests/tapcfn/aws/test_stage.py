"""Making a change set: the exact request, and every way in which the service may answer."""

from dataclasses import replace

import pytest

from tapcfn.aws import change_sets
from tapcfn.errors import CloudError, StackError, StillRunningError
from tapcfn.model import ChangeSet
from tapcfn.stack_options import OnFailure, StackOptions
from tapcfn.waits import Patience
from tests.fakes.builders import a_stack
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.wire import (
    ARN,
    HERE,
    STACK_ID,
    TOKEN,
    a_change,
    a_request,
    described,
    failed,
    summary,
)

BODY = {"TemplateBody": "{}"}
PLAIN = ChangeSet(ARN, "network", STACK_ID)
EMPTY = ChangeSet(ARN, "network", STACK_ID, empty=True)
ORDER = {
    "StackName": "network",
    "ChangeSetName": TOKEN,
    "ClientToken": TOKEN,
    "ChangeSetType": "CREATE",
    "Description": "tapcfn intent=i1 base=b1",
    "Parameters": [],
    "Capabilities": [],
    "Tags": [],
    "NotificationARNs": [],
    "RollbackConfiguration": {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0},
    "IncludeNestedStacks": True,
    "OnStackFailure": "ROLLBACK",
    "TemplateBody": "{}",
}


def stage(cfn, request=None, clock=None):
    patience = Patience(clock or FakeClock(), 600.0)
    return change_sets.stage(cfn.client, request or a_request(), BODY, patience)


def is_made(cfn, **differing):
    order = ORDER | differing
    if order["ChangeSetType"] != "CREATE":  # the failure of an update is ExecuteChangeSet's matter
        del order["OnStackFailure"]
    cfn.answers("create_change_set", {"Id": ARN, "StackId": STACK_ID}, **order)


def is_read(cfn, answer):
    cfn.answers("describe_change_set", answer, ChangeSetName=ARN)


def is_read_with_values(cfn, *changes):
    answer = described(*changes)
    cfn.answers("describe_change_set", answer, ChangeSetName=ARN, IncludePropertyValues=True)


def is_discarded(cfn):
    cfn.answers("delete_change_set", {}, ChangeSetName=ARN)
    cfn.answers("describe_stacks", {"Stacks": [summary("CREATE_COMPLETE")]}, StackName=STACK_ID)


def finds(cfn, *events, **page):
    cfn.answers(
        "describe_events",
        {"OperationEvents": list(events), **page},
        ChangeSetName=ARN,
        Filters={"FailedEvents": True},
    )


def our_name_is_taken_by(cfn, answer):
    cfn.refuses("create_change_set", "AlreadyExistsException", **ORDER)
    cfn.answers("describe_change_set", answer, StackName="network", ChangeSetName=TOKEN)


# The request -------------------------------------------------------------------------------------


def test_a_change_set_is_named_by_its_token_and_made_in_two_calls(cfn):
    """The token is the name and the ClientToken. Where all is new, no values are asked for."""
    is_made(cfn)
    is_read(cfn, described(a_change("Vpc", "Add")))

    assert ["Vpc"] == [change.logical_id for change in stage(cfn).changes]


def test_the_whole_request_is_sent_in_order(cfn):
    """Parameters and tags go in full and sorted: what is left out would leave the stack."""
    stack = a_stack(
        target=HERE,
        tags={"team": "a", "cost": "b"},
        resources={"R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r"}}},
    )
    is_made(
        cfn,
        ChangeSetType="UPDATE",
        Parameters=[
            {"ParameterKey": "Cidr", "ParameterValue": "10.0.0.0/8"},
            {"ParameterKey": "Zone", "ParameterValue": "eu-west-1a"},
        ],
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Tags=[{"Key": "cost", "Value": "b"}, {"Key": "team", "Value": "a"}],
    )
    is_read(cfn, described())
    parameters = {"Zone": "eu-west-1a", "Cidr": "10.0.0.0/8"}

    assert PLAIN == stage(cfn, a_request(stack, create=False, parameters=parameters))


@pytest.mark.parametrize(
    ("create", "adopt", "sent"),
    [
        (True, True, {"ImportExistingResources": True}),
        (True, False, {}),
        (False, True, {"ChangeSetType": "UPDATE", "ImportExistingResources": True}),
        (False, False, {"ChangeSetType": "UPDATE"}),
    ],
)
def test_only_a_stack_that_may_adopt_imports_what_exists(cfn, create, adopt, sent):
    """Also when it is updated: an option that is turned on again finds what it left behind."""
    is_made(cfn, **sent)
    is_read(cfn, described())

    made = stage(cfn, a_request(a_stack(target=HERE, adopt=adopt), create=create))

    assert made == PLAIN
    assert made.may_leave_shell is create


def test_the_options_of_a_stack_are_sent_whole(cfn):
    """Topics and triggers in full, since what is left out would stay or go by itself."""
    alarm, topic = "arn:aws:cloudwatch:r:1:alarm:a", "arn:aws:sns:r:1:t"
    options = StackOptions((alarm,), 15, (topic,), "arn:aws:iam::1:role/r", OnFailure.DELETE)
    is_made(
        cfn,
        NotificationARNs=[topic],
        RollbackConfiguration={
            "RollbackTriggers": [{"Arn": alarm, "Type": "AWS::CloudWatch::Alarm"}],
            "MonitoringTimeInMinutes": 15,
        },
        RoleARN="arn:aws:iam::1:role/r",
        OnStackFailure="DELETE",
    )
    is_read(cfn, described(a_change("Vpc", "Add")))

    stack = replace(a_stack(target=HERE), options=options)

    assert ["Vpc"] == [each.logical_id for each in stage(cfn, a_request(stack)).changes]


def test_a_refused_request_is_one_line_with_its_code(cfn):
    """The error names the stack, the call, the service's words, the code and the request."""
    cfn.refuses("create_change_set", "ValidationError", message="Template\n  is bad", **ORDER)

    with pytest.raises(CloudError) as error:
        stage(cfn)

    assert (
        "network (111122223333/eu-west-1): CreateChangeSet was refused: Template is bad "
        "[ValidationError, request r-1]"
    ) == str(error.value)
    assert ("ValidationError", "r-1") == (error.value.code, error.value.request_id)


# Waiting -----------------------------------------------------------------------------------------


def test_a_change_set_is_waited_for(cfn):
    """It may be unknown at first, throttled or faulty in between, and takes its time."""
    clock = FakeClock()
    is_made(cfn)
    cfn.refuses("describe_change_set", "ChangeSetNotFound", 404, ChangeSetName=ARN)
    is_read(cfn, described(Status="CREATE_PENDING", ExecutionStatus="UNAVAILABLE"))
    cfn.refuses("describe_change_set", "Throttling", ChangeSetName=ARN)
    cfn.refuses("describe_change_set", "ServiceUnavailable", 503, ChangeSetName=ARN)
    is_read(cfn, described(Status="CREATE_IN_PROGRESS", ExecutionStatus="UNAVAILABLE"))
    is_read(cfn, described())

    assert PLAIN == stage(cfn, clock=clock)
    assert 5 == len(clock.slept)


def test_a_change_set_that_never_appears_is_an_error(cfn):
    """After a minute "not found" is believed."""
    clock = FakeClock()
    is_made(cfn)
    for _ in range(70):
        cfn.refuses("describe_change_set", "ChangeSetNotFound", 404, ChangeSetName=ARN)

    with pytest.raises(CloudError) as error:
        stage(cfn, clock=clock)

    assert "ChangeSetNotFound" == error.value.code
    assert 60 <= clock.now() < 63
    cfn.forget()


def test_a_refused_look_is_an_error(cfn):
    """What will not pass by itself is not waited for."""
    is_made(cfn)
    cfn.refuses("describe_change_set", "AccessDenied", 403, ChangeSetName=ARN)

    with pytest.raises(CloudError, match=r"DescribeChangeSet was refused: no \[AccessDenied"):
        stage(cfn)


def test_a_change_set_that_is_not_written_in_time_is_removed(cfn):
    """The wait ends with the run's patience, and nothing is left behind."""
    clock = FakeClock()
    patience = Patience(clock, 1.0)
    is_made(cfn)
    for _ in range(4):
        is_read(cfn, described(Status="CREATE_IN_PROGRESS"))
    is_discarded(cfn)

    with pytest.raises(StillRunningError, match="change set of network: has not settled after 1 s"):
        change_sets.stage(cfn.client, a_request(), BODY, patience)

    assert clock.now() <= 1.0


def test_an_interrupt_ends_the_wait_for_a_change_set(cfn):
    """At the next look, whatever the deadline; what was begun is removed."""
    clock = FakeClock()
    patience = Patience(clock, 600.0, lambda: clock.now() >= 0.5)
    is_made(cfn)
    for _ in range(3):
        is_read(cfn, described(Status="CREATE_IN_PROGRESS"))
    is_discarded(cfn)

    with pytest.raises(StillRunningError):
        change_sets.stage(cfn.client, a_request(), BODY, patience)


def test_a_change_set_of_another_run_is_left_alone_when_patience_ends(cfn):
    """It was found, not made: whoever made it may still want it."""
    cfn.refuses("create_change_set", "AlreadyExistsException", **ORDER)
    known = described(Status="CREATE_IN_PROGRESS", ExecutionStatus="UNAVAILABLE")
    cfn.answers("describe_change_set", known, StackName="network", ChangeSetName=TOKEN)
    is_read(cfn, known)

    with pytest.raises(StillRunningError):
        change_sets.stage(cfn.client, a_request(), BODY, Patience(FakeClock(), 0.1))


# Nothing to do -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to "
        "create a change set.",
        "No updates are to be performed.",
    ],
)
def test_nothing_to_do_is_an_answer(cfn, reason):
    """Each of the service's two texts gives an empty change set, which is removed."""
    is_made(cfn)
    is_read(cfn, failed(reason))
    is_discarded(cfn)

    assert EMPTY == stage(cfn)


def test_a_change_set_without_resources_is_not_empty(cfn):
    """Outputs and policies change without any resource: there is something to carry out."""
    is_made(cfn)
    is_read(cfn, described())

    assert not stage(cfn).empty


# Refusals ----------------------------------------------------------------------------------------

CLASH = {
    "EventType": "VALIDATION_ERROR",
    "LogicalResourceId": "Bucket",
    "ValidationPath": "/Resources/Bucket/Properties/BucketName",
    "ValidationName": "NAME_CONFLICT_VALIDATION",
    "ValidationFailureMode": "FAIL",
    "ValidationStatusReason": "the name is taken",
}
ODD = {
    "EventType": "VALIDATION_ERROR",
    "ValidationFailureMode": "WARN",
    "ValidationStatusReason": "odd, but allowed",
}
HOOK = {
    "EventType": "HOOK_INVOCATION_ERROR",
    "LogicalResourceId": "Key",
    "HookType": "Acme::Keys::Rotate",
    "HookStatusReason": "rotation is off",
}
MUTE = {"EventType": "PROVISIONING_ERROR", "LogicalResourceId": "Topic"}
UNREAD = (
    "what early validation and hooks found could not be read: DescribeEvents was refused: no "
    "[AccessDenied, request r-1]"
)
NOISE = {"EventType": "STACK_EVENT", "ResourceStatusReason": "User Initiated"}


def test_a_refused_change_set_tells_every_finding(cfn):
    """Early validation, hooks, warnings; all pages, even an empty one; each finding once."""
    is_made(cfn)
    is_read(cfn, failed("Validation failed"))
    finds(cfn, CLASH, NOISE, NextToken="two")
    again = {"ChangeSetName": ARN, "Filters": {"FailedEvents": True}}
    cfn.answers(
        "describe_events", {"OperationEvents": [], "NextToken": "3"}, **again, NextToken="two"
    )
    cfn.answers(
        "describe_events", {"OperationEvents": [CLASH, HOOK, ODD, MUTE]}, **again, NextToken="3"
    )
    cfn.answers("list_hook_results", {"HookResults": []}, TargetType="CHANGE_SET", TargetId=ARN)
    is_discarded(cfn)

    with pytest.raises(StackError) as error:
        stage(cfn)

    assert (
        "Bucket /Resources/Bucket/Properties/BucketName: the name is taken "
        "[NAME_CONFLICT_VALIDATION]; "
        "Key: rotation is off [Acme::Keys::Rotate]; "
        "odd, but allowed [a warning]; "
        "Topic: no reason given"
    ) == str(error.value)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("Template error: no such Ref", f"Template error: no such Ref; {UNREAD}"),
        (None, UNREAD),
    ],
)
def test_where_findings_may_not_be_read_the_status_reason_is_told(cfn, reason, told):
    """A denied DescribeEvents does not hide why the change set failed, and is no secret. (R-8)"""
    is_made(cfn)
    is_read(cfn, failed(reason))
    cfn.refuses(
        "describe_events", "AccessDenied", 403, ChangeSetName=ARN, Filters={"FailedEvents": True}
    )
    is_discarded(cfn)

    with pytest.raises(StackError) as error:
        stage(cfn)

    assert told == str(error.value)


def test_findings_that_are_throttled_are_asked_for_again(cfn):
    """They are why the change set failed: a throttle does not make them less. (X-9)"""
    is_made(cfn)
    is_read(cfn, failed("no such type"))
    cfn.refuses("describe_events", "Throttling", ChangeSetName=ARN, Filters={"FailedEvents": True})
    finds(cfn, CLASH)
    is_discarded(cfn)

    with pytest.raises(StackError, match="the name is taken"):
        stage(cfn)


def test_a_refused_change_set_that_stays_does_not_hide_its_reason(cfn):
    """If it may not be deleted, the reason for the failure is still what is told."""
    is_made(cfn)
    is_read(cfn, failed("no such type"))
    finds(cfn)
    cfn.refuses("delete_change_set", "AccessDenied", 403, ChangeSetName=ARN)

    with pytest.raises(StackError, match="^no such type$"):
        stage(cfn)


def test_an_unknown_status_is_no_success(cfn):
    """A word that we do not know stops us before any further write."""
    is_made(cfn)
    is_read(cfn, described(Status="FROZEN"))

    with pytest.raises(CloudError, match="the change set is FROZEN, which is unknown here"):
        stage(cfn)


# Our own name ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "found",
    [described(), described(Status="CREATE_IN_PROGRESS", ExecutionStatus="UNAVAILABLE")],
)
def test_the_change_set_that_the_token_made_is_adopted(cfn, found):
    """A lost answer makes no second change set: the first one is found, and waited for."""
    our_name_is_taken_by(cfn, found)
    is_read(cfn, described(a_change("Vpc")))
    is_read_with_values(cfn, a_change("Vpc"))

    assert ["Vpc"] == [change.logical_id for change in stage(cfn).changes]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(described(ExecutionStatus="EXECUTE_COMPLETE"), id="executed"),
        pytest.param(described(ExecutionStatus="EXECUTE_IN_PROGRESS"), id="executing"),
        pytest.param(described(ExecutionStatus="OBSOLETE"), id="obsolete"),
        pytest.param(described(Description="tapcfn intent=i2 base=b1"), id="other intent"),
        pytest.param(described(Description="by hand"), id="foreign"),
        pytest.param(described(Status="DELETE_IN_PROGRESS"), id="being deleted"),
        pytest.param(described(Status="DELETE_FAILED"), id="half deleted"),
    ],
)
def test_a_name_that_is_used_up_is_given_up(cfn, found):
    """Only what is ours, whole and not yet carried out is adopted."""
    our_name_is_taken_by(cfn, found)

    assert stage(cfn) is None


def test_a_name_that_is_taken_and_then_gone_is_given_up(cfn):
    """Somebody deleted it between our two calls."""
    cfn.refuses("create_change_set", "AlreadyExistsException", **ORDER)
    cfn.refuses(
        "describe_change_set", "ChangeSetNotFound", 404, StackName="network", ChangeSetName=TOKEN
    )

    assert stage(cfn) is None


def test_a_name_that_may_not_be_looked_up_is_an_error(cfn):
    """Not knowing is no licence to go on."""
    cfn.refuses("create_change_set", "AlreadyExistsException", **ORDER)
    cfn.refuses(
        "describe_change_set", "AccessDenied", 403, StackName="network", ChangeSetName=TOKEN
    )

    with pytest.raises(CloudError, match="AccessDenied"):
        stage(cfn)


def test_an_adopted_failure_is_removed_and_tried_again(cfn):
    """What failed for a dead process may succeed for us, under the next token."""
    our_name_is_taken_by(cfn, failed("no such type"))
    is_read(cfn, failed("no such type"))
    finds(cfn)
    is_discarded(cfn)

    assert stage(cfn) is None


def test_an_adopted_empty_change_set_is_an_answer(cfn):
    """There was nothing to do then, and with the same base there is nothing to do now."""
    our_name_is_taken_by(cfn, failed("No updates are to be performed."))
    is_read(cfn, failed("No updates are to be performed."))
    is_discarded(cfn)

    assert EMPTY == stage(cfn)


@pytest.mark.parametrize(
    "answer",
    [
        described(ExecutionStatus="EXECUTE_COMPLETE"),
        described(ExecutionStatus="EXECUTE_FAILED"),
        described(ExecutionStatus="OBSOLETE"),
        described(Status="DELETE_PENDING"),
    ],
)
def test_the_answer_to_a_known_token_may_be_an_old_change_set(cfn, answer):
    """The service repeats its answer to a token; what it names was carried out long ago."""
    is_made(cfn)
    is_read(cfn, answer)

    assert stage(cfn) is None
