"""Durations: seeded, visible to everybody, and divided by the speed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tapcfn.local import server
from tapcfn.local.time import DURATIONS, seconds
from tests.local_cloud import (
    Aws,
    deploy,
    events,
    fresh_account,
    resource,
    settled,
    stage,
    template,
    until,
)

# The topic takes 11 seconds on AWS, up or down by a fifth: at this speed about a third of a second.
SLOW = 33
GROUP = resource("Logs::LogGroup", {"RetentionInDays": 7})
TOPIC = resource("SNS::Topic")


@pytest.fixture(scope="module")
def slow_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder of a cloud in which things take their time."""
    root = tmp_path_factory.mktemp("slow")
    server.start(root, speed=SLOW)
    yield root
    server.stop(root, settle=1)


@pytest.fixture
def slow(slow_root: Path) -> Aws:
    """Return a fresh account of the slow cloud."""
    return Aws(server.start(slow_root).url, fresh_account())


def create(cloudformation: Any, name: str = "stack", **resources: Any) -> str:
    body = template(resources or {"Topic": TOPIC})
    return str(cloudformation.create_stack(StackName=name, TemplateBody=body)["StackId"])


def test_progress_is_seen(slow: Aws):
    """While a resource is being made, stack and resource are in progress for every client."""
    cloudformation = slow.client("cloudformation")
    began = time.monotonic()
    stack = create(cloudformation)
    seen = until(lambda: [e for e in events(cloudformation, stack) if is_topic(e)])
    moving = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    ended = settled(cloudformation, stack)

    assert [event["ResourceStatus"] for event in seen] == ["CREATE_IN_PROGRESS"]
    assert moving == "CREATE_IN_PROGRESS"
    assert ended["StackStatus"] == "CREATE_COMPLETE"
    assert time.monotonic() - began >= 0.8 * 11 / SLOW


def is_topic(event: Any) -> bool:
    return bool(event["LogicalResourceId"] == "Topic")


def test_others_are_answered_meanwhile(slow: Aws):
    """A slow stack blocks nobody, and stacks move side by side."""
    cloudformation = slow.client("cloudformation")
    stacks = [create(cloudformation, f"stack-{number}") for number in range(4)]
    began = time.monotonic()
    slow.client("s3").list_buckets()
    answered = time.monotonic() - began
    for stack in stacks:
        settled(cloudformation, stack)

    assert answered < 0.25
    assert time.monotonic() - began < 4 * 0.8 * 11 / SLOW


def test_the_same_stack_takes_the_same_time():
    """The seed is account, Region, stack and logical id, and nothing else."""
    one, again, other = (
        seconds("AWS::S3::Bucket", "create", seed) for seed in ("a/b/c", "a/b/c", "a/b/d")
    )
    usual = DURATIONS["AWS::S3::Bucket"].create

    assert one == again != other
    assert 0.8 * usual <= one <= 1.2 * usual
    assert seconds("AWS::Nobody::Knows", "delete", "x") > 0


def test_a_change_set_is_made_in_steps(slow: Aws):
    """It cannot be executed before it is complete."""
    cloudformation = slow.client("cloudformation")
    made = cloudformation.create_change_set(
        StackName="stack",
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=template({"Group": GROUP}),
    )
    first = cloudformation.describe_change_set(ChangeSetName=made["Id"])
    with pytest.raises(ClientError, match="InvalidChangeSetStatus"):
        cloudformation.execute_change_set(ChangeSetName=made["Id"])
    status = lambda: cloudformation.describe_change_set(ChangeSetName=made["Id"])["Status"]  # noqa: E731

    assert (first["Status"], first["ExecutionStatus"]) == ("CREATE_PENDING", "UNAVAILABLE")
    assert until(lambda: status() == "CREATE_IN_PROGRESS")
    assert until(lambda: status() == "CREATE_COMPLETE")


def test_a_moving_stack_is_left_alone(slow: Aws):
    """It can be neither updated nor given a change set; a delete waits for its creation."""
    cloudformation = slow.client("cloudformation")
    stack = create(cloudformation)
    with pytest.raises(ClientError, match="is in CREATE_IN_PROGRESS state and can not be updated"):
        stage(cloudformation, "stack", template({"Group": GROUP}))
    cloudformation.delete_stack(StackName=stack)
    cloudformation.delete_stack(StackName=stack)

    def gone() -> bool:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return bool(found["StackStatus"] == "DELETE_COMPLETE")

    assert until(gone)
    deleted = [e["ResourceStatus"] for e in events(cloudformation, stack) if is_topic(e)]
    assert deleted == [
        *("CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE")
    ]


def test_deleting_takes_time_and_updates_nothing_meanwhile(slow: Aws):
    """A stack that is being updated cannot be deleted."""
    cloudformation = slow.client("cloudformation")
    deploy(cloudformation, "stack", template({"Group": GROUP}))
    more = template({"Group": GROUP, "Topic": TOPIC})
    staged = stage(cloudformation, "stack", more)
    cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])

    with pytest.raises(ClientError, match="cannot be deleted while in status UPDATE_IN_PROGRESS"):
        cloudformation.delete_stack(StackName="stack")
    assert settled(cloudformation, "stack")["StackStatus"] == "UPDATE_COMPLETE"
