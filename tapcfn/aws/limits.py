"""What stands in the way of a creation: Regions, names, quotas, and what may be there only once.

Everything here only reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from botocore.loaders import Loader

from tapcfn.aws.calls import code_of, told
from tapcfn.aws.paging import pages, whole
from tapcfn.aws.session import Clients
from tapcfn.errors import CloudError
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
    found = _rows(client, "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    return any(each["logGroupName"] == name for each in found)


def _has_table(client: Any, name: str) -> bool:
    client.describe_table(TableName=name)
    return True


def _has_group(client: Any, name: str) -> bool:
    client.get_group(GroupName=name, MaxItems=1)
    return True


def _has_profile(client: Any, name: str) -> bool:
    client.get_instance_profile(InstanceProfileName=name)
    return True


def _has_role(client: Any, name: str) -> bool:
    client.get_role(RoleName=name)
    return True


def _has_user(client: Any, name: str) -> bool:
    client.get_user(UserName=name)
    return True


_NAMED: Mapping[str, tuple[str, Callable[[Any, str], bool]]] = {
    "AWS::IAM::Group": ("iam", _has_group),
    "AWS::IAM::InstanceProfile": ("iam", _has_profile),
    "AWS::IAM::Role": ("iam", _has_role),
    "AWS::IAM::User": ("iam", _has_user),
    "AWS::DynamoDB::Table": ("dynamodb", _has_table),
    "AWS::Logs::LogGroup": ("logs", _has_log_group),
    "AWS::S3::Bucket": ("s3", _has_bucket),
}


def stack_quota(client: Any, target: Target) -> tuple[int, int]:
    """Return how many stacks there are, nested ones included, and how many there may be."""
    with told("quota of stacks", target):
        used = len(_rows(client, "describe_stacks", "Stacks"))
        limits = _rows(client, "describe_account_limits", "AccountLimits")
        known = {each["Name"]: each["Value"] for each in limits}
        if "StackLimit" not in known:
            raise CloudError(f"quota of stacks ({target}): the service does not tell it")
        return used, int(known["StackLimit"])


def trust(client: Any, role: str, target: Target) -> frozenset[str] | None:
    """Return the services that may assume a role (an ARN), or None where there is no such role."""
    with told(role, target):
        try:
            found = client.get_role(RoleName=role.rpartition("/")[2])["Role"]
        except ClientError as error:
            if code_of(error) in _ABSENT:
                return None
            raise
    statements = found["AssumeRolePolicyDocument"].get("Statement", [])
    allowing = (each for each in _listed(statements) if each.get("Effect") == "Allow")
    principals = (each.get("Principal", {}) for each in allowing)
    named = (each.get("Service", []) for each in principals if isinstance(each, Mapping))
    return frozenset(name for services in named for name in _listed(services))


def _listed(value: Any) -> list[Any]:
    """Policies may have one of something where others have a list."""
    return value if isinstance(value, list) else [value]


def quota(clients: Clients, resource_type: str, target: Target) -> tuple[int, int]:
    """Return how many there are and how many there may be.

    NAT gateways are limited in each Availability Zone, so those of the Region may be as many
    times more as it has zones.
    """
    if resource_type == "AWS::CloudFormation::Stack":
        return stack_quota(clients("cloudformation", target), target)
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


def _rows(client: Any, operation: str, key: str, **options: Any) -> list[Any]:
    return whole(
        lambda: [each for page in pages(client, operation, **options) for each in page[key]]
    )


_COUNTS: Mapping[str, Callable[[Any], int]] = {
    "AWS::EC2::EIP": lambda ec2: len(ec2.describe_addresses()["Addresses"]),
    "AWS::EC2::NatGateway": lambda ec2: sum(
        each["State"] in {"pending", "available"}
        for each in _rows(ec2, "describe_nat_gateways", "NatGateways")
    ),
    "AWS::EC2::VPC": lambda ec2: len(_rows(ec2, "describe_vpcs", "Vpcs")),
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
