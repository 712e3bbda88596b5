"""A local cloud for tests: one server for the session, a fresh account for each test.

Import the fixtures into a folder's `conftest.py`:

    from tests.local_cloud import aws, local_cloud

`aws` is a door to an account that nothing has been deployed in; `aws.client("s3")` is real boto3.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tapcfn.local import server

HOME = "us-east-1"
AWAY = "us-west-2"
PATIENCE = 30.0
ALL_IAM = ("CAPABILITY_NAMED_IAM",)

_numbers = itertools.count(1)

# To make a client takes longer than a call, so those of the account in which a test runs are made
# once: they sign with these credentials, whose key is the account of the moment.
_session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="local")
_current = _session.get_credentials()


@dataclass(frozen=True, slots=True)
class Aws:
    """One account of a local cloud."""

    url: str
    account: str

    def client(self, service: str, region: str = HOME) -> Any:
        """Return a boto3 client in this account."""
        if self.account == _current.access_key:
            return _shared(self.url, service, region)
        keys = {"aws_access_key_id": self.account, "aws_secret_access_key": "local"}
        return _client(self.url, service, region, **keys)


def _client(url: str, service: str, region: str, **keys: str) -> Any:
    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return _session.client(service, region_name=region, endpoint_url=url, config=config, **keys)


_shared = cache(_client)


@pytest.fixture(scope="session")
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.LocalCloud]:
    """Run one instant local cloud for the whole session."""
    root = tmp_path_factory.mktemp("cloud")
    yield server.start(root, speed=0)
    server.stop(root, settle=0)


@pytest.fixture
def aws(local_cloud: server.LocalCloud) -> Aws:
    """Return a fresh account of the session's local cloud."""
    return current(local_cloud.url)


def current(url: str) -> Aws:
    """Return a fresh account that is the one in which a test runs, until there is another."""
    _current.access_key = fresh_account()
    return Aws(url, _current.access_key)


def fresh_account() -> str:
    """Return a 12-digit account id that no other test of this process uses."""
    return f"{os.getpid() % 10**6:06d}{next(_numbers):06d}"


def until(true: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Look again and again until something is true, at most so long, and return it."""
    deadline = time.monotonic() + seconds
    while not (seen := true()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
    return seen


# Stacks -------------------------------------------------------------------------------------------


def template(resources: Mapping[str, Any], **sections: Any) -> str:
    """Return a template body with these resources."""
    return json.dumps({"Resources": resources, **sections})


def resource(kind: str, properties: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return one resource of a template; the type is given without `AWS::`."""
    return {"Type": f"AWS::{kind}", "Properties": dict(properties or {}), **more}


def settled(cloudformation: Any, stack: str) -> dict[str, Any]:
    """Wait until a stack no longer moves, and return it."""

    def look() -> Any:
        seen = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return None if seen["StackStatus"].endswith("_IN_PROGRESS") else seen

    return dict(until(look))


def stage(cloudformation: Any, name: str, body: str, **request: Any) -> dict[str, Any]:
    """Create a change set and return its description once it is made or refused."""
    parameters = request.pop("Parameters", {})
    made = cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=request.pop("ChangeSetName", f"change-{next(_numbers)}"),
        TemplateBody=body,
        Capabilities=list(ALL_IAM),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        **request,
    )

    def look() -> Any:
        seen = cloudformation.describe_change_set(ChangeSetName=made["Id"])
        return None if seen["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS") else seen

    return dict(until(look))


def deploy(cloudformation: Any, name: str, body: str, **request: Any) -> dict[str, Any]:
    """Create or update a stack through a change set and return it settled."""
    kind = request.pop("ChangeSetType", None) or (
        "UPDATE" if exists(cloudformation, name) else "CREATE"
    )
    staged = stage(cloudformation, name, body, ChangeSetType=kind, **request)
    cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
    return settled(cloudformation, staged["StackId"])


def exists(cloudformation: Any, name: str) -> bool:
    """Tell whether a stack of that name is there."""
    try:
        cloudformation.describe_stacks(StackName=name)
    except cloudformation.exceptions.ClientError:
        return False
    return True


def destroy(cloudformation: Any, stack_id: str, **request: Any) -> dict[str, Any]:
    """Delete a stack and return it settled."""
    cloudformation.delete_stack(StackName=stack_id, **request)
    return until(
        lambda: next(
            (
                stack
                for stack in cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
                if stack["StackStatus"] in ("DELETE_COMPLETE", "DELETE_FAILED")
            ),
            None,
        )
    )


def outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    """Return a stack's outputs."""
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}


def events(cloudformation: Any, stack: str) -> list[dict[str, Any]]:
    """Return a stack's events, oldest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    return [event for page in pages for event in page["StackEvents"]][::-1]


def physical_ids(cloudformation: Any, stack: str) -> dict[str, str]:
    """Return the physical id of each resource of a stack."""
    found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}


def failures(cloudformation: Any, stack: str) -> dict[str, str]:
    """Return why each resource of a stack failed."""
    return {
        event["LogicalResourceId"]: event.get("ResourceStatusReason", "")
        for event in events(cloudformation, stack)
        if event["ResourceStatus"].endswith("_FAILED")
        and event["ResourceType"] != "AWS::CloudFormation::Stack"
    }
