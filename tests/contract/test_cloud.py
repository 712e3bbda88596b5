"""What every `Cloud` promises: the fake that unit tests trust, and the local cloud by boto3."""

from __future__ import annotations

import pytest

from tapcfn.data_policy import written
from tapcfn.errors import BlockedError, CloudError, StaleError
from tapcfn.model import Holder, StackStatus
from tapcfn.ports import Leaving
from tests.contract.conftest import Subject
from tests.fakes.builders import a_template

NEVER = StackStatus.REVIEW_IN_PROGRESS


def test_the_caller_is_the_targets_account(subject: Subject):
    """Credentials speak for the account that they were asked for."""
    assert subject.target.account == subject.cloud.caller(subject.target)


def test_zones_are_sorted_and_at_least_two(subject: Subject):
    """The same order every time: a zone is chosen by its place in it."""
    zones = subject.cloud.zones(subject.target)

    assert sorted(zones) == list(zones)
    assert len(zones) >= 2


def test_an_unknown_stack_is_in_no_sweep(subject: Subject):
    """Absence is no error."""
    assert {} == subject.cloud.stacks(subject.target)
    assert {} == subject.cloud.moving(subject.target)


def test_a_staged_creation_is_a_stack_in_review(subject: Subject):
    """It adds the template's resources, and nothing is deployed yet."""
    change_set = subject.staged(subject.stack(), "first")

    (stack,) = subject.cloud.stacks(subject.target).values()
    assert (NEVER, change_set.stack_id) == (stack.status, stack.stack_id)
    assert [("Topic", "Add")] == [(each.logical_id, each.action) for each in change_set.changes]
    found = subject.cloud.change_set(change_set.arn, subject.target)
    assert found is not None
    assert "AVAILABLE" == found[1]


def test_the_same_token_finds_the_same_change_set(subject: Subject):
    """A lost answer is asked for again, and nothing is made twice."""
    first = subject.staged(subject.stack(), "first")

    again = subject.staged(subject.stack(), "first")

    assert (first.arn, first.stack_id) == (again.arn, again.stack_id)


def test_discarding_the_only_change_set_takes_the_empty_stack_along(subject: Subject):
    """A preview leaves nothing behind; doing it twice is harmless."""
    change_set = subject.staged(subject.stack(), "first")

    subject.cloud.discard(change_set, subject.target)

    assert {} == subject.cloud.stacks(subject.target)
    assert None is subject.cloud.change_set(change_set.arn, subject.target)


def test_discarding_one_of_two_keeps_the_other(subject: Subject):
    """Somebody else's review stays."""
    one, two = (subject.staged(subject.stack(), token) for token in ("first", "second"))

    subject.cloud.discard(one, subject.target)

    assert [NEVER] == [each.status for each in subject.cloud.stacks(subject.target).values()]
    assert subject.cloud.change_set(two.arn, subject.target) is not None


def test_a_change_set_is_withdrawn_by_its_name(subject: Subject):
    """Its token is all that a killed run has left; the empty stack goes along, once. (X-5)"""
    subject.staged(subject.stack(), "first")

    assert subject.cloud.withdraw("network", subject.target, "first")
    assert {} == subject.cloud.stacks(subject.target)
    assert not subject.cloud.withdraw("network", subject.target, "first")


def test_what_was_carried_out_can_not_be_withdrawn(subject: Subject):
    deployed = subject.deployed(subject.stack(), "first")

    assert not subject.cloud.withdraw("network", subject.target, "first")
    assert not subject.cloud.withdraw("network", subject.target, "never")
    assert deployed.status is subject.cloud.stacks(subject.target)["network"].status


def test_an_executed_creation_ends_healthy_with_outputs(subject: Subject):
    """The stack keeps the id that it had in review, and shows its template and its resources."""
    stack = subject.stack()
    change_set = subject.staged(stack, "first")
    subject.cloud.execute(change_set, subject.target, "run")

    deployed = subject.settled(change_set.stack_id)

    assert (StackStatus.CREATE_COMPLETE, change_set.stack_id) == (
        deployed.status,
        deployed.stack_id,
    )
    assert {"Id"} == set(deployed.outputs)
    assert stack.template.text == subject.cloud.template(deployed.stack_id, subject.target)
    resources = subject.cloud.resources(deployed.stack_id, subject.target)
    assert [("Topic", "AWS::SNS::Topic")] == [(key, kind) for key, (kind, _) in resources.items()]


def test_a_stack_is_found_by_name_among_others(subject: Subject):
    """Given names, the sweep passes over all others."""
    subject.deployed(subject.stack("network"))
    subject.deployed(subject.stack("other"), "second")

    wanted = frozenset({"network", "absent"})
    assert {"network"} == set(subject.cloud.stacks(subject.target, wanted))
    assert {"network", "other"} == set(subject.cloud.stacks(subject.target))


def test_the_history_of_an_operation_is_told_by_its_token(subject: Subject):
    """Oldest first, the stack's own end last; another token has no part in it."""
    deployed = subject.deployed(subject.stack())

    events = subject.cloud.events(deployed.stack_id, subject.target, "first-run")

    assert {"first-run"} == {event.token for event in events}
    assert ("CREATE_IN_PROGRESS", "CREATE_COMPLETE") == (events[0].status, events[-1].status)
    assert deployed.stack_id == events[-1].physical_id
    assert () == subject.cloud.events(deployed.stack_id, subject.target, "nobody's")


def test_executing_twice_with_one_token_starts_once(subject: Subject):
    """A lost answer to ExecuteChangeSet is asked for again, and changes nothing."""
    change_set = subject.staged(subject.stack(), "first")
    subject.cloud.execute(change_set, subject.target, "run")
    deployed = subject.settled(change_set.stack_id)

    subject.cloud.execute(change_set, subject.target, "run")

    assert deployed == subject.settled(change_set.stack_id)
    begun = [
        event
        for event in subject.cloud.events(deployed.stack_id, subject.target, "")
        if event.physical_id == deployed.stack_id and event.status == "CREATE_IN_PROGRESS"
    ]
    assert 1 == len(begun)


def test_a_token_is_used_up_once_its_change_set_has_run(subject: Subject):
    """The same question asked again after the run needs a new name."""
    stack = subject.stack()
    subject.deployed(stack)

    changed = subject.stack(template=a_template(version="2"))
    assert None is subject.cloud.stage(subject.request(changed, "first", create=False))


def test_an_update_changes_what_differs(subject: Subject):
    """The base moves on with each update, so that an older plan is seen to be stale."""
    before = subject.deployed(subject.stack())
    changed = subject.stack(
        template=a_template(resources={"Topic": "AWS::SNS::Topic", "More": "AWS::SNS::Topic"})
    )

    change_set = subject.staged(changed, "second", create=False)
    subject.cloud.execute(change_set, subject.target, "second-run")
    after = subject.settled(before.stack_id)

    assert StackStatus.UPDATE_COMPLETE is after.status
    assert [("More", "Add")] == [(each.logical_id, each.action) for each in change_set.changes]
    assert before.base != after.base


def test_nothing_to_do_is_an_answer(subject: Subject):
    """The empty change set is gone already."""
    stack = subject.stack()
    subject.deployed(stack)

    change_set = subject.staged(stack, "second", create=False)

    assert change_set.empty
    assert () == change_set.changes


def test_executing_removes_the_other_change_sets(subject: Subject):
    """What was reviewed beside it can no longer run."""
    stack = subject.stack()
    one, two = (subject.staged(stack, token) for token in ("first", "second"))

    subject.cloud.execute(one, subject.target, "run")
    subject.settled(one.stack_id)

    assert None is subject.cloud.change_set(two.arn, subject.target)
    with pytest.raises(StaleError, match="network"):
        subject.cloud.execute(two, subject.target, "other-run")


def test_a_deleted_stack_answers_to_its_id_alone(subject: Subject):
    """Names die with deletion; history and status stay readable by StackId."""
    deployed = subject.deployed(subject.stack())

    subject.cloud.delete(deployed.stack_id, subject.target, "away")
    gone = subject.settled(deployed.stack_id)

    assert StackStatus.DELETE_COMPLETE is gone.status
    assert {} == subject.cloud.stacks(subject.target)
    events = subject.cloud.events(deployed.stack_id, subject.target, "away")
    assert "DELETE_COMPLETE" == events[-1].status


def test_deleting_twice_with_one_token_is_harmless(subject: Subject):
    """A lost answer to DeleteStack is asked for again."""
    deployed = subject.deployed(subject.stack())
    subject.cloud.delete(deployed.stack_id, subject.target, "away")

    subject.cloud.delete(deployed.stack_id, subject.target, "away")

    assert StackStatus.DELETE_COMPLETE is subject.settled(deployed.stack_id).status


def test_a_name_is_free_again_after_deletion(subject: Subject):
    """The new stack of the same name is another one; both answer to their ids."""
    stack = subject.stack()
    old = subject.deployed(stack)
    subject.cloud.delete(old.stack_id, subject.target, "away")
    subject.settled(old.stack_id)

    new = subject.deployed(stack, "second")

    assert old.stack_id != new.stack_id
    assert [StackStatus.DELETE_COMPLETE, StackStatus.CREATE_COMPLETE] == [
        subject.cloud.stack(each.stack_id, subject.target).status for each in (old, new)
    ]


def test_a_protected_stack_is_not_deleted(subject: Subject):
    """Protection is shown, refuses a deletion, and can be taken off."""
    deployed = subject.deployed(subject.stack())
    subject.cloud.protect(deployed.stack_id, subject.target, on=True)

    assert subject.cloud.stack(deployed.stack_id, subject.target).protected
    with pytest.raises(BlockedError, match="TerminationProtection"):
        subject.cloud.delete(deployed.stack_id, subject.target, "away")
    subject.cloud.protect(deployed.stack_id, subject.target, on=False)
    assert not subject.cloud.stack(deployed.stack_id, subject.target).protected


def test_tags_are_those_of_the_last_operation(subject: Subject):
    """The whole list is sent each time, so one that is left out is gone."""
    subject.deployed(subject.stack(tags={"a": "1", "b": "2"}))
    change_set = subject.staged(subject.stack(tags={"b": "3"}), "second", create=False)
    subject.cloud.execute(change_set, subject.target, "second-run")

    assert {"b": "3"} == dict(subject.settled(change_set.stack_id).tags)


def test_a_bucket_that_is_not_there_holds_nothing(subject: Subject):
    """Absence is no error here either, and there is nothing to delete in it."""
    assert not subject.cloud.holds_objects("no-such-bucket", subject.target)
    assert 0 == subject.cloud.empty("no-such-bucket", subject.target)


def test_a_stack_is_found_by_its_tags_among_others(subject: Subject):
    """Whatever it is called, if it has all of them."""
    subject.deployed(subject.stack("ours", tags={"a": "1", "b": "2"}))
    subject.deployed(subject.stack("half", tags={"a": "1", "b": "3"}), "second")

    found = subject.cloud.stacks(subject.target, frozenset(), {"a": "1", "b": "2"})

    assert {"ours"} == set(found)


def test_an_export_names_its_importers(subject: Subject):
    """The exporter tells the name, the service tells who uses it."""
    name = "shared-name"
    output = {"Id": {"Value": "v", "Export": {"Name": name}}}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::ImportValue": name}}}
    exporter = subject.deployed(subject.stack("maker", Outputs=output))
    before = subject.cloud.importers(name, subject.target)
    subject.deployed(subject.stack("taker", resources={"Topic": topic}), "second")

    assert {"Id": name} == dict(exporter.exports)
    assert ((), ("taker",)) == (before, subject.cloud.importers(name, subject.target))


def test_a_name_that_nobody_has_is_free(subject: Subject):
    """Each kind of name that can be looked up."""
    for kind in ("AWS::DynamoDB::Table", "AWS::Logs::LogGroup", "AWS::S3::Bucket"):
        assert Holder.NOBODY is subject.cloud.holder(kind, "nobody-s-name", subject.target)


def test_an_account_begins_without_singletons(subject: Subject):
    """What could be overwritten, or be in the way."""
    for kind in (
        "AWS::ApiGateway::Account",
        "AWS::Config::ConfigurationRecorder",
        "AWS::Config::DeliveryChannel",
    ):
        assert "" == subject.cloud.singleton(kind, subject.target)


def test_regions_are_known_and_enabled(subject: Subject):
    """Without a call and with one."""
    assert {"us-east-1", "us-west-2", "eu-west-1"} <= subject.cloud.known_regions()
    assert subject.cloud.regions(subject.target)["us-east-1"]


def test_a_small_template_is_handed_over_without_a_bucket(subject: Subject):
    """Nothing keeps it."""
    assert "" == subject.cloud.handover_fault(subject.stack())


def test_nothing_is_remarked_of_what_went_well(subject: Subject):
    """Neither of the change set nor of the operation, which the stack names by its type."""
    change_set = subject.staged(subject.stack(), "first")
    assert () == subject.cloud.remarks(change_set.arn, subject.target)
    subject.cloud.execute(change_set, subject.target, "run")
    deployed = subject.settled(change_set.stack_id)

    assert () == subject.cloud.remarks(deployed.operations["CREATE_STACK"], subject.target)


def test_a_stack_policy_is_as_it_was_set_last(subject: Subject):
    """None at first; it can be replaced."""
    deployed = subject.deployed(subject.stack())
    before = subject.cloud.stack_policy(deployed.stack_id, subject.target)

    for ids in (("Topic",), ()):
        subject.cloud.set_stack_policy(deployed.stack_id, subject.target, written(ids))

    assert ("", written(())) == (
        before,
        subject.cloud.stack_policy(deployed.stack_id, subject.target),
    )


def test_a_stack_that_nobody_touched_has_not_drifted(subject: Subject):
    """Each resource that can be checked is listed by its logical ID, with its type and name."""
    deployed = subject.deployed(subject.stack())

    found = subject.cloud.drift(deployed.stack_id, subject.target)

    assert (True, ()) == (found.complete, found.drifted)
    assert [("Topic", "AWS::SNS::Topic", "IN_SYNC")] == [
        (each.logical_id, each.resource_type, each.status) for each in found.resources
    ]


def test_leaving_something_behind_is_for_deletions_that_failed(subject: Subject):
    """A healthy stack is not deleted in part."""
    deployed = subject.deployed(subject.stack())

    with pytest.raises(CloudError, match="DELETE_FAILED"):
        subject.cloud.delete(deployed.stack_id, subject.target, "away", Leaving(retain=("Topic",)))
    assert deployed.status is subject.settled(deployed.stack_id).status


def test_what_identifies_a_resource_is_known_before_an_import(subject: Subject):
    """The properties by logical ID, of a template that is deployed nowhere."""
    found = subject.cloud.identifiers(subject.stack(resources={"Data": "AWS::S3::Bucket"}))

    assert {"Data": ("BucketName",)} == dict(found)
