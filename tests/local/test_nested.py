"""Nested stacks: stacks of their own, with events, durations and rollbacks like any other."""

from __future__ import annotations

import json
from typing import Any

from tests.local_cloud import (
    HOME,
    Aws,
    deploy,
    destroy,
    events,
    outputs,
    physical_ids,
    resource,
    template,
)


def topic(name: str, **more: Any) -> str:
    """Return the template of a nested stack: one topic, and its ARN."""
    return template(
        {"Topic": resource("SNS::Topic", {"DisplayName": name}), **more},
        Parameters={"Days": {"Type": "Number", "Default": 7}},
        Outputs={"Arn": {"Value": {"Ref": "Topic"}}, "Days": {"Value": {"Ref": "Days"}}},
    )


def put(aws: Aws, key: str, body: str) -> str:
    """Put a template into a bucket, and return its address."""
    s3, bucket = aws.client("s3"), f"templates-{aws.account}"
    if bucket not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
    return f"https://{bucket}.s3.{HOME}.amazonaws.com/{key}"


def parent(url: str, **more: Any) -> str:
    """Return the template of a stack with one nested stack."""
    child = resource("CloudFormation::Stack", {"TemplateURL": url, "Parameters": {"Days": 3}})
    return template(
        {"Child": child, **more},
        Outputs={
            name: {"Value": {"Fn::GetAtt": ["Child", f"Outputs.{name}"]}}
            for name in ("Arn", "Days")
        },
    )


def told(aws: Aws, stack: str) -> list[tuple[str, str]]:
    """Return a stack's events, oldest first: what, and how it went."""
    return [
        (
            event["LogicalResourceId"] if event["PhysicalResourceId"] != stack else "",
            event["ResourceStatus"],
        )
        for event in events(aws.client("cloudformation"), stack)
    ]


def described(aws: Aws, stack: str) -> dict[str, Any]:
    """Return the description of a stack."""
    return dict(aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0])


def test_a_nested_stack_is_a_stack(aws: Aws):
    """It has its own name, events and outputs, and knows its parent."""
    made = deploy(aws.client("cloudformation"), "shop", parent(put(aws, "a", topic("old"))))
    child = physical_ids(aws.client("cloudformation"), "shop")["Child"]
    nested = described(aws, child)

    assert "CREATE_COMPLETE" == made["StackStatus"]
    assert nested["StackName"].startswith("shop-Child-")
    assert (made["StackId"], made["StackId"]) == (nested["ParentId"], nested["RootId"])
    assert outputs(made) == outputs(nested)
    assert "3" == outputs(nested)["Days"]
    assert [
        *[("", "CREATE_IN_PROGRESS"), ("Topic", "CREATE_IN_PROGRESS")],
        *[("Topic", "CREATE_COMPLETE"), ("", "CREATE_COMPLETE")],
    ] == told(aws, child)


def test_its_events_have_a_token_of_their_own(aws: Aws):
    """One token for all of them, which is not that of the parent."""
    cloudformation = aws.client("cloudformation")
    url = put(aws, "a", topic("old"))
    cloudformation.create_stack(
        StackName="shop", TemplateBody=parent(url), ClientRequestToken="mine"
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="shop", WaiterConfig={"Delay": 0, "MaxAttempts": 1000}
    )
    child = physical_ids(cloudformation, "shop")["Child"]

    tokens = {event["ClientRequestToken"] for event in events(cloudformation, child)}

    assert 1 == len(tokens)
    assert not tokens & {"mine", ""}
    assert {"mine"} == {event["ClientRequestToken"] for event in events(cloudformation, "shop")}


def test_an_update_tells_what_it_changes(aws: Aws):
    """Only what changes has events; what leaves the nested stack is deleted in its clean-up."""
    cloudformation = aws.client("cloudformation")
    more = {"Queue": resource("SQS::Queue"), "Gone": resource("SQS::Queue")}
    deploy(cloudformation, "shop", parent(put(aws, "a", topic("old", **more))))
    child = physical_ids(cloudformation, "shop")["Child"]
    before = len(told(aws, child))
    del more["Gone"]

    updated = deploy(cloudformation, "shop", parent(put(aws, "b", topic("new", **more))))

    assert "UPDATE_COMPLETE" == updated["StackStatus"]
    assert child == physical_ids(cloudformation, "shop")["Child"]
    assert [
        *[("", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_IN_PROGRESS")],
        *[("Topic", "UPDATE_COMPLETE"), ("", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")],
        *[("Gone", "DELETE_IN_PROGRESS"), ("Gone", "DELETE_COMPLETE"), ("", "UPDATE_COMPLETE")],
    ] == told(aws, child)[before:]


def test_what_cannot_be_created_leaves_nothing(aws: Aws):
    """The parent says which resource failed; the nested stack and what it made are gone."""
    bad = {
        "Bad": resource(
            "SNS::Subscription",
            {"TopicArn": "arn:none", "Protocol": "sqs", "Endpoint": "arn:none"},
            DependsOn="Topic",
        )
    }
    made = deploy(aws.client("cloudformation"), "shop", parent(put(aws, "a", topic("old", **bad))))

    (reason,) = [
        event["ResourceStatusReason"]
        for event in events(aws.client("cloudformation"), made["StackId"])
        if event["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert "ROLLBACK_COMPLETE" == made["StackStatus"]
    assert reason.startswith("Embedded stack arn:aws:cloudformation:")
    assert reason.endswith(
        "was not successfully created: The following resource(s) failed to create: [Bad]. "
    )
    child = reason.split()[2]
    assert "DELETE_COMPLETE" == described(aws, child)["StackStatus"]
    assert ("", "CREATE_FAILED") in told(aws, child)
    assert not aws.client("sns").list_topics().get("Topics")


def test_a_failed_update_goes_back_with_its_parent(aws: Aws):
    """A nested stack that was updated before something else failed is as it was before."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "shop", parent(put(aws, "a", topic("old"))))
    bad = resource(
        "SNS::Subscription",
        {"TopicArn": "arn:none", "Protocol": "sqs", "Endpoint": "arn:none"},
        DependsOn="Child",
    )

    ended = deploy(cloudformation, "shop", parent(put(aws, "b", topic("new")), Bad=bad))

    (arn,) = [each["TopicArn"] for each in aws.client("sns").list_topics()["Topics"]]
    shown = aws.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"]
    assert ("UPDATE_ROLLBACK_COMPLETE", "old") == (ended["StackStatus"], shown)


def test_a_deletion_takes_it_along(aws: Aws):
    """Its resources are deleted by events of its own, and it stays readable by its id."""
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "shop", parent(put(aws, "a", topic("old"))))
    child = physical_ids(cloudformation, "shop")["Child"]

    gone = destroy(cloudformation, made["StackId"])

    assert "DELETE_COMPLETE" == gone["StackStatus"]
    assert [
        *[("", "DELETE_IN_PROGRESS"), ("Topic", "DELETE_IN_PROGRESS")],
        *[("Topic", "DELETE_COMPLETE"), ("", "DELETE_COMPLETE")],
    ] == told(aws, child)[-4:]
    assert not aws.client("sns").list_topics().get("Topics")


def test_the_parent_acknowledges_for_all(aws: Aws):
    """What needs a capability is refused below as above; what was acknowledged is passed down."""
    role = {"Role": resource("IAM::Role", {"AssumeRolePolicyDocument": {"Statement": []}})}
    cloudformation = aws.client("cloudformation")
    url = put(aws, "a", topic("old", **role))
    cloudformation.create_stack(StackName="none", TemplateBody=parent(url))
    cloudformation.create_stack(
        StackName="some", TemplateBody=parent(url), Capabilities=["CAPABILITY_IAM"]
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName="some", WaiterConfig={"Delay": 0, "MaxAttempts": 1000})

    reasons = [event.get("ResourceStatusReason", "") for event in events(cloudformation, "none")]
    assert any("Requires capabilities : [CAPABILITY_IAM]" in reason for reason in reasons)


def test_stacks_nest_deeper(aws: Aws):
    """The innermost knows its parent and the root of all."""
    cloudformation = aws.client("cloudformation")
    middle = json.loads(parent(put(aws, "inner", topic("deep"))))
    middle["Parameters"] = {"Days": {"Type": "Number"}}
    made = deploy(cloudformation, "shop", parent(put(aws, "middle", json.dumps(middle))))
    outer = physical_ids(cloudformation, "shop")["Child"]

    inner = described(aws, physical_ids(cloudformation, outer)["Child"])

    assert "CREATE_COMPLETE" == made["StackStatus"]
    assert (outer, made["StackId"]) == (inner["ParentId"], inner["RootId"])
    assert outputs(inner) == outputs(made)


def test_a_summary_wants_everything_acknowledged_for_a_nested_stack(aws: Aws):
    """The service does not look into it; a template without one is asked as before."""
    client = aws.client("cloudformation")
    nested = {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "x"}}}
    role = {"Role": {"Type": "AWS::IAM::Role"}}

    both = client.get_template_summary(TemplateBody=json.dumps({"Resources": {**nested, **role}}))
    plain = client.get_template_summary(TemplateBody=json.dumps({"Resources": role}))

    assert ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"] == both["Capabilities"]
    assert both["CapabilitiesReason"].endswith("capabilities: [AWS::CloudFormation::Stack]")
    assert ["CAPABILITY_IAM"] == plain["Capabilities"]
