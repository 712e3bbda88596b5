"""The private API on the local cloud: deployed, asked by the services' own APIs, gone."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest

from tapcfn.config import check
from tapcfn.events import OutputsKnown
from tapcfn.model import STATEFUL, Rollout
from tapcfn.report.ndjson import line
from templates.blueprints.private_api import Settings, rollout
from tests.local_cloud import Aws
from tests.systems.deployments import Deployment
from tests.templates.systems.private_api import ALL_ON, OPTIONS, REGIONS

TWO = REGIONS[:2]


def wanted(aws: Aws, **keys: Any) -> Rollout:
    """Return the rollout of a stage of this account."""
    settings = {
        "backend": "local",
        "account": aws.account,
        "keep_data": False,
        "termination_protection": False,
    }
    return rollout(check("test.toml", settings | keys, Settings), "local")


def left(aws: Aws, regions: tuple[str, ...] = REGIONS) -> dict[str, list[Any]]:
    """Return what is still there of what the system makes, asked service by service."""
    found: dict[str, list[Any]] = {
        "buckets": aws.client("s3").list_buckets()["Buckets"],
        "roles": aws.client("iam").list_roles()["Roles"],
    }
    for region in regions:
        ec2, logs = aws.client("ec2", region), aws.client("logs", region)
        vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])
        found |= {
            f"apis {region}": aws.client("apigateway", region).get_rest_apis()["items"],
            f"endpoints {region}": ec2.describe_vpc_endpoints()["VpcEndpoints"],
            f"functions {region}": aws.client("lambda", region).list_functions()["Functions"],
            f"groups {region}": logs.describe_log_groups()["logGroups"],
            f"keys {region}": _working_keys(aws, region),
            f"topics {region}": aws.client("sns", region).list_topics()["Topics"],
            f"trails {region}": aws.client("cloudtrail", region).list_trails()["Trails"],
            f"vpcs {region}": vpcs["Vpcs"],
        }
    return {what: each for what, each in found.items() if each}


def _working_keys(aws: Aws, region: str) -> list[Any]:
    """Return the keys that are not about to go."""
    kms = aws.client("kms", region)
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    return [key for key in keys if key["KeyState"] != "PendingDeletion"]


# All options off ----------------------------------------------------------------------------------


def test_the_system_does_what_it_promises(aws: Aws, deployment: Deployment) -> None:
    """S1-1, S1-13, S1-17: three Regions, nothing to plan again, an update in place, nothing left.

    Here every name and address is the service's own word, not the template's.
    """
    iam = aws.client("iam")
    iam.update_account_password_policy(MinimumPasswordLength=9, RequireNumbers=True)
    up = deployment.apply(wanted(aws))

    for region in REGIONS:
        _network_is_there(aws, up, region)
        _api_answers(aws, up, region)
        _data_is_encrypted(aws, up, region)
    _passwords_are_strong(aws)
    assert not deployment.plan(wanted(aws)).has_work

    _changes_in_place(aws, deployment, up)
    deployment.destroy(wanted(aws))
    assert left(aws) == {}
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["RequireSymbols"]) == (9, False)


def _network_is_there(aws: Aws, up: Mapping[str, str], region: str) -> None:
    """S1-2 to S1-5, S1-9."""
    ec2, vpc = aws.client("ec2", region), up[f"vpcs.{region}"]
    subnets = ec2.describe_subnets(SubnetIds=up[f"subnets.{region}"].split(","))["Subnets"]
    group = ec2.describe_security_groups(GroupIds=[up[f"securityGroups.{region}"]])
    (endpoint,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[up[f"vpcEndpoints.{region}"]])[
        "VpcEndpoints"
    ]
    ingress = group["SecurityGroups"][0]["IpPermissions"]

    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlock"] == "10.0.0.0/16"
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        told = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
        assert told[attribute[0].upper() + attribute[1:]]["Value"] is True
    assert {(each["CidrBlock"], each["MapPublicIpOnLaunch"]) for each in subnets} == {
        ("10.0.1.0/24", False),
        ("10.0.2.0/24", False),
    }
    assert len({each["AvailabilityZone"] for each in subnets}) == 2
    assert {(each["FromPort"], each["IpRanges"][0]["CidrIp"]) for each in ingress} == {
        (443, "10.0.0.0/16"),
        (22, "10.0.0.0/24"),
    }
    assert endpoint["ServiceName"] == f"com.amazonaws.{region}.execute-api"
    assert (endpoint["VpcId"], endpoint["PrivateDnsEnabled"]) == (vpc, True)


def _api_answers(aws: Aws, up: Mapping[str, str], region: str) -> None:
    """S1-8, S1-10, S1-11: a private API with a stage that logs, and a mock that is healthy."""
    gateway, api = aws.client("apigateway", region), up[f"apiGateways.{region}"]
    made = gateway.get_rest_api(restApiId=api)
    stage = gateway.get_stage(restApiId=api, stageName="prod")
    # The service tells a policy as the inside of a JSON string.
    policy = json.loads(json.loads(f'"{made["policy"]}"'))
    condition = policy["Statement"][0]["Condition"]

    assert made["endpointConfiguration"]["types"] == ["PRIVATE"]
    assert made["endpointConfiguration"]["vpcEndpointIds"] == [up[f"vpcEndpoints.{region}"]]
    assert condition["StringEquals"]["aws:SourceVpce"] == up[f"vpcEndpoints.{region}"]
    assert stage["accessLogSettings"]["destinationArn"].endswith(
        f":log-group:{up[f'cloudWatchLogGroups.{region}']}"
    )
    assert gateway.get_account()["cloudwatchRoleArn"] == up[f"iamRoles.{region}"]
    url = f"{aws.url}/_aws/execute-api/{api}/prod/health"
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert (answer.status, json.loads(answer.read())) == (200, {"status": "healthy"})


def _data_is_encrypted(aws: Aws, up: Mapping[str, str], region: str) -> None:
    """S1-6, S1-7, S1-11, S1-12."""
    kms, key = aws.client("kms", region), up[f"kmsKeys.{region}"]
    bucket = up[f"s3Buckets.{region}"]
    encryption = aws.client("s3", region).get_bucket_encryption(Bucket=bucket)
    (rule,) = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    (group,) = aws.client("logs", region).describe_log_groups(
        logGroupNamePrefix=f"/aws/apigateway/private-api-{region}"
    )["logGroups"]

    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    assert kms.describe_key(KeyId=f"alias/private-api-{region}-key")["KeyMetadata"]["Arn"] == key
    assert bucket == f"private-api-{region}-secure-bucket-{aws.account}"
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key
    assert (group["retentionInDays"], group["kmsKeyId"]) == (90, key)


def _passwords_are_strong(aws: Aws) -> None:
    """S1-13: as get-account-password-policy tells it."""
    policy = aws.client("iam").get_account_password_policy()["PasswordPolicy"]

    assert (
        policy["MinimumPasswordLength"],
        policy["PasswordReusePrevention"],
        policy["MaxPasswordAge"],
        policy["HardExpiry"],
        policy["RequireSymbols"],
    ) == (14, 5, 90, True, True)


def _changes_in_place(aws: Aws, deployment: Deployment, up: Mapping[str, str]) -> None:
    """S1-5, S1-16: other tags and another block replace neither data nor what others know by id."""
    changed = wanted(aws, admin_cidr="10.0.9.0/24", tags={"team": "payments"})
    changes = [each for found in deployment.changes(changed).values() for each in found.changes]
    data = [each for each in changes if each.resource_type in STATEFUL]
    assert {each.action for each in changes} == {"Modify"}
    assert data
    assert [each.logical_id for each in data if each.loses] == []

    assert deployment.apply(changed) == up
    key = aws.client("kms").list_resource_tags(KeyId=up["kmsKeys.us-east-1"])["Tags"]
    group = aws.client("ec2").describe_security_groups(GroupIds=[up["securityGroups.us-east-1"]])
    ingress = group["SecurityGroups"][0]["IpPermissions"]
    assert {"TagKey": "team", "TagValue": "payments"} in key
    assert "10.0.9.0/24" in {each["IpRanges"][0]["CidrIp"] for each in ingress}


def test_outputs_are_told_by_region(aws: Aws, deployment: Deployment) -> None:
    """S1-15: in JSON each name holds a value for every Region."""
    up = deployment.apply(wanted(aws, regions=list(TWO), password_policy="operation"))

    told = json.loads(line(OutputsKnown(up), seq=0, ts="", run=""))["values"]
    assert told["vpcs"] == {region: up[f"vpcs.{region}"] for region in TWO}
    assert all(list(each) == list(TWO) for each in told.values())


# Options on ---------------------------------------------------------------------------------------


def with_names(aws: Aws, keys: Mapping[str, Any], regions: tuple[str, ...]) -> dict[str, Any]:
    """Return the settings with a hosted zone and certificates that are there."""
    if "alb_front" not in keys:
        return dict(keys)
    zone = aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="x")
    return {
        **keys,
        "hosted_zone_id": zone["HostedZone"]["Id"].removeprefix("/hostedzone/"),
        "certificates": {
            region: aws.client("acm", region).request_certificate(DomainName="api.example.com")[
                "CertificateArn"
            ]
            for region in regions
        },
    }


@pytest.mark.drill
def test_all_options_together(aws: Aws, deployment: Deployment) -> None:
    """S1-X1 to S1-X10, L-5: it deploys, the facts are there, and full buckets go with it."""
    keys = with_names(aws, {**ALL_ON, "regions": list(TWO)}, TWO)
    up = deployment.apply(wanted(aws, **keys))

    for region in TWO:
        _account_is_watched(aws, region)
        _front_answers(aws, region)
        aws.client("s3", region).put_object(Bucket=up[f"s3Buckets.{region}"], Key="a", Body=b"x")
    assert not deployment.plan(wanted(aws, **keys)).has_work
    deployment.destroy(wanted(aws, **keys))

    assert left(aws, TWO) == {}
    for region in TWO:
        config = aws.client("config", region)
        assert config.describe_configuration_recorders()["ConfigurationRecorders"] == []
        assert aws.client("elbv2", region).describe_load_balancers()["LoadBalancers"] == []


def _account_is_watched(aws: Aws, region: str) -> None:
    """S1-X1 to S1-X4, S1-X7: the trail, the recorder, the rules and the alarm are at work."""
    trails, config = aws.client("cloudtrail", region), aws.client("config", region)
    name = f"private-api-{region}-cloudtrail"
    (trail,) = trails.describe_trails(trailNameList=[name])["trailList"]
    (recorder,) = config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    rules = config.describe_config_rules()["ConfigRules"]
    (alarm,) = aws.client("cloudwatch", region).describe_alarms()["MetricAlarms"]

    assert trails.get_trail_status(Name=name)["IsLogging"] is True
    assert trail["IsMultiRegionTrail"] is (region == TWO[0])
    assert recorder["recording"] is True
    assert {rule["Source"]["SourceIdentifier"] for rule in rules} == {
        "ACCESS_KEYS_ROTATED",
        "S3_BUCKET_PUBLIC_READ_PROHIBITED",
    }
    assert alarm["MetricName"] == "UnauthorizedAPICalls"


def _front_answers(aws: Aws, region: str) -> None:
    """S1-X8: HTTPS in front of a function that is well."""
    elb = aws.client("elbv2", region)
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    told = aws.client("lambda", region).invoke(
        FunctionName="private-api-front", Payload=json.dumps({"path": "/health"}).encode()
    )

    assert {each["Port"] for each in listeners} == {443, 80}
    assert json.loads(told["Payload"].read())["statusCode"] == 200


@pytest.mark.drill
@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_alone(aws: Aws, deployment: Deployment, option: str) -> None:
    """S1-X1 to S1-X10: no option leans on another, in deploying and in going."""
    keys = with_names(aws, {**OPTIONS[option], "regions": [TWO[0]]}, TWO[:1])
    if option in {"key_age_rule", "remediation"}:
        _have_a_recorder(aws)
    if option == "foreign_api_account":
        _have_an_api_role(aws)
    before = left(aws, TWO[:1])

    deployment.apply(wanted(aws, **keys))
    assert not deployment.plan(wanted(aws, **keys)).has_work
    deployment.destroy(wanted(aws, **keys))

    assert left(aws, TWO[:1]) == before


def _have_a_recorder(aws: Aws) -> None:
    """L-23: the account has a recorder of its own, and the rules work with that one."""
    config, bucket = aws.client("config"), f"recorded-{aws.account}"
    aws.client("s3").create_bucket(Bucket=bucket)
    role = f"arn:aws:iam::{aws.account}:role/recorder"
    config.put_configuration_recorder(
        ConfigurationRecorder={
            "name": "default",
            "roleARN": role,
            "recordingGroup": {"allSupported": True},
        }
    )
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": bucket})


def _have_an_api_role(aws: Aws) -> None:
    """L-11, O-21: another system has set API Gateway's role."""
    role = aws.client("iam").create_role(RoleName="api", AssumeRolePolicyDocument="{}")
    aws.client("apigateway").update_account(
        patchOperations=[
            {"op": "replace", "path": "/cloudwatchRoleArn", "value": role["Role"]["Arn"]}
        ]
    )
