"""What every `Cloud` promises of stacks that are taken back: RollbackStack and its continuation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tapcfn.errors import CloudError
from tapcfn.model import StackStatus
from tests.contract.conftest import Subject

BEFORE = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "before"}}
AFTER = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "after"}}
MORE = {"Type": "AWS::SNS::Topic", "DependsOn": "Topic"}


@pytest.fixture
def stuck(subject: Subject) -> str:
    """Return the id of a stack whose update failed, and whose rollback failed as well."""
    before = subject.deployed(subject.stack(resources={"Topic": BEFORE}))
    subject.mishaps.update_fails("network")
    changed = subject.stack(resources={"Topic": AFTER, "More": MORE})
    change_set = subject.staged(changed, "second", create=False)
    subject.cloud.execute(change_set, subject.target, "second-run")
    assert StackStatus.UPDATE_ROLLBACK_FAILED is subject.settled(before.stack_id).status
    return before.stack_id


def test_only_an_update_under_way_is_cancelled(subject: Subject):
    """What has ended stays as it is. (3.4)"""
    deployed = subject.deployed(subject.stack())

    with pytest.raises(CloudError) as refused:
        subject.cloud.cancel(deployed.stack_id, subject.target, "no-more")

    assert "ValidationError" == refused.value.code
    assert deployed.status is subject.cloud.stack(deployed.stack_id, subject.target).status


def test_a_rollback_that_failed_is_gone_on_with(subject: Subject, stuck: str):
    """Once what was in its way is gone; its history is told by the token. (D-20)"""
    subject.mishaps.heal()

    continued(subject, stuck)

    assert StackStatus.UPDATE_ROLLBACK_COMPLETE is subject.settled(stuck).status
    events = subject.cloud.events(stuck, subject.target, "on")
    assert (stuck, "UPDATE_ROLLBACK_COMPLETE") == (events[-1].physical_id, events[-1].status)


def test_what_can_not_be_taken_back_is_skipped(subject: Subject, stuck: str):
    """Whatever is in its way is still there."""
    continued(subject, stuck, "Topic")

    assert StackStatus.UPDATE_ROLLBACK_COMPLETE is subject.settled(stuck).status


def test_going_on_twice_with_one_token_is_harmless(subject: Subject, stuck: str):
    """A lost answer is asked for again."""
    continued(subject, stuck, "Topic")
    subject.settled(stuck)

    continued(subject, stuck, "Topic")

    assert StackStatus.UPDATE_ROLLBACK_COMPLETE is subject.settled(stuck).status


def test_only_what_failed_in_the_rollback_is_skipped(subject: Subject, stuck: str):
    """Nothing else is left out of a stack."""
    with pytest.raises(CloudError) as refused:
        continued(subject, stuck, "Other")

    assert "ValidationError" == refused.value.code
    assert StackStatus.UPDATE_ROLLBACK_FAILED is subject.settled(stuck).status


def test_a_creation_that_failed_is_rolled_back(subject: Subject):
    """All that it made goes; asked again with the same token, nothing happens."""
    stack_id = subject.mishaps.left_failed(
        subject.stack(resources={"Topic": "AWS::SNS::Topic", "More": MORE})
    )
    assert StackStatus.CREATE_FAILED is subject.settled(stack_id).status
    assert "Topic" in subject.cloud.resources(stack_id, subject.target)
    subject.mishaps.heal()

    for _ in range(2):
        subject.cloud.rollback(stack_id, subject.target, "back")
        assert StackStatus.ROLLBACK_COMPLETE is subject.settled(stack_id).status
    assert {} == subject.cloud.resources(stack_id, subject.target)


@pytest.mark.parametrize("call", ["rollback", "continue"])
def test_a_healthy_stack_is_not_taken_back(subject: Subject, call: str):
    """There is nothing to go back from."""
    deployed = subject.deployed(subject.stack())
    calls: dict[str, Callable[[], None]] = {
        "rollback": lambda: subject.cloud.rollback(deployed.stack_id, subject.target, "back"),
        "continue": lambda: continued(subject, deployed.stack_id),
    }

    with pytest.raises(CloudError) as refused:
        calls[call]()

    assert "ValidationError" == refused.value.code
    assert deployed == subject.settled(deployed.stack_id)


def continued(subject: Subject, stack_id: str, *skip: str) -> None:
    subject.cloud.continue_rollback(stack_id, subject.target, "on", skip=skip, force=False)
