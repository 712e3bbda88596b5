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
    "AWS::ApiGateway::Account": Durations(2.0, 2.0, 1.0),
    "AWS::ApiGateway::ApiKey": Durations(2.0, 2.0, 1.0),
    "AWS::ApiGateway::BasePathMapping": Durations(2.0, 2.0, 1.0),
    "AWS::ApiGateway::Deployment": Durations(2.0, 2.0, 2.0),
    "AWS::ApiGateway::DomainName": Durations(15.0, 10.0, 3.0),
    "AWS::ApiGateway::GatewayResponse": Durations(2.0, 2.0, 1.0),
    "AWS::ApiGateway::Method": Durations(2.0, 2.0, 1.0),
    "AWS::ApiGateway::Resource": Durations(2.0, 2.0, 1.0),
    "AWS::ApiGateway::RestApi": Durations(3.0, 3.0, 3.0),
    "AWS::ApiGateway::Stage": Durations(3.0, 3.0, 2.0),
    "AWS::ApiGateway::UsagePlan": Durations(3.0, 3.0, 2.0),
    "AWS::ApiGateway::UsagePlanKey": Durations(2.0, 2.0, 1.0),
    "AWS::AutoScaling::AutoScalingGroup": Durations(75.0, 60.0, 90.0),
    "AWS::AutoScaling::LifecycleHook": Durations(2.0, 2.0, 1.0),
    "AWS::AutoScaling::ScalingPolicy": Durations(2.0, 2.0, 1.0),
    "AWS::AutoScaling::ScheduledAction": Durations(2.0, 2.0, 1.0),
    "AWS::Backup::BackupPlan": Durations(2.0, 2.0, 1.0),
    "AWS::Backup::BackupSelection": Durations(2.0, 2.0, 1.0),
    "AWS::Backup::BackupVault": Durations(3.0, 3.0, 2.0),
    "AWS::CertificateManager::Certificate": Durations(120.0, 4.0, 3.0),
    "AWS::CloudTrail::Trail": Durations(6.0, 5.0, 3.0),
    "AWS::CloudWatch::Alarm": Durations(1.5, 1.5, 1.0),
    "AWS::CloudWatch::CompositeAlarm": Durations(1.5, 1.5, 1.0),
    "AWS::CloudWatch::Dashboard": Durations(1.5, 1.5, 1.0),
    "AWS::Config::ConfigRule": Durations(8.0, 6.0, 30.0),
    "AWS::Config::ConfigurationRecorder": Durations(8.0, 4.0, 3.0),
    "AWS::Config::DeliveryChannel": Durations(6.0, 4.0, 3.0),
    "AWS::Config::RemediationConfiguration": Durations(4.0, 4.0, 3.0),
    "AWS::DynamoDB::GlobalTable": Durations(60.0, 45.0, 30.0),
    "AWS::DynamoDB::Table": Durations(25.0, 15.0, 12.0),
    "AWS::EC2::EIP": Durations(18.0, 4.0, 3.0),
    "AWS::EC2::EgressOnlyInternetGateway": Durations(16.0, 3.0, 2.0),
    "AWS::EC2::FlowLog": Durations(4.0, 3.0, 2.0),
    "AWS::EC2::Instance": Durations(35.0, 30.0, 45.0),
    "AWS::EC2::InternetGateway": Durations(17.0, 3.0, 2.0),
    "AWS::EC2::LaunchTemplate": Durations(8.0, 4.0, 2.0),
    "AWS::EC2::NatGateway": Durations(90.0, 5.0, 60.0),
    "AWS::EC2::Route": Durations(3.0, 3.0, 2.0),
    "AWS::EC2::RouteTable": Durations(11.0, 3.0, 2.0),
    "AWS::EC2::SecurityGroup": Durations(6.0, 4.0, 3.0),
    "AWS::EC2::SecurityGroupEgress": Durations(2.0, 2.0, 2.0),
    "AWS::EC2::SecurityGroupIngress": Durations(2.0, 2.0, 2.0),
    "AWS::EC2::Subnet": Durations(5.0, 4.0, 3.0),
    "AWS::EC2::SubnetRouteTableAssociation": Durations(3.0, 3.0, 2.0),
    "AWS::EC2::VPC": Durations(10.0, 4.0, 3.0),
    "AWS::EC2::VPCCidrBlock": Durations(12.0, 3.0, 8.0),
    "AWS::EC2::VPCEndpoint": Durations(75.0, 20.0, 75.0),
    "AWS::EC2::VPCGatewayAttachment": Durations(4.0, 3.0, 3.0),
    "AWS::EC2::VPCPeeringConnection": Durations(8.0, 3.0, 4.0),
    "AWS::EC2::Volume": Durations(12.0, 15.0, 6.0),
    "AWS::ElasticLoadBalancingV2::Listener": Durations(2.0, 2.0, 1.5),
    "AWS::ElasticLoadBalancingV2::ListenerRule": Durations(2.0, 2.0, 1.5),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Durations(150.0, 5.0, 10.0),
    "AWS::ElasticLoadBalancingV2::TargetGroup": Durations(12.0, 4.0, 2.0),
    "AWS::GlobalAccelerator::Accelerator": Durations(150.0, 60.0, 120.0),
    "AWS::GlobalAccelerator::EndpointGroup": Durations(60.0, 60.0, 30.0),
    "AWS::GlobalAccelerator::Listener": Durations(45.0, 45.0, 30.0),
    "AWS::IAM::InstanceProfile": Durations(125.0, 10.0, 3.0),
    "AWS::IAM::ManagedPolicy": Durations(17.0, 5.0, 3.0),
    "AWS::IAM::OIDCProvider": Durations(4.0, 3.0, 3.0),
    "AWS::IAM::Policy": Durations(16.0, 5.0, 3.0),
    "AWS::IAM::Role": Durations(17.0, 10.0, 3.0),
    "AWS::IAM::RolePolicy": Durations(16.0, 5.0, 3.0),
    "AWS::IAM::ServiceLinkedRole": Durations(6.0, 4.0, 15.0),
    "AWS::KMS::Alias": Durations(2.0, 2.0, 1.0),
    "AWS::KMS::Key": Durations(5.0, 4.0, 2.0),
    "AWS::KMS::ReplicaKey": Durations(6.0, 4.0, 2.0),
    "AWS::Lambda::Alias": Durations(2.0, 2.0, 1.0),
    "AWS::Lambda::EventSourceMapping": Durations(10.0, 10.0, 10.0),
    "AWS::Lambda::Function": Durations(8.0, 8.0, 4.0),
    "AWS::Lambda::Permission": Durations(11.0, 11.0, 11.0),
    "AWS::Lambda::Version": Durations(3.0, 3.0, 2.0),
    "AWS::Logs::LogGroup": Durations(3.0, 3.0, 2.0),
    "AWS::Logs::MetricFilter": Durations(2.0, 2.0, 1.0),
    "AWS::RDS::DBInstance": Durations(600.0, 300.0, 420.0),
    "AWS::RDS::DBParameterGroup": Durations(8.0, 5.0, 3.0),
    "AWS::RDS::DBSubnetGroup": Durations(4.0, 3.0, 2.0),
    "AWS::Route53::HealthCheck": Durations(2.0, 2.0, 2.0),
    "AWS::Route53::HostedZone": Durations(40.0, 3.0, 35.0),
    "AWS::Route53::RecordSet": Durations(60.0, 60.0, 45.0),
    "AWS::Route53::RecordSetGroup": Durations(60.0, 60.0, 45.0),
    "AWS::S3::Bucket": Durations(2.0, 2.0, 2.0),
    "AWS::S3::BucketPolicy": Durations(3.0, 3.0, 2.0),
    "AWS::SNS::Subscription": Durations(1.5, 1.5, 1.0),
    "AWS::SNS::Topic": Durations(11.0, 3.0, 2.0),
    "AWS::SNS::TopicPolicy": Durations(11.0, 3.0, 2.0),
    "AWS::SQS::Queue": Durations(62.0, 3.0, 62.0),
    "AWS::SQS::QueuePolicy": Durations(3.0, 3.0, 2.0),
    "AWS::SSM::Parameter": Durations(2.0, 2.0, 1.0),
    "AWS::SecretsManager::ResourcePolicy": Durations(2.0, 2.0, 1.0),
    "AWS::SecretsManager::RotationSchedule": Durations(5.0, 4.0, 2.0),
    "AWS::SecretsManager::Secret": Durations(3.0, 3.0, 2.0),
    "AWS::SecretsManager::SecretTargetAttachment": Durations(3.0, 3.0, 2.0),
    "AWS::Shield::Protection": Durations(4.0, 3.0, 3.0),
    "AWS::WAFv2::LoggingConfiguration": Durations(3.0, 3.0, 2.0),
    "AWS::WAFv2::WebACL": Durations(6.0, 5.0, 4.0),
    "AWS::WAFv2::WebACLAssociation": Durations(35.0, 35.0, 20.0),
}
# What a service takes for its own tasks, which no stack asks for.
TASKS: dict[str, float] = {
    "CopyDBSnapshot": 420.0,
    "CopyImage": 360.0,
    "CreateDBSnapshot": 240.0,
    "CreateSnapshot": 120.0,
    "FailOverDBInstance": 90.0,
    "IssueCertificate": 120.0,
    "PromoteReadReplica": 420.0,
    "ReplicateObjects": 180.0,
    "ReplicateSecret": 10.0,
    "ResetMasterPassword": 60.0,
    "RestoreDBInstanceToPointInTime": 1200.0,
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
    return _drawn(usual, seed, operation)


def span(task: str, name: str) -> tuple[float, float]:
    """Return when a task that begins now begins and ends, in seconds since 1970."""
    began = _clock.time()
    return began, began + (_drawn(TASKS[task], name, task) / _speed if _speed else 0.0)


def share(began: float, ends: float) -> float:
    """Return how much of a task is done by now, from 0 to 1."""
    now = _clock.time()
    return 1.0 if now >= ends else max(0.0, (now - began) / (ends - began))


def _drawn(usual: float, seed: str, operation: str) -> float:
    """Return a figure, up or down by what the seed decides."""
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
