"""What a stop interrupts has ended when the cloud starts again, unless the stop waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tapcfn.local import server
from tests.local.stack_sets.fleet import (
    NAME,
    Fleet,
    begin,
    create_set,
    fleet,
    instance,
    operate,
    operation,
    outcome,
    state,
    topics,
)
from tests.local_cloud import HOME, until


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Return an empty folder, and end whatever runs in it afterwards."""
    yield tmp_path
    server.stop(tmp_path, settle=0)


def again(root: Path, before: Fleet, settle: float = 5) -> Fleet:
    """Stop the cloud, start it again, and return the same accounts."""
    server.stop(root, settle=settle)
    return Fleet(server.start(root, speed=0).url, before.admin, before.accounts)


def test_interrupted_operations_have_ended(root):
    """What ran has FAILED, what waited is CANCELLED, and one can go on.

    The operation FAILED too, unless it was STOPPING: that one did what it was asked for. A stack of
    nobody's set says too that it was interrupted.
    """
    cloud = server.start(root, speed=6)
    first, stopping = fleet(cloud), fleet(cloud)
    one, two = first.accounts
    for each in (first, stopping):
        create_set(each, topics())
    begun = begin(first, "create_stack_instances", Regions=[HOME])
    stopped = begin(stopping, "create_stack_instances")
    until(lambda: "StackId" in instance(first, one))
    until(lambda: outcome(stopping, stopped)[stopping.accounts[0], HOME] == "RUNNING")
    stopping.cfn.stop_stack_set_operation(StackSetName=NAME, OperationId=stopped)
    plain = first.cfn.create_stack(StackName="plain", TemplateBody=topics())["StackId"]
    second = again(root, first, settle=0)
    left = second.cfn.describe_stacks(StackName=plain)["Stacks"][0]
    told = operation(second, begun)

    assert "CREATE_FAILED" == left["StackStatus"]
    assert "local cloud was ended" in left["StackStatusReason"]
    assert "FAILED" == told["Status"]
    assert "local cloud was ended" in told["StatusReason"]
    assert told["CreationTimestamp"] < told["EndTimestamp"]
    assert {(one, HOME): "FAILED", (two, HOME): "CANCELLED"} == outcome(second, begun)
    assert ("OUTDATED", "FAILED") == state(second, one)
    assert ("OUTDATED", "CANCELLED") == state(second, two)
    assert "CREATE_FAILED" == second.stack(one, HOME)["StackStatus"]
    assert "STOPPED" == operation(replace(stopping, url=second.url), stopped)["Status"]

    done = operate(second, "update_stack_set", UsePreviousTemplate=True)

    assert "SUCCEEDED" == done["Status"]
    assert "CREATE_COMPLETE" == second.stack(one, HOME)["StackStatus"]


def test_a_stop_waits_for_operations(root):
    """Between two targets no stack moves, and the operation is not over all the same."""
    first = fleet(server.start(root, speed=40))
    create_set(first, topics())
    begun = begin(first, "create_stack_instances", Regions=[HOME])

    second = again(root, first, settle=60)

    assert "SUCCEEDED" == operation(second, begun)["Status"]
