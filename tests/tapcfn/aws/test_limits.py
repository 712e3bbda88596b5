"""What stands in the way of a creation, read call by call."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tapcfn.aws import limits
from tapcfn.errors import CloudError
from tapcfn.model import Holder
from tests.tapcfn.aws.wire import HERE, MORNING, Wires

BUCKET = "AWS::S3::Bucket"


def about(path: str, kind: str, prefix: str) -> dict[str, Any]:
    """Return what IAM tells of something called x."""
    return {
        "Path": "/",
        f"{kind}Name": "x",
        f"{kind}Id": f"{prefix}1234567890123456",
        "Arn": f"arn:aws:iam::111122223333:{path}/x",
        "CreateDate": MORNING,
    }


def role_of(policy: str) -> dict[str, Any]:
    """Return what IAM tells of a role with this trust policy."""
    return about("role", "Role", "AROA") | {"AssumeRolePolicyDocument": policy}


def allow(principal: Any) -> dict[str, Any]:
    """Return one statement of a trust policy."""
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    ("region", "home"),
    [
        ("eu-west-1", "us-east-1"),
        ("cn-northwest-1", "cn-north-1"),
        ("us-gov-east-1", "us-gov-west-1"),
    ],
)
def test_each_partition_has_a_region_that_is_always_there(region: str, home: str) -> None:
    """A Region that is not enabled cannot be asked about itself."""
    assert home == limits.home_of(region)
    assert home in limits.known_regions()


def test_a_region_may_not_be_enabled(wires: Wires) -> None:
    """All are listed; those to opt into say whether the account has."""
    found = {
        "us-east-1": "opt-in-not-required",
        "af-south-1": "not-opted-in",
        "eu-south-1": "opted-in",
    }
    answer = [{"RegionName": name, "OptInStatus": status} for name, status in found.items()]
    ec2 = wires.to("ec2")
    ec2.answers("describe_regions", {"Regions": answer}, AllRegions=True)

    assert {"us-east-1": True, "af-south-1": False, "eu-south-1": True} == limits.regions(
        ec2.client, HERE
    )


@pytest.mark.parametrize(
    ("code", "holder"), [("404", Holder.NOBODY), ("403", Holder.OTHERS), ("301", Holder.OTHERS)]
)
def test_a_bucket_that_may_not_be_looked_at_is_somebody_elses(
    wires: Wires, code: str, holder: Holder
) -> None:
    """HeadBucket answers 403 for a bucket of another account."""
    wires.to("s3").refuses("head_bucket", code, status=int(code), Bucket="mine")

    assert holder is limits.holder(wires, BUCKET, "mine", HERE)  # type: ignore[arg-type]


def test_a_bucket_of_our_own_is_the_accounts(wires: Wires) -> None:
    """It answers."""
    wires.to("s3").answers("head_bucket", {}, Bucket="mine")

    assert Holder.ACCOUNT is limits.holder(wires, BUCKET, "mine", HERE)  # type: ignore[arg-type]


def test_a_log_group_is_found_by_its_whole_name(wires: Wires) -> None:
    """The service searches by prefix."""
    logs = wires.to("logs")
    for name, holder in (("/a/b", Holder.NOBODY), ("/a", Holder.ACCOUNT)):
        answer = {"logGroups": [{"logGroupName": name}]}
        logs.answers("describe_log_groups", answer, logGroupNamePrefix="/a")
        found = limits.holder(wires, "AWS::Logs::LogGroup", "/a", HERE)  # type: ignore[arg-type]
        assert holder is found


def test_a_table_that_may_not_be_read_is_not_free(wires: Wires) -> None:
    """It cannot be told."""
    wires.to("dynamodb").refuses("describe_table", "AccessDeniedException", TableName="t")

    with pytest.raises(CloudError):
        limits.holder(wires, "AWS::DynamoDB::Table", "t", HERE)  # type: ignore[arg-type]


def test_nat_gateways_are_limited_in_each_zone(wires: Wires) -> None:
    """Those that are gone do not count."""
    ec2 = wires.to("ec2")
    states = [{"State": state} for state in ("available", "pending", "deleted")]
    ec2.answers("describe_nat_gateways", {"NatGateways": states})
    quota = {"Quota": {"Value": 5.0}}
    wires.to("service-quotas").answers(
        "get_service_quota", quota, ServiceCode="vpc", QuotaCode="L-FE5A380F"
    )
    zones = [{"ZoneName": name} for name in ("a", "b", "c")]
    ec2.answers("describe_availability_zones", {"AvailabilityZones": zones})

    assert (2, 15) == limits.quota(wires, "AWS::EC2::NatGateway", HERE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "call", "answer", "code"),
    [
        ("AWS::EC2::VPC", "describe_vpcs", {"Vpcs": [{}, {}]}, ("vpc", "L-F678F1CE")),
        ("AWS::EC2::EIP", "describe_addresses", {"Addresses": [{}, {}]}, ("ec2", "L-0263D0A3")),
    ],
)
def test_what_is_there_is_held_against_the_quota(
    wires: Wires, kind: str, call: str, answer: dict[str, object], code: tuple[str, str]
) -> None:
    """Both are read."""
    wires.to("ec2").answers(call, answer)
    wires.to("service-quotas").answers(
        "get_service_quota", {"Quota": {"Value": 5.0}}, ServiceCode=code[0], QuotaCode=code[1]
    )

    assert (2, 5) == limits.quota(wires, kind, HERE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "service", "call", "answer", "found"),
    [
        (
            "AWS::Config::ConfigurationRecorder",
            "config",
            "describe_configuration_recorders",
            {"ConfigurationRecorders": [{"name": "default"}]},
            "default",
        ),
        (
            "AWS::Config::DeliveryChannel",
            "config",
            "describe_delivery_channels",
            {"DeliveryChannels": [{"name": "main"}]},
            "main",
        ),
        (
            "AWS::ApiGateway::Account",
            "apigateway",
            "get_account",
            {"cloudwatchRoleArn": "arn:role"},
            "arn:role",
        ),
        ("AWS::ApiGateway::Account", "apigateway", "get_account", {}, ""),
    ],
)
def test_what_is_there_once_has_a_name(
    wires: Wires, kind: str, service: str, call: str, answer: dict[str, object], found: str
) -> None:
    """Or none."""
    wires.to(service).answers(call, answer)

    assert found == limits.singleton(wires, kind, HERE)  # type: ignore[arg-type]


def test_a_role_that_is_not_there_is_no_error(wires: Wires) -> None:
    """It is what is to be told."""
    wires.to("iam").refuses("get_role", "NoSuchEntity", RoleName="AWSServiceRoleForAutoScaling")

    assert "" == limits.singleton(wires, "AWS::IAM::ServiceLinkedRole", HERE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "call", "asked", "answer"),
    [
        (
            "Group",
            "get_group",
            {"GroupName": "x", "MaxItems": 1},
            {"Group": {"Path": "/", "GroupName": "x", "GroupId": "AGPA1234567890123456",
                       "Arn": "arn:aws:iam::111122223333:group/x",
                       "CreateDate": MORNING}, "Users": []},
        ),
        ("User", "get_user", {"UserName": "x"}, {"User": about("user", "User", "AIDA")}),
        ("Role", "get_role", {"RoleName": "x"}, {"Role": role_of("{}")}),
        (
            "InstanceProfile",
            "get_instance_profile",
            {"InstanceProfileName": "x"},
            {"InstanceProfile": {**about("instance-profile", "InstanceProfile", "AIPA"),
                                 "Roles": []}},
        ),
    ],
)  # fmt: skip
def test_a_name_of_iam_is_taken_or_free(
    wires: Wires, kind: str, call: str, asked: dict[str, Any], answer: dict[str, Any]
) -> None:
    """Each kind has a call of its own."""
    iam = wires.to("iam")
    iam.answers(call, answer, **asked)
    iam.refuses(call, "NoSuchEntity", status=404, **asked)

    found = [limits.holder(wires, f"AWS::IAM::{kind}", "x", HERE) for _ in range(2)]  # type: ignore[arg-type]

    assert [Holder.ACCOUNT, Holder.NOBODY] == found


@pytest.mark.parametrize(
    ("policy", "services"),
    [
        ({"Statement": [allow({"Service": "a.com"}), allow({"Service": ["b.com", "c.com"]})]},
         {"a.com", "b.com", "c.com"}),
        ({"Statement": allow({"Service": "a.com"})}, {"a.com"}),
        ({"Statement": [allow({"AWS": "*"}), allow("*")]}, set()),
        ({"Statement": [{**allow({"Service": "a.com"}), "Effect": "Deny"}]}, set()),
        ({}, set()),
    ],
)  # fmt: skip
def test_a_role_says_which_services_may_have_it(
    wires: Wires, policy: dict[str, Any], services: set[str]
) -> None:
    """One or several, in one statement or in many."""
    answer = {"Role": role_of(quote(json.dumps(policy)))}
    wires.to("iam").answers("get_role", answer, RoleName="x")

    assert services == limits.trust(wires.to("iam").client, "arn:aws:iam::1:role/path/x", HERE)


def test_a_role_that_is_not_there_is_trusted_by_nobody(wires: Wires) -> None:
    """None, not an empty set."""
    wires.to("iam").refuses("get_role", "NoSuchEntity", status=404, RoleName="x")

    assert limits.trust(wires.to("iam").client, "arn:aws:iam::1:role/x", HERE) is None


def test_stacks_are_held_against_the_accounts_limit(wires: Wires) -> None:
    """The service tells it among others."""
    cloudformation = wires.to("cloudformation")
    stack = {"StackName": "a", "CreationTime": MORNING, "StackStatus": "CREATE_COMPLETE"}
    known = [{"Name": "StackOutputsLimit", "Value": 200}, {"Name": "StackLimit", "Value": 2000}]
    for limits_told in (known, known[:1]):
        cloudformation.answers("describe_stacks", {"Stacks": [stack, stack]})
        cloudformation.answers("describe_account_limits", {"AccountLimits": limits_told})

    assert (2, 2000) == limits.quota(wires, "AWS::CloudFormation::Stack", HERE)  # type: ignore[arg-type]
    with pytest.raises(CloudError, match="does not tell it"):
        limits.quota(wires, "AWS::CloudFormation::Stack", HERE)  # type: ignore[arg-type]
