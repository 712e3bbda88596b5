"""Managed execution: operations wait for those that they would disturb, in their order."""

from __future__ import annotations

from tests.local.stack_sets.fleet import (
    NAME,
    Fleet,
    begin,
    create_set,
    ended,
    instance,
    instances,
    operate,
    operation,
    outcome,
    topics,
)
from tests.local.stack_sets.test_stack_sets import refused
from tests.local_cloud import AWAY, HOME, until

ACTIVE = {"Active": True}
OUTPUTS = {"UsePreviousTemplate": True}


def first(slow: Fleet) -> str:
    """Create a managed set and begin to deploy it to two accounts, one after the other."""
    create_set(slow, topics(), ManagedExecution=ACTIVE)
    return begin(slow, "create_stack_instances", Accounts=slow.accounts[:2], Regions=[HOME])


def status(slow: Fleet, operation_id: str) -> str:
    """Return how far an operation is."""
    return str(operation(slow, operation_id)["Status"])


def test_conflicting_operations_wait_in_order(slow):
    """What was asked for first is done first, with what the set was by then."""
    one = first(slow)
    two = begin(slow, "update_stack_set", TemplateBody=topics("two"))
    three = begin(slow, "create_stack_instances", Accounts=slow.accounts[1:3], Regions=[HOME])

    assert ["RUNNING", "QUEUED", "QUEUED"] == [status(slow, each) for each in (one, two, three)]
    assert {"PENDING"} == set(outcome(slow, three).values())
    assert topics() == slow.cfn.describe_stack_set(StackSetName=NAME)["StackSet"]["TemplateBody"]
    done = [ended(slow, each) for each in (one, two, three)]
    assert ["SUCCEEDED"] * 3 == [each["Status"] for each in done]
    assert [each["EndTimestamp"] for each in done] == sorted(each["EndTimestamp"] for each in done)
    assert 3 == len(instances(slow))
    topic = slow.of(slow.accounts[2]).client("sns")
    arn = topic.list_topics()["Topics"][0]["TopicArn"]
    assert "two" == topic.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"]


def test_others_run_beside_each_other(slow):
    """Other accounts or other Regions are no conflict."""
    one = first(slow)
    two = begin(slow, "create_stack_instances", Accounts=slow.accounts[2:4], Regions=[HOME])
    three = begin(slow, "create_stack_instances", Accounts=slow.accounts[:2], Regions=[AWAY])

    until(lambda: {status(slow, each) for each in (one, two, three)} == {"RUNNING"})
    assert ["SUCCEEDED"] * 3 == [ended(slow, each)["Status"] for each in (one, two, three)]


def test_the_setting_is_fixed_while_operations_move(slow):
    """And may change again when all are over."""
    one = first(slow)
    change = {"StackSetName": NAME, "UsePreviousTemplate": True}
    with refused("OperationInProgressException", one):
        slow.cfn.update_stack_set(**change, ManagedExecution={"Active": False})
    with refused("OperationInProgressException", one):
        slow.cfn.delete_stack_set(StackSetName=NAME)
    ended(slow, one)
    operate(slow, "update_stack_set", **OUTPUTS, ManagedExecution={"Active": False})

    told = slow.cfn.describe_stack_set(StackSetName=NAME)["StackSet"]
    assert {"Active": False} == told["ManagedExecution"]


def test_a_queued_operation_can_be_stopped(slow):
    """It has done nothing, and those after it go on."""
    one = first(slow)
    two = begin(slow, "create_stack_instances", Accounts=slow.accounts[1:3], Regions=[HOME])
    three = begin(slow, "create_stack_instances", Accounts=slow.accounts[2:4], Regions=[HOME])
    slow.cfn.stop_stack_set_operation(StackSetName=NAME, OperationId=two)

    assert "STOPPED" == status(slow, two)
    assert {"CANCELLED"} == set(outcome(slow, two).values())
    assert ["SUCCEEDED"] * 2 == [ended(slow, each)["Status"] for each in (one, three)]
    assert 4 == len(instances(slow))
    assert one == instance(slow, slow.accounts[1])["LastOperationId"]


def test_what_has_become_wrong_fails(slow):
    """An operation that waited is looked at again."""
    one = first(slow)
    ended(slow, one)
    gone = {"Accounts": slow.accounts[:1], "Regions": [HOME]}
    two = begin(slow, "delete_stack_instances", **gone)
    three = begin(slow, "update_stack_instances", **gone)

    assert "SUCCEEDED" == ended(slow, two)["Status"]
    told = ended(slow, three)
    assert "FAILED" == told["Status"]
    assert "no stack instance" in told["StatusReason"]
    assert {"CANCELLED"} == set(outcome(slow, three).values())
