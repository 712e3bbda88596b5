"""Each option of S0 adds exactly what its row says, and any two of them go together."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from tests.templates.resolved import Seen, order, seen, types
from tests.templates.systems import ACCOUNT
from tests.templates.systems.replicated_storage import (
    ALL_ON,
    AWAY_KEY,
    HOME_KEY,
    OPTIONS,
    rollout,
    widget_of,
)

NONE: Mapping[str, int] = {}
PRIVATE = {
    "EC2::EIP": 2,
    "EC2::NatGateway": 2,
    "EC2::Route": 2,
    "EC2::RouteTable": 2,
    "EC2::Subnet": 2,
    "EC2::SubnetRouteTableAssociation": 2,
}
FLOW_REJECTS = {"EC2::FlowLog": 1, "IAM::Role": 1, "Logs::LogGroup": 1, "Logs::MetricFilter": 1}


@pytest.mark.parametrize(
    ("option", "added", "removed"),
    [
        ("private_subnets", PRIVATE, NONE),
        ("multi_region_key", {"KMS::ReplicaKey": 1}, {"KMS::Key": 1}),
        ("enable_flow_logs", {"EC2::FlowLog": 1, "IAM::Role": 1, "Logs::LogGroup": 1}, NONE),
        ("bucket_access_logs", {"S3::Bucket": 2, "S3::BucketPolicy": 2}, NONE),
        ("packet_drops_nat", PRIVATE, FLOW_REJECTS),
        ("packet_drops_none", NONE, FLOW_REJECTS),
    ],
)
def test_an_option_adds_its_own_types_and_no_other(
    option: str, added: Mapping[str, int], removed: Mapping[str, int]
) -> None:
    """Acceptance 9: each switch adds its row's types; off, none of them is there."""
    off, on = types(rollout()), types(rollout(**OPTIONS[option]))

    assert on - off == Counter(added)
    assert off - on == Counter(removed)


def _combinations() -> list[Mapping[str, Any]]:
    alone = [{}, *OPTIONS.values()]
    pairs = [one | other for one, other in itertools.combinations(map(dict, OPTIONS.values()), 2)]
    everything = [dict(ALL_ON) | {"packet_drops": drops} for drops in ("flow_log", "nat", "none")]
    return [*alone, *pairs, *everything]


@pytest.mark.parametrize("keys", _combinations(), ids=lambda keys: "+".join(keys) or "none")
def test_every_stack_is_told_what_its_template_asks(keys: Mapping[str, Any]) -> None:
    """Off, alone, in pairs and all at once: no parameter is missing, unknown or unresolvable."""
    wanted = rollout(**keys)

    for stack in wanted.stacks:
        declared = stack.template.parameters
        assert set(stack.parameters) <= set(declared)
        assert set(declared) - set(stack.parameters) == {
            key for key, each in declared.items() if "Default" in each
        }
    assert len(seen(wanted)) == 6


# S0-X1 private_subnets --------------------------------------------------------------------------


def test_private_subnets_have_their_blocks_and_stay_private(everything: Mapping[str, Seen]) -> None:
    """S0-X1: 10.0.10.0/24 and 10.0.11.0/24 in the zones of the public ones, no public address."""
    network = everything["network"]

    for index, block in enumerate(["10.0.10.0/24", "10.0.11.0/24"]):
        private, public = network[f"PrivateSubnet{index}"], network[f"PublicSubnet{index}"]
        assert private["CidrBlock"] == block
        assert private["AvailabilityZone"] == public["AvailabilityZone"]
        assert private["MapPublicIpOnLaunch"] is False


def test_each_private_subnet_leaves_through_its_own_zone(everything: Mapping[str, Seen]) -> None:
    """S0-X1: subnet, route table and NAT gateway agree zone by zone."""
    network = everything["network"]

    for index in (0, 1):
        assert network[f"PrivateSubnet{index}Route"] == {
            "SubnetId": f"PrivateSubnet{index}-id",
            "RouteTableId": f"PrivateRouteTable{index}-id",
        }
        assert network[f"PrivateDefaultRoute{index}"] == {
            "RouteTableId": f"PrivateRouteTable{index}-id",
            "DestinationCidrBlock": "0.0.0.0/0",
            "NatGatewayId": f"NatGateway{index}-id",
        }
        assert network[f"NatGateway{index}"]["SubnetId"] == f"PublicSubnet{index}-id"
        assert network[f"NatGateway{index}"]["AllocationId"] == f"NatAddress{index}-AllocationId"


def test_addresses_and_nat_gateways_wait_for_the_way_out(everything: Mapping[str, Seen]) -> None:
    """An address needs the attachment, and a NAT gateway a subnet that is already public."""
    resources = everything["network"].resources

    assert resources["NatAddress0"]["DependsOn"] == ["GatewayAttachment"]
    assert resources["NatGateway0"]["DependsOn"] == ["PublicDefaultRoute", "PublicSubnet0Route"]


def test_private_subnets_are_told_beside_the_public_ones(everything: Mapping[str, Seen]) -> None:
    """`subnet_ids` stays what it was; the private ones have an output of their own."""
    outputs = everything["network"].outputs

    assert outputs["SubnetIds"] == "PublicSubnet0-id,PublicSubnet1-id"
    assert outputs["PrivateSubnetIds"] == "PrivateSubnet0-id,PrivateSubnet1-id"


# S0-X3 multi_region_key -------------------------------------------------------------------------


def test_the_multi_region_key_comes_before_its_replica() -> None:
    """S0-X3: the home key first, then its replica, then what that encrypts."""
    layers = order(rollout(multi_region_key=True))

    assert layers.index("security") < layers.index("security-replica")
    assert layers.index("security-replica") < layers.index("storage-replica")


def test_the_replica_key_is_made_from_the_home_key() -> None:
    """S0-X3: MultiRegion at home only, rotation on the primary only, policy and alias on each."""
    layers = seen(rollout(multi_region_key=True))
    primary, replica = layers["security"]["Key"], layers["security-replica"]["Key"]

    assert primary["MultiRegion"] is True
    assert replica["PrimaryKeyArn"] == HOME_KEY
    assert "EnableKeyRotation" not in replica
    assert "MultiRegion" not in replica
    assert replica["PendingWindowInDays"] == 30
    assert len(replica["KeyPolicy"]["Statement"]) == 1
    assert layers["security-replica"]["Alias"]["TargetKeyId"] == "Key-id"


def test_the_copies_are_encrypted_in_their_own_region_still() -> None:
    """S3 treats a multi-Region key as the key of one Region: both ARNs stay in use."""
    layers = seen(rollout(multi_region_key=True))
    (rule,) = layers["storage"]["PrimaryBucket"]["ReplicationConfiguration"]["Rules"]

    assert rule["Destination"]["EncryptionConfiguration"] == {"ReplicaKmsKeyID": AWAY_KEY}


def test_without_the_option_no_key_is_multi_region(default: Mapping[str, Seen]) -> None:
    """A key's reach is fixed at birth, so that the default must not set it by accident."""
    assert "MultiRegion" not in default["security"]["Key"]
    assert "MultiRegion" not in default["security-replica"]["Key"]


# S0-X5 enable_flow_logs -------------------------------------------------------------------------


def test_all_traffic_goes_to_the_infrastructure_group(everything: Mapping[str, Seen]) -> None:
    """S0-X5: ALL, 30 days, encrypted, and the key's policy lists the group."""
    network = everything["network"]
    (_, logs) = everything["security"]["Key"]["KeyPolicy"]["Statement"]
    arns = logs["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]

    assert network["FlowLog"]["TrafficType"] == "ALL"
    assert network["FlowLog"]["LogGroupName"] == "/aws/infrastructure/tap/production"
    assert network["FlowLogGroup"]["RetentionInDays"] == 30
    assert network["FlowLogGroup"]["KmsKeyId"] == HOME_KEY
    assert f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/infrastructure/tap/production" in arns


@pytest.mark.parametrize("drops", ["flow_log", "nat", "none"])
@pytest.mark.parametrize("flow_logs", [True, False])
def test_the_key_lists_exactly_the_groups_that_exist(drops: str, flow_logs: bool) -> None:
    """L-7: no group without its right to the key, and no right without a group."""
    layers = seen(
        rollout(packet_drops=drops, private_subnets=True, enable_flow_logs=flow_logs)
    ).values()
    groups = {
        f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group['LogGroupName']}"
        for layer in layers
        for group in layer.of("Logs::LogGroup").values()
    }
    (key,) = [layer["Key"] for layer in layers if layer.stack.template.layer == "security"]
    (_, logs) = key["KeyPolicy"]["Statement"]

    assert groups == set(logs["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"])


def test_a_network_without_flow_logs_needs_no_key() -> None:
    """It waits for nothing, and can start at once."""
    wanted = rollout(packet_drops="none")
    (network,) = [stack for stack in wanted.stacks if stack.template.layer == "network"]

    assert network.needs == frozenset()
    assert network.protect is False


# bucket_access_logs (S0-13) ---------------------------------------------------------------------

SOURCES = [
    ("storage", "PrimaryBucket", "tap-primary-bucket", "us-east-1"),
    ("storage-replica", "DestinationBucket", "tap-destination-bucket", "us-west-2"),
]


@pytest.mark.parametrize(("layer", "title", "base", "region"), SOURCES)
def test_access_logs_go_to_a_bucket_of_the_region(
    everything: Mapping[str, Seen], layer: str, title: str, base: str, region: str
) -> None:
    """Each Region records into a bucket of its own, which forgets after 90 days."""
    records = everything[layer]["AccessLogBucket"]
    (encryption,) = records["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert records["BucketName"] == f"tap-access-logs-{ACCOUNT}-{region}"
    assert everything[layer][title]["LoggingConfiguration"] == {
        "DestinationBucketName": records["BucketName"],
        "LogFilePrefix": f"{base}/",
    }
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert records["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 90
    assert list(records["PublicAccessBlockConfiguration"].values()) == [True] * 4
    assert everything[layer].resources[title]["DependsOn"] == ["AccessLogBucketPolicy"]


@pytest.mark.parametrize(("layer", "title", "base", "region"), SOURCES)
def test_only_s3_delivers_and_only_for_its_bucket(
    everything: Mapping[str, Seen], layer: str, title: str, base: str, region: str
) -> None:
    """The delivery is bound to the account and to the one bucket that is recorded."""
    policy = everything[layer]["AccessLogBucketPolicy"]["PolicyDocument"]
    (deny, allow) = policy["Statement"]

    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allow["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert allow["Action"] == ["s3:PutObject"]
    assert allow["Resource"] == [f"arn:aws:s3:::tap-access-logs-{ACCOUNT}-{region}/{base}/*"]
    assert allow["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{base}-{ACCOUNT}-{region}"},
    }


# packet_drops (S0-12) ---------------------------------------------------------------------------


def test_nat_counts_at_every_nat_gateway() -> None:
    """AWS/NATGateway has the only drop metric of a VPC; the ids come from the network."""
    widget = widget_of(seen(rollout(**OPTIONS["packet_drops_nat"])))

    assert [line[:4] for line in widget["metrics"][1:]] == [
        ["AWS/NATGateway", "PacketsDropCount", "NatGatewayId", "NatGateway0-id"],
        ["AWS/NATGateway", "PacketsDropCount", "NatGatewayId", "NatGateway1-id"],
    ]


def test_none_shows_the_bucket_alone() -> None:
    """Where nothing counts drops, the widget does not promise them."""
    widget = widget_of(seen(rollout(packet_drops="none")))

    assert len(widget["metrics"]) == 1
    assert widget["title"] == "tap-stack: bucket size"
