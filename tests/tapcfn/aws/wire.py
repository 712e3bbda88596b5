"""The wire between boto3 and AWS, cut: answers are queued, requests are checked strictly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.stub import Stubber

from tapcfn.model import Stack, Target
from tapcfn.ports import ChangeRequest
from tests.fakes.builders import a_stack
from tests.tapcfn.aws.strict import strictly

HERE = Target("111122223333", "eu-west-1")
STACK_ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/network/aaaa-1"
ARN = "arn:aws:cloudformation:eu-west-1:111122223333:changeSet/tapcfn-t/bbbb-1"
TOKEN = "tapcfn-t"
MORNING = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

_session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x")


@cache
def client_of(service: str, region: str, url: str | None) -> Any:
    """Return a strict client: made once, since making one costs more than a test."""
    config = Config(s3={"addressing_style": "path"}) if url else None
    made = _session.client(service, region_name=region, endpoint_url=url, config=config)
    return strictly(made)


class Wire:
    """One client, and the answers that it will get, in order. A URL only shapes its answers."""

    def __init__(self, service: str, *, region: str = HERE.region, url: str | None = None) -> None:
        self.client = client_of(service, region, url)
        self._stubber = Stubber(self.client)
        self._stubber.activate()

    def answers(self, call: str, answer: Mapping[str, Any], /, **request: Any) -> None:
        """Queue an answer to exactly this request."""
        self._stubber.add_response(call, dict(answer), request)

    def refuses(
        self, call: str, code: str, /, status: int = 400, message: str = "no", **request: Any
    ) -> None:
        """Queue a refusal of exactly this request."""
        self._stubber.add_client_error(
            call,
            code,
            message,
            http_status_code=status,
            expected_params=request,
            response_meta={"RequestId": "r-1"},
        )

    def says(self, call: str, answer: Mapping[str, Any]) -> None:
        """Queue an answer to whatever is requested."""
        self._stubber.add_response(call, dict(answer))

    def fails(self, call: str, code: str, /, message: str = "no", **meta: Any) -> None:
        """Queue a refusal of whatever is requested."""
        self._stubber.add_client_error(call, code, message, 400, response_meta=meta)

    def forget(self) -> None:
        """Drop the answers that nobody has asked for: there were more than enough."""
        self._stubber.deactivate()
        self._stubber = Stubber(self.client)
        self._stubber.activate()

    def close(self) -> None:
        """Fail unless everything that was queued has been asked for."""
        self._stubber.deactivate()
        self._stubber.assert_no_pending_responses()


class Wires:
    """Stands where `Clients` stands: one wire for each service."""

    def __init__(self) -> None:
        self.of: dict[str, Wire] = {}

    def __call__(self, service: str, target: Target) -> Any:
        assert target == HERE
        return self.to(service).client

    def renew(self) -> bool:
        """There are no other credentials."""
        return False

    def to(self, service: str) -> Wire:
        """Return the wire to a service."""
        if service not in self.of:
            self.of[service] = Wire(service)
        return self.of[service]


def a_request(stack: Stack | None = None, **differing: Any) -> ChangeRequest:
    """Return the order of a change set for a new stack, unless told otherwise."""
    return ChangeRequest(
        **{
            "stack": stack or a_stack(target=HERE),
            "parameters": {},
            "create": True,
            "token": TOKEN,
            "intent": "i1",
            "base": "b1",
            **differing,
        }
    )


def a_change(logical_id: str, action: str = "Modify", **more: Any) -> dict[str, Any]:
    """Return one change as DescribeChangeSet lists it."""
    change = {
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::S3::Bucket",
        "Action": action,
        **more,
    }
    return {"Type": "Resource", "ResourceChange": change}


def described(*changes: Mapping[str, Any], **differing: Any) -> dict[str, Any]:
    """Return what DescribeChangeSet says of our change set, written and free to be executed."""
    return {
        "ChangeSetName": TOKEN,
        "ChangeSetId": ARN,
        "StackId": STACK_ID,
        "StackName": "network",
        "Description": "tapcfn intent=i1 base=b1",
        "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "AVAILABLE",
        "Changes": list(changes),
        **differing,
    }


def failed(reason: str | None = None, **differing: Any) -> dict[str, Any]:
    """Return what DescribeChangeSet says of a change set that could not be made."""
    why = {} if reason is None else {"StatusReason": reason}
    return described(Status="FAILED", ExecutionStatus="UNAVAILABLE", **why, **differing)


def summary(status: str, **more: Any) -> dict[str, Any]:
    """Return a stack as DescribeStacks lists it."""
    return {
        "StackName": "network",
        "StackId": STACK_ID,
        "StackStatus": status,
        "CreationTime": MORNING,
        **more,
    }
