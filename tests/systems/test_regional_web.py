"""The regional web tier on the local cloud: deployed, asked by the services' own APIs, gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tapcfn.config import check
from tapcfn.model import STATEFUL, ChangeSet, Replacement, Rollout
from templates.blueprints.regional_web import Settings, rollout
from templates.functions import rotate_password
from tests.local_cloud import Aws
from tests.systems.deployments import Deployment
from tests.templates.systems.regional_web import ALL_ON, OPTIONS, REGIONS

FIRST, LAST = REGIONS[0], REGIONS[-1]


def wanted(aws: Aws, **keys: Any) -> Rollout:
    """Return the rollout of a stage of this account."""
    usual = {
        "backend": "local",
        "account": aws.account,
        "keep_data": False,
        "termination_protection": False,
        "team_name": "web",
        "environment": "local",
        "regions": list(REGIONS),
        "allowed_ssh_cidr": "203.0.113.0/32",
    }
    return rollout(check("test.toml", usual | keys, Settings), "local")


def with_zone(aws: Aws, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys with a hosted zone that is there, where they name one."""
    if "hosted_zone_id" not in keys:
        return dict(keys)
    zone = aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="test")
    return {**keys, "hosted_zone_id": zone["HostedZone"]["Id"].rpartition("/")[2]}


def the(found: list[Any]) -> Any:
    """Return the only one."""
    (one,) = found
    return one


# All options off --------------------------------------------------------------------------------


@pytest.mark.drill
def test_the_system_stands_and_goes(aws: Aws, deployment: Deployment) -> None:
    """S2-2 to S2-19, S2-26: three Regions as they should be; nothing to change; nothing left."""
    outputs = deployment.apply(wanted(aws))
    for region in REGIONS:
        _the_network_is_right(aws, region)
        _the_fleet_is_behind_the_balancer(aws, region, outputs[f"load_balancer_dns.{region}"])
        _alarms_act_in_their_region(aws, region)
    _the_database_is_in_the_first_region(aws, outputs["database_endpoint"])
    _the_dashboard_shows_what_is_there(aws)
    assert outputs["regions"] == ",".join(REGIONS)
    assert [each for each in deployment.changes(wanted(aws)).values() if each.changes] == []

    _what_can_be_asked_for_comes_true(aws, deployment)
    _an_update_replaces_nothing_that_holds_data(aws, deployment)
    deployment.destroy(wanted(aws))
    _nothing_is_left(aws)


def _the_network_is_right(aws: Aws, region: str) -> None:
    """Private subnets leave by the NAT gateway of their own zone."""
    ec2 = aws.client("ec2", region)
    vpc = the([each for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]])
    mine = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    subnets = {each["SubnetId"]: each for each in ec2.describe_subnets(Filters=mine)["Subnets"]}
    nats = {each["NatGatewayId"]: each for each in ec2.describe_nat_gateways()["NatGateways"]}
    assert vpc["CidrBlock"] == "10.0.0.0/16"
    assert sorted(each["CidrBlock"] for each in subnets.values()) == [
        *("10.0.1.0/24", "10.0.10.0/24", "10.0.11.0/24", "10.0.2.0/24"),
    ]
    ways = 0
    for table in ec2.describe_route_tables(Filters=mine)["RouteTables"]:
        for route in table["Routes"]:
            if "NatGatewayId" in route:
                ways += 1
                out = subnets[nats[route["NatGatewayId"]]["SubnetId"]]
                private = subnets[the(table["Associations"])["SubnetId"]]
                assert private["AvailabilityZone"] == out["AvailabilityZone"]
    assert ways == 2


def _the_fleet_is_behind_the_balancer(aws: Aws, region: str, host: str) -> None:
    """The group runs what the template says, in private subnets, into the balancer's targets."""
    elb, ec2 = aws.client("elbv2", region), aws.client("ec2", region)
    balancer = the(elb.describe_load_balancers()["LoadBalancers"])
    targets = the(elb.describe_target_groups()["TargetGroups"])
    listener = the(elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"])
    group = the(
        aws.client("autoscaling", region).describe_auto_scaling_groups()["AutoScalingGroups"]
    )
    version = the(
        ec2.describe_launch_template_versions(
            LaunchTemplateId=group["LaunchTemplate"]["LaunchTemplateId"]
        )["LaunchTemplateVersions"]
    )["LaunchTemplateData"]

    assert balancer["DNSName"] == host
    assert balancer["LoadBalancerName"] == f"web-local-alb-{region}"
    assert (targets["HealthCheckPath"], targets["HealthCheckIntervalSeconds"]) == ("/", 30)
    assert the(listener["DefaultActions"])["TargetGroupArn"] == targets["TargetGroupArn"]
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == (1, 3, 1)
    assert group["TargetGroupARNs"] == [targets["TargetGroupArn"]]
    assert group["HealthCheckType"] == "ELB"
    assert version["MetadataOptions"]["HttpTokens"] == "required"
    assert the(version["BlockDeviceMappings"])["Ebs"]["Encrypted"] is True


def _alarms_act_in_their_region(aws: Aws, region: str) -> None:
    """Every action is of the Region, and exists there."""
    alarms = aws.client("cloudwatch", region).describe_alarms()["MetricAlarms"]
    topic = the(aws.client("sns", region).list_topics()["Topics"])["TopicArn"]
    policies = aws.client("autoscaling", region).describe_policies()["ScalingPolicies"]
    known = {topic, *(policy["PolicyARN"] for policy in policies)}

    assert {policy["ScalingAdjustment"] for policy in policies} == {1, -1}
    assert len(alarms) == (7 if region == FIRST else 5)
    for alarm in alarms:
        assert set(alarm["AlarmActions"]) <= known, alarm["AlarmName"]


def _the_database_is_in_the_first_region(aws: Aws, endpoint: str) -> None:
    """It is there, encrypted and private, and in no other Region."""
    database = the(aws.client("rds").describe_db_instances()["DBInstances"])

    assert database["Endpoint"]["Address"] == endpoint
    assert database["StorageEncrypted"] is True
    assert database["MultiAZ"] is True
    assert database["PubliclyAccessible"] is False
    assert database["BackupRetentionPeriod"] == 7
    assert database["MasterUserSecret"]["KmsKeyId"].startswith(f"arn:aws:kms:{FIRST}:")
    for region in REGIONS[1:]:
        assert aws.client("rds", region).describe_db_instances()["DBInstances"] == []


def _the_dashboard_shows_what_is_there(aws: Aws) -> None:
    """The balancers that its charts name exist in the Regions that they name."""
    found = aws.client("cloudwatch").get_dashboard(DashboardName="web-local-web")
    for widget in json.loads(found["DashboardBody"])["widgets"]:
        properties = widget["properties"]
        for metric in properties["metrics"]:
            if metric[0] == "AWS/ApplicationELB" and len(metric) == 5:
                elb = aws.client("elbv2", properties["region"])
                balancer = the(elb.describe_load_balancers()["LoadBalancers"])
                assert balancer["LoadBalancerArn"].endswith(metric[3])


def _what_can_be_asked_for_comes_true(aws: Aws, deployment: Deployment) -> None:
    """O-18: the database answers from its other zone, and was restored; default groups are shut."""
    before = the(aws.client("rds").describe_db_instances()["DBInstances"])
    states = deployment.act(wanted(aws))
    assert {each.status for each in states.values()} == {"done"}
    after = the(aws.client("rds").describe_db_instances()["DBInstances"])

    assert after["AvailabilityZone"] == before["SecondaryAvailabilityZone"]
    for region in REGIONS:
        ec2 = aws.client("ec2", region)
        vpc = the([each for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]])
        named = {"vpc-id": vpc["VpcId"], "group-name": "default"}
        filters = [{"Name": name, "Values": [value]} for name, value in named.items()]
        group = the(ec2.describe_security_groups(Filters=filters)["SecurityGroups"])
        assert (group["IpPermissions"], group["IpPermissionsEgress"]) == ([], [])


def _an_update_replaces_nothing_that_holds_data(aws: Aws, deployment: Deployment) -> None:
    """Another size, more days, another purpose: in place, and carried out."""
    changed = wanted(
        aws,
        max_capacity=5,
        log_retention_days=60,
        project_name="shop",
        allowed_ssh_cidr="198.51.100.0/24",
    )
    _nothing_is_lost(deployment.changes(changed))
    before = the(aws.client("rds").describe_db_instances()["DBInstances"])
    deployment.apply(changed)
    after = the(aws.client("rds").describe_db_instances()["DBInstances"])

    assert after["DbiResourceId"] == before["DbiResourceId"]
    assert {"Key": "Purpose", "Value": "shop"} in after["TagList"]
    groups = aws.client("autoscaling", LAST).describe_auto_scaling_groups()["AutoScalingGroups"]
    assert the(groups)["MaxSize"] == 5


def _nothing_is_lost(changes: Mapping[str, ChangeSet]) -> None:
    found = [change for change_set in changes.values() for change in change_set.changes]

    assert {change.resource_type for change in found} >= {
        "AWS::AutoScaling::AutoScalingGroup",
        "AWS::Logs::LogGroup",
        "AWS::RDS::DBInstance",
    }
    assert not [
        change
        for change in found
        if change.resource_type in STATEFUL
        and (change.loses or change.replacement is Replacement.TRUE)
    ]


def _nothing_is_left(aws: Aws) -> None:
    """No Region keeps anything that bills, holds data, or stands in the next one's way."""
    for region in REGIONS:
        ec2, elb = aws.client("ec2", region), aws.client("elbv2", region)
        assert [each for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]] == []
        assert ec2.describe_addresses()["Addresses"] == []
        assert ec2.describe_launch_templates()["LaunchTemplates"] == []
        nats = ec2.describe_nat_gateways()["NatGateways"]
        assert [each for each in nats if each["State"] != "deleted"] == []
        assert elb.describe_load_balancers()["LoadBalancers"] == []
        assert elb.describe_target_groups()["TargetGroups"] == []
        scaling = aws.client("autoscaling", region)
        assert scaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
        assert aws.client("rds", region).describe_db_instances()["DBInstances"] == []
        assert aws.client("cloudwatch", region).describe_alarms()["MetricAlarms"] == []
        assert aws.client("sns", region).list_topics()["Topics"] == []
        assert aws.client("logs", region).describe_log_groups()["logGroups"] == []
        assert aws.client("secretsmanager", region).list_secrets()["SecretList"] == []
        assert aws.client("lambda", region).list_functions()["Functions"] == []
        assert aws.client("dynamodb", region).list_tables()["TableNames"] == []
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert aws.client("iam").list_roles()["Roles"] == []


# Options ----------------------------------------------------------------------------------------


@pytest.mark.drill
def test_everything_at_once_stands_and_goes(aws: Aws, deployment: Deployment) -> None:
    """S2-X1 to S2-X14, S2-21 to S2-23: all options, the second pass of the copies, and the end."""
    keys = with_zone(aws, ALL_ON)
    outputs = deployment.apply(wanted(aws, **{**keys, "enable_replication": False}))
    _the_secret_rotates(aws, outputs["secrets_manager_arn"])
    states = deployment.act(wanted(aws, **keys))
    assert {each.status for each in states.values()} == {"done"}
    _the_probe_tells_what_answers(aws)
    _replicas_follow_the_first_database(aws)
    _regions_are_joined(aws)
    deployment.apply(wanted(aws, **keys))
    for region, other in ((FIRST, LAST), (LAST, FIRST)):
        found = aws.client("s3", region).get_bucket_replication(
            Bucket=f"web-local-data-{aws.account}-{region}"
        )
        rule = the(found["ReplicationConfiguration"]["Rules"])
        assert rule["Destination"]["Bucket"].endswith(other)

    deployment.destroy(wanted(aws, **keys))
    _nothing_is_left(aws)


def _the_secret_rotates(aws: Aws, secret: str) -> None:
    """Each step as Secrets Manager asks for it: a new password as long; done twice, done once."""
    client = aws.client("secretsmanager")
    before = _password(client, secret)
    for step in ("createSecret", "createSecret", "setSecret", "testSecret"):
        _ask(aws, secret, step)
    assert _password(client, secret) == before
    for _ in range(2):
        _ask(aws, secret, "finishSecret")
    after = _password(client, secret)

    assert after != before
    assert len(after) == len(before) == rotate_password.LENGTH
    assert client.describe_secret(SecretId=secret)["RotationEnabled"] is True


def _ask(aws: Aws, secret: str, step: str) -> None:
    """Have the deployed function do one step of one rotation."""
    token = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
    event = {"SecretId": secret, "ClientRequestToken": token, "Step": step}
    answer = aws.client("lambda").invoke(
        FunctionName="web-local-rotation", Payload=json.dumps(event)
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


def _the_probe_tells_what_answers(aws: Aws) -> None:
    """The local cloud's own port takes connections; one that nobody listens on does not."""
    port = int(aws.url.rpartition(":")[2])
    for number, reachable in ((port, True), (1, False)):
        answer = aws.client("lambda", LAST).invoke(
            FunctionName="web-local-probe",
            Payload=json.dumps({"host": "127.0.0.1", "port": number}),
        )
        assert json.loads(answer["Payload"].read())["reachable"] is reachable


def _password(client: Any, secret: str) -> str:
    value = json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
    return str(value["password"])


def _replicas_follow_the_first_database(aws: Aws) -> None:
    """Each under a key of its own Region."""
    first = aws.client("rds").describe_db_instances(DBInstanceIdentifier=f"web-local-mysql-{FIRST}")
    source = the(first["DBInstances"])["DBInstanceArn"]
    for region in REGIONS[1:]:
        found = aws.client("rds", region).describe_db_instances(
            DBInstanceIdentifier=f"web-local-mysql-{region}"
        )
        replica = the(found["DBInstances"])
        assert replica["ReadReplicaSourceDBInstanceIdentifier"] == source
        assert replica["KmsKeyId"].startswith(f"arn:aws:kms:{region}:")


def _regions_are_joined(aws: Aws) -> None:
    """Sessions in every Region, routes to every other VPC, and a name with three answers."""
    table = aws.client("dynamodb").describe_table(TableName="web-local-sessions")["Table"]
    assert {each["RegionName"] for each in table["Replicas"]} >= set(REGIONS[1:])
    for region in REGIONS:
        tables = aws.client("ec2", region).describe_route_tables()["RouteTables"]
        peers = {
            route["DestinationCidrBlock"]
            for each in tables
            for route in each["Routes"]
            if "VpcPeeringConnectionId" in route
        }
        own = f"10.{REGIONS.index(region)}.0.0/16"
        assert peers == {f"10.{place}.0.0/16" for place in range(3)} - {own}
    checks = aws.client("route53").list_health_checks()["HealthChecks"]
    assert {each["HealthCheckConfig"]["Type"] for each in checks} == {"HTTPS"}
    assert len(checks) == len(REGIONS)


@pytest.mark.drill
@pytest.mark.parametrize("option", sorted(set(OPTIONS) - {"vpc_fallback"}))
def test_each_option_alone_stands_and_goes(aws: Aws, deployment: Deployment, option: str) -> None:
    """S2-X1 to S2-X14: no option needs another."""
    keys = with_zone(aws, OPTIONS[option])
    deployment.apply(wanted(aws, **keys))
    deployment.destroy(wanted(aws, **keys))
    _nothing_is_left(aws)


@pytest.mark.drill
def test_a_vpc_that_is_there_serves_as_well(aws: Aws, deployment: Deployment) -> None:
    """S2-X3: in the account's default VPC of one Region; it stays when the system goes."""
    ec2 = aws.client("ec2", LAST)
    vpc = the([each for each in ec2.describe_vpcs()["Vpcs"] if each["IsDefault"]])
    mine = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    subnets = [each["SubnetId"] for each in ec2.describe_subnets(Filters=mine)["Subnets"]]
    keys = {"vpc_fallback": {LAST: {"vpc_id": vpc["VpcId"], "subnet_ids": subnets[:2]}}}
    deployment.apply(wanted(aws, **keys))
    balancer = the(aws.client("elbv2", LAST).describe_load_balancers()["LoadBalancers"])
    assert balancer["VpcId"] == vpc["VpcId"]
    deployment.destroy(wanted(aws, **keys))
    _nothing_is_left(aws)
    assert the(ec2.describe_vpcs()["Vpcs"])["VpcId"] == vpc["VpcId"]
