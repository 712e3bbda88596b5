"""Change sets of nested stacks: made, told, executed and removed with that of their root."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.test_nested import put
from tests.local_cloud import (
    Aws,
    deploy,
    destroy,
    physical_ids,
    resource,
    settled,
    stage,
    template,
    until,
)

NUMBER = {"Type": "Number"}
LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


def group(days: int = 7, **more: Any) -> str:
    """Return the template of a nested stack: one log group, kept so many days."""
    kept = resource("Logs::LogGroup", {"RetentionInDays": {"Ref": "Days"}})
    return template(
        {"Group": kept, **more},
        Parameters={"Days": {"Type": "Number", "Default": days}, "Note": {"Type": "Number"}},
        Outputs={"Name": {"Value": {"Ref": "Group"}}},
    )


def parent(url: str, note: Any = "1", **more: Any) -> str:
    """Return the template of a stack with one nested stack."""
    properties = {"TemplateURL": url, "Parameters": {"Note": note}}
    return template({"Child": resource("CloudFormation::Stack", properties), **more})


def staged(aws: Aws, body: str, kind: str = "UPDATE") -> dict[str, Any]:
    """Return a change set of the root with those of its nested stacks."""
    return stage(
        aws.client("cloudformation"), "root", body, ChangeSetType=kind, IncludeNestedStacks=True
    )


def changes(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the changes of a description by logical id."""
    found = [each["ResourceChange"] for each in described["Changes"]]
    return {each["LogicalResourceId"]: each for each in found}


def nested(aws: Aws, described: dict[str, Any], name: str = "Child", **how: Any) -> dict[str, Any]:
    """Return the description of the change set of a nested stack."""
    arn = changes(described)[name]["ChangeSetId"]
    return dict(aws.client("cloudformation").describe_change_set(ChangeSetName=arn, **how))


def execute(aws: Aws, described: dict[str, Any]) -> dict[str, Any]:
    """Execute the change set of the root and return its stack, settled."""
    cloudformation = aws.client("cloudformation")
    cloudformation.execute_change_set(ChangeSetName=described["ChangeSetId"])
    return settled(cloudformation, described["StackId"])


def stacks(aws: Aws) -> dict[str, str]:
    """Return the status of each stack by name."""
    found = aws.client("cloudformation").describe_stacks()["Stacks"]
    return {each["StackName"]: each["StackStatus"] for each in found}


def test_a_new_nested_stack_is_reviewed_in_a_stack_of_its_own(aws: Aws):
    """Parent and root are named on both sides; what is executed is what was reviewed."""
    cloudformation = aws.client("cloudformation")
    root = staged(aws, parent(put(aws, "a", group())), "CREATE")
    child = nested(aws, root)
    (listed,) = cloudformation.list_change_sets(StackName=child["StackName"])["Summaries"]
    shown = cloudformation.describe_stacks(StackName=child["StackId"])["Stacks"][0]

    assert root["IncludeNestedStacks"]
    assert "ParentChangeSetId" not in root
    for seen in (child, listed):
        assert (root["ChangeSetId"],) * 2 == (seen["ParentChangeSetId"], seen["RootChangeSetId"])
    assert ("CREATE_COMPLETE", "AVAILABLE") == (child["Status"], child["ExecutionStatus"])
    assert {"Group": "Add"} == {key: each["Action"] for key, each in changes(child).items()}
    assert ("REVIEW_IN_PROGRESS", root["StackId"]) == (shown["StackStatus"], shown["ParentId"])

    assert "CREATE_COMPLETE" == execute(aws, root)["StackStatus"]
    assert child["StackId"] == physical_ids(cloudformation, "root")["Child"]
    assert {"root": "CREATE_COMPLETE", child["StackName"]: "CREATE_COMPLETE"} == stacks(aws)
    assert "EXECUTE_COMPLETE" == nested(aws, root)["ExecutionStatus"]


def test_it_tells_what_each_change_turns_into_what(aws: Aws):
    """Values of before and after, found in the nested stack."""
    deploy(aws.client("cloudformation"), "root", parent(put(aws, "a", group(7))))
    root = staged(aws, parent(put(aws, "b", group(14))))
    child = nested(aws, root, IncludePropertyValues=True)

    detail = changes(child)["Group"]["Details"][0]
    assert ("7", "14") == tuple(detail["Target"][key] for key in ("BeforeValue", "AfterValue"))
    assert "UPDATE_COMPLETE" == execute(aws, root)["StackStatus"]
    (seen,) = aws.client("logs").describe_log_groups()["logGroups"]
    assert 14 == seen["retentionInDays"]


def test_another_template_under_the_same_address_is_a_change(aws: Aws):
    """The root's own template stays as it is; the nested stack is updated all the same."""
    body = parent(put(aws, "a", group(7)))
    deploy(aws.client("cloudformation"), "root", body)
    put(aws, "a", group(14))
    root = staged(aws, body)

    (detail,) = changes(root)["Child"]["Details"]
    assert ("Automatic", "Dynamic") == (detail["ChangeSource"], detail["Evaluation"])
    assert ["Group"] == list(changes(nested(aws, root)))
    assert "UPDATE_COMPLETE" == execute(aws, root)["StackStatus"]
    (seen,) = aws.client("logs").describe_log_groups()["logGroups"]
    assert 14 == seen["retentionInDays"]


def test_what_is_executed_is_the_template_that_was_reviewed(aws: Aws):
    """Even where another one lies under the address by now."""
    deploy(aws.client("cloudformation"), "root", parent(put(aws, "a", group(7))))
    root = staged(aws, parent(put(aws, "b", group(14))))
    put(aws, "b", group(30))
    execute(aws, root)

    (seen,) = aws.client("logs").describe_log_groups()["logGroups"]
    assert 14 == seen["retentionInDays"]


def test_without_changes_it_fails_nothing(aws: Aws):
    """The nested one says that there is nothing to do, and the rest is done."""
    cloudformation = aws.client("cloudformation")
    url = put(aws, "a", group())
    deploy(cloudformation, "root", parent(url))
    again = staged(aws, parent(url))
    topic = {"Topic": resource("SNS::Topic")}
    more = staged(aws, parent(put(aws, "b", group()), **topic))
    child = nested(aws, more)

    assert again["StatusReason"].startswith("The submitted information didn't contain changes.")
    assert ("FAILED", "UNAVAILABLE") == (child["Status"], child["ExecutionStatus"])
    assert child["StatusReason"].startswith("The submitted information didn't contain changes.")
    assert {"Child": "Modify", "Topic": "Add"} == {
        key: each["Action"] for key, each in changes(more).items()
    }
    assert "UPDATE_COMPLETE" == execute(aws, more)["StackStatus"]


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        ({"Bad": {"Type": "AWS::No::Such"}}, "Unrecognized resource types: [AWS::No::Such]"),
        ({"Bad": resource("SNS::Topic", {"Nothing": 1})}, "AWS::EarlyValidation::PropertyValid"),
    ],
)
def test_one_that_fails_fails_the_root(aws: Aws, inner: dict[str, Any], reason: str):
    """The root says which, the nested one says why, and nothing is left once it is removed."""
    cloudformation = aws.client("cloudformation")
    root = staged(aws, parent(put(aws, "a", group(**inner))), "CREATE")
    child = nested(aws, root)

    assert ("FAILED", "UNAVAILABLE") == (root["Status"], root["ExecutionStatus"])
    assert (
        f"Nested change set {child['ChangeSetId']} was not successfully created: "
        "Currently in FAILED." == root["StatusReason"]
    )
    assert "FAILED" == child["Status"]
    assert reason in child["StatusReason"]
    cloudformation.delete_change_set(ChangeSetName=root["ChangeSetId"])
    assert {"root": "REVIEW_IN_PROGRESS"} == stacks(aws)


def test_values_that_come_later_are_taken_as_they_come(aws: Aws):
    """A number that only the operation will know is a mark until then, and no wrong number."""
    made = resource("SSM::Parameter", {"Type": "String", "Value": "5"})
    later = {"Fn::GetAtt": ["Made", "Value"]}
    root = staged(aws, parent(put(aws, "a", group()), later, Made=made), "CREATE")
    told = {
        each["ParameterKey"]: each["ParameterValue"] for each in nested(aws, root)["Parameters"]
    }
    execute(aws, root)
    child = physical_ids(aws.client("cloudformation"), "root")["Child"]
    shown = aws.client("cloudformation").describe_stacks(StackName=child)["Stacks"][0]

    assert {"Days": "7", "Note": LATER} == told
    assert {"Days": "7", "Note": "5"} == {
        each["ParameterKey"]: each["ParameterValue"] for each in shown["Parameters"]
    }


def test_a_secret_is_handed_down_and_not_told(aws: Aws):
    """The nested stack gets the same one as before, so nothing changes; it shows as stars."""
    cloudformation = aws.client("cloudformation")
    hidden = {"Days": {**NUMBER, "NoEcho": True}}
    inner = json.loads(group()) | {"Parameters": {**hidden, "Note": NUMBER}}
    body = json.loads(parent(put(aws, "a", json.dumps(inner)))) | {"Parameters": hidden}
    body["Resources"]["Child"]["Properties"]["Parameters"]["Days"] = {"Ref": "Days"}

    def asked(kind: str) -> dict[str, Any]:
        request = {"Parameters": {"Days": "14"}, "ChangeSetType": kind}
        return stage(cloudformation, "root", json.dumps(body), **request, IncludeNestedStacks=True)

    first = asked("CREATE")
    child = nested(aws, first)
    told = {each["ParameterKey"]: each["ParameterValue"] for each in child["Parameters"]}
    execute(aws, first)
    again = asked("UPDATE")

    assert {"Days": "****", "Note": "1"} == told
    (seen,) = aws.client("logs").describe_log_groups()["logGroups"]
    assert 14 == seen["retentionInDays"]
    assert again["StatusReason"].startswith("The submitted information didn't contain changes.")


def test_only_the_root_is_executed_and_deleted(aws: Aws):
    """The nested one alone is neither; with the root it goes, and so does its empty stack."""
    cloudformation = aws.client("cloudformation")
    root = staged(aws, parent(put(aws, "a", group())), "CREATE")
    arn = nested(aws, root)["ChangeSetId"]

    for action in (cloudformation.execute_change_set, cloudformation.delete_change_set):
        with pytest.raises(ClientError, match="InvalidChangeSetStatus") as refused:
            action(ChangeSetName=arn)
        assert root["ChangeSetId"] in str(refused.value)
    cloudformation.delete_change_set(ChangeSetName=root["ChangeSetId"])
    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        cloudformation.describe_change_set(ChangeSetName=arn)
    assert {"root": "REVIEW_IN_PROGRESS"} == stacks(aws)


def test_an_update_of_the_nested_stack_makes_the_whole_family_obsolete(aws: Aws):
    """What was reviewed no longer is what would happen."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "root", parent(put(aws, "a", group(7))))
    root = staged(aws, parent(put(aws, "b", group(14))))
    child = nested(aws, root)
    note = [{"ParameterKey": "Note", "ParameterValue": "2"}]
    cloudformation.update_stack(
        StackName=child["StackName"], TemplateBody=group(30), Parameters=note
    )
    settled(cloudformation, child["StackName"])

    seen = cloudformation.describe_change_set(ChangeSetName=root["ChangeSetId"])
    assert ["OBSOLETE"] * 2 == [each["ExecutionStatus"] for each in (seen, nested(aws, root))]


def test_what_an_execution_does_not_reach_is_removed(aws: Aws):
    """A failure before the nested stack's turn leaves no stack in review."""
    wrong = {"TopicArn": "arn:none", "Protocol": "sqs", "Endpoint": "arn:none"}
    body = json.loads(parent(put(aws, "a", group())))
    body["Resources"]["Bad"] = resource("SNS::Subscription", wrong)
    body["Resources"]["Child"]["DependsOn"] = "Bad"
    root = staged(aws, json.dumps(body), "CREATE")

    assert "ROLLBACK_COMPLETE" == execute(aws, root)["StackStatus"]
    until(lambda: {"root": "ROLLBACK_COMPLETE"} == stacks(aws))


def test_they_nest_deeper(aws: Aws):
    """The innermost knows its parent and the root of all, and all go together."""
    cloudformation = aws.client("cloudformation")

    def outer(days: int) -> str:
        middle = json.loads(parent(put(aws, f"inner-{days}", group(days))))
        middle["Parameters"] = {"Note": {"Type": "Number"}}
        return parent(put(aws, f"middle-{days}", json.dumps(middle)))

    made = deploy(cloudformation, "root", outer(7))
    root = staged(aws, outer(14))
    middle = nested(aws, root)
    inner = nested(aws, middle, IncludePropertyValues=True)

    assert (middle["ChangeSetId"], root["ChangeSetId"]) == (
        inner["ParentChangeSetId"],
        inner["RootChangeSetId"],
    )
    detail = changes(inner)["Group"]["Details"][0]
    assert "14" == detail["Target"]["AfterValue"]
    assert "UPDATE_COMPLETE" == execute(aws, root)["StackStatus"]
    (seen,) = aws.client("logs").describe_log_groups()["logGroups"]
    assert 14 == seen["retentionInDays"]
    destroy(cloudformation, made["StackId"])
    assert {} == stacks(aws)
