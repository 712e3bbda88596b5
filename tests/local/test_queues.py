"""SQS: queues with keys, dead-letter queues and policies, read back by SQS itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local_cloud import (
    Aws,
    deploy,
    destroy,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)


def queues(**changed: Any) -> str:
    arn = {"Fn::GetAtt": ["Dead", "Arn"]}
    wanted = {
        "QueueName": "work",
        "RedrivePolicy": {"deadLetterTargetArn": arn, "maxReceiveCount": 3},
        **changed,
    }
    wanted = {name: each for name, each in wanted.items() if each is not None}
    return template(
        {
            "Dead": resource("SQS::Queue", {"MessageRetentionPeriod": 1_209_600}),
            "Queue": resource("SQS::Queue", wanted),
        },
        Outputs={
            name: {"Value": {"Fn::GetAtt": ["Queue", name]}}
            for name in ("Arn", "QueueName", "QueueUrl")
        },
    )


def attributes(aws: Aws, url: str) -> dict[str, str]:
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return dict(found["Attributes"])


def test_queue(aws: Aws):
    """Every attribute is readable, changes in place and falls back; the queue goes."""
    cloudformation, sqs = aws.client("cloudformation"), aws.client("sqs")
    full = {
        "KmsMasterKeyId": "alias/mine",
        "KmsDataKeyReusePeriodSeconds": 600,
        "VisibilityTimeout": 90,
        "DelaySeconds": 5,
        "ReceiveMessageWaitTimeSeconds": 10,
        "MaximumMessageSize": 2048,
        "Tags": [{"Key": "kind", "Value": "queue"}],
    }
    made = deploy(cloudformation, "stack", queues(**full))
    ids = physical_ids(cloudformation, "stack")
    seen, dead = attributes(aws, ids["Queue"]), attributes(aws, ids["Dead"])

    assert outputs(made) == {"Arn": seen["QueueArn"], "QueueName": "work", "QueueUrl": ids["Queue"]}
    expected = {name: str(value) for name, value in full.items() if name != "Tags"}
    assert {name: seen[name] for name in expected} == expected
    assert seen.get("SqsManagedSseEnabled", "false") == "false"
    assert json.loads(seen["RedrivePolicy"]) == {
        "deadLetterTargetArn": dead["QueueArn"],
        "maxReceiveCount": 3,
    }
    assert dead["MessageRetentionPeriod"] == "1209600"
    assert dead["SqsManagedSseEnabled"] == "true"
    assert sqs.list_queue_tags(QueueUrl=ids["Queue"])["Tags"]["kind"] == "queue"

    sqs.send_message(QueueUrl=ids["Queue"], MessageBody="kept", DelaySeconds=0)
    deploy(cloudformation, "stack", queues(VisibilityTimeout=30, RedrivePolicy=None))
    seen = attributes(aws, ids["Queue"])

    assert physical_ids(cloudformation, "stack") == ids
    assert seen["ApproximateNumberOfMessages"] == "1"
    assert (seen["VisibilityTimeout"], seen["DelaySeconds"]) == ("30", "0")
    assert seen["SqsManagedSseEnabled"] == "true"
    assert not seen.get("KmsMasterKeyId")
    assert not seen.get("RedrivePolicy")
    assert "kind" not in sqs.list_queue_tags(QueueUrl=ids["Queue"]).get("Tags", {})

    deploy(cloudformation, "stack", queues(QueueName="other"))
    listed = sorted(url.rpartition("/")[2] for url in sqs.list_queues()["QueueUrls"])
    assert listed[0] == "other"
    assert "work" not in listed
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert sqs.list_queues().get("QueueUrls", []) == []


def test_fifo_queue(aws: Aws):
    """Its name ends as it must, and what only such a queue has is kept."""
    cloudformation = aws.client("cloudformation")
    wanted = {
        "FifoQueue": True,
        "ContentBasedDeduplication": True,
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
    }
    deploy(cloudformation, "stack", template({"Queue": resource("SQS::Queue", wanted)}))
    url = physical_ids(cloudformation, "stack")["Queue"]
    seen = attributes(aws, url)

    assert url.endswith(".fifo")
    assert (seen["FifoQueue"], seen["ContentBasedDeduplication"]) == ("true", "true")
    assert seen["DeduplicationScope"] == "messageGroup"


def policied(sid: str) -> str:
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    wanted = {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Statement": [statement]}}
    return template(
        {"Queue": resource("SQS::Queue"), "Policy": resource("SQS::QueuePolicy", wanted)}
    )


def test_queue_policy(aws: Aws):
    """It stands on the queue, changes in place, and leaves with its resource."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", policied("first"))
    ids = physical_ids(cloudformation, "stack")

    def sid() -> str:
        return str(json.loads(attributes(aws, ids["Queue"])["Policy"])["Statement"][0]["Sid"])

    assert sid() == "first"
    deploy(cloudformation, "stack", policied("second"))
    assert sid() == "second"
    assert physical_ids(cloudformation, "stack") == ids
    deploy(cloudformation, "stack", template({"Queue": resource("SQS::Queue")}))
    assert not attributes(aws, ids["Queue"]).get("Policy")


@pytest.mark.parametrize(
    ("kind", "wanted", "reason"),
    [
        ("SQS::Queue", {"QueueName": "taken"}, "already exists"),
        ("SQS::Queue", {"QueueName": "a.fifo"}, "alphanumeric"),
        ("SQS::Queue", {"MessageRetentionPeriod": 5}, "MessageRetentionPeriod"),
        (
            "SQS::QueuePolicy",
            {"Queues": ["http://none/none"], "PolicyDocument": {"Statement": []}},
            "queue does not exist",
        ),
    ],
)
def test_refused(aws: Aws, kind: str, wanted: dict[str, Any], reason: str):
    """A name that is taken or wrong, a value out of range, a queue that is not there."""
    cloudformation = aws.client("cloudformation")
    aws.client("sqs").create_queue(QueueName="taken")
    deploy(cloudformation, "stack", template({"One": resource(kind, wanted)}))

    assert reason in failures(cloudformation, "stack")["One"]
    assert len(aws.client("sqs").list_queues()["QueueUrls"]) == 1
