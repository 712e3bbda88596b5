"""Why an instance failed: this operation's own reason, and never one of an earlier one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn.model import StackEvent, Target
from tapcfn.stack_sets.root_causes import root_cause
from tests.tapcfn.stack_sets.examples import EAST, A
from tests.tapcfn.stack_sets.test_running import Room

PLACE = Target(A, EAST)
STACK = f"arn:aws:cloudformation:{EAST}:{A}:stack/StackSet-x/1"
INNER = f"arn:aws:cloudformation:{EAST}:{A}:stack/StackSet-x-Nested/2"


def own(status: str) -> StackEvent:
    return StackEvent(status, "StackSet-x", "AWS::CloudFormation::Stack", status, physical_id=STACK)


def failed(reason: str, status: str = "UPDATE_FAILED", logical_id: str = "Topic") -> StackEvent:
    return StackEvent(reason, logical_id, "AWS::SNS::Topic", status, reason)


NEST = StackEvent("n", "Nested", "AWS::CloudFormation::Stack", "UPDATE_FAILED", "[Queue] failed")


@pytest.mark.parametrize(
    ("events", "reason", "cause"),
    [
        pytest.param(
            (own("UPDATE_IN_PROGRESS"), failed("old"), own("UPDATE_IN_PROGRESS"), failed("new")),
            "ResourceLogicalId:Topic, ResourceStatusReason:new.",
            "Topic (AWS::SNS::Topic): new",
            id="no token tells the operations apart",
        ),
        pytest.param(
            (own("UPDATE_IN_PROGRESS"), failed("old")),
            "ResourceLogicalId:Topic, ResourceStatusReason:new.",
            "",
            id="the new events lag",
        ),
        pytest.param(
            (own("UPDATE_IN_PROGRESS"), failed("old")),
            "the stack is in UPDATE_ROLLBACK_FAILED state and can not be updated",
            "",
            id="the operation never came to the stack",
        ),
        pytest.param(
            (own("UPDATE_IN_PROGRESS"), failed("old"), own("UPDATE_IN_PROGRESS")),
            "",
            "",
            id="nothing has failed",
        ),
        pytest.param(
            (
                own("CREATE_IN_PROGRESS"),
                failed("no room", "CREATE_FAILED"),
                own("DELETE_IN_PROGRESS"),
                own("DELETE_COMPLETE"),
            ),
            "ResourceLogicalId:Topic, ResourceStatusReason:no room.",
            "Topic (AWS::SNS::Topic): no room",
            id="cleaned up",
        ),
        pytest.param(
            (own("UPDATE_IN_PROGRESS"), replace(NEST, status="x", physical_id=INNER), NEST),
            "ResourceLogicalId:Nested, ResourceStatusReason:[Queue] failed.",
            "Nested/Queue (AWS::SNS::Topic): within",
            id="a nested stack says why",
        ),
    ],
)
def test_the_cause_is_of_this_operation_and_no_other(
    events: tuple[StackEvent, ...], reason: str, cause: str
) -> None:
    """Told by what the operation itself says of the instance. (X-22, X-32)"""
    room = Room()
    room.histories.of[STACK] = events
    room.histories.of[INNER] = (failed("within", logical_id="Queue"),)

    assert cause == root_cause(STACK, PLACE, reason, room.means())


def test_a_hook_that_objected_in_this_operation_is_told_with_the_failure() -> None:
    """The service names it and no more; what it said the time before is over. (X-29)"""
    room = Room()
    objects = StackEvent("h", "Topic", "AWS::SNS::Topic", "UPDATE_IN_PROGRESS")
    room.histories.of[STACK] = (
        own("UPDATE_IN_PROGRESS"),
        replace(objects, objection="Guard::Tags: no team"),
        failed("hook failed: [Guard::Tags]"),
        own("UPDATE_IN_PROGRESS"),
        replace(objects, objection="Guard::Tags: no owner"),
        failed("hook failed: [Guard::Tags]"),
    )

    assert "Topic (AWS::SNS::Topic): hook failed: [Guard::Tags]; Guard::Tags: no owner" == (
        root_cause(STACK, PLACE, "", room.means())
    )
