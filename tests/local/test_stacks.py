"""Stacks and change sets as the deployer meets them: events, tokens, policies, imports, ids."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    Aws,
    deploy,
    destroy,
    events,
    failures,
    physical_ids,
    resource,
    settled,
    stage,
    template,
    until,
)


def group(name: str | None = None, days: int = 7, **more: Any) -> dict[str, Any]:
    named = {"LogGroupName": name} if name else {}
    return resource("Logs::LogGroup", {**named, "RetentionInDays": days}, **more)


# A bucket whose replication target is missing: it fails whatever stands beside it.
BROKEN = resource(
    "S3::Bucket",
    {
        "VersioningConfiguration": {"Status": "Enabled"},
        "ReplicationConfiguration": {
            "Role": "arn:aws:iam::000000000000:role/none",
            "Rules": [
                {"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::nowhere-at-all"}}
            ],
        },
    },
    DependsOn="Group",
)


def groups(aws: Aws) -> dict[str, int]:
    found = aws.client("logs").describe_log_groups()["logGroups"]
    return {each["logGroupName"]: each.get("retentionInDays", 0) for each in found}


def statuses(cloudformation: Any, stack: str, logical_id: str) -> list[str]:
    return [
        event["ResourceStatus"]
        for event in events(cloudformation, stack)
        if event["LogicalResourceId"] == logical_id
    ]


# Rollback and policies ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "left"),
    [("Delete", {}), ("RetainExceptOnCreate", {}), ("Retain", {"/kept": 7})],
)
def test_a_failed_creation_is_rolled_back(aws: Aws, policy, left):
    """What was made is deleted again; only plain Retain keeps it."""
    cloudformation = aws.client("cloudformation")
    made = deploy(
        cloudformation,
        "stack",
        template({"Group": group("/kept", DeletionPolicy=policy), "Bucket": BROKEN}),
    )

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert list(failures(cloudformation, "stack")) == ["Bucket"]
    assert groups(aws) == left


def test_retain_except_on_create_can_be_asked_for(aws: Aws):
    """ExecuteChangeSet(RetainExceptOnCreate=True) undoes what Retain would keep."""
    cloudformation = aws.client("cloudformation")
    body = template({"Group": group("/kept", DeletionPolicy="Retain"), "Bucket": BROKEN})
    staged = stage(cloudformation, "stack", body, ChangeSetType="CREATE")
    cloudformation.execute_change_set(
        ChangeSetName=staged["ChangeSetId"], RetainExceptOnCreate=True
    )

    assert settled(cloudformation, staged["StackId"])["StackStatus"] == "ROLLBACK_COMPLETE"
    assert groups(aws) == {}


@pytest.mark.parametrize(
    ("policy", "left"),
    [("Delete", {}), ("RetainExceptOnCreate", {"/kept": 7}), ("Retain", {"/kept": 7})],
)
def test_deletion_policies(aws: Aws, policy, left):
    """Deleting the stack keeps what the policy keeps."""
    cloudformation = aws.client("cloudformation")
    body = template({"Group": group("/kept", DeletionPolicy=policy)})
    gone = destroy(cloudformation, deploy(cloudformation, "stack", body)["StackId"])

    assert gone["StackStatus"] == "DELETE_COMPLETE"
    assert groups(aws) == left


def test_a_failed_update_goes_back(aws: Aws):
    """Changes in place are undone, additions deleted, and the reason stays in the events."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", template({"Group": group("/one", 7)}))
    changed = {"Group": group("/one", 30), "New": group("/two"), "Bucket": BROKEN}
    made = deploy(cloudformation, "stack", template(changed))

    assert made["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert groups(aws) == {"/one": 7}
    assert "Destination bucket must exist." in failures(cloudformation, "stack")["Bucket"]


def test_a_failing_update_undoes_its_own_part(aws: Aws):
    """A resource that failed half way is sent back to what it was."""
    s3, cloudformation = aws.client("s3"), aws.client("cloudformation")
    good = {"VersioningConfiguration": {"Status": "Enabled"}}
    deploy(cloudformation, "stack", template({"Bucket": resource("S3::Bucket", good)}))
    bad = BROKEN["Properties"] | {
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
    }
    made = deploy(cloudformation, "stack", template({"Bucket": resource("S3::Bucket", bad)}))
    name = physical_ids(cloudformation, "stack")["Bucket"]

    assert made["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="NoSuchPublicAccessBlockConfiguration"):
        s3.get_public_access_block(Bucket=name)


# Events -------------------------------------------------------------------------------------------


def test_an_update_tells_what_it_does_and_nothing_else(aws: Aws):
    """Unchanged resources are silent, new ones are created, and old ones deleted at the end."""
    cloudformation = aws.client("cloudformation")
    deploy(
        cloudformation,
        "stack",
        template({"Same": group("/same"), "Changed": group("/changed", 7), "Old": group("/old")}),
    )
    deploy(
        cloudformation,
        "stack",
        template({"Same": group("/same"), "Changed": group("/changed", 14), "New": group("/new")}),
    )
    created = ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]

    assert statuses(cloudformation, "stack", "Same") == created
    assert statuses(cloudformation, "stack", "New") == created
    assert statuses(cloudformation, "stack", "Changed") == [
        *created,
        *("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"),
    ]
    assert statuses(cloudformation, "stack", "Old") == [
        *created,
        *("DELETE_IN_PROGRESS", "DELETE_COMPLETE"),
    ]
    assert statuses(cloudformation, "stack", "stack")[-3:] == [
        *("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE")
    ]
    found = cloudformation.describe_stack_resources(StackName="stack")["StackResources"]
    assert {each["LogicalResourceId"]: each["ResourceStatus"] for each in found} == {
        "Same": "CREATE_COMPLETE",
        "New": "CREATE_COMPLETE",
        "Changed": "UPDATE_COMPLETE",
    }


def test_events_carry_the_token_of_their_operation(aws: Aws):
    """Create, update and delete mark their events, on the stack and on its resources."""
    cloudformation = aws.client("cloudformation")
    staged = stage(cloudformation, "stack", template({"Group": group()}), ChangeSetType="CREATE")
    stack = staged["StackId"]
    cloudformation.execute_change_set(
        ChangeSetName=staged["ChangeSetId"], ClientRequestToken="create-1"
    )
    settled(cloudformation, stack)
    staged = stage(cloudformation, "stack", template({"Other": group()}))
    cloudformation.execute_change_set(
        ChangeSetName=staged["ChangeSetId"], ClientRequestToken="update-2"
    )
    settled(cloudformation, stack)
    destroy(cloudformation, stack, ClientRequestToken="delete-3")
    tokens = [event.get("ClientRequestToken") for event in events(cloudformation, stack)]

    assert list(dict.fromkeys(tokens)) == [None, "create-1", "update-2", "delete-3"]
    assert tokens[0] is None
    assert None not in tokens[1:]


def test_last_operations(aws: Aws):
    """DescribeStacks lists a stack's operations, the newest first."""
    cloudformation = aws.client("cloudformation")
    stack = deploy(cloudformation, "stack", template({"Group": group(days=7)}))["StackId"]
    deploy(cloudformation, "stack", template({"Group": group(days=14)}))
    destroy(cloudformation, stack)
    found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["LastOperations"]

    assert [each["OperationType"] for each in found] == [
        *("DELETE_STACK", "UPDATE_STACK", "CREATE_STACK")
    ]
    assert len({each["OperationId"] for each in found}) == 3


# Stacks that are gone, or in review ---------------------------------------------------------------


def test_a_deleted_stack_is_readable_by_its_id(aws: Aws):
    """Neither deletion nor a new stack of the same name hides what happened."""
    cloudformation = aws.client("cloudformation")
    first = deploy(cloudformation, "stack", template({"Group": group()}))["StackId"]
    destroy(cloudformation, first)
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="stack")
    second = deploy(cloudformation, "stack", template({"Group": group()}))["StackId"]
    listed = cloudformation.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]

    assert second != first
    assert settled(cloudformation, first)["StackStatus"] == "DELETE_COMPLETE"
    assert settled(cloudformation, "stack")["StackId"] == second
    assert events(cloudformation, first)[-1]["ResourceStatus"] == "DELETE_COMPLETE"
    assert [each["StackId"] for each in listed] == [first]


def test_a_refused_change_set_hides_nothing(aws: Aws):
    """The deleted stack stays readable when the next creation is refused."""
    cloudformation = aws.client("cloudformation")
    first = deploy(cloudformation, "stack", template({"Group": group()}))["StackId"]
    destroy(cloudformation, first)
    with pytest.raises(ClientError):
        stage(cloudformation, "stack", "{", ChangeSetType="CREATE")

    assert settled(cloudformation, first)["StackStatus"] == "DELETE_COMPLETE"


def test_a_stack_in_review_keeps_its_id(aws: Aws):
    """A second CREATE change set belongs to the same stack; discarding both leaves it in review."""
    cloudformation = aws.client("cloudformation")
    body = template({"Group": group()})
    one, two = (stage(cloudformation, "stack", body, ChangeSetType="CREATE") for _ in range(2))

    assert one["StackId"] == two["StackId"]
    assert stage_names(cloudformation) == {one["ChangeSetName"], two["ChangeSetName"]}

    for staged in (one, two):
        cloudformation.delete_change_set(ChangeSetName=staged["ChangeSetId"])
    left = cloudformation.describe_stacks(StackName="stack")["Stacks"][0]

    assert left["StackStatus"] == "REVIEW_IN_PROGRESS"

    destroy(cloudformation, one["StackId"])

    assert groups(aws) == {}


def stage_names(cloudformation: Any, stack: str = "stack") -> set[str]:
    found = cloudformation.list_change_sets(StackName=stack)["Summaries"]
    return {each["ChangeSetName"] for each in found}


def test_executing_one_change_set_deletes_the_others(aws: Aws):
    """Only the executed change set is left, and it says that it was executed."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", template({"Group": group(days=7)}))
    one = stage(cloudformation, "stack", template({"Group": group(days=14)}))
    stage(cloudformation, "stack", template({"Group": group(days=30)}))
    cloudformation.execute_change_set(ChangeSetName=one["ChangeSetId"])
    settled(cloudformation, "stack")
    found = cloudformation.list_change_sets(StackName="stack")["Summaries"]

    assert [each["ExecutionStatus"] for each in found] == ["EXECUTE_COMPLETE"]
    assert found[0]["ChangeSetId"] == one["ChangeSetId"]


def test_change_sets_by_name_and_stack_id(aws: Aws):
    """Wherever a stack is named, its id does as well."""
    cloudformation = aws.client("cloudformation")
    stack = deploy(cloudformation, "stack", template({"Group": group(days=7)}))["StackId"]
    body = template({"Group": group(days=14)})
    stage(cloudformation, stack, body, ChangeSetName="mine")
    mine = {"StackName": stack, "ChangeSetName": "mine"}
    with pytest.raises(ClientError, match="AlreadyExists"):
        stage(cloudformation, stack, body, ChangeSetName="mine")

    assert cloudformation.describe_change_set(**mine)["StackId"] == stack
    assert "mine" in stage_names(cloudformation, stack)

    cloudformation.delete_change_set(**mine)

    assert "mine" not in stage_names(cloudformation, stack)

    stage(cloudformation, stack, body, ChangeSetName="mine")
    cloudformation.execute_change_set(**mine)

    assert settled(cloudformation, stack)["StackStatus"] == "UPDATE_COMPLETE"
    with pytest.raises(ClientError, match="InvalidChangeSetStatus"):
        cloudformation.execute_change_set(**mine)


def test_many_stacks_at_once(aws: Aws):
    """Twelve clients' stacks, with the emulator's types and ours, are made side by side."""
    cloudformation = aws.client("cloudformation")
    trust = {"Version": "2012-10-17", "Statement": []}
    body = template(
        {
            "Role": resource("IAM::Role", {"AssumeRolePolicyDocument": trust}),
            "Topic": resource("SNS::Topic"),
            "Group": group(),
            "Queue": resource("SQS::Queue"),
        }
    )
    made = [
        cloudformation.create_stack(
            StackName=f"stack-{number}", TemplateBody=body, Capabilities=["CAPABILITY_IAM"]
        )["StackId"]
        for number in range(12)
    ]

    assert {settled(cloudformation, stack)["StackStatus"] for stack in made} == {"CREATE_COMPLETE"}
    assert len(aws.client("iam").list_roles()["Roles"]) == len(made)
    assert len(aws.client("sqs").list_queues()["QueueUrls"]) == len(made)


def test_nothing_to_do(aws: Aws):
    """A change set without changes fails with the service's words."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", template({"Group": group()}))
    staged = stage(cloudformation, "stack", template({"Group": group()}))

    assert (staged["Status"], staged["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert staged["StatusReason"].startswith("The submitted information didn't contain changes.")


def test_change_sets_know_replacements(aws: Aws):
    """Create-only properties of our types are announced as replacements, others are not."""
    cloudformation = aws.client("cloudformation")
    vpc = lambda cidr, dns: template(  # noqa: E731
        {"Vpc": resource("EC2::VPC", {"CidrBlock": cidr, "EnableDnsSupport": dns})}
    )
    deploy(cloudformation, "stack", vpc("10.0.0.0/16", True))
    found = [
        stage(cloudformation, "stack", body)["Changes"][0]["ResourceChange"]["Replacement"]
        for body in (vpc("10.1.0.0/16", True), vpc("10.0.0.0/16", False))
    ]

    assert found == ["True", "False"]


def test_stacks_are_listed_by_status_page_by_page(aws: Aws):
    """StackStatusFilter filters, and every page but the last has a token."""
    cloudformation = aws.client("cloudformation")
    body = template({"Handle": resource("CloudFormation::WaitConditionHandle")})
    names = [f"stack-{number:03d}" for number in range(105)]
    for name in names:
        cloudformation.create_stack(StackName=name, TemplateBody=body)
    until(lambda: len(all_named(cloudformation, "CREATE_COMPLETE")) == len(names))
    first = cloudformation.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])

    assert sorted(all_named(cloudformation, "CREATE_COMPLETE")) == names
    assert all_named(cloudformation, "DELETE_COMPLETE") == []
    assert "NextToken" in first
    assert len(first["StackSummaries"]) < len(names)


def all_named(cloudformation: Any, status: str) -> list[str]:
    pages = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=[status])
    return [each["StackName"] for page in pages for each in page["StackSummaries"]]


# Imports ------------------------------------------------------------------------------------------


def test_only_literal_names_are_imported(aws: Aws):
    """As on AWS: a name that a function makes is not recognised, and then it is taken."""
    cloudformation = aws.client("cloudformation")
    aws.client("logs").create_log_group(logGroupName="/kept")
    computed = group("/kept", DeletionPolicy="Retain")
    computed["Properties"]["LogGroupName"] = {"Fn::Sub": "/kept"}
    staged = stage(
        cloudformation,
        "stack",
        template({"Group": computed}),
        ChangeSetType="CREATE",
        ImportExistingResources=True,
    )

    assert staged["Status"] == "FAILED"
    (found,) = cloudformation.describe_events(ChangeSetName=staged["ChangeSetId"])[
        "OperationEvents"
    ]
    assert found["ValidationName"] == "NAME_CONFLICT_VALIDATION"


def test_computed_names_are_imported_by_identifier(aws: Aws):
    """An IMPORT change set names what it adopts, so functions in names and keys do no harm."""
    cloudformation = aws.client("cloudformation")
    kept = {"DeletionPolicy": "RetainExceptOnCreate"}
    name = {"Fn::Sub": "kept-${AWS::AccountId}-${AWS::Region}"}
    key = resource("KMS::Key", {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}}, **kept)
    body = template({"Bucket": resource("S3::Bucket", {"BucketName": name}, **kept), "Key": key})
    first = deploy(cloudformation, "stack", body)
    before = physical_ids(cloudformation, "stack")
    destroy(cloudformation, first["StackId"])
    identifiers = {"Bucket": ("S3::Bucket", "BucketName"), "Key": ("KMS::Key", "KeyId")}
    wanted = [
        {
            "LogicalResourceId": logical_id,
            "ResourceType": f"AWS::{kind}",
            "ResourceIdentifier": {prop: before[logical_id]},
        }
        for logical_id, (kind, prop) in identifiers.items()
    ]
    made = deploy(cloudformation, "stack", body, ChangeSetType="IMPORT", ResourcesToImport=wanted)

    assert made["StackStatus"] == "IMPORT_COMPLETE"
    assert physical_ids(cloudformation, "stack") == before


def test_what_is_imported_must_be_retained(aws: Aws):
    """Without a retaining policy the change set fails and names the resource."""
    cloudformation = aws.client("cloudformation")
    aws.client("logs").create_log_group(logGroupName="/kept")
    staged = stage(
        cloudformation,
        "stack",
        template({"Group": group("/kept")}),
        ChangeSetType="CREATE",
        ImportExistingResources=True,
    )

    assert staged["Status"] == "FAILED"
    assert "Group ({LogGroupName=/kept})" in staged["StatusReason"]
