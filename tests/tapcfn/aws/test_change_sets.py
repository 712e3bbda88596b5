"""Finding, carrying out and removing a change set."""

from dataclasses import replace

import pytest

from tapcfn.aws import change_sets
from tapcfn.errors import CloudError, StaleError
from tapcfn.model import ChangeSet
from tests.tapcfn.aws.wire import ARN, HERE, STACK_ID, described, summary

PLAIN = ChangeSet(ARN, "network", STACK_ID)
ORDER = {"ChangeSetName": ARN, "ClientRequestToken": "tapcfn-x", "RetainExceptOnCreate": True}


def execute(cfn):
    change_sets.execute(cfn.client, PLAIN, HERE, "tapcfn-x")


# Find --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["AVAILABLE", "OBSOLETE", "EXECUTE_COMPLETE", "THAWING"])
def test_a_change_set_is_found_by_arn_with_its_execution_status(cfn, status):
    """The status is the service's own word, even one that we do not know."""
    cfn.answers("describe_change_set", described(ExecutionStatus=status), ChangeSetName=ARN)

    assert (PLAIN, status) == change_sets.find(cfn.client, ARN, HERE)


def test_a_change_set_that_is_gone_is_not_found(cfn):
    """Absence is None, not an error."""
    cfn.refuses("describe_change_set", "ChangeSetNotFound", 404, ChangeSetName=ARN)

    assert change_sets.find(cfn.client, ARN, HERE) is None


@pytest.mark.parametrize("status", ["DELETE_PENDING", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"])
def test_a_change_set_that_is_going_is_not_found(cfn, status):
    """Its ExecutionStatus may still call it available."""
    cfn.answers("describe_change_set", described(Status=status), ChangeSetName=ARN)

    assert change_sets.find(cfn.client, ARN, HERE) is None


def test_a_change_set_that_may_not_be_read_is_an_error(cfn):
    """Denied is not absent."""
    cfn.refuses("describe_change_set", "AccessDenied", 403, ChangeSetName=ARN)

    with pytest.raises(CloudError, match=r"^tapcfn-t \(111122223333/eu-west-1\): DescribeCh"):
        change_sets.find(cfn.client, ARN, HERE)


# Execute -----------------------------------------------------------------------------------------


def test_a_change_set_is_executed_by_arn_with_a_token(cfn):
    """What a creation made is removed if it is rolled back, even if its policy is to retain it."""
    cfn.answers("execute_change_set", {}, **ORDER)

    assert execute(cfn) is None


def test_an_update_says_that_it_is_rolled_back(cfn):
    """The service documents two defaults for it."""
    cfn.answers("execute_change_set", {}, **ORDER, DisableRollback=False)

    change_sets.execute(cfn.client, PLAIN, HERE, "tapcfn-x", updates=True)


@pytest.mark.parametrize("code", ["TokenAlreadyExistsException", "InvalidChangeSetStatus"])
@pytest.mark.parametrize("status", ["EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED"])
def test_a_lost_answer_is_not_a_failure(cfn, code, status):
    """The first call took effect: the change set is being, or has been, carried out."""
    cfn.refuses("execute_change_set", code, **ORDER)
    cfn.answers("describe_change_set", described(ExecutionStatus=status), ChangeSetName=ARN)

    assert execute(cfn) is None


@pytest.mark.parametrize("status", ["OBSOLETE", "UNAVAILABLE", "AVAILABLE", "THAWING"])
def test_what_can_no_longer_be_executed_is_stale(cfn, status):
    """Another change came first; a person must look again."""
    cfn.refuses("execute_change_set", "InvalidChangeSetStatus", **ORDER)
    cfn.answers("describe_change_set", described(ExecutionStatus=status), ChangeSetName=ARN)

    with pytest.raises(StaleError, match=f"^network: the change set is {status}; plan again$"):
        execute(cfn)


def test_a_change_set_that_was_deleted_is_stale(cfn):
    """Somebody removed it, or executed another one."""
    cfn.refuses("execute_change_set", "ChangeSetNotFound", 404, **ORDER)
    cfn.refuses("describe_change_set", "ChangeSetNotFound", 404, ChangeSetName=ARN)

    with pytest.raises(StaleError, match="^network: the change set is gone; plan again$"):
        execute(cfn)


def test_a_denied_execution_is_an_error(cfn):
    """Nothing is looked up: the service has said no."""
    cfn.refuses("execute_change_set", "AccessDenied", 403, **ORDER)

    with pytest.raises(CloudError, match="ExecuteChangeSet was refused"):
        execute(cfn)


# Discard -----------------------------------------------------------------------------------------


def is_deleted(cfn):
    cfn.answers("delete_change_set", {}, ChangeSetName=ARN)


def stands(cfn, status):
    cfn.answers("describe_stacks", {"Stacks": [summary(status)]}, StackName=STACK_ID)


def holds(cfn, *statuses, **page):
    summaries = [
        {"ChangeSetId": f"{ARN}{number}", "Status": status}
        for number, status in enumerate(statuses)
    ]
    own = {"ChangeSetId": ARN, "Status": "CREATE_COMPLETE"}  # a list may lag behind
    cfn.answers("list_change_sets", {"Summaries": [own, *summaries], **page}, StackName=STACK_ID)


def test_the_shell_of_a_creation_goes_with_its_change_set(cfn):
    """By StackId, once every page says that no other change set stands in it."""
    is_deleted(cfn)
    stands(cfn, "REVIEW_IN_PROGRESS")
    holds(cfn, "DELETE_COMPLETE", NextToken="2")
    cfn.answers("list_change_sets", {"Summaries": []}, StackName=STACK_ID, NextToken="2")
    cfn.answers("delete_stack", {}, StackName=STACK_ID)

    assert change_sets.discard(cfn.client, PLAIN, HERE) is None


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "CREATE_PENDING", "FAILED"])
def test_a_shell_in_which_others_have_staged_stays(cfn, status):
    """Somebody else is about to create that stack."""
    is_deleted(cfn)
    stands(cfn, "REVIEW_IN_PROGRESS")
    holds(cfn, "DELETE_COMPLETE", status)

    assert change_sets.discard(cfn.client, PLAIN, HERE) is None


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE"])
def test_a_stack_that_was_ever_deployed_is_never_deleted(cfn, status):
    """Only a stack in review is a shell."""
    is_deleted(cfn)
    stands(cfn, status)

    assert change_sets.discard(cfn.client, PLAIN, HERE) is None


def test_of_an_update_nothing_is_left_to_look_for(cfn):
    """The stack was there before: one call, and no look at it."""
    is_deleted(cfn)

    change_sets.discard(cfn.client, replace(PLAIN, may_leave_shell=False), HERE)


def test_what_is_gone_already_is_discarded(cfn):
    """Neither an absent change set nor an absent stack is an error."""
    cfn.refuses("delete_change_set", "ChangeSetNotFound", 404, ChangeSetName=ARN)
    cfn.refuses("describe_stacks", "ValidationError", StackName=STACK_ID)

    assert change_sets.discard(cfn.client, PLAIN, HERE) is None


def test_a_change_set_that_stays_is_an_error(cfn):
    """An orphan is not passed over in silence."""
    cfn.refuses("delete_change_set", "InvalidChangeSetStatus", ChangeSetName=ARN)

    with pytest.raises(CloudError, match=r"DeleteChangeSet was refused: no \[InvalidChangeSet"):
        change_sets.discard(cfn.client, PLAIN, HERE)


def test_a_stack_that_may_not_be_read_is_not_deleted(cfn):
    """Not knowing whether it is a shell, we leave it and say so."""
    is_deleted(cfn)
    cfn.refuses("describe_stacks", "AccessDenied", 403, StackName=STACK_ID)

    with pytest.raises(CloudError, match="DescribeStacks was refused"):
        change_sets.discard(cfn.client, PLAIN, HERE)
