"""Stack instances: one real stack each, overrides, partial updates, deletions."""

from __future__ import annotations

import re

import pytest

from tests.local.stack_sets.fleet import (
    BOTH,
    NAME,
    begin,
    counted,
    create_set,
    ended,
    ending,
    free_group,
    groups,
    instance,
    instances,
    operate,
    outcome,
    parameters,
    reasons,
    results,
    stacks,
    state,
    states,
    take_group,
    topics,
    with_parameters,
)
from tests.local.stack_sets.test_stack_sets import described, refused
from tests.local_cloud import AWAY, HOME, events, outputs, resource, template, until

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
GOOD = ("CURRENT", "SUCCEEDED")


def test_one_real_stack_in_each_target(pair):
    """Its name tells its set; it has the set's parameters and tags; it is in its own account."""
    tags = [{"Key": "team", "Value": "red"}]
    body = with_parameters(Size="1")
    set_id = create_set(pair, body, Tags=tags, Parameters=parameters({"Size": "2"}))
    done = operate(pair, "create_stack_instances")

    assert ("CREATE", "SUCCEEDED", set_id) == (done["Action"], done["Status"], done["StackSetId"])
    assert {GOOD: 4} == states(pair)
    assert sorted(BOTH) == described(pair)["Regions"]
    for account in pair.accounts:
        for region in BOTH:
            (stack,) = stacks(pair, account, region)
            assert re.fullmatch(f"StackSet-{NAME}-{UUID}", stack["StackName"])
            assert "CREATE_COMPLETE" == stack["StackStatus"]
            assert (tags, {"Size": "2"}) == (stack["Tags"], outputs(stack))
            assert f":{region}:{account}:" in stack["StackId"]
    assert 4 == len({each["StackId"] for each in instances(pair)})


def test_a_long_name_fits(pair):
    """A stack's name has 128 characters at most, and a set's may have as many."""
    name = "n" * 128
    pair.cfn.create_stack_set(StackSetName=name, TemplateBody=topics())
    pair.cfn.create_stack_instances(StackSetName=name, Accounts=list(pair.accounts), Regions=[HOME])
    last = lambda: pair.cfn.list_stack_set_operations(StackSetName=name)["Summaries"][0]  # noqa: E731
    until(lambda: last()["Status"] == "SUCCEEDED")

    assert 128 == len(stacks(pair, pair.accounts[0])[0]["StackName"])


def test_a_failed_creation_leaves_no_stack(pair):
    """The instance stays, OUTDATED; its stack is deleted, and its events say why."""
    one, two = pair.accounts
    take_group(pair, one, HOME)
    create_set(pair, groups())
    done = operate(pair, "create_stack_instances", Regions=[HOME])
    told = instance(pair, one)
    cloudformation = pair.of(one).client("cloudformation")
    happened = [each["ResourceStatus"] for each in events(cloudformation, told["StackId"])]

    assert ("FAILED", 1) == ending(done)
    assert f"failure tolerance was exceeded in {HOME}" in done["StatusReason"]
    assert ("OUTDATED", "FAILED") == state(pair, one)
    assert ("OUTDATED", "CANCELLED") == state(pair, two)
    assert "ResourceLogicalId:Group, ResourceType:AWS::Logs::LogGroup" in told["StatusReason"]
    assert "already exists" in told["StatusReason"]
    assert [told["StatusReason"]] == reasons(pair, done["OperationId"], "FAILED")
    assert "DELETE_COMPLETE" == happened[-1]
    assert "CREATE_FAILED" in happened
    assert [] == stacks(pair, one)
    assert "StackId" not in instance(pair, two)


def test_what_validation_refuses_is_told(pair):
    """A stack that fails before its first resource has a reason too: here a bucket's taken name."""
    name = f"taken-{pair.admin}"
    pair.of(pair.admin).client("s3").create_bucket(Bucket=name)
    create_set(pair, template({"Bucket": resource("S3::Bucket", {"BucketName": name})}))
    done = operate(pair, "create_stack_instances", Regions=[HOME])
    (reason,) = reasons(pair, done["OperationId"], "FAILED")

    assert "ResourceLogicalId:Bucket, ResourceType:AWS::S3::Bucket" in reason
    assert f"'{name}' already exists" in reason


def test_a_failed_creation_is_tried_again(pair):
    """Creating the same instances again deploys those that failed, and leaves good stacks alone."""
    one, two = pair.accounts
    take_group(pair, one, HOME)
    create_set(pair, groups())
    operate(
        pair, "create_stack_instances", Regions=[HOME], preferences={"FailureToleranceCount": 1}
    )
    good, failed = pair.stack(two, HOME), instance(pair, one)["StackId"]
    free_group(pair, one, HOME)
    done = operate(pair, "create_stack_instances", Regions=[HOME])

    assert "SUCCEEDED" == done["Status"]
    assert {GOOD: 2} == states(pair)
    assert good == pair.stack(two, HOME)
    assert failed != instance(pair, one)["StackId"]


# Updates ------------------------------------------------------------------------------------------


def test_an_update_reaches_all(pair):
    """Without targets, every instance gets the new template, in the stack that it has."""
    create_set(pair, groups(7))
    operate(pair, "create_stack_instances")
    before = {each["StackId"] for each in instances(pair)}
    done = operate(pair, "update_stack_set", TemplateBody=groups(30))

    assert ("UPDATE", "SUCCEEDED") == (done["Action"], done["Status"])
    assert before == {each["StackId"] for each in instances(pair)}
    for account in pair.accounts:
        for region in BOTH:
            logs = pair.of(account).client("logs", region)
            assert 30 == logs.describe_log_groups()["logGroups"][0]["retentionInDays"]
            assert "UPDATE_COMPLETE" == pair.stack(account, region)["StackStatus"]


def test_an_update_of_some_outdates_the_rest(pair):
    """The template is the set's now; named pairs go on with the previous one and touch no other."""
    one, two = pair.accounts
    create_set(pair, groups(7))
    operate(pair, "create_stack_instances")
    done = operate(
        pair, "update_stack_set", TemplateBody=groups(30), Accounts=[one], Regions=[HOME]
    )

    assert {(one, HOME): "SUCCEEDED"} == outcome(pair, done["OperationId"])
    assert {GOOD: 1, ("OUTDATED", "SUCCEEDED"): 3} == states(pair)
    assert GOOD == state(pair, one, HOME)

    done = operate(
        pair, "update_stack_set", UsePreviousTemplate=True, Accounts=[two], Regions=[AWAY]
    )

    assert {(two, AWAY): "SUCCEEDED"} == outcome(pair, done["OperationId"])
    assert {GOOD: 2, ("OUTDATED", "SUCCEEDED"): 2} == states(pair)
    assert ("OUTDATED", "SUCCEEDED") == state(pair, two, HOME)
    assert groups(30) == described(pair)["TemplateBody"]


def test_other_parameters_outdate_too(pair):
    """With the previous template, a changed value is a change; the same value is none."""
    one, _ = pair.accounts
    create_set(pair, with_parameters(Size="1"))
    operate(pair, "create_stack_instances", Regions=[HOME])
    some = {"UsePreviousTemplate": True, "Accounts": [one], "Regions": [HOME]}
    operate(pair, "update_stack_set", Parameters=parameters({"Size": "1"}), **some)

    assert {GOOD: 2} == states(pair)

    operate(pair, "update_stack_set", Parameters=parameters({"Size": "2"}), **some)

    assert {GOOD: 1, ("OUTDATED", "SUCCEEDED"): 1} == states(pair)


def test_a_failed_update_keeps_the_new_template(pair):
    """The stack rolls back, the instance is OUTDATED, and the set says what it was told."""
    one, two = pair.accounts
    create_set(pair, topics())
    operate(pair, "create_stack_instances", Regions=[HOME])
    take_group(pair, one, HOME)
    done = operate(pair, "update_stack_set", TemplateBody=groups())
    told = instance(pair, one)

    assert "FAILED" == done["Status"]
    assert groups() == described(pair)["TemplateBody"]
    assert "UPDATE_ROLLBACK_COMPLETE" == pair.stack(one, HOME)["StackStatus"]
    assert ("OUTDATED", "FAILED") == state(pair, one)
    assert "already exists" in told["StatusReason"]
    assert ("OUTDATED", "CANCELLED") == state(pair, two)

    free_group(pair, one, HOME)
    done = operate(pair, "update_stack_set", UsePreviousTemplate=True)

    assert "SUCCEEDED" == done["Status"]
    assert {GOOD: 2} == states(pair)


def test_an_update_waits_for_nobody(pair):
    """A set without instances is updated in an operation without results."""
    create_set(pair, topics())
    done = operate(pair, "update_stack_set", TemplateBody=groups())

    assert "SUCCEEDED" == done["Status"]
    assert [] == results(pair, done["OperationId"])


def test_a_stack_that_somebody_deleted_is_made_again(pair):
    """The instance gets a new one."""
    one, _ = pair.accounts
    create_set(pair, topics())
    operate(pair, "create_stack_instances", Regions=[HOME])
    gone = instance(pair, one)["StackId"]
    pair.of(one).client("cloudformation").delete_stack(StackName=gone)
    until(lambda: not stacks(pair, one))
    done = operate(pair, "update_stack_set", UsePreviousTemplate=True)

    assert "SUCCEEDED" == done["Status"]
    assert gone != instance(pair, one)["StackId"]
    assert 1 == len(stacks(pair, one))


# Overrides ----------------------------------------------------------------------------------------


@pytest.fixture
def overriding(pair):
    """Return a pair of which only the first account has an instance, with two overrides."""
    create_set(pair, with_parameters(One="1", Two="2", Three="3"))
    one, _ = pair.accounts
    operate(
        pair,
        "create_stack_instances",
        Accounts=[one],
        Regions=[HOME],
        ParameterOverrides=parameters({"One": "a", "Two": "b"}),
    )
    return pair


def test_overrides_stand_before_the_set(overriding):
    """Only the instance's own description shows them."""
    one, two = overriding.accounts
    operate(overriding, "create_stack_instances", Accounts=[two], Regions=[HOME])

    assert {"One": "a", "Two": "b", "Three": "3"} == outputs(overriding.stack(one, HOME))
    assert {"One": "1", "Two": "2", "Three": "3"} == outputs(overriding.stack(two, HOME))
    assert parameters({"One": "a", "Two": "b"}) == instance(overriding, one)["ParameterOverrides"]
    assert [] == instance(overriding, two)["ParameterOverrides"]
    assert not any("ParameterOverrides" in each for each in instances(overriding))


def test_overrides_survive_updates(overriding):
    """The set's new values reach only parameters that are not overridden."""
    one, _ = overriding.accounts
    operate(
        overriding,
        "update_stack_set",
        UsePreviousTemplate=True,
        Parameters=parameters({"One": "x", "Two": "y", "Three": "z"}),
    )

    assert {"One": "a", "Two": "b", "Three": "z"} == outputs(overriding.stack(one, HOME))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"One": "c", "Two": None}, {"One": "c", "Two": "b", "Three": "3"}),
        ({"Two": None}, {"One": "1", "Two": "b", "Three": "3"}),
        ({"Three": "c"}, {"One": "1", "Two": "2", "Three": "c"}),
        ({}, {"One": "1", "Two": "2", "Three": "3"}),
        (None, {"One": "a", "Two": "b", "Three": "3"}),
    ],
)
def test_overrides_are_changed(overriding, given, expected):
    """A value, the previous one, left out and so the set's again; no list changes nothing."""
    one, _ = overriding.accounts
    more = {} if given is None else {"ParameterOverrides": parameters(given)}
    done = operate(overriding, "update_stack_instances", Accounts=[one], Regions=[HOME], **more)

    assert "SUCCEEDED" == done["Status"]
    assert expected == outputs(overriding.stack(one, HOME))


def test_wrong_overrides_are_refused(overriding):
    """Unknown ones, and those that the instance's own stack does not have yet."""
    one, two = overriding.accounts
    operate(overriding, "create_stack_instances", Accounts=[two], Regions=[HOME])
    with refused("ValidationError", r"\[Four\] do not exist"):
        begin(
            overriding,
            "update_stack_instances",
            ParameterOverrides=parameters({"Four": "4"}),
            Regions=[HOME],
        )
    operate(
        overriding,
        "update_stack_set",
        TemplateBody=with_parameters(One="1", Four="4"),
        Accounts=[two],
        Regions=[HOME],
    )
    four = {"ParameterOverrides": parameters({"Four": "x"}), "Regions": [HOME]}
    with refused("ValidationError", "update all stack instances"):
        begin(overriding, "update_stack_instances", Accounts=[one], **four)
    done = operate(overriding, "update_stack_instances", Accounts=[two], **four)

    assert "SUCCEEDED" == done["Status"]
    assert {"One": "1", "Four": "x"} == outputs(overriding.stack(two, HOME))


def test_only_what_is_there_is_updated(pair):
    """One missing pair refuses the whole request."""
    create_set(pair, topics())
    operate(pair, "create_stack_instances", Regions=[HOME])
    with refused("StackInstanceNotFoundException", AWAY):
        begin(pair, "update_stack_instances")
    with refused("StackInstanceNotFoundException", AWAY):
        instance(pair, pair.accounts[0], AWAY)
    with refused("ValidationError", "At least one"):
        begin(pair, "create_stack_instances", Accounts=[])
    with refused("ValidationError", "Not an account or not a Region: 12, mars"):
        begin(pair, "create_stack_instances", Accounts=["12"], Regions=["mars"])


# Deletions ----------------------------------------------------------------------------------------


def test_a_deletion_takes_the_stacks(pair):
    """Pairs that are not there are passed over, unless none is."""
    one, two = pair.accounts
    create_set(pair, topics())
    operate(pair, "create_stack_instances", Accounts=[one])
    operate(pair, "create_stack_instances", Accounts=[two], Regions=[HOME])
    done = operate(pair, "delete_stack_instances")

    assert ("DELETE", "SUCCEEDED", False) == (done["Action"], done["Status"], done["RetainStacks"])
    assert {(one, HOME), (two, HOME), (one, AWAY)} == set(outcome(pair, done["OperationId"]))
    assert [] == instances(pair)
    assert [] == [*stacks(pair, one), *stacks(pair, one, AWAY), *stacks(pair, two)]
    with refused("StackInstanceNotFoundException"):
        begin(pair, "delete_stack_instances")


def test_retained_stacks_stay(pair):
    """The instances go, and the stacks are nobody's."""
    create_set(pair, topics())
    operate(pair, "create_stack_instances", Regions=[HOME])
    done = operate(pair, "delete_stack_instances", Regions=[HOME], RetainStacks=True)

    assert ("SUCCEEDED", True) == (done["Status"], done["RetainStacks"])
    assert [] == instances(pair)
    for account in pair.accounts:
        assert ["CREATE_COMPLETE"] == [each["StackStatus"] for each in stacks(pair, account)]


def test_a_failed_deletion_makes_inoperable(pair):
    """No update touches the instance any more; retaining its stack lets it go."""
    one, _ = pair.accounts
    create_set(pair, topics())
    operate(pair, "create_stack_instances", Regions=[HOME])
    protect = pair.of(one).client("cloudformation").update_termination_protection
    stack = instance(pair, one)["StackId"]
    protect(StackName=stack, EnableTerminationProtection=True)
    done = operate(
        pair, "delete_stack_instances", Regions=[HOME], preferences={"FailureToleranceCount": 1}
    )
    told = instance(pair, one)

    assert ("SUCCEEDED", 1) == ending(done)
    assert {("INOPERABLE", "INOPERABLE"): 1} == states(pair)
    assert "TerminationProtection is enabled" in told["StatusReason"]
    assert (stack, "CREATE_COMPLETE") == (told["StackId"], pair.stack(one, HOME)["StackStatus"])

    for action, more in [
        ("update_stack_set", {"TemplateBody": groups()}),
        ("update_stack_set", {"UsePreviousTemplate": True, "Accounts": [one], "Regions": [HOME]}),
        ("update_stack_instances", {"Accounts": [one], "Regions": [HOME]}),
        ("create_stack_instances", {"Accounts": [one], "Regions": [HOME]}),
    ]:
        done = operate(pair, action, **more)
        assert ("SUCCEEDED", {}) == (done["Status"], outcome(pair, done["OperationId"]))
    assert ("INOPERABLE", "INOPERABLE") == state(pair, one)

    done = operate(
        pair, "delete_stack_instances", Accounts=[one], Regions=[HOME], RetainStacks=True
    )

    assert "SUCCEEDED" == done["Status"]
    assert [] == instances(pair)
    assert [stack] == [each["StackId"] for each in stacks(pair, one)]


def test_what_was_inoperable_can_be_deleted(pair):
    """Once the cause is gone, deleting again works."""
    one, _ = pair.accounts
    create_set(pair, topics())
    operate(pair, "create_stack_instances", Accounts=[one], Regions=[HOME])
    protect = pair.of(one).client("cloudformation").update_termination_protection
    stack = instance(pair, one)["StackId"]
    protect(StackName=stack, EnableTerminationProtection=True)
    first = operate(pair, "delete_stack_instances", Accounts=[one], Regions=[HOME])
    protect(StackName=stack, EnableTerminationProtection=False)
    second = operate(pair, "delete_stack_instances", Accounts=[one], Regions=[HOME])

    assert ("FAILED", "SUCCEEDED") == (first["Status"], second["Status"])
    assert ([], []) == (instances(pair), stacks(pair, one))


def test_filters_of_instances(pair):
    """By account, Region, detailed status and last operation."""
    one, two = pair.accounts
    take_group(pair, two, AWAY)
    create_set(pair, groups())
    first = operate(
        pair, "create_stack_instances", Regions=[AWAY], preferences={"FailureToleranceCount": 2}
    )["OperationId"]
    operate(pair, "create_stack_instances", Regions=[HOME])

    def places(**request):
        return {(each["Account"], each["Region"]) for each in instances(pair, **request)}

    def by(name, value):
        return {"Filters": [{"Name": name, "Values": value}]}

    assert {(two, AWAY)} == places(**by("DETAILED_STATUS", "FAILED"))
    assert {(one, AWAY), (two, AWAY)} == places(**by("LAST_OPERATION_ID", first))
    assert {(two, AWAY)} == places(StackInstanceAccount=two, StackInstanceRegion=AWAY)
    assert set() == places(**by("DETAILED_STATUS", "RUNNING"))
    assert 4 == len(places(**by("DRIFT_STATUS", "NOT_CHECKED")))
    assert set() == places(StackInstanceAccount=one, **by("DETAILED_STATUS", "FAILED"))


def test_instances_come_in_pages(pair):
    """Each once, even when those already shown are deleted before the next page."""
    one, two = sorted(pair.accounts)
    create_set(pair, topics())
    operate(pair, "create_stack_instances")
    first = pair.cfn.list_stack_instances(StackSetName=NAME, MaxResults=2)
    ended(pair, begin(pair, "delete_stack_instances", Accounts=[one]))
    second = pair.cfn.list_stack_instances(
        StackSetName=NAME, MaxResults=2, NextToken=first["NextToken"]
    )

    assert [one, one] == [each["Account"] for each in first["Summaries"]]
    assert [two, two] == [each["Account"] for each in second["Summaries"]]
    assert "NextToken" not in second
    assert {"SUCCEEDED": 4} == counted(pair, first["Summaries"][0]["LastOperationId"])
