"""Reading a change set: every page, the verdict without values, and what is nested in it."""

import pytest
from botocore.parsers import ResponseParserError

from tapcfn.aws import change_sets, changes
from tapcfn.errors import CloudError, StackError
from tapcfn.model import Change, ChangeSet, Detail, Replacement
from tapcfn.remark import Remark
from tapcfn.waits import Patience
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.wire import ARN, HERE, STACK_ID, a_change, a_request, described, failed

INNER = "arn:aws:cloudformation:eu-west-1:111122223333:changeSet/tapcfn-t-Inner/cccc-1"
INNER_STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/network-Inner/dddd-1"
NO_CHANGES = "The submitted information didn't contain changes."
STAGED = {"Id": ARN, "StackId": STACK_ID}
FAILURES = {"FailedEvents": True}


def page(cfn, answer, arn=ARN, **request):
    cfn.answers("describe_change_set", answer, ChangeSetName=arn, **request)


def valued(cfn, *changes):
    page(cfn, described(*changes), IncludePropertyValues=True)


def found(cfn):
    answer = change_sets.find(cfn.client, ARN, HERE)
    assert answer is not None
    return answer[0]


def changed(name, **target):
    aim = {"Attribute": "Properties", "Name": name}
    return {"Target": aim | target, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def test_everything_that_the_service_says_of_a_change_is_kept(cfn):
    """Kind, replacement, policy, and for each property its values, its cause and its weight."""
    verdict = {
        "PhysicalResourceId": "logs-1",
        "Replacement": "Conditional",
        "PolicyAction": "ReplaceAndRetain",
    }
    detail = {
        "Target": {
            "Attribute": "Properties",
            "Name": "BucketName",
            "Path": "/Properties/BucketName",
            "RequiresRecreation": "Always",
            "BeforeValue": "old",
            "AfterValue": "new",
        },
        "Evaluation": "Dynamic",
        "ChangeSource": "ParameterReference",
        "CausingEntity": "Name",
    }
    page(cfn, described(a_change("Logs", **verdict, Details=[changed("BucketName")])))
    valued(cfn, a_change("Logs", **verdict, Details=[detail]))

    assert (
        Change(
            "Logs",
            "AWS::S3::Bucket",
            "Modify",
            "logs-1",
            Replacement.CONDITIONAL,
            "ReplaceAndRetain",
            (
                Detail(
                    "/Properties/BucketName",
                    "old",
                    "new",
                    "Always",
                    "Dynamic",
                    "ParameterReference",
                    "Name",
                ),
            ),
        ),
    ) == found(cfn).changes


def test_what_is_not_said_is_empty(cfn):
    """A change of tags has no name and no path, and an addition no replacement."""
    bare = a_change("Logs", "Add", Details=[{"Target": {"Attribute": "Tags"}}])
    hook = {"HookInvocationCount": 1}
    page(cfn, described(bare, hook))

    assert (
        Change("Logs", "AWS::S3::Bucket", "Add", details=(Detail("Tags", evaluation=""),)),
    ) == found(cfn).changes


def test_all_pages_are_drained_and_no_change_is_told_twice(cfn):
    """An empty page with a token is no end, and a repeated change is one change."""
    page(cfn, described(a_change("A"), NextToken="2"))
    page(cfn, described(a_change("A"), NextToken="2"))
    page(cfn, described(NextToken="3"), NextToken="2")
    page(cfn, described(a_change("A"), a_change("B", "Remove")), NextToken="3")
    valued(cfn)

    assert [("A", "Modify"), ("B", "Remove")] == [
        (change.logical_id, change.action) for change in found(cfn).changes
    ]


def test_the_call_without_values_is_the_verdict(cfn):
    """A resource that the call with values drops, or calls harmless, is as the plain call says."""
    page(
        cfn,
        described(
            a_change("Kept", Replacement="True", PolicyAction="ReplaceAndDelete"),
            a_change("Dropped", "Remove", PolicyAction="Delete"),
        ),
    )
    valued(cfn, a_change("Kept", "Add", Replacement="False"), a_change("Ghost"))

    changes = found(cfn).changes

    assert ["Kept", "Dropped"] == [change.logical_id for change in changes]
    assert [True, True] == [change.loses for change in changes]
    assert ["Modify", "Remove"] == [change.action for change in changes]


def test_a_detail_that_values_leave_out_is_kept(cfn):
    """Values decorate a property; another one that they do not mention stays as it was told."""
    plain = [changed("Name", RequiresRecreation="Always"), changed("Policy")]
    page(cfn, described(a_change("Logs", Details=plain)))
    valued(
        cfn,
        a_change(
            "Logs",
            Details=[
                changed("Policy", Path="/Properties/Policy/A", AfterValue="1"),
                changed("Policy", Path="/Properties/Policy/B", AfterValue="2"),
            ],
        ),
    )

    assert [
        ("/Properties/Policy/A", "1", "Never"),
        ("/Properties/Policy/B", "2", "Never"),
        ("Properties/Name", None, "Always"),
    ] == [(each.path, each.after, each.recreation) for each in found(cfn).changes[0].details]


def test_refused_values_are_done_without(cfn):
    """The preview is poorer then, as true, and says so. (X-12)"""
    page(cfn, described(a_change("Logs", Details=[changed("Name")])))
    cfn.refuses(
        "describe_change_set", "ValidationError", ChangeSetName=ARN, IncludePropertyValues=True
    )

    seen = found(cfn)

    assert ["Properties/Name"] == [each.path for each in seen.changes[0].details]
    assert "DescribeChangeSet was refused: no [ValidationError, request r-1]" == seen.unread


def test_values_that_are_throttled_are_read_later(cfn):
    """A throttle is no denial: nothing is done without. (X-9)"""
    page(cfn, described(a_change("Logs", Details=[changed("Name")])))
    cfn.refuses("describe_change_set", "Throttling", ChangeSetName=ARN, IncludePropertyValues=True)

    with pytest.raises(CloudError) as error:
        found(cfn)

    assert error.value.passing


def test_an_unknown_replacement_is_not_taken_for_harmless(cfn):
    """A word that we do not know stops the stack."""
    page(cfn, described(a_change("Logs", Replacement="Perhaps")))
    valued(cfn)

    with pytest.raises(CloudError, match="Logs: Replacement is Perhaps, which is unknown here"):
        found(cfn)


# Nested stacks -----------------------------------------------------------------------------------


def nested_change(arn=INNER):
    return a_change("Inner", ResourceType="AWS::CloudFormation::Stack", ChangeSetId=arn)


def test_a_nested_change_set_is_read_inside_its_change(cfn):
    """What the nested stack would do stands in the change of the stack that holds it."""
    page(cfn, described(nested_change()))
    valued(cfn)
    inner = {"ChangeSetId": INNER, "StackId": INNER_STACK, "ExecutionStatus": "UNAVAILABLE"}
    page(cfn, described(a_change("Topic", "Add"), **inner), INNER)

    assert (
        ChangeSet(INNER, "Inner", INNER_STACK, (Change("Topic", "AWS::S3::Bucket", "Add"),))
        == found(cfn).changes[0].nested
    )


def test_a_nested_stack_without_changes_is_no_failure(cfn):
    """The service calls that FAILED; for us it is empty."""
    page(cfn, described(nested_change()))
    valued(cfn)
    page(cfn, failed(NO_CHANGES, StackId=INNER_STACK, ChangeSetId=INNER), INNER)

    assert ChangeSet(INNER, "Inner", INNER_STACK, empty=True) == found(cfn).changes[0].nested


def test_a_nested_change_set_that_is_not_whole_fails_the_stack(cfn):
    """Nobody is shown half of what would happen; what was made is removed."""
    cfn.answers("create_change_set", STAGED, **_order())
    page(cfn, described(nested_change()))
    valued(cfn)
    page(cfn, described(Status="CREATE_IN_PROGRESS", ChangeSetId=INNER), INNER)
    _finds(cfn, INNER)
    cfn.answers("delete_change_set", {}, ChangeSetName=ARN)
    cfn.refuses("describe_stacks", "ValidationError", StackName=STACK_ID)

    with pytest.raises(StackError) as error:
        change_sets.stage(cfn.client, a_request(), {}, Patience(FakeClock()))

    assert ("Inner: its nested change set is CREATE_IN_PROGRESS: no reason given") == str(
        error.value
    )


def test_a_nested_failure_tells_its_own_reason(cfn):
    """The root says only that a nested change set failed; the nested one knows why."""
    cfn.answers("create_change_set", STAGED, **_order())
    other = {**nested_change(INNER + "2")}
    gone = {**nested_change(INNER + "3")}
    page(
        cfn,
        failed("Nested change set failed", Changes=[nested_change(), a_change("A"), other, gone]),
    )
    _finds(cfn, ARN)
    page(cfn, failed("no such type", ChangeSetId=INNER), INNER)
    _finds(cfn, INNER)
    page(cfn, failed(NO_CHANGES), INNER + "2")
    cfn.refuses("describe_change_set", "ChangeSetNotFound", 404, ChangeSetName=INNER + "3")
    cfn.answers("delete_change_set", {}, ChangeSetName=ARN)
    cfn.refuses("describe_stacks", "ValidationError", StackName=STACK_ID)

    with pytest.raises(StackError) as error:
        change_sets.stage(cfn.client, a_request(), {}, Patience(FakeClock()))

    assert "Inner: no such type" == str(error.value)


class Garbled:
    """A client whose answers can't be parsed."""

    def get_paginator(self, _):
        raise ResponseParserError("no XML")

    def describe_change_set(self, **_):
        raise ResponseParserError("no XML")


def test_an_answer_that_can_not_be_parsed_is_a_detail_that_is_missing():
    """Why the change set failed is told all the same. (X-10, X-12)"""
    failure = failed("no such type", Changes=[nested_change()])

    assert (
        Remark("", "no such type"),
        Remark("", "what early validation and hooks found could not be read: no XML", warns=True),
        Remark(
            "", "what early validation and hooks found could not be read: Inner: no XML", warns=True
        ),
    ) == changes.reasons(Garbled(), failure)


def _finds(cfn, arn):
    cfn.answers("describe_events", {"OperationEvents": []}, ChangeSetName=arn, Filters=FAILURES)


def _order():
    from tests.tapcfn.aws.test_stage import ORDER

    return {key: value for key, value in ORDER.items() if key != "TemplateBody"}
