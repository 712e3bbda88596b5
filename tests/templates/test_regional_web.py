"""The promises of S2, row by row, and its ten points of acceptance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tapcfn.model import OutputOf, ZoneOf
from tests.templates.resolved import Seen, seen, types
from tests.templates.systems import ACCOUNT
from tests.templates.systems.regional_web import OPTIONS, REGIONS, rollout

Stacks = Mapping[str, Seen]

FIRST = REGIONS[0]
every_region = pytest.mark.parametrize("region", REGIONS)


@pytest.fixture(scope="module")
def stacks() -> Stacks:
    """Return the stacks of the default system by layer, with everything filled in."""
    return seen(rollout())


def tags_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return a resource's tags as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in properties["Tags"]}


def ports(rules: list[Mapping[str, Any]]) -> set[tuple[int, str]]:
    """Return which port is open to whom."""
    return {
        (rule["FromPort"], rule.get("CidrIp", rule.get("SourceSecurityGroupId"))) for rule in rules
    }


def alarms(stacks: Stacks) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every alarm with its Region."""
    for stack in stacks.values():
        for alarm in stack.of("CloudWatch::Alarm").values():
            yield stack.stack.target.region, alarm


def widgets(stack: Seen) -> list[dict[str, Any]]:
    """Return the charts of a dashboard."""
    text = stack["Dashboard"]["DashboardBody"]
    return [widget["properties"] for widget in json.loads(text)["widgets"]]


# The network (S2-2 to S2-6) ----------------------------------------------------------------


@every_region
def test_s2_2_each_region_has_a_vpc(stacks: Stacks, region: str) -> None:
    """S2-2: the same block everywhere, as a parameter, with DNS support and host names."""
    network = stacks[f"network/{region}"]

    assert network["Vpc"]["CidrBlock"] == "10.0.0.0/16"
    assert network["Vpc"]["EnableDnsSupport"] is network["Vpc"]["EnableDnsHostnames"] is True
    assert network.stack.parameters["VpcCidr"] == "10.0.0.0/16"


@every_region
def test_s2_3_four_subnets_stand_in_two_zones(stacks: Stacks, region: str) -> None:
    """S2-3: two public ones with public addresses, two private ones without, each pair apart."""
    network = stacks[f"network/{region}"]
    found = {
        title: (each["CidrBlock"], each["AvailabilityZone"], each["MapPublicIpOnLaunch"])
        for title, each in network.of("EC2::Subnet").items()
    }

    assert found == {
        "PublicSubnet0": ("10.0.1.0/24", f"{region}a", True),
        "PublicSubnet1": ("10.0.2.0/24", f"{region}b", True),
        "PrivateSubnet0": ("10.0.10.0/24", f"{region}a", False),
        "PrivateSubnet1": ("10.0.11.0/24", f"{region}b", False),
    }
    assert network.stack.parameters["AvailabilityZone1"] == ZoneOf(1)


@every_region
def test_s2_4_each_zone_has_a_way_out_of_its_own(stacks: Stacks, region: str) -> None:
    """S2-4: a NAT gateway with an address in each zone, and a route table that leads to it."""
    network = stacks[f"network/{region}"]
    counts = {kind: len(network.of(f"EC2::{kind}")) for kind in ("EIP", "NatGateway", "RouteTable")}
    assert counts == {"EIP": 2, "NatGateway": 2, "RouteTable": 3}
    assert len(network.of("EC2::SubnetRouteTableAssociation")) == 4
    for zone in "01":
        nat = network[f"NatGateway{zone}"]
        assert nat["SubnetId"] == f"PublicSubnet{zone}-id"
        assert nat["AllocationId"] == f"NatAddress{zone}-AllocationId"
        assert network[f"PrivateDefaultRoute{zone}"] == {
            "RouteTableId": f"PrivateRouteTable{zone}-id",
            "DestinationCidrBlock": "0.0.0.0/0",
            "NatGatewayId": f"NatGateway{zone}-id",
        }
        association = network[f"PrivateSubnet{zone}Route"]
        assert association["RouteTableId"] == f"PrivateRouteTable{zone}-id"
    assert network["PublicDefaultRoute"]["GatewayId"] == "InternetGateway-id"


@every_region
def test_s2_5_only_the_web_reaches_the_balancer_and_only_it_the_instances(
    stacks: Stacks, region: str
) -> None:
    """S2-5, S2-26: 80 and 443 for all; on instances SSH from the block, HTTP from the balancer."""
    network = stacks[f"network/{region}"]
    anywhere, balancer = "0.0.0.0/0", network["LoadBalancerGroup"]
    instances = network["InstanceGroup"]

    assert ports(balancer["SecurityGroupIngress"]) == {(80, anywhere), (443, anywhere)}
    assert ports(instances["SecurityGroupIngress"]) == {
        (22, "203.0.113.0/32"),
        (80, "LoadBalancerGroup-GroupId"),
    }
    for group in (balancer, instances):
        assert [rule["CidrIp"] for rule in group["SecurityGroupEgress"]] == [anywhere]


def test_s2_6_only_the_instances_reach_the_database_and_it_reaches_nobody(stacks: Stacks) -> None:
    """S2-6: 3306 from the instances' group; the one egress rule leads nowhere."""
    group = stacks["data"]["DatabaseGroup"]

    assert ports(group["SecurityGroupIngress"]) == {(3306, "InstanceGroup-GroupId")}
    assert [rule["CidrIp"] for rule in group["SecurityGroupEgress"]] == ["127.0.0.1/32"]
    assert group["VpcId"] == "Vpc-id"


# Key, topic, log group (S2-8, S2-9, S2-16, Q-1, Q-3) --------------------------------------


@every_region
def test_s2_8_each_region_has_its_own_key_topic_and_log_group(stacks: Stacks, region: str) -> None:
    """S2-8, S2-9, S2-16: rotated, encrypted by it, and remembered for 30 days."""
    security = stacks[f"security/{region}"]
    key = f"arn:aws:kms:{region}:{ACCOUNT}:key/Key-id"

    assert security["Key"]["EnableKeyRotation"] is True
    assert security["Key"]["PendingWindowInDays"] == 30
    assert security["Alias"]["AliasName"] == f"alias/web-prod-key-{region}"
    assert security["AlarmTopic"]["KmsMasterKeyId"] == key
    assert security["LogGroup"]["KmsKeyId"] == key
    assert security["LogGroup"]["RetentionInDays"] == 30


def test_s2_8_no_key_and_no_alarm_leaves_its_region(stacks: Stacks) -> None:
    """S2-8, S2-9, Q-1, Q-3: every key and topic that a stack is told of is its own Region's."""
    for stack in rollout().stacks:
        for name, value in stack.parameters.items():
            if name in ("KeyArn", "TopicArn"):
                assert isinstance(value, OutputOf)
                assert value.stack.endswith(f"security-{stack.target.region}")
    for region, alarm in alarms(stacks):
        assert alarm["AlarmActions"], (region, alarm)


@every_region
def test_s2_8_the_key_lets_in_logs_alarms_and_auto_scaling(stacks: Stacks, region: str) -> None:
    """S2-8, S2-10: of Logs for the one group; Auto Scaling needs it for the instances' disks."""
    policy = stacks[f"security/{region}"]["Key"]["KeyPolicy"]["Statement"]
    found = {statement["Sid"]: statement for statement in policy}
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/"

    assert set(found) == {
        "AccountDecidesByIam",
        "LogsEncryptsItsGroups",
        "AutoScalingUsesVolumes",
        "AutoScalingGrantsVolumes",
        "AlarmsPublish",
    }
    logs = found["LogsEncryptsItsGroups"]
    assert logs["Principal"] == {"Service": f"logs.{region}.amazonaws.com"}
    assert logs["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"] == [
        f"arn:aws:logs:{region}:{ACCOUNT}:log-group:/aws/ec2/web-prod-web-{region}"
    ]
    grants = found["AutoScalingGrantsVolumes"]
    assert grants["Principal"]["AWS"] == f"{role}AWSServiceRoleForAutoScaling"
    assert grants["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


# The web tier (S2-10 to S2-15) --------------------------------------------------------------


@every_region
def test_s2_10_instances_are_encrypted_hardened_and_say_who_they_are(
    stacks: Stacks, region: str
) -> None:
    """S2-10, Q-3: no image's id in the template; IMDSv2, one hop; 20 GB gp3 under our key."""
    compute = stacks[f"compute/{region}"]
    data = compute["LaunchTemplate"]["LaunchTemplateData"]
    volume = data["BlockDeviceMappings"][0]

    kind = compute.stack.template.parameters["ImageId"]["Type"]
    assert kind == "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"
    assert compute.stack.parameters["ImageId"].startswith("/aws/service/ami-amazon-linux-latest/")
    assert "ami-0" not in compute.stack.template.text
    assert data["InstanceType"] == "t3.micro"
    assert data["MetadataOptions"] == {
        "HttpTokens": "required",
        "HttpEndpoint": "enabled",
        "HttpPutResponseHopLimit": 1,
    }
    assert data["Monitoring"] == {"Enabled": True}
    assert data["SecurityGroupIds"] == ["InstanceGroup-GroupId"]
    assert volume["DeviceName"] == "/dev/xvda"
    assert volume["Ebs"] == {
        "VolumeType": "gp3",
        "VolumeSize": 20,
        "Encrypted": True,
        "KmsKeyId": f"arn:aws:kms:{region}:{ACCOUNT}:key/Key-id",
        "DeleteOnTermination": True,
    }


@every_region
def test_s2_10_the_first_script_serves_a_page_and_tells_how_it_went(
    stacks: Stacks, region: str
) -> None:
    """S2-10: httpd, a page with the host's name, /health, logs shipped, a signal to the group."""
    script = stacks[f"compute/{region}"]["LaunchTemplate"]["LaunchTemplateData"]["UserData"]

    assert script.startswith("#!/bin/bash\n")
    assert "dnf install -y httpd" in script
    assert "Served by $host" in script
    assert "/var/www/html/health" in script
    assert f'"log_group_name": "/aws/ec2/web-prod-web-{region}"' in script
    assert f"--stack prod-regional-web-compute-{region}" in script
    assert "--resource AutoScalingGroup" in script
    assert script.index("trap 'signal 1' ERR") < script.index("httpd") < script.rindex("signal 0")


@every_region
def test_s2_11_the_balancer_takes_http_from_everywhere(stacks: Stacks, region: str) -> None:
    """S2-11: in the public subnets, unprotected and without access logs; one listener forwards."""
    compute = stacks[f"compute/{region}"]
    balancer = compute["LoadBalancer"]
    attributes = {each["Key"]: each["Value"] for each in balancer["LoadBalancerAttributes"]}
    (listener,) = compute.of("ElasticLoadBalancingV2::Listener").values()

    assert balancer["Scheme"] == "internet-facing"
    assert balancer["Subnets"] == ["PublicSubnet0-id", "PublicSubnet1-id"]
    assert balancer["SecurityGroups"] == ["LoadBalancerGroup-GroupId"]
    assert attributes["deletion_protection.enabled"] == "false"
    assert attributes["access_logs.s3.enabled"] == "false"
    assert (listener["Port"], listener["Protocol"]) == (80, "HTTP")
    assert listener["DefaultActions"] == [{"Type": "forward", "TargetGroupArn": "TargetGroup-id"}]


@every_region
def test_s2_12_targets_are_asked_for_the_front_page(stacks: Stacks, region: str) -> None:
    """S2-12: HTTP 80, "/" on the traffic port, 200, 30/5/2/2."""
    group = stacks[f"compute/{region}"]["TargetGroup"]

    assert (group["Protocol"], group["Port"], group["VpcId"]) == ("HTTP", 80, "Vpc-id")
    assert (group["HealthCheckPath"], group["HealthCheckPort"]) == ("/", "traffic-port")
    assert group["Matcher"] == {"HttpCode": "200"}
    assert [
        group[f"{figure}"]
        for figure in (
            "HealthCheckIntervalSeconds",
            "HealthCheckTimeoutSeconds",
            "HealthyThresholdCount",
            "UnhealthyThresholdCount",
        )
    ] == [30, 5, 2, 2]


@every_region
def test_s2_13_the_fleet_is_private_and_its_health_is_the_balancers_word(
    stacks: Stacks, region: str
) -> None:
    """S2-13, S2-26: 1/3/1, ELB with 300 seconds' grace, the newest template, attached, tagged."""
    compute = stacks[f"compute/{region}"]
    group = compute["AutoScalingGroup"]

    assert (group["MinSize"], group["MaxSize"]) == ("1", "3")
    # Left out, the desired size is the least, and an update never resets it.
    assert "DesiredCapacity" not in group
    assert group["VPCZoneIdentifier"] == ["PrivateSubnet0-id", "PrivateSubnet1-id"]
    assert (group["HealthCheckType"], group["HealthCheckGracePeriod"]) == ("ELB", 300)
    assert group["LaunchTemplate"]["Version"] == "LaunchTemplate-LatestVersionNumber"
    assert group["TargetGroupARNs"] == ["TargetGroup-id"]
    assert all(tag["PropagateAtLaunch"] is True for tag in group["Tags"])
    assert compute.resources["AutoScalingGroup"]["DependsOn"] == ["HttpListener"]


def test_s2_13_a_new_image_rolls_through_the_fleet_and_stops_at_a_broken_instance(
    stacks: Stacks,
) -> None:
    """S2-13: one at a time, on the signal that the script sends, never below what serves now."""
    resource = stacks[f"compute/{FIRST}"].resources["AutoScalingGroup"]
    rolling = resource["UpdatePolicy"]["AutoScalingRollingUpdate"]

    assert resource["CreationPolicy"]["ResourceSignal"] == {"Count": 1, "Timeout": "PT15M"}
    assert rolling["WaitOnResourceSignals"] is True
    assert rolling["PauseTime"] == "PT15M"
    assert (rolling["MinInstancesInService"], rolling["MaxBatchSize"]) == (1, 1)
    assert rolling["MinSuccessfulInstancesPercent"] == 100
    assert resource["UpdatePolicy"]["AutoScalingScheduledAction"] == {
        "IgnoreUnmodifiedGroupSizeProperties": True
    }


@every_region
def test_s2_14_busy_fleets_grow_and_idle_ones_shrink(stacks: Stacks, region: str) -> None:
    """S2-14, S2-15, S2-26: above 60 for 2 x 120 s one more and a word; below 10 one less."""
    compute = stacks[f"compute/{region}"]
    policies = {
        title: (
            each["PolicyType"],
            each["AdjustmentType"],
            each["ScalingAdjustment"],
            each["Cooldown"],
        )
        for title, each in compute.of("AutoScaling::ScalingPolicy").items()
    }
    high, low = compute["CpuHigh"], compute["CpuLow"]

    assert policies == {
        "ScaleUp": ("SimpleScaling", "ChangeInCapacity", 1, "300"),
        "ScaleDown": ("SimpleScaling", "ChangeInCapacity", -1, "300"),
    }
    for alarm, threshold, compare, actions in (
        (high, 60, "GreaterThanThreshold", ["ScaleUp-id", "AlarmTopic-id"]),
        (low, 10, "LessThanThreshold", ["ScaleDown-id"]),
    ):
        assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/EC2", "CPUUtilization")
        assert [each["Name"] for each in alarm["Dimensions"]] == ["AutoScalingGroupName"]
        assert (alarm["Statistic"], alarm["Threshold"]) == ("Average", threshold)
        assert (alarm["EvaluationPeriods"], alarm["Period"]) == (2, 120)
        assert (alarm["ComparisonOperator"], alarm["AlarmActions"]) == (compare, actions)


# The database (S2-17) -----------------------------------------------------------------------


def test_s2_17_one_private_encrypted_database_stands_in_the_first_region(stacks: Stacks) -> None:
    """S2-17, S2-23, S2-26, C-7: as the row says; RDS keeps the password, nobody writes it down."""
    data = stacks["data"]
    database = data["Database"]
    key = f"arn:aws:kms:{FIRST}:{ACCOUNT}:key/Key-id"
    expected = {
        "Engine": "mysql",
        "EngineVersion": "8.4.11",
        "DBInstanceClass": "db.t3.micro",
        "AllocatedStorage": "20",
        "MaxAllocatedStorage": 100,
        "StorageType": "gp2",
        "StorageEncrypted": True,
        "KmsKeyId": key,
        "MultiAZ": True,
        "PubliclyAccessible": False,
        "DBName": "appdb",
        "MasterUsername": "admin",
        "ManageMasterUserPassword": True,
        "BackupRetentionPeriod": 7,
        "PreferredBackupWindow": "03:00-04:00",
        "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
        "DeletionProtection": False,
    }

    assert types(rollout())["RDS::DBInstance"] == types(rollout())["RDS::DBSubnetGroup"] == 1
    assert expected.items() <= database.items()
    assert "MasterUserPassword" not in database
    assert data["DatabaseSubnetGroup"]["SubnetIds"] == ["PrivateSubnet0-id", "PrivateSubnet1-id"]
    assert data["DatabaseParametersMysql84"]["Family"] == "mysql8.4"
    assert data["DatabaseParametersMysql84"]["Parameters"] == {"require_secure_transport": "1"}


@pytest.mark.parametrize(
    ("final", "policy"), [(False, "Delete"), (True, "Snapshot")], ids=["skipped", "left"]
)
def test_s2_17_the_final_snapshot_is_skipped_unless_asked_for(final: bool, policy: str) -> None:
    """S2-17: the row's default holds whatever keep_data says; the backups of the days stay."""
    found = seen(rollout(final_snapshot=final, keep_data=True))["data"].resources["Database"]

    assert found["DeletionPolicy"] == found["UpdateReplacePolicy"] == policy
    assert found["Properties"]["DeleteAutomatedBackups"] is False


# Watching (S2-18, S2-24) --------------------------------------------------------------------


def test_s2_18_one_dashboard_shows_every_region(stacks: Stacks) -> None:
    """S2-18, L-9: response time and requests of each, 300 s, 12x6; requests are summed."""
    found = widgets(stacks["dashboard"])
    grid = json.loads(stacks["dashboard"]["Dashboard"]["DashboardBody"])["widgets"]

    assert stacks["dashboard"].stack.target.region == FIRST
    assert stacks["dashboard"]["Dashboard"]["DashboardName"] == "web-prod-web"
    assert {(each["width"], each["height"]) for each in grid} == {(12, 6)}
    assert all((each["period"], each["stat"]) == (300, "Average") for each in found)
    for region in REGIONS:
        charts = [
            each for each in found if each["title"] == f"{region}: response time and requests"
        ]
        (chart,) = charts
        seconds, requests = chart["metrics"]
        dimension = ["LoadBalancer", "LoadBalancer-LoadBalancerFullName"]
        assert chart["region"] == region
        assert seconds[:4] == ["AWS/ApplicationELB", "TargetResponseTime", *dimension]
        assert requests[:4] == ["AWS/ApplicationELB", "RequestCount", *dimension]
        assert requests[4]["stat"] == "Sum"


def test_s2_18_it_also_shows_instances_network_and_the_database(stacks: Stacks) -> None:
    """S2-18: processors, healthy hosts and bytes of each Region, and the database of the first."""
    shown = {
        (chart["region"], metric[0], metric[1])
        for chart in widgets(stacks["dashboard"])
        for metric in chart["metrics"]
    }
    everywhere = {
        ("AWS/EC2", "CPUUtilization"),
        ("AWS/EC2", "NetworkIn"),
        ("AWS/EC2", "NetworkOut"),
        ("AWS/ApplicationELB", "HealthyHostCount"),
    }

    assert {(region, *metric) for region in REGIONS for metric in everywhere} <= shown
    assert {region for region, namespace, _ in shown if namespace == "AWS/RDS"} == {FIRST}


@every_region
def test_s2_24_target_health_and_network_raise_alarms(stacks: Stacks, region: str) -> None:
    """S2-24: below one healthy host, also without data; NAT gateways without ports; 2 x 300."""
    monitoring = stacks[f"monitoring/{region}"]
    healthy = monitoring["NoHealthyHost"]

    assert healthy["MetricName"] == "HealthyHostCount"
    assert {each["Name"] for each in healthy["Dimensions"]} == {"LoadBalancer", "TargetGroup"}
    assert (healthy["Threshold"], healthy["ComparisonOperator"]) == (1, "LessThanThreshold")
    assert (healthy["Statistic"], healthy["TreatMissingData"]) == ("Minimum", "breaching")
    for zone in "01":
        nat = monitoring[f"NatPorts{zone}"]
        assert (nat["MetricName"], nat["Statistic"]) == ("ErrorPortAllocation", "Sum")
        assert nat["Dimensions"] == [{"Name": "NatGatewayId", "Value": f"NatGateway{zone}-id"}]
        assert (nat["Threshold"], nat["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    for alarm in monitoring.of("CloudWatch::Alarm").values():
        assert (alarm["EvaluationPeriods"], alarm["Period"]) == (2, 300)
        assert alarm["AlarmActions"] == ["AlarmTopic-id"]


def test_s2_24_the_database_raises_alarms(stacks: Stacks) -> None:
    """S2-24: above 80 percent, below 2 GiB free; 2 x 300."""
    found = {
        alarm["MetricName"]: (alarm["ComparisonOperator"], alarm["Threshold"], alarm["Period"])
        for alarm in stacks["data"].of("CloudWatch::Alarm").values()
    }

    assert found == {
        "CPUUtilization": ("GreaterThanThreshold", 80, 300),
        "FreeStorageSpace": ("LessThanThreshold", 2 * 1024**3, 300),
    }


# Names, tags, outputs, order ----------------------------------------------------------------


def test_s2_19_the_outputs_name_regions_database_and_balancers() -> None:
    """S2-19: and the host name of each Region's balancer."""
    wanted = rollout()

    assert list(wanted.outputs) == [
        "regions",
        "database_endpoint",
        *(f"load_balancer_dns.{region}" for region in REGIONS),
    ]
    assert seen(wanted)["dashboard"].outputs["Regions"] == ",".join(REGIONS)


def test_what_can_be_asked_for_follows_the_settings() -> None:
    """O-18, O-20, S2-X2: standbys, copies, certificates of others, VPCs of ours."""

    def asked(**keys: Any) -> set[str]:
        return {each.name for each in rollout(**keys).actions}

    groups = {f"close-default-group-{region}" for region in REGIONS}
    usual = {"restore-drill", "failover-drill", *groups}
    managed = {f"restore-drill-postgres-{region}" for region in REGIONS}
    copies = {f"replicate-secret-{region}" for region in REGIONS[1:]}

    assert asked() == usual
    assert asked(postgres="basic") == usual | managed
    assert asked(postgres="managed") == usual | managed | {"failover-drill-postgres"}
    assert asked(secrets="replicated") == usual | copies
    arns = {region: f"arn:aws:acm:{region}:{ACCOUNT}:certificate/one" for region in REGIONS}
    assert asked(tls=True, certificates=arns) == usual | {
        f"await-certificate-{region}" for region in REGIONS
    }
    assert asked(**OPTIONS["vpc_fallback"]) < usual


def test_s2_26_everything_is_called_after_team_environment_and_service(stacks: Stacks) -> None:
    """S2-26, C-2: with the Region behind it."""
    compute, network = stacks[f"compute/{FIRST}"], stacks[f"network/{FIRST}"]

    assert tags_of(network["Vpc"])["Name"] == f"web-prod-vpc-{FIRST}"
    assert compute["LoadBalancer"]["Name"] == f"web-prod-alb-{FIRST}"
    assert compute["TargetGroup"]["Name"] == f"web-prod-tg-{FIRST}"
    assert compute["AutoScalingGroup"]["AutoScalingGroupName"] == f"web-prod-asg-{FIRST}"
    assert stacks["data"]["Database"]["DBInstanceIdentifier"] == f"web-prod-mysql-{FIRST}"
    assert stacks[f"security/{FIRST}"]["AlarmTopic"]["TopicName"] == f"web-prod-alerts-{FIRST}"


def test_s2_26_long_names_are_shortened_and_stay_apart() -> None:
    """S2-26, C-2, L-26: 23 characters, a hyphen and eight digits of the whole name's SHA-256."""
    wanted = rollout(team_name="accounting-eu", environment="production-a")
    names = {
        stack.parameters[key]
        for stack in wanted.stacks
        if stack.template.layer == "compute"
        for key in ("LoadBalancerName", "TargetGroupName")
    }

    assert len(names) == 6
    assert {len(str(name)) for name in names} == {32}
    assert all(str(name)[:24] == "accounting-eu-productio-" for name in names)


def test_s2_25_vpc_fleet_and_database_carry_the_four_tags(stacks: Stacks) -> None:
    """S2-25, S2-26: Owner, Purpose, Environment and the cost centre."""
    tags = {
        "Owner": "web",
        "Purpose": "regional-web",
        "Environment": "prod",
        "CostCenter": "web-prod",
    }
    for region in REGIONS:
        assert tags.items() <= tags_of(stacks[f"network/{region}"]["Vpc"]).items()
        assert tags.items() <= tags_of(stacks[f"compute/{region}"]["AutoScalingGroup"]).items()
    assert tags.items() <= tags_of(stacks["data"]["Database"]).items()


def test_s2_26_the_regions_are_alike() -> None:
    """S2-26, Q-1: one template for each layer, wherever it goes."""
    for layer in ("security", "network", "compute", "monitoring"):
        here = [stack for stack in rollout().stacks if stack.template.layer == layer]
        assert [stack.target.region for stack in here] == list(REGIONS)
        assert len({stack.template.digest for stack in here}) == 1


def test_acceptance_2_the_first_region_is_first_and_the_dashboard_last() -> None:
    """S2-18, S2-20: the order that a workflow follows; the first Region alone has the database."""
    wanted = rollout()
    first, others, last = wanted.phases

    assert [phase.name for phase in wanted.phases] == [
        "first-region",
        "other-regions",
        "dashboard",
    ]
    assert {stack.target.region for stack in first.stacks} == {FIRST}
    assert {stack.target.region for stack in others.stacks} == set(REGIONS[1:])
    assert [stack.template.layer for stack in last.stacks] == ["dashboard"]
    holders = [
        stack.name
        for stack in wanted.stacks
        if "AWS::RDS::DBInstance" in stack.template.resources.values()
    ]
    assert holders == ["prod-regional-web-data"]


def test_the_other_regions_need_each_other_not() -> None:
    """S2-20: they can be deployed side by side."""
    (others,) = [phase for phase in rollout().phases if phase.name == "other-regions"]
    for stack in others.stacks:
        for needed in stack.needs:
            assert needed.endswith(stack.target.region), stack.name


def test_every_stateful_thing_is_encrypted_and_private() -> None:
    """S2-23, Q-3: no data store is public, none is without a key."""
    for stack in seen(rollout(cloudtrail=True, postgres="basic", secrets="regional")).values():
        for database in stack.of("RDS::DBInstance").values():
            assert database["PubliclyAccessible"] is False
            assert database["StorageEncrypted"] is True
        for bucket in stack.of("S3::Bucket").values():
            assert all(bucket["PublicAccessBlockConfiguration"].values())
        for secret in stack.of("SecretsManager::Secret").values():
            assert secret["KmsKeyId"].startswith(f"arn:aws:kms:{stack.stack.target.region}:")
            assert "SecretString" not in secret
