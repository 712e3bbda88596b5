"""Faults of stack sets: targets that fail or dawdle, operations that last, and those of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tapcfn.local import record, server
from tests.local.stack_sets.fleet import (
    NAME,
    Fleet,
    begin,
    counted,
    create_set,
    ended,
    ending,
    instance,
    operate,
    operation,
    outcome,
    reasons,
    state,
    topics,
)
from tests.local.stack_sets.test_stack_sets import refused
from tests.local_cloud import AWAY, HOME, until

Put = Callable[[str], dict[str, Any]]
LONG = 3600  # on AWS: a minute and more in the slow cloud, until the table changes


@pytest.fixture
def put(slow_cloud: server.LocalCloud) -> Iterator[Put]:
    """Return what puts a table in force; afterwards none is."""

    def replace(text: str) -> dict[str, Any]:
        return record.ask(slow_cloud.url, "/_tapcfn/faults", {"table": text})

    yield replace
    replace("")


def fault(do: str, **more: Any) -> str:
    """Return a line of a table."""
    values = (f"{name} = {value!r}".replace("'", '"') for name, value in more.items())
    return "\n".join(["[[fault]]", f'do = "{do}"', *values, ""])


def test_named_instances_fail(slow, put):
    """By a pattern of account and Region, while that is being done, with the reason."""
    one, two = slow.accounts[:2]
    only = {"Accounts": [one, two], "preferences": {"MaxConcurrentCount": 2}}
    put(
        fault("fail_instance", instance=f"{one}/us-*", reason="No room", during="create")
        + fault("fail_instance", stack_set="other", reason="never")
    )
    create_set(slow, topics())
    only["preferences"]["FailureToleranceCount"] = 1
    done = operate(slow, "create_stack_instances", **only)
    begun = done["OperationId"]

    assert ("SUCCEEDED", 2) == ending(done)
    assert {(one, HOME): "FAILED", (one, AWAY): "FAILED"} == {
        place: status for place, status in outcome(slow, begun).items() if status != "SUCCEEDED"
    }
    assert ["No room"] * 2 == reasons(slow, begun, "FAILED")
    assert "StackId" not in instance(slow, one)
    assert "SUCCEEDED" == operate(slow, "update_stack_set", UsePreviousTemplate=True)["Status"]
    assert ("CURRENT", "SUCCEEDED") == state(slow, one)


def test_slow_instances(slow, put):
    """One target is long at work, until the table changes; others are done by then."""
    one, two = slow.accounts[:2]
    put(fault("slow_instance", account=one, seconds=LONG))
    create_set(slow, topics())
    begun = begin(
        slow,
        "create_stack_instances",
        Accounts=[one, two],
        Regions=[HOME],
        preferences={"MaxConcurrentCount": 2, "FailureToleranceCount": 1},
    )
    until(lambda: {(one, HOME): "RUNNING", (two, HOME): "SUCCEEDED"} == outcome(slow, begun))
    put("")

    assert "SUCCEEDED" == ended(slow, begun)["Status"]


def test_an_operation_ends_late(slow, put):
    """All results are there, and it is RUNNING; then STOPPING; and then it is over."""
    stopping = fault("slow_operation", state="STOPPING", seconds=22)
    put(fault("slow_operation", seconds=LONG) + stopping)
    create_set(slow, topics())
    only = {"Accounts": slow.accounts[:1], "Regions": [HOME]}
    begun = begin(slow, "create_stack_instances", **only)
    until(lambda: counted(slow, begun) == {"SUCCEEDED": 1})

    assert "RUNNING" == operation(slow, begun)["Status"]
    slow.cfn.stop_stack_set_operation(StackSetName=NAME, OperationId=begun)
    assert "STOPPING" == operation(slow, begun)["Status"]
    assert "STOPPED" == ended(slow, begun)["Status"]


def test_a_queue_that_does_not_move(slow, put):
    """An operation is QUEUED although nothing is before it any more."""
    create_set(slow, topics(), ManagedExecution={"Active": True})
    only = {"Accounts": slow.accounts[:1], "Regions": [HOME]}
    put(fault("slow_operation", state="QUEUED", seconds=LONG, stack_set=NAME))
    first = begin(slow, "create_stack_instances", **only)
    second = begin(slow, "create_stack_instances", **only)
    ended(slow, first)

    assert "QUEUED" == operation(slow, second)["Status"]
    put("")
    assert "SUCCEEDED" == ended(slow, second)["Status"]


def test_operations_of_others(slow, put):
    """The first request finds one at work, which ends; the next goes through."""
    create_set(slow, topics())
    put(fault("foreign_operation", nth=1, seconds=LONG))
    only = {"Accounts": slow.accounts[:1], "Regions": [HOME]}
    with refused("OperationInProgressException", "foreign-"):
        begin(slow, "create_stack_instances", **only)
    (seen,) = slow.cfn.list_stack_set_operations(StackSetName=NAME)["Summaries"]

    assert ("UPDATE", "RUNNING") == (seen["Action"], seen["Status"])
    with refused("OperationInProgressException", seen["OperationId"]):
        begin(slow, "create_stack_instances", **only)
    put("")
    assert "SUCCEEDED" == ended(slow, seen["OperationId"])["Status"]
    assert "SUCCEEDED" == operate(slow, "create_stack_instances", **only)["Status"]


def test_a_queue_behind_others(slow, put):
    """In a managed set the request waits for them."""
    create_set(slow, topics(), ManagedExecution={"Active": True})
    put(fault("foreign_operation", nth=1, seconds=11))
    begun = begin(slow, "create_stack_instances", Accounts=slow.accounts[:1], Regions=[HOME])

    assert "QUEUED" == operation(slow, begun)["Status"]
    assert "SUCCEEDED" == ended(slow, begun)["Status"]


def test_results_that_lag(slow, put):
    """The operation is over, and twice its results do not agree with it yet."""
    create_set(slow, topics())
    put(fault("late_results", nth=[1, 2]))
    only = {"Accounts": slow.accounts[:2], "Regions": [HOME]}
    done = operate(slow, "create_stack_instances", **only, preferences={"MaxConcurrentCount": 1})
    seen = [counted(slow, done["OperationId"]) for _ in range(3)]

    assert [{"SUCCEEDED": 1, "RUNNING": 1}] * 2 + [{"SUCCEEDED": 2}] == seen


def test_answers_that_are_lost(slow: Fleet, put: Put):
    """The generic faults reach stack sets too: what happened is found under the operation's id."""
    create_set(slow, topics())
    put(fault("lost_answer", operation="CreateStackInstances", nth=1))
    only = {"Accounts": slow.accounts[:1], "Regions": [HOME], "OperationId": "mine"}
    with pytest.raises(Exception, match="Connection was closed|Could not connect|closed"):
        begin(slow, "create_stack_instances", **only)
    with refused("OperationIdAlreadyExistsException", "mine"):
        begin(slow, "create_stack_instances", **only)

    assert "SUCCEEDED" == ended(slow, "mine")["Status"]
