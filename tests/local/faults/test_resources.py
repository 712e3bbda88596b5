"""Resource operations that fail or get stuck, and change sets that validation refuses."""

from __future__ import annotations

import json

import pytest

from tapcfn.local import record
from tests.local.faults.conftest import Put
from tests.local.faults.stories import TOPIC, begin, in_progress, said, status, topic
from tests.local_cloud import (
    AWAY,
    Aws,
    deploy,
    destroy,
    events,
    exists,
    failures,
    fresh_account,
    physical_ids,
    resource,
    settled,
    stage,
    template,
    until,
)

PAIR = template(
    {
        "First": resource("SNS::Topic"),
        "Second": resource("SQS::Queue", {}, DependsOn="First"),
    }
)


def test_a_create_fails_with_the_reason_and_is_rolled_back(aws: Aws, put: Put) -> None:
    """The resource is never made, and what was made before it is gone."""
    cloudformation = aws.client("cloudformation")
    put('[[fault]]\ndo = "fail"\nlogical_id = "Second"\nreason = "Queue limit reached"')

    stack = deploy(cloudformation, "shop", PAIR)

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert {"Second": "Queue limit reached"} == failures(cloudformation, stack["StackId"])
    assert not aws.client("sns").list_topics().get("Topics")
    assert not aws.client("sqs").list_queues().get("QueueUrls")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ('type = "AWS::SQS::Queue"', ["Second"]),
        ('type = "AWS::SNS::Topic"', ["First"]),
        ('logical_id = "First"', ["First"]),
        ('logical_id = "First"\ntype = "AWS::SQS::Queue"', []),
        ('region = "us-west-2"', []),
        ('account = "999999999999"', []),
        ('during = "update"', []),
        ("nth = 2", ["Second"]),
    ],
)
def test_a_failure_keeps_to_what_it_names(
    selector: str, expected: list[str], aws: Aws, put: Put
) -> None:
    """Type, logical id, account, Region, the operation and its number narrow it."""
    cloudformation = aws.client("cloudformation")
    put(f'[[fault]]\ndo = "fail"\nreason = "no"\n{selector}')

    stack = deploy(cloudformation, "shop", PAIR)

    assert expected == list(failures(cloudformation, stack["StackId"]))


def test_one_region_fails_and_the_other_does_not(aws: Aws, put: Put) -> None:
    """The same template, twice."""
    put(f'[[fault]]\ndo = "fail"\nreason = "no"\nregion = "{AWAY}"\naccount = "{aws.account}"')
    other = Aws(aws.url, fresh_account())

    ends = [
        deploy(each.client("cloudformation", region), "shop", TOPIC)["StackStatus"]
        for each, region in ((aws, AWAY), (aws, "eu-west-1"), (other, AWAY))
    ]

    assert ["ROLLBACK_COMPLETE", "CREATE_COMPLETE", "CREATE_COMPLETE"] == ends


def test_an_update_fails_and_leaves_the_resource_as_it_was(aws: Aws, put: Put) -> None:
    """The first attempt to update fails; the update began, as its events show."""
    cloudformation, sns = aws.client("cloudformation"), aws.client("sns")
    stack = deploy(cloudformation, "shop", topic("old"))["StackId"]
    put('[[fault]]\ndo = "fail"\nduring = "update"\nreason = "Invalid DisplayName"')

    ended = deploy(cloudformation, "shop", topic("new"))

    arn = sns.list_topics()["Topics"][0]["TopicArn"]
    shown = sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"]
    mine = [
        event["ResourceStatus"]
        for event in events(cloudformation, stack)
        if event["LogicalResourceId"] == "Topic"
    ]
    assert "UPDATE_ROLLBACK_COMPLETE" == ended["StackStatus"]
    assert "old" == shown
    assert ["UPDATE_IN_PROGRESS", "UPDATE_FAILED"] == mine[2:4]


def test_an_unchanged_resource_meets_no_fault(aws: Aws, put: Put) -> None:
    """Nothing is done to it, so nothing can fail."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "shop", topic("old"))
    put('[[fault]]\ndo = "fail"\nlogical_id = "Topic"\nreason = "no"')
    more = template(
        {
            "Topic": resource("SNS::Topic", {"DisplayName": "old"}),
            "More": resource("SQS::Queue"),
        }
    )

    assert "UPDATE_COMPLETE" == deploy(cloudformation, "shop", more)["StackStatus"]


def test_a_delete_fails_once_and_then_goes_through(aws: Aws, put: Put) -> None:
    """The stack settles in DELETE_FAILED with the resource in it."""
    cloudformation = aws.client("cloudformation")
    stack = deploy(cloudformation, "shop", TOPIC)["StackId"]
    put('[[fault]]\ndo = "fail"\nduring = "delete"\nreason = "still in use"\nnth = 1')

    first = destroy(cloudformation, stack)
    assert ("DELETE_FAILED", "still in use") == (
        first["StackStatus"],
        failures(cloudformation, stack)["Topic"],
    )
    cloudformation.delete_stack(StackName=stack)
    assert "DELETE_COMPLETE" == until(
        lambda: status(cloudformation, stack).replace("DELETE_IN_PROGRESS", "")
    )


def test_a_rollback_fails(aws: Aws, put: Put) -> None:
    """`during` tells a rollback's delete from any other."""
    cloudformation = aws.client("cloudformation")
    put(
        '[[fault]]\ndo = "fail"\nlogical_id = "Second"\nduring = "create"\nreason = "no"\n'
        '[[fault]]\ndo = "fail"\nlogical_id = "First"\nduring = "rollback"\nreason = "in use"\n'
        '[[fault]]\ndo = "fail"\nlogical_id = "First"\nduring = "delete"\nreason = "never"'
    )

    stack = deploy(cloudformation, "shop", PAIR)

    assert "ROLLBACK_FAILED" == stack["StackStatus"]
    assert "in use" == failures(cloudformation, stack["StackId"])["First"]


def test_the_rollback_of_an_update_fails(aws: Aws, put: Put) -> None:
    """What was updated before the failure cannot be sent back."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "shop", topic("old"))
    put(
        '[[fault]]\ndo = "fail"\nlogical_id = "Second"\nreason = "no"\n'
        '[[fault]]\ndo = "fail"\nlogical_id = "Topic"\nduring = "rollback"\nreason = "in use"'
    )
    body = template(
        {
            "Topic": resource("SNS::Topic", {"DisplayName": "new"}),
            "Second": resource("SQS::Queue", {}, DependsOn="Topic"),
        }
    )

    assert "UPDATE_ROLLBACK_FAILED" == deploy(cloudformation, "shop", body)["StackStatus"]


# Stuck --------------------------------------------------------------------------------------------


def test_what_is_stuck_moves_until_another_table_comes(aws: Aws, put: Put) -> None:
    """Where nothing waits, only a new table lets it go; it then ends well."""
    cloudformation = aws.client("cloudformation")
    put('[[fault]]\ndo = "stuck"\nseconds = 1\nlogical_id = "Second"')
    stack = begin(cloudformation, "shop", PAIR)

    assert "CREATE_IN_PROGRESS" == in_progress(cloudformation, stack, "Second")
    assert "CREATE_IN_PROGRESS" == status(cloudformation, stack)
    put("")
    assert "CREATE_COMPLETE" == settled(cloudformation, stack)["StackStatus"]


def test_what_is_stuck_goes_on_after_its_seconds(aws: Aws, put: Put) -> None:
    """The seconds are AWS's: they pass as much faster as everything else."""
    cloudformation = aws.client("cloudformation")
    record.ask(aws.url, "/_tapcfn/speed", {"speed": 100000})
    try:
        told = put('[[fault]]\ndo = "stuck"\nseconds = 20000\nlogical_id = "Second"')
        stack = begin(cloudformation, "shop", PAIR)
        assert "CREATE_IN_PROGRESS" == in_progress(cloudformation, stack, "Second")
        assert "CREATE_COMPLETE" == settled(cloudformation, stack)["StackStatus"]
    finally:
        record.ask(aws.url, "/_tapcfn/speed", {"speed": 0})
    assert [0] == [fault["done"] for fault in told["faults"]]


def test_stuck_and_fail_can_meet_in_one_operation(aws: Aws, put: Put) -> None:
    """In the order of the table: it hangs, and then it fails."""
    cloudformation = aws.client("cloudformation")
    put('[[fault]]\ndo = "stuck"\nseconds = 1\n[[fault]]\ndo = "fail"\nreason = "timed out"')
    stack = begin(cloudformation, "shop")

    assert "CREATE_IN_PROGRESS" == in_progress(cloudformation, stack)
    put("")
    assert "ROLLBACK_COMPLETE" == settled(cloudformation, stack)["StackStatus"]
    assert {"Topic": "timed out"} == failures(cloudformation, stack)


def test_a_reset_gives_up_what_is_stuck(aws: Aws, put: Put) -> None:
    """The cloud that it belonged to is gone, so nothing of it may appear afterwards."""
    cloudformation, sns = aws.client("cloudformation"), aws.client("sns")
    put('[[fault]]\ndo = "stuck"\nseconds = 1\nnth = 1')
    stack = begin(cloudformation, "shop")
    in_progress(cloudformation, stack)

    record.ask(aws.url, "/_tapcfn/reset", {})

    put("")
    deploy(cloudformation, "other", template({"Queue": resource("SQS::Queue")}))
    assert not exists(cloudformation, "shop")
    assert not sns.list_topics().get("Topics")


# Early validation ---------------------------------------------------------------------------------

FINDINGS = """
[[fault]]
do = "early_validation"
logical_id = "Topic"
nth = 1

[[fault.findings]]
name = "PROPERTY_VALIDATION"
path = "/Resources/Topic/Properties/Colour"
reason = "extraneous key <Colour> is not permitted"

[[fault.findings]]
name = "NAME_CONFLICT_VALIDATION"
path = "/Resources/Topic"
reason = "already exists"
mode = "MODE"
"""
TEXT = (
    "The following hook(s)/validation failed: [{}]. To troubleshoot Early Validation errors, use "
    "the DescribeEvents API for detailed failure information."
)


def found(aws: Aws, change_set: str) -> list[dict[str, str]]:
    """Return what DescribeEvents tells of a change set, by its ARN."""
    pages = (
        aws.client("cloudformation")
        .get_paginator("describe_events")
        .paginate(ChangeSetName=change_set, Filters={"FailedEvents": True})
    )
    return [event for page in pages for event in page["OperationEvents"]]


def test_early_validation_fails_a_change_set_and_tells_why_elsewhere(aws: Aws, put: Put) -> None:
    """DescribeChangeSet says that it failed; DescribeEvents by ARN says where and why."""
    cloudformation = aws.client("cloudformation")
    put(FINDINGS.replace("MODE", "FAIL"))

    staged = stage(cloudformation, "shop", TOPIC, ChangeSetType="CREATE")

    checks = (
        "AWS::EarlyValidation::PropertyValidation, AWS::EarlyValidation::ResourceExistenceCheck"
    )
    assert ("FAILED", "UNAVAILABLE") == (staged["Status"], staged["ExecutionStatus"])
    assert TEXT.format(checks) == staged["StatusReason"]
    first, second = found(aws, staged["ChangeSetId"])
    assert {
        "EventType": "VALIDATION_ERROR",
        "OperationType": "CREATE_CHANGESET",
        "OperationStatus": "FAILED",
        "LogicalResourceId": "Topic",
        "ResourceType": "AWS::SNS::Topic",
        "ValidationName": "PROPERTY_VALIDATION",
        "ValidationStatus": "FAILED",
        "ValidationFailureMode": "FAIL",
        "ValidationPath": "/Resources/Topic/Properties/Colour",
        "ValidationStatusReason": "extraneous key <Colour> is not permitted",
    }.items() <= first.items()
    assert "already exists" == second["ValidationStatusReason"]


def test_a_change_set_that_failed_validation_cannot_be_executed(aws: Aws, put: Put) -> None:
    """The next one, under the same table, is made; nothing is told of it."""
    cloudformation = aws.client("cloudformation")
    put(FINDINGS.replace("MODE", "FAIL"))
    staged = stage(cloudformation, "shop", TOPIC, ChangeSetType="CREATE")

    assert "InvalidChangeSetStatus" == said(
        lambda: cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
    )
    again = stage(cloudformation, "shop", TOPIC, ChangeSetType="CREATE")
    assert ("CREATE_COMPLETE", []) == (again["Status"], found(aws, again["ChangeSetId"]))


def test_warnings_alone_let_the_change_set_be_made(aws: Aws, put: Put) -> None:
    """They are told all the same, and it can be executed."""
    cloudformation = aws.client("cloudformation")
    text = FINDINGS.replace("MODE", "WARN")
    put(text.replace('not permitted"', 'not permitted"\nmode = "WARN"'))

    staged = stage(cloudformation, "shop", TOPIC, ChangeSetType="CREATE")

    assert ("CREATE_COMPLETE", "AVAILABLE") == (staged["Status"], staged["ExecutionStatus"])
    assert ["WARN", "WARN"] == [
        event["ValidationFailureMode"] for event in found(aws, staged["ChangeSetId"])
    ]
    cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
    assert "CREATE_COMPLETE" == settled(cloudformation, "shop")["StackStatus"]


def test_early_validation_keeps_to_templates_with_its_resource(aws: Aws, put: Put) -> None:
    """A change set without such a resource is made, and does not count."""
    cloudformation = aws.client("cloudformation")
    put(FINDINGS.replace("MODE", "FAIL"))

    plain = stage(cloudformation, "other", PAIR, ChangeSetType="CREATE")
    hit = stage(cloudformation, "shop", TOPIC, ChangeSetType="CREATE")

    assert ("CREATE_COMPLETE", "FAILED") == (plain["Status"], hit["Status"])


# Nested stacks ------------------------------------------------------------------------------------


def nested(aws: Aws, body: str, key: str = "child") -> str:
    """Return the template of a stack whose one resource is a nested stack of this template."""
    s3, bucket = aws.client("s3"), f"templates-{aws.account}"
    if not s3.list_buckets()["Buckets"]:
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
    url = f"https://{bucket}.s3.amazonaws.com/{key}"
    return template({"Child": resource("CloudFormation::Stack", {"TemplateURL": url})})


def test_a_fault_reaches_into_a_nested_stack(aws: Aws, put: Put) -> None:
    """It is the resource within that fails, and both stacks go back."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "shop", nested(aws, topic("old")))
    child = physical_ids(cloudformation, "shop")["Child"]
    put('[[fault]]\ndo = "fail"\nlogical_id = "Topic"\nduring = "update"\nreason = "no"\nnth = 1')

    ended = deploy(cloudformation, "shop", nested(aws, topic("new"), "again"))

    assert "UPDATE_ROLLBACK_COMPLETE" == ended["StackStatus"]
    assert {"Topic": "no"} == failures(cloudformation, child)
    assert "UPDATE_ROLLBACK_COMPLETE" == status(cloudformation, child)
    reason = next(
        event["ResourceStatusReason"]
        for event in events(cloudformation, "shop")
        if event["ResourceStatus"] == "UPDATE_FAILED"
    )
    assert (
        f"Embedded stack {child} was not successfully updated. Currently in "
        "UPDATE_ROLLBACK_COMPLETE with reason: "
        "The following resource(s) failed to update: [Topic]. "
    ) == reason


def test_what_is_stuck_in_a_nested_stack_is_in_progress_there(aws: Aws, put: Put) -> None:
    """The nested stack, its resource and its parent all move meanwhile."""
    cloudformation = aws.client("cloudformation")
    put('[[fault]]\ndo = "stuck"\nlogical_id = "Topic"\nseconds = 1')
    stack = begin(cloudformation, "shop", nested(aws, TOPIC))
    child = until(
        lambda: [
            each["StackId"]
            for each in cloudformation.describe_stacks()["Stacks"]
            if each.get("ParentId") == stack
        ]
    )[0]

    moving = in_progress(cloudformation, child)

    assert ["CREATE_IN_PROGRESS"] * 3 == [
        moving,
        status(cloudformation, child),
        status(cloudformation, stack),
    ]
    put("")
    assert "CREATE_COMPLETE" == settled(cloudformation, stack)["StackStatus"]


def test_the_rollback_of_a_parent_is_one_for_its_nested_stacks(aws: Aws, put: Put) -> None:
    """What is deleted below because it goes back above is part of the rollback."""
    cloudformation = aws.client("cloudformation")
    put(
        '[[fault]]\ndo = "fail"\nlogical_id = "Last"\nreason = "no"\n'
        '[[fault]]\ndo = "fail"\nlogical_id = "Topic"\nduring = "rollback"\nreason = "sticky"'
    )
    body = json.loads(nested(aws, TOPIC))
    body["Resources"]["Last"] = resource("SQS::Queue", {}, DependsOn="Child")

    ended = deploy(cloudformation, "shop", json.dumps(body))

    assert "ROLLBACK_FAILED" == ended["StackStatus"]
    put("")
    assert "DELETE_COMPLETE" == destroy(cloudformation, ended["StackId"])["StackStatus"]
