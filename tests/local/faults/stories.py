"""Words that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from tests.local_cloud import HOME, Aws, resource, stage, template, until

TOPIC = template({"Topic": resource("SNS::Topic")})
BIG = 3600


def topic(name: str) -> str:
    """Return a template with one topic, shown under this name."""
    return template({"Topic": resource("SNS::Topic", {"DisplayName": name})})


def said(do: Callable[[], Any]) -> str:
    """Return how a call failed: the service's code, or the name of botocore's own error."""
    try:
        do()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except (BotoCoreError, ResponseParserError) as error:  # the latter stands outside the tree
        return type(error).__name__
    return ""


def message(do: Callable[[], Any]) -> str:
    """Return the service's message."""
    try:
        do()
    except ClientError as error:
        return str(error.response["Error"]["Message"])
    return ""


def status(cloudformation: Any, stack: str) -> str:
    """Return a stack's status."""
    return str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


def begin(cloudformation: Any, name: str, body: str = TOPIC, kind: str = "CREATE") -> str:
    """Stage and execute a change set without waiting for its end, and return the stack's id."""
    staged = stage(cloudformation, name, body, ChangeSetType=kind)
    cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
    return str(staged["StackId"])


def in_progress(cloudformation: Any, stack: str, logical_id: str = "Topic") -> str:
    """Wait until a resource moves, and return its status."""

    def look() -> str:
        found = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        mine = [event for event in found if event["LogicalResourceId"] == logical_id]
        moving = mine and mine[0]["ResourceStatus"].endswith("_IN_PROGRESS")
        return str(mine[0]["ResourceStatus"]) if moving else ""

    return str(until(look))


def patient(aws: Aws, service: str, attempts: int, mode: str = "standard") -> Any:
    """Return a client that tries again as botocore does."""
    return boto3.client(
        service,
        region_name=HOME,
        endpoint_url=aws.url,
        aws_access_key_id=aws.account,
        aws_secret_access_key="local",
        config=Config(
            s3={"addressing_style": "path"}, retries={"mode": mode, "total_max_attempts": attempts}
        ),
    )


def hurried(aws: Aws, seconds: float) -> Any:
    """Return a CloudFormation client that waits so long for an answer, and asks once."""
    return boto3.client(
        "cloudformation",
        region_name=HOME,
        endpoint_url=aws.url,
        aws_access_key_id=aws.account,
        aws_secret_access_key="local",
        config=Config(read_timeout=seconds, retries={"total_max_attempts": 1}),
    )
