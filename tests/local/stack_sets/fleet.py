"""An administrator account and target accounts with their roles, and words to work with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import boto3
from botocore.config import Config

from tapcfn.local import server
from tests.local_cloud import AWAY, HOME, fresh_account, resource, template, until

ADMINISTRATION = "AWSCloudFormationStackSetAdministrationRole"
EXECUTION = "AWSCloudFormationStackSetExecutionRole"
CLOUDFORMATION = {"Service": "cloudformation.amazonaws.com"}
NAME = "baseline"
GROUP = "/baseline"
BOTH = (HOME, AWAY)
MOVING = ("QUEUED", "RUNNING", "STOPPING")


# To make a client takes longer than a call, so that all accounts share one for each service and
# Region: they sign with these credentials, whose key is the account of whoever asks.
_session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="local")
_caller = _session.get_credentials()


@cache
def _shared(url: str, service: str, region: str) -> Any:
    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return _session.client(service, region_name=region, endpoint_url=url, config=config)


@dataclass(frozen=True, slots=True)
class Client:
    """A boto3 client as one account uses it; pages and waiters go on as whoever asked last."""

    account: str
    shared: Any

    def __getattr__(self, name: str) -> Any:
        """Return what the client has of that name, to be called as this account."""
        found = getattr(self.shared, name)
        return partial(self._call, found) if callable(found) else found

    def _call(self, act: Callable[..., Any], *given: Any, **named: Any) -> Any:
        _caller.access_key = self.account
        return act(*given, **named)


@dataclass(frozen=True, slots=True)
class Door:
    """One account, with clients that are made once."""

    url: str
    account: str

    def client(self, service: str, region: str = HOME) -> Any:
        """Return a boto3 client in this account."""
        return Client(self.account, _shared(self.url, service, region))


@dataclass(frozen=True, slots=True)
class Fleet:
    """Who administers, and who is a target."""

    url: str
    admin: str
    accounts: tuple[str, ...]

    @property
    def cfn(self) -> Any:
        """CloudFormation of the administrator."""
        return self.of(self.admin).client("cloudformation")

    def of(self, account: str) -> Door:
        """Return the door to one account."""
        return Door(self.url, account)

    def stack(self, account: str, region: str) -> dict[str, Any]:
        """Return the one stack of an instance, as its own account sees it."""
        stack_id = instance(self, account, region)["StackId"]
        found = self.of(account).client("cloudformation", region)
        return dict(found.describe_stacks(StackName=stack_id)["Stacks"][0])


def fleet(cloud: server.LocalCloud, accounts: int = 2) -> Fleet:
    """Return fresh accounts of a cloud, with both roles in place."""
    made = Fleet(cloud.url, fresh_account(), tuple(fresh_account() for _ in range(accounts)))
    make_administration_role(made)
    for account in made.accounts:
        make_execution_role(made, account)
    return made


def make_administration_role(fleet: Fleet, **more: Any) -> None:
    """Let CloudFormation become the administrator, and that every execution role."""
    iam = fleet.of(fleet.admin).client("iam")
    name = more.get("name", ADMINISTRATION)
    trust = more.get("trust", CLOUDFORMATION)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(Principal=trust))
    target = more.get("target", f"arn:aws:iam::*:role/{EXECUTION}")
    iam.put_role_policy(RoleName=name, PolicyName="assume", PolicyDocument=policy(Resource=target))


def make_execution_role(
    fleet: Fleet, account: str, name: str = EXECUTION, trusted: str = ""
) -> None:
    """Let the administrator account in."""
    fleet.of(account).client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=policy(Principal={"AWS": trusted or fleet.admin}),
    )


def policy(**statement: Any) -> str:
    """Return a document that allows sts:AssumeRole."""
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


# Templates ----------------------------------------------------------------------------------------


def groups(days: int = 7, **more: Any) -> str:
    """Return a template with a log group whose name may be taken."""
    properties = {"LogGroupName": GROUP, "RetentionInDays": days}
    return template({"Group": resource("Logs::LogGroup", properties)}, **more)


def topics(display: str = "one") -> str:
    """Return a template with a topic, which takes its time in a slow cloud."""
    return template({"Topic": resource("SNS::Topic", {"DisplayName": display})})


def with_parameters(**defaults: str | None) -> str:
    """Return a template that shows its parameters as outputs; None means no default."""
    declared = {
        name: {"Type": "String"} | ({} if value is None else {"Default": value})
        for name, value in defaults.items()
    }
    return template(
        {"Topic": resource("SNS::Topic")},
        Parameters=declared,
        Outputs={name: {"Value": {"Ref": name}} for name in defaults},
    )


def take_group(fleet: Fleet, account: str, region: str) -> None:
    """Make the instance's log group fail there, because its name is taken."""
    fleet.of(account).client("logs", region).create_log_group(logGroupName=GROUP)


def free_group(fleet: Fleet, account: str, region: str) -> None:
    """Take the obstacle away."""
    fleet.of(account).client("logs", region).delete_log_group(logGroupName=GROUP)


# Operations ---------------------------------------------------------------------------------------


def create_set(fleet: Fleet, body: str, **request: Any) -> str:
    """Create the stack set and return its id."""
    made = fleet.cfn.create_stack_set(StackSetName=NAME, TemplateBody=body, **request)
    return str(made["StackSetId"])


def begin(fleet: Fleet, action: str, **request: Any) -> str:
    """Begin an operation; unless told, on every account, in both Regions, one after the other."""
    preferences = request.pop("preferences", {})
    if action != "update_stack_set":
        request = {"Accounts": list(fleet.accounts), "Regions": list(BOTH), **request}
    if action == "delete_stack_instances":
        request = {"RetainStacks": False, **request}
    act = getattr(fleet.cfn, action)
    return str(act(StackSetName=NAME, OperationPreferences=preferences, **request)["OperationId"])


def operate(fleet: Fleet, action: str, **request: Any) -> dict[str, Any]:
    """Begin an operation and return it when it has ended."""
    return ended(fleet, begin(fleet, action, **request))


def operation(fleet: Fleet, operation_id: str) -> dict[str, Any]:
    """Return one operation."""
    told = fleet.cfn.describe_stack_set_operation(StackSetName=NAME, OperationId=operation_id)
    return dict(told["StackSetOperation"])


def ended(fleet: Fleet, operation_id: str) -> dict[str, Any]:
    """Wait for an operation's end and return it."""

    def look() -> Any:
        seen = operation(fleet, operation_id)
        return None if seen["Status"] in MOVING else seen

    return dict(until(look))


def ending(operation: Mapping[str, Any]) -> tuple[str, int]:
    """Return how an operation ended: its status, and how many targets failed."""
    return operation["Status"], operation["StatusDetails"]["FailedStackInstancesCount"]


def results(fleet: Fleet, operation_id: str, **request: Any) -> list[dict[str, Any]]:
    """Return every result of an operation."""
    pages = fleet.cfn.get_paginator("list_stack_set_operation_results")
    asked = pages.paginate(StackSetName=NAME, OperationId=operation_id, **request)
    return [result for page in asked for result in page["Summaries"]]


def outcome(fleet: Fleet, operation_id: str) -> dict[tuple[str, str], str]:
    """Return the result status of each target."""
    return {
        (each["Account"], each["Region"]): each["Status"] for each in results(fleet, operation_id)
    }


def counted(fleet: Fleet, operation_id: str, region: str = "") -> Counter[str]:
    """Count results by status, of one Region or of all."""
    return Counter(
        status
        for (_, where), status in outcome(fleet, operation_id).items()
        if region in ("", where)
    )


def reasons(fleet: Fleet, operation_id: str, status: str) -> list[str]:
    """Return why results have a status."""
    return [
        each.get("StatusReason", "")
        for each in results(fleet, operation_id)
        if each["Status"] == status
    ]


# Instances ----------------------------------------------------------------------------------------


def instances(fleet: Fleet, **request: Any) -> list[dict[str, Any]]:
    """Return every instance."""
    pages = fleet.cfn.get_paginator("list_stack_instances")
    asked = pages.paginate(StackSetName=NAME, **request)
    return [each for page in asked for each in page["Summaries"]]


def instance(fleet: Fleet, account: str, region: str = HOME) -> dict[str, Any]:
    """Describe one instance."""
    told = fleet.cfn.describe_stack_instance(
        StackSetName=NAME, StackInstanceAccount=account, StackInstanceRegion=region
    )
    return dict(told["StackInstance"])


def states(fleet: Fleet, **request: Any) -> Counter[tuple[str, str]]:
    """Count instances by status and detailed status."""
    return Counter(
        (each["Status"], each["StackInstanceStatus"]["DetailedStatus"])
        for each in instances(fleet, **request)
    )


def state(fleet: Fleet, account: str, region: str = HOME) -> tuple[str, str]:
    """Return status and detailed status of one instance."""
    told = instance(fleet, account, region)
    return told["Status"], told["StackInstanceStatus"]["DetailedStatus"]


def stacks(fleet: Fleet, account: str, region: str = HOME) -> list[dict[str, Any]]:
    """Return the stacks of an account that are there, whoever made them."""
    told = fleet.of(account).client("cloudformation", region).describe_stacks()["Stacks"]
    return [each for each in told if each["StackStatus"] != "DELETE_COMPLETE"]


def parameters(values: Mapping[str, str | None]) -> Sequence[dict[str, Any]]:
    """Return parameters of a request; None asks for the previous value."""
    return [
        {"ParameterKey": name, "UsePreviousValue": True}
        if value is None
        else {"ParameterKey": name, "ParameterValue": value}
        for name, value in values.items()
    ]
