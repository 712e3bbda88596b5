"""The options of S2: what each adds, and how it is wired."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tapcfn.model import OutputOf
from tests.templates.resolved import seen, types
from tests.templates.systems import ACCOUNT
from tests.templates.systems.regional_web import (
    DOMAIN,
    REGIONS,
    SYSTEM,
    VPC,
    certificates,
    images,
    rollout,
)

FIRST, OTHERS = REGIONS[0], REGIONS[1:]
LAST = REGIONS[-1]

# What each option adds to the types of the default system.
ADDED = {
    "secrets": {"SecretsManager::Secret": 3, "SecretsManager::RotationSchedule": 3},
    "postgres": {"RDS::DBInstance": 3, "IAM::Role": 3, "CloudWatch::Alarm": 6},
    "read_replicas": {"RDS::DBInstance": 2, "SecretsManager::Secret": 1},
    "session_table": {"DynamoDB::GlobalTable": 1},
    "cloudtrail": {"CloudTrail::Trail": 1, "S3::Bucket": 1},
    "aws_config": {"Config::ConfigurationRecorder": 3, "Config::ConfigRule": 6, "S3::Bucket": 3},
    "regional_dashboards": {"CloudWatch::Dashboard": 3},
    "flow_logs": {"EC2::FlowLog": 3, "Logs::LogGroup": 3},
    "peering": {"EC2::VPCPeeringConnection": 3, "EC2::Route": 18},
    "ipv6": {"EC2::VPCCidrBlock": 3, "EC2::EgressOnlyInternetGateway": 3, "EC2::Route": 9},
    "tls": {"CertificateManager::Certificate": 3, "ElasticLoadBalancingV2::Listener": 3},
    "vpc_lambda": {"Lambda::Function": 3, "EC2::SecurityGroup": 3},
    "alerts": {"SNS::Subscription": 3},
    "resilience": {"S3::Bucket": 2, "CloudWatch::Alarm": 3},
    "dns_failover": {"Route53::HealthCheck": 3, "Route53::RecordSet": 3},
    "waf": {"WAFv2::WebACL": 3, "WAFv2::WebACLAssociation": 3},
    "shield": {"Shield::Protection": 3},
}


@pytest.mark.parametrize("option", ADDED)
def test_an_option_adds_its_types_and_is_off_by_default(option: str) -> None:
    """S2-21, S2-22, S2-23, S2-X1 to S2-X14: each adds what its row says, and nothing goes."""
    before, after = types(rollout()), types(rollout(**SYSTEM.options[option]))

    assert not before - after
    for kind, count in ADDED[option].items():
        assert after[kind] - before[kind] == count, kind


# Keys and secrets -----------------------------------------------------------------------------


def test_s2_x1_the_profile_has_its_own_alias_window_and_services() -> None:
    """S2-X1: seven days, PROD-<region>-<env>, Logs and CloudTrail beside the account."""
    found = seen(rollout(kms_profile="regional"))
    for region in REGIONS:
        stack = found[f"security/{region}"]
        services = {
            statement["Principal"].get("Service")
            for statement in stack["Key"]["KeyPolicy"]["Statement"]
        }
        assert stack["Key"]["PendingWindowInDays"] == 7
        assert stack["Alias"]["AliasName"] == f"alias/PROD-{region}-prod"
        assert {f"logs.{region}.amazonaws.com", "cloudtrail.amazonaws.com"} <= services


def test_s2_x1_or_one_key_with_a_replica_in_each_other_region() -> None:
    """S2-X1, L-6: the primary in the first Region, replicas of it elsewhere."""
    wanted = rollout(kms_profile="multi_region")
    keys = {
        stack.target.region: stack.template.resources["Key"]
        for stack in wanted.stacks
        if stack.template.layer.startswith("security")
    }

    assert keys == {FIRST: "AWS::KMS::Key"} | dict.fromkeys(OTHERS, "AWS::KMS::ReplicaKey")
    assert seen(wanted)["security"]["Key"]["MultiRegion"] is True
    for region in OTHERS:
        replica = seen(wanted)[f"security-other/{region}"]["Key"]
        assert replica["PrimaryKeyArn"] == f"arn:aws:kms:{FIRST}:{ACCOUNT}:key/Key-id"
        assert "EnableKeyRotation" not in replica


def test_s2_x2_each_region_has_a_secret_that_changes_every_month() -> None:
    """S2-X2: under its Region's key; 32 drawn characters, rotated by a function of its own."""
    found = seen(rollout(secrets="regional"))
    for region in REGIONS:
        stack = found[f"secret/{region}"]
        secret, rotation = stack["Secret"], stack["SecretRotation"]
        assert secret["KmsKeyId"] == f"arn:aws:kms:{region}:{ACCOUNT}:key/Key-id"
        assert secret["GenerateSecretString"]["PasswordLength"] == 32
        assert "ReplicaRegions" not in secret
        assert rotation["RotationRules"] == {"AutomaticallyAfterDays": 30}
        assert "function:web-prod-rotation" in rotation["RotationLambdaARN"]
        assert stack["SecretRotationPermission"]["SourceArn"] == "Secret-id"


def test_s2_x2_or_one_secret_is_copied_to_the_others_never_to_its_own() -> None:
    """S2-X2: each copy under a key of its Region."""
    found = seen(rollout(secrets="replicated"))

    assert found["secret"]["Secret"]["ReplicaRegions"] == [
        {"Region": region, "KmsKeyId": f"arn:aws:kms:{region}:{ACCOUNT}:key/Key-id"}
        for region in OTHERS
    ]


# Networks -------------------------------------------------------------------------------------


def test_s2_x3_a_vpc_that_is_there_takes_the_place_of_one_of_our_own() -> None:
    """S2-X3, L-22: in that Region no VPC, NAT or route, but the groups and everything behind."""
    wanted = rollout(vpc_fallback={"us-west-2": VPC})
    found = seen(wanted)
    network = found["network-existing"]
    compute = found["compute/us-west-2"]

    assert set(network.stack.template.resources.values()) == {"AWS::EC2::SecurityGroup"}
    assert compute["TargetGroup"]["VpcId"] == VPC["vpc_id"]
    assert compute["LoadBalancer"]["Subnets"] == VPC["subnet_ids"]
    assert compute["AutoScalingGroup"]["VPCZoneIdentifier"] == VPC["private_subnet_ids"]
    assert not [key for key in found["monitoring-existing"].resources if key.startswith("Nat")]
    assert types(wanted)["EC2::VPC"] == 2


def test_s2_x3_a_default_vpc_has_only_public_subnets() -> None:
    """S2-X3: they serve the instances too."""
    only = {"vpc_id": "vpc-0abc", "subnet_ids": ["subnet-0a1", "subnet-0a2"]}
    found = seen(rollout(vpc_fallback={FIRST: only}))

    assert found[f"compute/{FIRST}"]["AutoScalingGroup"]["VPCZoneIdentifier"] == only["subnet_ids"]


def test_s2_x10_three_zones_share_one_way_out() -> None:
    """S2-X10: 10.0.{0,2,4} public, {1,3,5} private, one NAT, 1/6/2, 70/20, 14 days, /health."""
    found = seen(rollout(layout="three_az"))
    network, compute = found[f"network/{FIRST}"], found[f"compute/{FIRST}"]
    group = compute["AutoScalingGroup"]
    blocks = {title: each["CidrBlock"] for title, each in network.of("EC2::Subnet").items()}
    ssh = [
        rule for rule in network["InstanceGroup"]["SecurityGroupIngress"] if rule["FromPort"] == 22
    ]
    database = found["data"]["DatabaseGroup"]["SecurityGroupIngress"]

    assert blocks == {
        **{f"PublicSubnet{zone}": f"10.0.{2 * zone}.0/24" for zone in range(3)},
        **{f"PrivateSubnet{zone}": f"10.0.{2 * zone + 1}.0/24" for zone in range(3)},
    }
    assert len(network.of("EC2::NatGateway")) == 1
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == ("1", "6", "2")
    assert (compute["CpuHigh"]["Threshold"], compute["CpuLow"]["Threshold"]) == (70, 20)
    assert [rule["CidrIp"] for rule in ssh] == ["10.0.0.0/16"]
    assert {rule["FromPort"] for rule in database} == {3306, 5432}
    assert {rule["SourceSecurityGroupId"] for rule in database} == {"InstanceGroup-GroupId"}
    assert found[f"security/{FIRST}"]["LogGroup"]["RetentionInDays"] == 14
    assert compute["TargetGroup"]["HealthCheckPath"] == "/health"


def test_s2_x12_peered_vpcs_have_blocks_of_their_own_and_routes_both_ways() -> None:
    """S2-X12, F-21: distinct blocks; routes from every table of both sides, in a second pass."""
    wanted = rollout(peering=True)
    found = seen(wanted)
    blocks = {region: found[f"network/{region}"]["Vpc"]["CidrBlock"] for region in REGIONS}
    phases = [phase.name for phase in wanted.phases]

    assert blocks == dict(zip(REGIONS, ("10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16"), strict=True))
    assert found["network/us-west-2"]["PrivateSubnet0"]["CidrBlock"] == "10.1.10.0/24"
    assert phases.index("between-regions") > phases.index("other-regions")
    for region in REGIONS:
        routes = found[f"routes/{region}"].of("EC2::Route").values()
        assert len(routes) == 6
        assert {each["DestinationCidrBlock"] for each in routes} == {
            block for other, block in blocks.items() if other != region
        }


def test_s2_x12_two_regions_share_one_connection() -> None:
    """S2-X12: made where the first of the two stands; both routes name the same one."""
    stacks = {stack.name: stack for stack in rollout(peering=True).stacks}
    own = "prod-regional-web"
    pair = OutputOf(f"{own}-peering-us-west-2", "Connection0")
    far = OutputOf(f"{own}-peering-{FIRST}", "Connection1")

    assert stacks[f"{own}-peering-us-west-2"].parameters["PeerRegion0"] == LAST
    assert stacks[f"{own}-routes-us-west-2"].parameters["Connection1"] == pair
    assert stacks[f"{own}-routes-{LAST}"].parameters["Connection1"] == pair
    assert stacks[f"{own}-routes-{FIRST}"].parameters["Connection1"] == far
    assert stacks[f"{own}-routes-{LAST}"].parameters["Connection0"] == far
    assert f"{own}-peering-{LAST}" not in stacks


def test_s2_x12_ipv6_reaches_out_and_only_public_subnets_are_reached() -> None:
    """S2-X12, F-21: a block for each subnet; private ones leave by a gateway that lets none in."""
    found = seen(rollout(ipv6=True))
    network = found[f"network/{FIRST}"]
    subnets = network.of("EC2::Subnet").values()
    routes = {
        title: route
        for title, route in network.of("EC2::Route").items()
        if "DestinationIpv6CidrBlock" in route
    }

    assert len({each["Ipv6CidrBlock"] for each in subnets}) == len(subnets) == 4
    assert {each["DestinationIpv6CidrBlock"] for each in routes.values()} == {"::/0"}
    assert routes["PublicIpv6Route0"]["GatewayId"] == "InternetGateway-id"
    for title in ("PrivateIpv6Route0", "PrivateIpv6Route1"):
        assert routes[title]["EgressOnlyInternetGatewayId"] == "EgressGateway-id"
    assert found[f"compute/{FIRST}"]["LoadBalancer"]["IpAddressType"] == "dualstack"
    assert {
        rule.get("CidrIpv6") for rule in network["LoadBalancerGroup"]["SecurityGroupIngress"]
    } == {
        None,
        "::/0",
    }


def test_s2_x12_flow_logs_are_encrypted_and_kept_for_30_days() -> None:
    """S2-X12, F-9, L-7: all traffic; the key's policy names the group."""
    found = seen(rollout(flow_logs=True))
    group = found[f"network/{LAST}"]["FlowLogGroup"]
    policy = json.dumps(found[f"security/{LAST}"]["Key"]["KeyPolicy"])

    assert group["LogGroupName"] == f"/aws/vpc/web-prod-flow-{LAST}"
    assert group["RetentionInDays"] == 30
    assert group["KmsKeyId"] == f"arn:aws:kms:{LAST}:{ACCOUNT}:key/Key-id"
    assert found[f"network/{LAST}"]["FlowLog"]["TrafficType"] == "ALL"
    assert f"log-group:{group['LogGroupName']}" in policy


# Databases ------------------------------------------------------------------------------------


def test_s2_x4_basic_postgres_stands_in_every_region() -> None:
    """S2-X4, C-7: as the row says, watched for 60 seconds; only the instances reach 5432."""
    found = seen(rollout(postgres="basic"))
    for region in REGIONS:
        stack = found[f"postgres/{region}"]
        database = stack["Database"]
        assert {
            "Engine": "postgres",
            "EngineVersion": "15.19",
            "DBInstanceClass": "db.t3.micro",
            "StorageType": "gp3",
            "AllocatedStorage": "20",
            "MaxAllocatedStorage": 100,
            "DBName": "tapdb",
            "MasterUsername": "tapuser",
            "BackupRetentionPeriod": 7,
            "CopyTagsToSnapshot": True,
            "EnablePerformanceInsights": True,
            "MonitoringInterval": 60,
            "AutoMinorVersionUpgrade": True,
            "MultiAZ": False,
            "DeletionProtection": False,
        }.items() <= database.items()
        assert stack["DatabaseParametersPostgres15"]["Family"] == "postgres15"
        (rule,) = stack["DatabaseGroup"]["SecurityGroupIngress"]
        assert (rule["FromPort"], rule["SourceSecurityGroupId"]) == (5432, "InstanceGroup-GroupId")


def test_s2_x4_managed_postgres_has_a_standby_in_the_first_region_alone() -> None:
    """S2-X4: a managed password under our key, deletion protection, a final snapshot."""
    found = seen(rollout(postgres="managed"))
    standby = {region: found[f"postgres/{region}"]["Database"]["MultiAZ"] for region in REGIONS}
    database = found[f"postgres/{LAST}"].resources["Database"]

    assert standby == {FIRST: "true"} | dict.fromkeys(OTHERS, "false")
    assert database["Properties"]["DeletionProtection"] is True
    assert database["DeletionPolicy"] == "Snapshot"
    assert database["Properties"]["MasterUserSecret"] == {
        "KmsKeyId": f"arn:aws:kms:{LAST}:{ACCOUNT}:key/Key-id"
    }


def test_s2_x5_replicas_take_everything_from_their_source_but_their_key() -> None:
    """S2-X5, L-21: an ARN of the first Region and a key of their own; no user, no backups."""
    found = seen(rollout(read_replicas=True))
    for region in OTHERS:
        replica = found[f"replica/{region}"]["Database"]
        source = replica["SourceDBInstanceIdentifier"]
        assert source == f"arn:aws:rds:{FIRST}:{ACCOUNT}:db:web-prod-mysql-{FIRST}"
        assert replica["KmsKeyId"] == f"arn:aws:kms:{region}:{ACCOUNT}:key/Key-id"
        assert replica["StorageEncrypted"] is True
        assert replica["PubliclyAccessible"] is False
        assert not {
            "SourceRegion",
            "DBName",
            "MasterUsername",
            "MasterUserPassword",
            "ManageMasterUserPassword",
            "BackupRetentionPeriod",
            "PreferredBackupWindow",
            "AllocatedStorage",
        } & set(replica)
        assert found[f"replica/{region}"]["ReplicaLag"]["MetricName"] == "ReplicaLag"
        assert found[f"replica/{region}"]["ReplicaLag"]["TreatMissingData"] == "ignore"


def test_s2_x5_a_source_of_replicas_has_a_secret_of_ours() -> None:
    """S2-X5, L-21: RDS refuses replicas where it manages the password; no literal either way."""
    data = seen(rollout(read_replicas=True))["data"]
    database = data["Database"]

    assert "ManageMasterUserPassword" not in database
    assert database["MasterUserPassword"] == (
        "{{resolve:secretsmanager:Secret-id:SecretString:password}}"
    )
    assert data["Secret"]["GenerateSecretString"]["PasswordLength"] == 32
    assert data["SecretAttachment"]["TargetId"] == "Database-id"
    assert database["BackupRetentionPeriod"] > 0


def test_s2_x6_sessions_are_in_every_region_and_expire() -> None:
    """S2-X6: by id, by request, an index on the timestamp with everything, a time to live."""
    table = seen(rollout(session_table=True))["sessions"]["Sessions"]
    (index,) = table["GlobalSecondaryIndexes"]

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert index["IndexName"] == "TimestampIndex"
    assert index["KeySchema"] == [{"AttributeName": "timestamp", "KeyType": "HASH"}]
    assert index["Projection"] == {"ProjectionType": "ALL"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert [each["Region"] for each in table["Replicas"]] == list(REGIONS)


# Records --------------------------------------------------------------------------------------


def test_s2_x7_one_trail_covers_the_whole_account() -> None:
    """S2-23, S2-X7: all Regions, validated, encrypted; a versioned bucket, a bucket key."""
    found = seen(rollout(cloudtrail=True))
    trail, bucket = found["trail"]["Trail"], found["trail"]["TrailBucket"]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    statements = found["security"]["Key"]["KeyPolicy"]["Statement"]
    (encrypts,) = [each for each in statements if each["Sid"] == "TrailEncryptsLogs"]

    assert trail["IsMultiRegionTrail"] is trail["IncludeGlobalServiceEvents"] is True
    assert trail["EnableLogFileValidation"] is trail["IsLogging"] is True
    assert trail["KMSKeyId"] == f"arn:aws:kms:{FIRST}:{ACCOUNT}:key/Key-id"
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert rule["BucketKeyEnabled"] is True
    assert encrypts["Condition"]["StringEquals"]["aws:SourceArn"] == (
        f"arn:aws:cloudtrail:{FIRST}:{ACCOUNT}:trail/web-prod-trail"
    )
    assert trail["TrailName"] == "web-prod-trail"


def test_s2_x8_each_region_records_and_checks_two_rules() -> None:
    """S2-X8, L-23: global types once; the rules wait for the recorder and its channel."""
    found = seen(rollout(aws_config=True))
    stacks = {FIRST: found["config"]} | {
        region: found[f"config-other/{region}"] for region in OTHERS
    }
    for region, stack in stacks.items():
        group = stack["ConfigRecorder"]["RecordingGroup"]
        rules = stack.of("Config::ConfigRule").values()
        assert group["IncludeGlobalResourceTypes"] is (region == FIRST)
        assert {each["Source"]["SourceIdentifier"] for each in rules} == {
            "ENCRYPTED_VOLUMES",
            "S3_BUCKET_SSL_REQUESTS_ONLY",
        }
        assert stack.resources["EncryptedVolumes"]["DependsOn"] == [
            "ConfigRecorder",
            "ConfigChannel",
        ]


def test_s2_x9_each_region_has_a_dashboard_with_its_name() -> None:
    """S2-X9, L-9: processors, response time and its databases, for 300 seconds."""
    found = seen(rollout(regional_dashboards=True, postgres="basic"))
    names, shown = set(), {}
    for stack in found.values():
        if stack.stack.template.layer.startswith("monitoring"):
            region = stack.stack.target.region
            dashboard = stack["Dashboard"]
            charts = json.loads(dashboard["DashboardBody"])["widgets"]
            names.add(dashboard["DashboardName"])
            shown[region] = {
                metric[1] for each in charts for metric in each["properties"]["metrics"]
            }
            assert {each["properties"]["region"] for each in charts} == {region}
            assert {each["properties"]["period"] for each in charts} == {300}

    assert names == {f"web-prod-web-{region}" for region in REGIONS}
    assert shown == {key: {"CPUUtilization", "TargetResponseTime"} for key in REGIONS}


# Visitors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "weights"),
    [("failover", ["100", "0", "0"]), ("weighted", ["100", "100", "100"])],
)
def test_s2_21_a_name_leads_to_the_healthy_regions(how: str, weights: list[str]) -> None:
    """S2-21, F-16: an alias for each balancer with a check of its own; weight 0 stands by."""
    dns = seen(rollout(dns_failover=how, **DOMAIN))["dns"]
    records = [dns[f"Answer{index}"] for index in range(3)]
    checks = [dns[f"Check{index}"]["HealthCheckConfig"] for index in range(3)]

    assert [record["Weight"] for record in records] == weights
    assert [record["SetIdentifier"] for record in records] == list(REGIONS)
    assert {record["Name"].rstrip(".") for record in records} == {"www.example.com"}
    assert all(record["AliasTarget"]["EvaluateTargetHealth"] for record in records)
    assert len({record["HealthCheckId"] for record in records}) == 3
    assert {(check["Type"], check["Port"], check["ResourcePath"]) for check in checks} == {
        ("HTTP", 80, "/")
    }
    rule = dns.stack.template.document["Rules"]["NotAllZero"]
    assert len(rule["Assertions"][0]["Assert"]["Fn::Not"][0]["Fn::And"]) == 3


def test_s2_21_with_tls_the_checks_speak_tls_too() -> None:
    """S2-21, F-15: HTTPS on 443; the balancer's own name is asked with SNI."""
    check = seen(rollout(dns_failover="failover", tls=True, **DOMAIN))["dns"]["Check0"]

    assert check["HealthCheckConfig"]["Type"] == "HTTPS"
    assert check["HealthCheckConfig"]["Port"] == 443


def test_s2_22_a_web_acl_and_shield_stand_before_each_balancer() -> None:
    """S2-22, F-14: AWS's common rules, regional; Shield where the account has it."""
    compute = seen(rollout(waf=True, shield=True))[f"compute/{LAST}"]
    (rule,) = compute["WebAcl"]["Rules"]

    assert compute["WebAcl"]["Scope"] == "REGIONAL"
    assert rule["Statement"]["ManagedRuleGroupStatement"] == {
        "VendorName": "AWS",
        "Name": "AWSManagedRulesCommonRuleSet",
    }
    assert rule["OverrideAction"] == {"None": {}}
    assert compute["WebAclAssociation"]["ResourceArn"] == "LoadBalancer-id"
    assert compute["ShieldProtection"]["ResourceArn"] == "LoadBalancer-id"


@pytest.mark.parametrize("given", [True, False], ids=["given", "issued"])
def test_s2_x12_with_a_certificate_https_answers_and_http_leads_there(given: bool) -> None:
    """S2-11, S2-X12, F-15: 443 forwards with TLS 1.2 or later, 80 redirects."""
    keys: dict[str, Any] = {"certificates": certificates()} if given else DOMAIN
    compute = seen(rollout(tls=True, **keys))[f"compute/{LAST}"]
    secure, plain = compute["HttpsListener"], compute["HttpListener"]
    arn = certificates()[LAST] if given else "Certificate-id"

    assert (secure["Port"], secure["Protocol"]) == (443, "HTTPS")
    assert secure["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert secure["Certificates"] == [{"CertificateArn": arn}]
    assert secure["DefaultActions"][0]["Type"] == "forward"
    assert plain["DefaultActions"][0]["RedirectConfig"] == {
        "Protocol": "HTTPS",
        "Port": "443",
        "StatusCode": "HTTP_301",
    }
    assert len(compute.of("ElasticLoadBalancingV2::Listener")) == 2


def test_s2_x12_the_probe_runs_in_the_vpc() -> None:
    """S2-X12: in the private subnets, with a group that nobody enters, and its own log group."""
    probe = seen(rollout(vpc_lambda=True))[f"probe/{LAST}"]
    function = probe["Probe"]

    assert function["VpcConfig"] == {
        "SubnetIds": ["PrivateSubnet0-id", "PrivateSubnet1-id"],
        "SecurityGroupIds": ["ProbeGroup-GroupId"],
    }
    assert function["Environment"]["Variables"] == {"HOST": "LoadBalancer-DNSName", "PORT": "80"}
    assert probe["ProbeGroup"]["SecurityGroupIngress"] == []


def test_s2_x12_alerts_reach_a_mailbox_from_every_region() -> None:
    """S2-9, S2-X12, F-22: one subscription for each Region's topic."""
    found = seen(rollout(alerts="ops@example.com"))
    for region in REGIONS:
        (subscription,) = found[f"security/{region}"].of("SNS::Subscription").values()
        assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")


def test_s2_x13_three_more_outputs() -> None:
    """S2-X13: kms_key_arn, secrets_manager_arn (the database's, or the application's), the VPC."""
    database, own = rollout(extra_outputs=True), rollout(extra_outputs=True, secrets="regional")

    assert {"kms_key_arn", "secrets_manager_arn", "primary_vpc_id"} <= set(database.outputs)
    assert database.outputs["secrets_manager_arn"].stack == "prod-regional-web-data"
    assert own.outputs["secrets_manager_arn"].stack == f"prod-regional-web-secret-{FIRST}"


def test_s2_x14_three_instances_and_a_sick_one_is_noticed_within_a_minute() -> None:
    """S2-X14: at least three, a status alarm over 60 seconds, checks every 10 seconds."""
    found = seen(rollout(resilience=True))
    compute, alarm = found[f"compute/{FIRST}"], found[f"monitoring/{FIRST}"]["InstanceStatus"]

    assert compute["AutoScalingGroup"]["MinSize"] == "3"
    assert compute["TargetGroup"]["HealthCheckIntervalSeconds"] == 10
    assert (alarm["MetricName"], alarm["Statistic"]) == ("StatusCheckFailed", "Maximum")
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["Threshold"]) == (60, 1, 0)


def test_s2_x14_two_buckets_copy_to_each_other_in_a_second_pass() -> None:
    """S2-X14, L-3: first both, versioned and without a rule; then each with a rule to the other."""
    for region in (FIRST, LAST):
        bucket = seen(rollout(resilience=True))[f"bucket/{region}"]["DataBucket"]
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert "ReplicationConfiguration" not in bucket
    copied = seen(rollout(resilience=True, enable_replication=True))
    for region, other in ((FIRST, LAST), (LAST, FIRST)):
        (rule,) = copied[f"bucket/{region}"]["DataBucket"]["ReplicationConfiguration"]["Rules"]
        destination = rule["Destination"]
        key = destination["EncryptionConfiguration"]["ReplicaKmsKeyID"]
        name = copied[f"bucket/{other}"]["DataBucket"]["BucketName"]
        assert destination["Bucket"] == f"arn:aws:s3:::{name}"
        assert key == f"arn:aws:kms:{other}:{ACCOUNT}:key/Key-id"


def test_s2_10_an_image_may_be_given_for_each_region() -> None:
    """S2-10, Q-3: as a parameter, so that the template stays the same."""
    found = seen(rollout(ami=images()))
    for region in REGIONS:
        compute = found[f"compute/{region}"]
        data = compute["LaunchTemplate"]["LaunchTemplateData"]
        assert data["ImageId"] == images()[region]
        assert compute.stack.template.parameters["ImageId"]["Type"] == "AWS::EC2::Image::Id"
