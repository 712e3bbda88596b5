"""The promises of S0, row by row, and its ten points of acceptance."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from tapcfn.config import check
from tapcfn.errors import ConfigError
from tapcfn.model import STATEFUL, OutputOf, Rollout, Target, ZoneOf
from templates.blueprints.replicated_storage import Settings
from tests.templates.resolved import Seen, order, seen, types
from tests.templates.systems import ACCOUNT
from tests.templates.systems.replicated_storage import (
    AWAY_KEY,
    DESTINATION,
    HOME_KEY,
    PRIMARY,
    rollout,
    widget_of,
)

Layers = Mapping[str, Seen]

BUCKETS = (("storage", "PrimaryBucket"), ("storage-replica", "DestinationBucket"))


def tags_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return a resource's tags as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in properties["Tags"]}


# The must-rows ----------------------------------------------------------------------------------


def test_s0_1_the_vpc_has_its_block_and_dns(default: Layers) -> None:
    """S0-1: 10.0.0.0/16 with DNS support and host names, named tap-vpc."""
    vpc = default["network"]["Vpc"]

    assert vpc["CidrBlock"] == "10.0.0.0/16"
    assert vpc["EnableDnsSupport"] is True
    assert vpc["EnableDnsHostnames"] is True
    assert tags_of(vpc)["Name"] == "tap-vpc"


def test_s0_2_the_internet_gateway_is_attached(default: Layers) -> None:
    """S0-2: one gateway, attached to the VPC."""
    assert len(default["network"].of("EC2::InternetGateway")) == 1
    assert default["network"]["GatewayAttachment"] == {
        "VpcId": "Vpc-id",
        "InternetGatewayId": "InternetGateway-id",
    }


def test_s0_3_the_public_subnets_stand_in_two_zones(default: Layers, wanted: Rollout) -> None:
    """S0-3: two blocks, two zones that the deployer chooses and remembers, public addresses."""
    subnets = default["network"].of("EC2::Subnet")
    stack = next(stack for stack in wanted.stacks if stack.template.layer == "network")

    assert {
        key: (each["CidrBlock"], each["AvailabilityZone"]) for key, each in subnets.items()
    } == {
        "PublicSubnet0": ("10.0.1.0/24", "us-east-1a"),
        "PublicSubnet1": ("10.0.2.0/24", "us-east-1b"),
    }
    assert all(subnet["MapPublicIpOnLaunch"] is True for subnet in subnets.values())
    assert stack.parameters["AvailabilityZone0"] == ZoneOf(0)
    assert stack.parameters["AvailabilityZone1"] == ZoneOf(1)
    for index in (0, 1):
        declared = stack.template.parameters[f"AvailabilityZone{index}"]
        assert declared["Type"] == "AWS::EC2::AvailabilityZone::Name"


def test_s0_4_one_route_table_leads_both_subnets_out(default: Layers) -> None:
    """S0-4: one table, one default route that waits for the attachment; nothing private."""
    network = default["network"]

    assert len(network.of("EC2::RouteTable")) == 1
    assert network.of("EC2::Route") == {
        "PublicDefaultRoute": {
            "RouteTableId": "PublicRouteTable-id",
            "DestinationCidrBlock": "0.0.0.0/0",
            "GatewayId": "InternetGateway-id",
        }
    }
    assert network.resources["PublicDefaultRoute"]["DependsOn"] == ["GatewayAttachment"]
    associations = network.of("EC2::SubnetRouteTableAssociation").values()
    assert {each["SubnetId"] for each in associations} == {"PublicSubnet0-id", "PublicSubnet1-id"}
    assert {each["RouteTableId"] for each in associations} == {"PublicRouteTable-id"}
    assert not network.of("EC2::NatGateway")


def test_s0_5_the_security_group_admits_the_web_only(default: Layers) -> None:
    """S0-5: ports 443 and 80 in, everything out, in the VPC, with both names."""
    group = default["network"]["SecurityGroup"]

    assert group["GroupName"] == "tap-security-group"
    assert tags_of(group)["Name"] == "tap-sg"
    assert group["VpcId"] == "Vpc-id"
    assert [(rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupIngress"]] == [
        (443, 443),
        (80, 80),
    ]
    (out,) = group["SecurityGroupEgress"]
    assert (out["IpProtocol"], out["CidrIp"]) == ("-1", "0.0.0.0/0")


@pytest.mark.parametrize("layer", ["security", "security-replica"])
def test_s0_6_each_region_has_a_rotated_key_and_an_alias(default: Layers, layer: str) -> None:
    """S0-6, C-4: rotation, a window of 30 days, an alias, and the account's own statement."""
    key = default[layer]["Key"]

    assert key["EnableKeyRotation"] is True
    assert key["PendingWindowInDays"] == 30
    assert default[layer]["Alias"] == {"AliasName": "alias/tap-stack", "TargetKeyId": "Key-id"}
    account = key["KeyPolicy"]["Statement"][0]
    assert account["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert account["Action"] == ["kms:*"]


@pytest.mark.parametrize(("layer", "title"), BUCKETS)
def test_s0_7_and_s0_8_both_buckets_are_named_versioned_and_encrypted(
    default: Layers, layer: str, title: str
) -> None:
    """S0-7, S0-8: computed names, versions, and KMS encryption."""
    bucket = default[layer][title]

    assert bucket["BucketName"] in {PRIMARY, DESTINATION}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["BucketKeyEnabled"] is True


def test_s0_9_everything_is_replicated_to_the_cheaper_class(default: Layers) -> None:
    """S0-9: one rule for the whole bucket, encrypted objects and delete markers included."""
    (rule,) = default["storage"]["PrimaryBucket"]["ReplicationConfiguration"]["Rules"]

    assert rule == {
        "Id": "ReplicateEverything",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        "Destination": {
            "Bucket": f"arn:aws:s3:::{DESTINATION}",
            "StorageClass": "STANDARD_IA",
            "EncryptionConfiguration": {"ReplicaKmsKeyID": AWAY_KEY},
        },
    }


def test_s0_10_one_role_with_one_policy_replicates(default: Layers) -> None:
    """S0-10: trusted by S3 alone; its one inline policy is written here, not AWS's."""
    (role,) = default["storage"].of("IAM::Role").values()

    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "s3.amazonaws.com"}
    assert len(role["Policies"]) == 1
    assert "ManagedPolicyArns" not in role
    assert default["storage"]["PrimaryBucket"]["ReplicationConfiguration"]["Role"].endswith(
        ":role/ReplicationRole"
    )


def test_s0_11_the_application_log_group_is_encrypted(default: Layers) -> None:
    """S0-11: its name, 14 days, and the home key by its ARN."""
    group = default["monitoring"]["LogGroup"]

    assert group["LogGroupName"] == "/aws/tap-stack/application"
    assert group["RetentionInDays"] == 14
    assert group["KmsKeyId"] == HOME_KEY
    assert tags_of(group)["Name"] == "tap-log-group"


def test_s0_12_the_dashboard_shows_size_and_drops(default: Layers) -> None:
    """S0-12: one widget titled for the stack, 300 s, Average, in the home Region."""
    widget = widget_of(default)

    assert default["monitoring"]["Dashboard"]["DashboardName"] == "tap-stack-monitoring"
    assert widget["title"].startswith("tap-stack:")
    assert (widget["period"], widget["stat"], widget["region"]) == (300, "Average", "us-east-1")
    assert [line[:2] for line in widget["metrics"]] == [
        ["AWS/S3", "BucketSizeBytes"],
        ["TapStack/Network", "RejectedPackets"],
    ]


def test_s0_12_rejected_packets_are_counted_from_a_flow_log(default: Layers) -> None:
    """S0-12: a REJECT flow log of the VPC, 14 days, encrypted, feeds the dashboard's metric."""
    network = default["network"]

    assert network["RejectFlowLog"]["TrafficType"] == "REJECT"
    assert network["RejectFlowLog"]["ResourceId"] == "Vpc-id"
    assert network["RejectFlowLog"]["MaxAggregationInterval"] == 60
    assert network["RejectFlowLog"]["LogGroupName"] == "/aws/tap-stack/flow-rejects"
    assert network["RejectFlowLogGroup"]["LogGroupName"] == "/aws/tap-stack/flow-rejects"
    assert network["RejectFlowLogGroup"]["RetentionInDays"] == 14
    assert network["RejectFlowLogGroup"]["KmsKeyId"] == HOME_KEY
    (transformation,) = network["RejectedPackets"]["MetricTransformations"]
    assert transformation["MetricNamespace"] == "TapStack/Network"
    assert transformation["MetricName"] == "RejectedPackets"
    assert transformation["DefaultValue"] == 0
    assert network["RejectedPackets"]["LogGroupName"] == "/aws/tap-stack/flow-rejects"


def test_s0_12_the_filter_names_every_field_of_a_flow_log_record(default: Layers) -> None:
    """A space-delimited pattern matches only records with exactly that many fields: 14."""
    pattern = default["network"]["RejectedPackets"]["FilterPattern"]
    (transformation,) = default["network"]["RejectedPackets"]["MetricTransformations"]
    fields = pattern.strip("[]").split(", ")

    assert len(fields) == 14
    assert fields.index("packets") == 8
    assert fields[12] == 'action="REJECT"'
    assert transformation["MetricValue"] == "$packets"


def test_s0_13_there_is_no_alarm_trail_config_or_database(wanted: Rollout) -> None:
    """S0-13: what the system leaves out on purpose."""
    unwanted = ("CloudWatch::Alarm", "CloudTrail::", "Config::", "RDS::", "SNS::")

    assert [kind for kind in types(wanted) if kind.startswith(unwanted)] == []


@pytest.mark.parametrize(("layer", "title"), BUCKETS)
def test_s0_14_nothing_travels_in_the_clear(default: Layers, layer: str, title: str) -> None:
    """S0-14, C-5: a deny for bucket and objects wherever TLS is missing."""
    policy = default[layer][f"{title}Policy"]
    (deny,) = policy["PolicyDocument"]["Statement"]
    arn = f"arn:aws:s3:::{default[layer][title]['BucketName']}"

    assert policy["Bucket"] == default[layer][title]["BucketName"]
    assert deny["Effect"] == "Deny"
    assert deny["Principal"] == "*"
    assert deny["Action"] == ["s3:*"]
    assert deny["Resource"] == [arn, f"{arn}/*"]
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_s0_15_the_outputs_have_values(default: Layers, wanted: Rollout) -> None:
    """S0-15: each of the seven leads to an output that its stack has."""
    outputs = {each.stack.name: each.outputs for each in default.values()}
    values = {key: outputs[value.stack][value.key] for key, value in wanted.outputs.items()}

    assert values == {
        "vpc_id": "Vpc-id",
        "subnet_ids": "PublicSubnet0-id,PublicSubnet1-id",
        "security_group_id": "SecurityGroup-GroupId",
        "primary_bucket_name": PRIMARY,
        "destination_bucket_name": DESTINATION,
        "log_group_name": "/aws/tap-stack/application",
        "kms_key_id": "Key-id",
    }


def test_s0_18_a_missing_setting_has_no_default_to_hide_behind(wanted: Rollout) -> None:
    """S0-18: neither the settings nor the template know an allowed block of their own."""
    network = next(stack for stack in wanted.stacks if stack.template.layer == "network")

    assert "Default" not in network.template.parameters["AllowedCidr"]
    assert Settings.model_fields["allowed_cidr"].is_required()


def test_s0_19_each_subnet_has_a_zone_of_its_own(default: Layers) -> None:
    """S0-19: at least two subnets, and the map from subnet to zone is one to one."""
    zones = {
        key: subnet["AvailabilityZone"]
        for key, subnet in default["network"].of("EC2::Subnet").items()
    }

    assert len(zones) >= 2
    assert len(set(zones.values())) == len(zones)


# Acceptance -------------------------------------------------------------------------------------


def test_acceptance_1_the_replica_bucket_comes_first_and_goes_last(wanted: Rollout) -> None:
    """The primary bucket needs the replica's outputs, so that deletion is the reverse."""
    layers = order(wanted)
    storage = next(stack for stack in wanted.stacks if stack.template.layer == "storage")
    replica = next(stack for stack in wanted.stacks if stack.template.layer == "storage-replica")

    assert layers.index("storage-replica") < layers.index("storage")
    assert replica.name in storage.needs
    assert replica.target == Target(ACCOUNT, "us-west-2")
    assert storage.target == Target(ACCOUNT, "us-east-1")


def test_acceptance_2_allowed_cidr_is_asked_for_by_name() -> None:
    """Without allowed_cidr nothing is planned, and the fault names it."""
    with pytest.raises(ConfigError) as caught:
        check("prod.toml", {"account": ACCOUNT}, Settings)

    (fault,) = caught.value.faults
    assert fault.startswith("allowed_cidr: missing")


def test_acceptance_2_the_replica_is_in_us_west_2_by_default() -> None:
    """Without replication_region the copies go to us-west-2."""
    assert {stack.target.region for stack in rollout().stacks} == {"us-east-1", "us-west-2"}


def test_acceptance_2_a_replica_at_home_is_refused() -> None:
    """A copy in the same Region is no copy."""
    with pytest.raises(ConfigError, match="replication_region"):
        rollout(replication_region="us-east-1")


def test_acceptance_3_the_network_is_public_and_small(default: Layers) -> None:
    """One VPC, two subnets in two zones, one default route after the attachment, no NAT."""
    network = default["network"]

    assert len(network.of("EC2::VPC")) == 1
    assert len({each["AvailabilityZone"] for each in network.of("EC2::Subnet").values()}) == 2
    (route,) = network.of("EC2::Route")
    assert network.resources[route]["DependsOn"] == ["GatewayAttachment"]
    assert not network.of("EC2::NatGateway")


@pytest.mark.parametrize("block", ["10.0.0.0/8", "192.168.1.0/24"])
def test_acceptance_4_ingress_is_the_setting(block: str) -> None:
    """TCP 443 and 80 from the parameter AllowedCidr, which has no default and is the setting."""
    wanted = rollout(allowed_cidr=block)
    stack = next(stack for stack in wanted.stacks if stack.template.layer == "network")
    raw = stack.template.document["Resources"]["SecurityGroup"]["Properties"]
    group = seen(wanted)["network"]["SecurityGroup"]

    assert [rule["CidrIp"] for rule in raw["SecurityGroupIngress"]] == [{"Ref": "AllowedCidr"}] * 2
    assert "Default" not in stack.template.parameters["AllowedCidr"]
    assert {
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"], rule["CidrIp"])
        for rule in group["SecurityGroupIngress"]
    } == {("tcp", 443, 443, block), ("tcp", 80, 80, block)}


@pytest.mark.parametrize(
    ("layer", "title", "key"),
    [("storage", "PrimaryBucket", HOME_KEY), ("storage-replica", "DestinationBucket", AWAY_KEY)],
)
def test_acceptance_5_both_buckets_are_safe(
    default: Layers, layer: str, title: str, key: str
) -> None:
    """Versioned, encrypted by the key of its own Region, four public blocks, only by TLS."""
    bucket = default[layer][title]
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (deny,) = default[layer][f"{title}Policy"]["PolicyDocument"]["Statement"]

    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert encryption["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": key,
    }
    assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_acceptance_6_the_replica_key_is_an_output_of_the_replica(wanted: Rollout) -> None:
    """ReplicaKmsKeyID is a parameter, and the parameter is what the replica's stack says."""
    storage = next(stack for stack in wanted.stacks if stack.template.layer == "storage")
    bucket = storage.template.document["Resources"]["PrimaryBucket"]["Properties"]
    (rule,) = bucket["ReplicationConfiguration"]["Rules"]
    encryption = rule["Destination"]["EncryptionConfiguration"]

    assert encryption == {"ReplicaKmsKeyID": {"Ref": "DestinationKeyArn"}}
    assert storage.parameters["DestinationKeyArn"] == OutputOf(
        "prod-replicated-storage-storage-us-west-2", "KeyArn"
    )


def test_acceptance_6_the_role_has_every_action_and_no_star(default: Layers) -> None:
    """All of S0-10's actions, no managed policy, no resource `*`."""
    role = default["storage"]["ReplicationRole"]
    (policy,) = role["Policies"]
    granted = policy["PolicyDocument"]["Statement"]

    assert {action for statement in granted for action in statement["Action"]} == {
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
        "s3:ReplicateObject",
        "s3:ReplicateDelete",
        "s3:ReplicateTags",
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
    }
    assert "*" not in [resource for statement in granted for resource in statement["Resource"]]
    assert "ManagedPolicyArns" not in role


def test_acceptance_7_the_key_serves_exactly_the_log_groups(default: Layers) -> None:
    """The Logs service of the home Region may use the key for the groups that exist."""
    (_, logs) = default["security"]["Key"]["KeyPolicy"]["Statement"]
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:"

    assert default["monitoring"]["LogGroup"]["RetentionInDays"] == 14
    assert default["monitoring"]["LogGroup"]["KmsKeyId"] == HOME_KEY
    assert logs["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    assert logs["Action"] == [
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:DescribeKey",
    ]
    assert logs["Condition"] == {
        "ArnEquals": {
            "kms:EncryptionContext:aws:logs:arn": [
                f"{group}/aws/tap-stack/application",
                f"{group}/aws/tap-stack/flow-rejects",
            ]
        }
    }


def test_acceptance_8_the_dashboard_measures_what_exists(default: Layers) -> None:
    """It parses; the bucket's line has its storage type and its own period; no AWS/VPC."""
    lines = widget_of(default)["metrics"]

    assert lines[0][:6] == [
        *("AWS/S3", "BucketSizeBytes", "BucketName", PRIMARY, "StorageType", "StandardStorage")
    ]
    assert lines[0][6]["period"] == 86400
    assert "AWS/VPC" not in {line[0] for line in lines}


def test_acceptance_9_without_options_these_are_the_types(wanted: Rollout) -> None:
    """The whole inventory of the default system. (What options add is told in their own tests.)"""
    assert types(wanted) == Counter(
        {
            "CloudWatch::Dashboard": 1,
            "EC2::FlowLog": 1,
            "EC2::InternetGateway": 1,
            "EC2::Route": 1,
            "EC2::RouteTable": 1,
            "EC2::SecurityGroup": 1,
            "EC2::Subnet": 2,
            "EC2::SubnetRouteTableAssociation": 2,
            "EC2::VPC": 1,
            "EC2::VPCGatewayAttachment": 1,
            "IAM::Role": 2,
            "KMS::Alias": 2,
            "KMS::Key": 2,
            "Logs::LogGroup": 2,
            "Logs::MetricFilter": 1,
            "S3::Bucket": 2,
            "S3::BucketPolicy": 2,
        }
    )


def test_acceptance_10_the_outputs_are_those_of_s0_15(wanted: Rollout) -> None:
    """Seven names, in their order."""
    assert list(wanted.outputs) == [
        "vpc_id",
        "subnet_ids",
        "security_group_id",
        "primary_bucket_name",
        "destination_bucket_name",
        "log_group_name",
        "kms_key_id",
    ]


# Defects that must not appear (Q-1) -------------------------------------------------------------


def test_q_1_no_key_serves_two_regions(default: Layers) -> None:
    """Whatever a stack encrypts with is a key of the stack's own Region; only a copy's is not."""
    for layer in default.values():
        for kind, key in (("S3::Bucket", "BucketEncryption"), ("Logs::LogGroup", "KmsKeyId")):
            for properties in layer.of(kind).values():
                assert f":kms:{layer.stack.target.region}:" in json.dumps(properties[key])


def test_q_1_logs_may_use_the_key_before_a_log_group_asks_for_it(wanted: Rollout) -> None:
    """Each stack with a log group needs the stack whose key policy lists that group."""
    for stack in wanted.stacks:
        if "AWS::Logs::LogGroup" in stack.template.resources.values():
            assert "prod-replicated-storage-security-us-east-1" in stack.needs


def test_q_1_no_aws_managed_policy_is_trusted(wanted: Rollout) -> None:
    """No policy that AWS may change, and none whose existence is in doubt."""
    assert not [stack.name for stack in wanted.stacks if "ManagedPolicyArns" in stack.template.text]


# The plan as a whole ----------------------------------------------------------------------------


def test_stacks_are_named_after_stage_system_layer_and_region(wanted: Rollout) -> None:
    """The Region stands in the name where a layer goes to more than one."""
    assert {stack.template.layer: stack.name for stack in wanted.stacks} == {
        "security": "prod-replicated-storage-security-us-east-1",
        "security-replica": "prod-replicated-storage-security-us-west-2",
        "storage": "prod-replicated-storage-storage-us-east-1",
        "storage-replica": "prod-replicated-storage-storage-us-west-2",
        "network": "prod-replicated-storage-network",
        "monitoring": "prod-replicated-storage-monitoring",
    }


def test_stack_tags_say_where_a_stack_comes_from_and_nothing_else(wanted: Rollout) -> None:
    """A system's own tags on a stack would spread to every resource a second time."""
    layers = {stack.name: stack.tags for stack in wanted.stacks}

    assert layers["prod-replicated-storage-storage-us-west-2"] == {
        "tapcfn:blueprint": "replicated_storage",
        "tapcfn:layer": "storage",
        "tapcfn:stage": "prod",
    }
    assert all(len(tags) == 3 for tags in layers.values())


@pytest.mark.parametrize("wish", [True, False])
def test_stacks_with_data_are_protected_when_asked(wish: bool) -> None:
    """Termination protection follows the setting, where there is something to lose."""
    for stack in rollout(termination_protection=wish, packet_drops="none").stacks:
        has_data = not STATEFUL.isdisjoint(stack.template.resources.values())
        assert stack.protect is (wish and has_data)


@pytest.mark.parametrize("wish", [True, False])
def test_kept_data_is_adopted(wish: bool) -> None:
    """What an earlier destroy kept is imported by the next deployment, and only then."""
    assert {stack.adopt for stack in rollout(keep_data=wish).stacks} == {wish}


def test_other_names_and_regions_reach_everything() -> None:
    """No name of the default system is left over when the settings say otherwise."""
    layers = seen(
        rollout(
            name="acme-files",
            environment="staging",
            home_region="eu-central-1",
            replication_region="eu-west-1",
            enable_flow_logs=True,
        )
    )
    text = json.dumps({layer: each.resources for layer, each in layers.items()})

    assert "tap-" not in text.replace("managed-by", "")
    assert "us-east-1" not in text
    assert layers["storage"]["PrimaryBucket"]["BucketName"] == (
        f"acme-files-primary-bucket-{ACCOUNT}-eu-central-1"
    )
    assert widget_of(layers)["region"] == "eu-central-1"
    assert widget_of(layers)["metrics"][1][0] == "AcmeFiles/Network"
    assert layers["network"]["FlowLogGroup"]["LogGroupName"] == (
        "/aws/infrastructure/acme-files/staging"
    )
