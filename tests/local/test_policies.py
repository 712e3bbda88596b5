"""What protects a stack: its policy during updates, and its termination protection."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    Aws,
    deploy,
    destroy,
    failures,
    physical_ids,
    resource,
    settled,
    template,
)

ALLOW = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}


def deny(action: Any, **more: Any) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Action": action,
        "Principal": "*",
        "Resource": "LogicalResourceId/Topic",
        **more,
    }


def policy(*statements: Any) -> str:
    return json.dumps({"Statement": list(statements)})


def topic(name: str = "one", shown: str = "x") -> dict[str, Any]:
    return resource("SNS::Topic", {"TopicName": name, "DisplayName": shown})


OTHER = resource("SSM::Parameter", {"Type": "String", "Value": "1"})
BEFORE = template({"Topic": topic(), "Other": OTHER})
MODIFIED = template({"Topic": topic(shown="y"), "Other": OTHER})
REPLACED = template({"Topic": topic("two"), "Other": OTHER})
REMOVED = template({"Other": OTHER})

BY_TYPE = {"Condition": {"StringEquals": {"ResourceType": ["AWS::SNS::Topic"]}}, "Resource": "*"}


@pytest.mark.parametrize(
    ("statements", "body", "denied"),
    [
        ([ALLOW, deny("Update:Modify")], MODIFIED, "Statement [#2] does not allow [Update:Modify]"),
        ([ALLOW, deny("Update:*")], MODIFIED, "Statement [#2] does not allow [Update:Modify]"),
        (
            [deny(["Update:Delete", "Update:Replace"]), ALLOW],
            REPLACED,
            "Statement [#1] does not allow [Update:Replace]",
        ),
        ([ALLOW, deny("Update:Delete")], REMOVED, "Statement [#2] does not allow [Update:Delete]"),
        ([ALLOW, deny("Update:Delete", **BY_TYPE)], REMOVED, "[LogicalResourceId/Topic]"),
        (
            [{**ALLOW, "Resource": "LogicalResourceId/Other"}],
            MODIFIED,
            "Action not allowed by stack policy",
        ),
    ],
)
def test_a_policy_denies(aws: Aws, statements: list[Any], body: str, denied: str):
    """The resource fails with the service's reason, and everything stays as it was."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", BEFORE)
    before = physical_ids(cloudformation, "stack")
    cloudformation.set_stack_policy(StackName="stack", StackPolicyBody=policy(*statements))
    stack = deploy(cloudformation, "stack", body)

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert denied in failures(cloudformation, "stack")["Topic"]
    assert physical_ids(cloudformation, "stack") == before
    attributes = aws.client("sns").get_topic_attributes(TopicArn=before["Topic"])["Attributes"]
    assert attributes["DisplayName"] == "x"


@pytest.mark.parametrize(
    ("statements", "body"),
    [
        ([ALLOW, deny("Update:Replace")], MODIFIED),
        ([ALLOW, deny("Update:Modify")], REMOVED),
        ([ALLOW, deny("Update:*", Resource="LogicalResourceId/Oth*")], REPLACED),
        ([{**ALLOW, "Action": "Update:Modify"}], MODIFIED),
    ],
)
def test_a_policy_allows_the_rest(aws: Aws, statements: list[Any], body: str):
    """Other actions and other resources are not in its way."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", BEFORE)
    cloudformation.set_stack_policy(StackName="stack", StackPolicyBody=policy(*statements))

    assert deploy(cloudformation, "stack", body)["StackStatus"] == "UPDATE_COMPLETE"


def test_a_policy_for_one_update(aws: Aws):
    """UpdateStack may widen it for itself; the next update meets the old one."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", BEFORE)
    cloudformation.set_stack_policy(
        StackName="stack", StackPolicyBody=policy(ALLOW, deny("Update:*"))
    )
    cloudformation.update_stack(
        StackName="stack", TemplateBody=MODIFIED, StackPolicyDuringUpdateBody=policy(ALLOW)
    )

    assert settled(cloudformation, "stack")["StackStatus"] == "UPDATE_COMPLETE"
    assert deploy(cloudformation, "stack", BEFORE)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize("body", ["{}", "[]", '{"Statement": "x"}', "no", None])
def test_a_policy_is_replaced_but_never_removed(aws: Aws, body: str | None):
    """What is no policy is refused, and the policy stays."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", BEFORE)
    cloudformation.set_stack_policy(StackName="stack", StackPolicyBody=policy(ALLOW))
    given = {"StackPolicyBody": body} if body else {}

    with pytest.raises(ClientError, match="ValidationError"):
        cloudformation.set_stack_policy(StackName="stack", **given)
    found = cloudformation.get_stack_policy(StackName="stack")["StackPolicyBody"]
    assert found == policy(ALLOW)


def test_termination_protection(aws: Aws):
    """A protected stack is not deleted, until the protection is taken off."""
    cloudformation = aws.client("cloudformation")
    stack = deploy(cloudformation, "stack", BEFORE)["StackId"]
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=True)

    with pytest.raises(ClientError, match="while TerminationProtection is enabled"):
        cloudformation.delete_stack(StackName=stack)
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
    assert destroy(cloudformation, stack)["StackStatus"] == "DELETE_COMPLETE"
