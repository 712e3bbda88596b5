"""Stack sets and what is sent for them, as tests want them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tapcfn.model import (
    AutoDeployment,
    Organization,
    Preferences,
    ServiceManaged,
    Share,
    StackSet,
    Target,
)
from tapcfn.stack_sets.calls import Act, Rectangle, SetCall, SetRequest
from tests.fakes.builders import a_template
from tests.tapcfn.aws.wire import HERE, MORNING, TOKEN, Wire

ONE, TWO = "222222222222", "333333333333"
SET_ID = "baseline:aaaa-1"
ARN = f"arn:aws:cloudformation:eu-west-1:111122223333:stackset/{SET_ID}"
CAREFUL = Preferences(
    region_order=("us-west-2", "us-east-1"),
    parallel=True,
    tolerance=Share(10, percent=True),
    concurrent=Share(4),
    soft=True,
)
CAREFULLY = {
    "RegionConcurrencyType": "PARALLEL",
    "RegionOrder": ["us-west-2", "us-east-1"],
    "FailureTolerancePercentage": 10,
    "MaxConcurrentCount": 4,
    "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
}
BOTH = Rectangle((ONE, TWO), ("us-east-1", "us-west-2"))
DELEGATED = ServiceManaged(delegated=True, auto=AutoDeployment())
UNITS = ("ou-abcd-11111111", "ou-abcd-22222222")


def a_set(**differing: Any) -> StackSet:
    """Return a self-managed set with a parameter and a tag."""
    template = a_template(
        "baseline",
        resources={"Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "x"}}},
        parameters=["Size"],
        defaults={"Days": 7},
    )
    usual = {
        "name": "baseline",
        "home": HERE,
        "template": template,
        "parameters": {"Size": "small"},
        "tags": {"team": "a", "cost": "1"},
        "preferences": CAREFUL,
    }
    return StackSet(**{**usual, **differing})


def a_managed_set(**differing: Any) -> StackSet:
    """Return a set that a delegated administrator keeps for two units."""
    organization = Organization(UNITS, ("us-east-1", "us-west-2"))
    return a_set(**{"permission": DELEGATED, "organization": organization, **differing})


def a_set_request(
    act: Act, rectangle: Rectangle | None = None, *, of: StackSet | None = None, **call: Any
) -> SetRequest:
    """Return a request with the set's own parameters."""
    return SetRequest(of or a_set(), SetCall(act, rectangle, **call), TOKEN, {"Size": "small"})


def a_told_set(**differing: Any) -> dict[str, Any]:
    """Return the answer to DescribeStackSet."""
    told = {
        "StackSetName": "baseline",
        "StackSetId": SET_ID,
        "StackSetARN": ARN,
        "Status": "ACTIVE",
        "TemplateBody": '{"b": 1, "a": 2}',
        "PermissionModel": "SELF_MANAGED",
        **differing,
    }
    return {"StackSet": told}


def a_told_instance(account: str = ONE, region: str = "us-east-1", **more: Any) -> dict[str, Any]:
    """Return a stack instance as the service tells it."""
    return {
        "StackSetId": SET_ID,
        "Account": account,
        "Region": region,
        "Status": "CURRENT",
        "StackInstanceStatus": {"DetailedStatus": "SUCCEEDED"},
        **more,
    }


def a_told_operation(
    status: str = "RUNNING", operation: str = TOKEN, **more: Any
) -> dict[str, Any]:
    """Return an operation as the service tells it."""
    return {
        "OperationId": operation,
        "Action": "UPDATE",
        "Status": status,
        "CreationTimestamp": MORNING,
        **more,
    }


PAIR = Target(ONE, "us-east-1")


@contextmanager
def overheard(wire: Wire) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Return the calls that are made while this lasts, each by its operation, with its request."""
    calls: list[tuple[str, dict[str, Any]]] = []
    events, name = wire.client.meta.events, "provide-client-params.*.*"

    def hear(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.append((model.name, params))

    events.register_first(name, hear)
    try:
        yield calls
    finally:
        events.unregister(name, hear)
