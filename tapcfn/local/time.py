"""How long things take: seeded durations per resource type, divided by the speed.

A resource operation then really stays in progress, so that whoever watches sees what they would
see on AWS, only faster. The same stack always takes the same time. Speed 0 means no waiting.
"""

from __future__ import annotations

import hashlib
import time as _clock
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Durations:
    """How many seconds AWS takes to create, update and delete a resource of one type."""

    create: float
    update: float
    delete: float


USUAL = Durations(create=3.0, update=3.0, delete=2.0)
DURATIONS: dict[str, Durations] = {
    "AWS::CloudWatch::Alarm": Durations(1.5, 1.5, 1.0),
    "AWS::CloudWatch::Dashboard": Durations(1.5, 1.5, 1.0),
    "AWS::EC2::EIP": Durations(18.0, 4.0, 3.0),
    "AWS::EC2::FlowLog": Durations(4.0, 3.0, 2.0),
    "AWS::EC2::InternetGateway": Durations(17.0, 3.0, 2.0),
    "AWS::EC2::NatGateway": Durations(90.0, 5.0, 60.0),
    "AWS::EC2::Route": Durations(3.0, 3.0, 2.0),
    "AWS::EC2::RouteTable": Durations(11.0, 3.0, 2.0),
    "AWS::EC2::SecurityGroup": Durations(6.0, 4.0, 3.0),
    "AWS::EC2::Subnet": Durations(5.0, 4.0, 3.0),
    "AWS::EC2::SubnetRouteTableAssociation": Durations(3.0, 3.0, 2.0),
    "AWS::EC2::VPC": Durations(10.0, 4.0, 3.0),
    "AWS::EC2::VPCGatewayAttachment": Durations(4.0, 3.0, 3.0),
    "AWS::IAM::ManagedPolicy": Durations(17.0, 5.0, 3.0),
    "AWS::IAM::Policy": Durations(16.0, 5.0, 3.0),
    "AWS::IAM::Role": Durations(17.0, 10.0, 3.0),
    "AWS::KMS::Alias": Durations(2.0, 2.0, 1.0),
    "AWS::KMS::Key": Durations(5.0, 4.0, 2.0),
    "AWS::KMS::ReplicaKey": Durations(6.0, 4.0, 2.0),
    "AWS::Logs::LogGroup": Durations(3.0, 3.0, 2.0),
    "AWS::Logs::MetricFilter": Durations(2.0, 2.0, 1.0),
    "AWS::S3::Bucket": Durations(2.0, 2.0, 2.0),
    "AWS::S3::BucketPolicy": Durations(3.0, 3.0, 2.0),
    "AWS::SNS::Subscription": Durations(1.5, 1.5, 1.0),
    "AWS::SNS::Topic": Durations(11.0, 3.0, 2.0),
    "AWS::SNS::TopicPolicy": Durations(11.0, 3.0, 2.0),
    "AWS::SSM::Parameter": Durations(2.0, 2.0, 1.0),
}
SPREAD = 0.2

_speed = 0.0
_seed = 0


def set_speed(speed: float) -> None:
    """Set how many seconds of AWS pass in one second here; 0 means that nothing waits."""
    global _speed  # noqa: PLW0603
    _speed = max(0.0, speed)


def set_seed(seed: int) -> None:
    """Draw other durations: the same seed gives the same ones again."""
    global _seed  # noqa: PLW0603
    _seed = seed


def speed() -> float:
    """Return the speed in force."""
    return _speed


def seconds(resource_type: str, operation: str, seed: str) -> float:
    """Return how long AWS would take: the type's figure, up or down by what the seed decides."""
    usual: float = getattr(DURATIONS.get(resource_type, USUAL), operation)
    text = f"{_seed}/{seed}/{operation}" if _seed else f"{seed}/{operation}"
    draw = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32
    return usual * (1 + SPREAD * (2 * draw - 1))


def lasting(place: Callable[[], str]) -> Callable[[str, Callable[..., Any]], Callable[..., Any]]:
    """Return what lets an operation take its time; `place` names the account and Region.

    The operation must run on a thread of its own, so that its waiting blocks nobody.
    """

    def around(operation: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def slow(resource_type: str, *rest: Any) -> Any:
            if _speed and not _changes_nothing(operation, rest):
                seed = f"{place()}/{_name(operation, rest)}"
                _clock.sleep(seconds(resource_type, operation, seed) / _speed)
            return do(resource_type, *rest)

        return slow

    return around


def _changes_nothing(operation: str, rest: tuple[Any, ...]) -> bool:
    """Tell whether an update has the same properties before and after."""
    return operation == "update" and rest[1] == rest[2]


def _name(operation: str, rest: tuple[Any, ...]) -> str:
    """Return the stack and logical id among the arguments of an engine's operation."""
    stack, logical_id = {"create": (2, 0), "update": (3, 4), "delete": (2, 3)}[operation]
    return f"{rest[stack]}/{rest[logical_id]}"
