"""What stands in the way of a creation: Regions, names, quotas, and what may be there only once.

Everything here only reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from botocore.loaders import Loader

from tapcfn.aws.calls import code_of, told
from tapcfn.aws.session import Clients
from tapcfn.model import Holder, Target

# The Region of each partition that is always enabled, so that it can be asked about the others.
_HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

# The quota that counts each type: service and code. (Service Quotas)
_QUOTAS = {
    "AWS::EC2::EIP": ("ec2", "L-0263D0A3"),
    "AWS::EC2::NatGateway": ("vpc", "L-FE5A380F"),
    "AWS::EC2::VPC": ("vpc", "L-F678F1CE"),
}

_ABSENT = frozenset({"404", "NoSuchBucket", "NoSuchEntity", "NotFound", "ResourceNotFound"})
_DENIED = frozenset({"301", "403", "AccessDenied", "Forbidden", "PermanentRedirect"})


def known_regions() -> frozenset[str]:
    """Return the Regions that this version of botocore knows."""
    partitions = Loader().load_data("partitions")["partitions"]
    return frozenset(name for partition in partitions for name in partition["regions"])


def home_of(region: str) -> str:
    """Return the Region that can be asked about another one."""
    if region.startswith("cn-"):
        return _HOMES["aws-cn"]
    return _HOMES["aws-us-gov" if region.startswith("us-gov-") else "aws"]


def regions(client: Any, target: Target) -> Mapping[str, bool]:
    """Return all Regions of a partition, and whether each is enabled for the account."""
    with told("Regions", target):
        answer = client.describe_regions(AllRegions=True)
    return {
        each["RegionName"]: each.get("OptInStatus") != "not-opted-in" for each in answer["Regions"]
    }


def holder(clients: Clients, resource_type: str, name: str, target: Target) -> Holder:
    """Return who has a name; only buckets share theirs with all other accounts."""
    service, ask = _NAMED[resource_type]
    client = clients(service, target)
    with told(name, target):
        try:
            return Holder.ACCOUNT if ask(client, name) else Holder.NOBODY
        except ClientError as error:
            if code_of(error) in _ABSENT:
                return Holder.NOBODY
            if resource_type == "AWS::S3::Bucket" and code_of(error) in _DENIED:
                return Holder.OTHERS
            raise


def _has_bucket(client: Any, name: str) -> bool:
    client.head_bucket(Bucket=name)
    return True


def _has_log_group(client: Any, name: str) -> bool:
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return any(each["logGroupName"] == name for page in pages for each in page["logGroups"])


def _has_table(client: Any, name: str) -> bool:
    client.describe_table(TableName=name)
    return True


_NAMED: Mapping[str, tuple[str, Callable[[Any, str], bool]]] = {
    "AWS::DynamoDB::Table": ("dynamodb", _has_table),
    "AWS::Logs::LogGroup": ("logs", _has_log_group),
    "AWS::S3::Bucket": ("s3", _has_bucket),
}


def quota(clients: Clients, resource_type: str, target: Target) -> tuple[int, int]:
    """Return how many there are and how many there may be.

    NAT gateways are limited in each Availability Zone, so those of the Region may be as many
    times more as it has zones.
    """
    ec2 = clients("ec2", target)
    service, code = _QUOTAS[resource_type]
    with told(f"quota of {resource_type}", target):
        used = _COUNTS[resource_type](ec2)
        quotas = clients("service-quotas", target)
        answer = quotas.get_service_quota(ServiceCode=service, QuotaCode=code)
        limit = int(answer["Quota"]["Value"])
        if resource_type == "AWS::EC2::NatGateway":
            limit *= len(ec2.describe_availability_zones()["AvailabilityZones"])
        return used, limit


def _pages(client: Any, operation: str, key: str, **options: Any) -> list[Any]:
    pages = client.get_paginator(operation).paginate(**options)
    return [each for page in pages for each in page[key]]


_COUNTS: Mapping[str, Callable[[Any], int]] = {
    "AWS::EC2::EIP": lambda ec2: len(ec2.describe_addresses()["Addresses"]),
    "AWS::EC2::NatGateway": lambda ec2: sum(
        each["State"] in {"pending", "available"}
        for each in _pages(ec2, "describe_nat_gateways", "NatGateways")
    ),
    "AWS::EC2::VPC": lambda ec2: len(_pages(ec2, "describe_vpcs", "Vpcs")),
}


def singleton(clients: Clients, resource_type: str, target: Target) -> str:
    """Return the name of what is there already of a type that an account can have but once."""
    service, ask = _SINGLE[resource_type]
    client = clients(service, target)
    with told(resource_type, target):
        try:
            return ask(client)
        except ClientError as error:
            if code_of(error) in _ABSENT:
                return ""
            raise


def _recorder(client: Any) -> str:
    found = client.describe_configuration_recorders()["ConfigurationRecorders"]
    return str(found[0]["name"]) if found else ""


def _channel(client: Any) -> str:
    found = client.describe_delivery_channels()["DeliveryChannels"]
    return str(found[0]["name"]) if found else ""


def _api_role(client: Any) -> str:
    return str(client.get_account().get("cloudwatchRoleArn") or "")


def _scaling_role(client: Any) -> str:
    return str(client.get_role(RoleName="AWSServiceRoleForAutoScaling")["Role"]["Arn"])


_SINGLE: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "AWS::ApiGateway::Account": ("apigateway", _api_role),
    "AWS::Config::ConfigurationRecorder": ("config", _recorder),
    "AWS::Config::DeliveryChannel": ("config", _channel),
    "AWS::IAM::ServiceLinkedRole": ("iam", _scaling_role),
}
