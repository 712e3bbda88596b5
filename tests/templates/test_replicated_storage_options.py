"""Each option of S0 adds exactly what its row says, and any two of them go together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

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

CONFIG = {
    "Config::ConfigurationRecorder": 1,
    "Config::DeliveryChannel": 1,
    "IAM::Role": 1,
    "S3::Bucket": 1,
    "S3::BucketPolicy": 1,
}
POSTGRES = Counter(PRIVATE) + Counter(
    {
        "EC2::InternetGateway": 1,
        "EC2::RouteTable": 1,
        "EC2::SecurityGroup": 5,
        "EC2::Subnet": 2,
        "EC2::SubnetRouteTableAssociation": 2,
        "EC2::VPC": 1,
        "EC2::VPCGatewayAttachment": 1,
        "IAM::Role": 2,
        "RDS::DBInstance": 2,
        "RDS::DBParameterGroup": 2,
        "RDS::DBSubnetGroup": 2,
        "SecretsManager::Secret": 1,
        "SecretsManager::SecretTargetAttachment": 1,
    }
)


@pytest.mark.parametrize(
    ("option", "added", "removed"),
    [
        ("private_subnets", PRIVATE, NONE),
        ("multi_region_key", {"KMS::ReplicaKey": 1}, {"KMS::Key": 1}),
        ("enable_flow_logs", {"EC2::FlowLog": 1, "IAM::Role": 1, "Logs::LogGroup": 1}, NONE),
        ("bucket_access_logs", {"S3::Bucket": 2, "S3::BucketPolicy": 2}, NONE),
        ("packet_drops_nat", PRIVATE, FLOW_REJECTS),
        ("packet_drops_none", NONE, FLOW_REJECTS),
        ("tiered_sgs", {"EC2::SecurityGroup": 4}, NONE),
        ("extra_buckets", {"S3::Bucket": 3, "S3::BucketPolicy": 3, "IAM::Role": 1}, NONE),
        ("extra_buckets_alone", {"S3::Bucket": 3, "S3::BucketPolicy": 3}, NONE),
        ("extra_log_groups", {"Logs::LogGroup": 2}, NONE),
        (
            "cpu_alarm",
            {"CloudWatch::Alarm": 1, "SNS::Topic": 1, "SNS::TopicPolicy": 1},
            NONE,
        ),
        ("cloudtrail", {"CloudTrail::Trail": 1, "S3::Bucket": 1, "S3::BucketPolicy": 1}, NONE),
        ("aws_config", CONFIG, NONE),
        ("postgres", POSTGRES, NONE),
        ("service_roles", {"IAM::Role": 2, "IAM::InstanceProfile": 1}, NONE),
    ],
)
def test_an_option_adds_its_own_types_and_no_other(
    option: str, added: Mapping[str, int], removed: Mapping[str, int]
) -> None:
    """Acceptance 9: each switch adds its row's types; off, none of them is there."""
    off, on = types(rollout()), types(rollout(**OPTIONS[option]))

    assert on - off == Counter(added)
    assert off - on == Counter(removed)


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
    policy = everything["security"]["Key"]["KeyPolicy"]["Statement"]
    (logs,) = [each for each in policy if each["Sid"] == "LogsEncryptsItsGroups"]
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


# S0-X2 tiered_sgs -------------------------------------------------------------------------------


def test_each_tier_lets_in_the_one_before_it() -> None:
    """S0-X2: web from anywhere, app from web, databases from app, ssh from its block alone."""
    network = seen(rollout(tiered_sgs=True, ssh_cidr="10.9.0.0/16"))["network"]

    def openings(title: str) -> list[tuple[int, str]]:
        return [
            (rule["FromPort"], rule.get("CidrIp") or rule["SourceSecurityGroupId"])
            for rule in network[title]["SecurityGroupIngress"]
        ]

    assert openings("WebGroup") == [(80, "0.0.0.0/0"), (443, "0.0.0.0/0")]
    assert openings("AppGroup") == [(8080, "WebGroup-GroupId")]
    assert openings("DatabaseGroup") == [(3306, "AppGroup-GroupId"), (5432, "AppGroup-GroupId")]
    assert openings("SshGroup") == [(22, "10.9.0.0/16")]


def test_databases_call_nobody_and_the_other_tiers_anybody() -> None:
    """S0-X2: a group without egress rules would get one that allows everything."""
    network = seen(rollout(tiered_sgs=True))["network"]

    ways_out = {
        title: [rule["CidrIp"] for rule in group["SecurityGroupEgress"]]
        for title, group in network.of("EC2::SecurityGroup").items()
    }
    assert ways_out.pop("DatabaseGroup") == ["127.0.0.1/32"]
    assert set(map(tuple, ways_out.values())) == {("0.0.0.0/0",)}


# S0-X4 extra_buckets ----------------------------------------------------------------------------


def test_the_application_has_its_buckets_and_a_backup_elsewhere() -> None:
    """S0-X4: S3's own keys; versions but for logs, which go after 90 days."""
    layers = seen(rollout(extra_buckets=True))
    home, away = layers["buckets"], layers["buckets-replica"]

    for bucket in (home["AppBucket"], home["LogBucket"], away["BackupBucket"]):
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert home["AppBucket"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert away["BackupBucket"]["VersioningConfiguration"] == {"Status": "Enabled"}
    (expiry,) = home["LogBucket"]["LifecycleConfiguration"]["Rules"]
    assert expiry["ExpirationInDays"] == 90
    assert away.stack.target.region == "us-west-2"


def test_the_backup_gets_copies_unless_it_is_told_not_to() -> None:
    """S0-X4: the rule names the other Region's bucket and no key, for there is none."""
    copied = seen(rollout(extra_buckets=True))
    alone = seen(rollout(**OPTIONS["extra_buckets_alone"]))

    (rule,) = copied["buckets"]["AppBucket"]["ReplicationConfiguration"]["Rules"]
    assert rule["Destination"] == {
        "Bucket": f"arn:aws:s3:::tap-backup-{ACCOUNT}-us-west-2",
        "StorageClass": "STANDARD",
    }
    assert "SourceSelectionCriteria" not in rule
    assert "ReplicationConfiguration" not in alone["buckets"]["AppBucket"]


# S0-X6 extra_log_groups -------------------------------------------------------------------------


@pytest.mark.parametrize("flow_logs", [False, True])
def test_two_more_log_groups_whether_flow_logs_write_or_not(flow_logs: bool) -> None:
    """S0-X6, S0-X5: 30 days, under the key; flow logs use the infrastructure's group."""
    layers = seen(rollout(extra_log_groups=True, enable_flow_logs=flow_logs))

    groups = {
        group["LogGroupName"]: group
        for layer in layers.values()
        for group in layer.of("Logs::LogGroup").values()
    }
    for name in ("/aws/application/tap/production", "/aws/infrastructure/tap/production"):
        assert groups[name]["RetentionInDays"] == 30
        assert groups[name]["KmsKeyId"] == HOME_KEY


# S0-X7 cpu_alarm --------------------------------------------------------------------------------


def test_the_alarm_watches_one_instance_and_tells_the_topic() -> None:
    """S0-X7: CPUUtilization Average above 80 / 2 x 300, with its dimension and an action."""
    monitoring = seen(rollout(**OPTIONS["cpu_alarm"], alarm_email="ops@example.com"))["monitoring"]

    alarm = monitoring["CpuAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/EC2", "CPUUtilization")
    assert alarm["Dimensions"] == [{"Name": "InstanceId", "Value": "i-0123456789abcdef0"}]
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Average", 80)
    assert (alarm["EvaluationPeriods"], alarm["Period"]) == (2, 300)
    assert alarm["AlarmActions"] == ["AlarmTopic-id"]
    assert monitoring["AlarmTopicEmail"]["Endpoint"] == "ops@example.com"


def test_the_key_admits_alarms_where_there_is_one() -> None:
    """S0-X7: without it every message to the encrypted topic would be lost in silence."""
    principals = {
        str(statement["Principal"])
        for statement in seen(rollout(**OPTIONS["cpu_alarm"]))["security"]["Key"]["KeyPolicy"][
            "Statement"
        ]
    }
    assert "{'Service': 'cloudwatch.amazonaws.com'}" in principals


# S0-X8 cloudtrail, aws_config -------------------------------------------------------------------


def test_the_trail_covers_the_account_and_is_encrypted() -> None:
    """S0-X8: every Region, validated files, the key, and a key that admits exactly this trail."""
    layers = seen(rollout(cloudtrail=True))
    trail = layers["audit"]["Trail"]

    assert (trail["IsMultiRegionTrail"], trail["IncludeGlobalServiceEvents"]) == (True, True)
    assert (trail["EnableLogFileValidation"], trail["KMSKeyId"]) == (True, HOME_KEY)
    name = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{trail['TrailName']}"
    statements = layers["security"]["Key"]["KeyPolicy"]["Statement"]
    admitted = [each for each in statements if "cloudtrail" in str(each["Principal"])]
    assert admitted
    assert {each["Condition"]["StringEquals"]["aws:SourceArn"] for each in admitted} == {name}


def test_the_recorder_records_everything_with_what_is_global() -> None:
    """S0-X8: all types, IAM's included, delivered to a bucket under the key."""
    audit = seen(rollout(aws_config=True))["audit"]

    assert audit["ConfigRecorder"]["RecordingGroup"] == {
        "AllSupported": True,
        "IncludeGlobalResourceTypes": True,
    }
    assert audit["ConfigChannel"]["S3KmsKeyArn"] == HOME_KEY


# S0-X9 postgres ---------------------------------------------------------------------------------


def test_the_database_stands_in_two_zones_with_backups() -> None:
    """S0-X9: figures of the row, private, in the group of its tier, no password in sight."""
    data = seen(rollout(**OPTIONS["postgres"]))["data"]
    database = data["Database"]

    assert (database["Engine"], database["DBInstanceClass"]) == ("postgres", "db.t3.micro")
    assert (database["MultiAZ"], database["PubliclyAccessible"]) == (True, False)
    assert (database["BackupRetentionPeriod"], database["PreferredBackupWindow"]) == (
        7,
        "03:00-04:00",
    )
    assert database["VPCSecurityGroups"] == ["DatabaseGroup-GroupId"]
    assert database["MasterUserPassword"].startswith("{{resolve:secretsmanager:")
    assert (database["StorageEncrypted"], database["KmsKeyId"]) == (True, HOME_KEY)


def test_the_replica_is_in_the_other_region_under_its_key() -> None:
    """S0-X9: source by ARN, the other Region's key, nothing that is the source's to say."""
    replica = seen(rollout(**OPTIONS["postgres"]))["data-replica"]["Database"]

    assert replica["SourceDBInstanceIdentifier"].startswith(f"arn:aws:rds:us-east-1:{ACCOUNT}:db:")
    assert replica["KmsKeyId"] == AWAY_KEY
    assert not {"MasterUsername", "MasterUserPassword", "AllocatedStorage", "DBName"} & set(replica)


# S0-X10 service_roles ---------------------------------------------------------------------------


def test_each_service_has_the_role_for_its_task() -> None:
    """S0-X10: instances with the agent's policy, RDS with that of enhanced monitoring."""
    roles = seen(rollout(service_roles=True))["roles"]

    policies = {title: role["ManagedPolicyArns"] for title, role in roles.of("IAM::Role").items()}
    assert policies == {
        "InstanceRole": ["arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"],
        "RdsMonitoringRole": [
            "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
        ],
    }
    assert roles["InstanceRoleProfile"]["Roles"] == ["InstanceRole-id"]


# S0-X11 outputs ---------------------------------------------------------------------------------


def test_the_options_have_their_outputs() -> None:
    """S0-X11: subnets, four groups, three buckets, two log groups; each with its switch alone."""
    base = set(rollout().outputs)

    assert set(rollout(**ALL_ON).outputs) - base == {
        "private_subnet_ids",
        "web_security_group_id",
        "app_security_group_id",
        "db_security_group_id",
        "ssh_security_group_id",
        "app_bucket_name",
        "logs_bucket_name",
        "backup_bucket_name",
        "application_log_group_name",
        "infrastructure_log_group_name",
        "database_endpoint",
        "database_replica_endpoint",
    }
    assert set(rollout(private_subnets=True).outputs) - base == {"private_subnet_ids"}
