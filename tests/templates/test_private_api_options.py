"""Each option of S1 adds exactly what its row says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from templates.layers import custom_resources
from tests.templates.resolved import Seen, seen, types
from tests.templates.systems import ACCOUNT
from tests.templates.systems.private_api import ALL_ON, OPTIONS, REGIONS, rollout

NONE: Mapping[str, int] = {}
BUCKET = {"S3::Bucket": 1, "S3::BucketPolicy": 1}
FUNCTION = {"IAM::Role": 1, "Lambda::Function": 1, "Logs::LogGroup": 1}
HANDLER = {**FUNCTION, "CloudFormation::CustomResource": 1, "Lambda::EventInvokeConfig": 1}
TRAIL = {"CloudTrail::Trail": 1, **BUCKET}
WIDE = {
    "EC2::EIP": 2,
    "EC2::NatGateway": 2,
    "EC2::Route": 2,
    "EC2::RouteTable": 2,
    "EC2::Subnet": 2,
    "EC2::SubnetRouteTableAssociation": 2,
}
FRONT = {
    "ElasticLoadBalancingV2::LoadBalancer": 1,
    "ElasticLoadBalancingV2::TargetGroup": 1,
    "ElasticLoadBalancingV2::Listener": 2,
    "Route53::RecordSet": 1,
    "EC2::SecurityGroup": 1,
    **FUNCTION,
    **BUCKET,
    "Lambda::Permission": 1,
}


def times(regions: int, added: Mapping[str, int]) -> Counter[str]:
    """Return what is added in so many Regions."""
    return Counter({kind: regions * count for kind, count in added.items()})


@pytest.fixture(scope="module")
def everything() -> Mapping[str, Seen]:
    """Return the stacks with every option on."""
    return seen(rollout(**ALL_ON))


@pytest.fixture(scope="module")
def home(everything: Mapping[str, Seen]) -> Seen:
    """Return the stack of the first Region with every option on."""
    return everything["regional/us-east-1"]


@pytest.mark.parametrize(
    ("option", "added", "removed"),
    [
        ("cloudtrail", TRAIL, NONE),
        (
            "unauthorized_calls_alarm",
            {
                **TRAIL,
                "CloudWatch::Alarm": 1,
                "Logs::LogGroup": 1,
                "Logs::MetricFilter": 1,
                "SNS::Topic": 1,
                "SNS::TopicPolicy": 1,
                "SNS::Subscription": 1,
                "IAM::Role": 1,
            },
            NONE,
        ),
        (
            "aws_config",
            {
                "Config::ConfigurationRecorder": 1,
                "Config::DeliveryChannel": 1,
                **BUCKET,
                "IAM::Role": 1,
            },
            NONE,
        ),
        (
            "remediation",
            {"Config::ConfigRule": 1, "Config::RemediationConfiguration": 1, "IAM::Role": 1},
            NONE,
        ),
        ("key_age_rule", {"Config::ConfigRule": 1}, NONE),
        ("slash20_subnets", WIDE, NONE),
        ("flow_logs", {"EC2::FlowLog": 1, "IAM::Role": 1, "Logs::LogGroup": 1}, NONE),
        ("alb_front", FRONT, NONE),
        ("artifacts_bucket", {"S3::Bucket": 2, "S3::BucketPolicy": 2}, NONE),
        ("force_destroy", HANDLER, NONE),
        ("force_destroy_off", NONE, NONE),
        ("bucket_key", NONE, NONE),
        ("password_reuse", NONE, NONE),
        ("foreign_api_account", NONE, {"ApiGateway::Account": 1, "IAM::Role": 1}),
    ],
)
def test_an_option_adds_its_own_types_in_every_region_and_no_other(
    option: str, added: Mapping[str, int], removed: Mapping[str, int]
) -> None:
    """Acceptance 8: each switch adds its row's types; off, none of them is there."""
    off, on = types(rollout()), types(rollout(**OPTIONS[option]))

    assert on - off == times(len(REGIONS), added)
    assert off - on == times(len(REGIONS), removed)


def test_without_the_password_resource_there_is_no_account_stack() -> None:
    """S1-13: "operation" leaves the policy to a person."""
    off, on = types(rollout()), types(rollout(password_policy="operation"))

    assert off - on == times(1, HANDLER)
    assert "account" not in seen(rollout(password_policy="operation"))


# S1-X1 cloudtrail ---------------------------------------------------------------------------------


@pytest.mark.parametrize("region", REGIONS)
def test_only_the_first_regions_trail_covers_the_account(
    everything: Mapping[str, Seen], region: str
) -> None:
    """S1-X1: logging, validated, encrypted; multi-Region and global events in us-east-1 alone."""
    layer = everything[f"regional/{region}"]
    made, (selector,) = layer["Trail"], layer["Trail"]["EventSelectors"]
    home = region == "us-east-1"

    assert made["TrailName"] == f"private-api-{region}-cloudtrail"
    assert (made["IsMultiRegionTrail"], made["IncludeGlobalServiceEvents"]) == (home, home)
    assert (made["IsLogging"], made["EnableLogFileValidation"]) == (True, True)
    assert made["KMSKeyId"] == f"arn:aws:kms:{region}:{ACCOUNT}:key/Key-id"
    assert made["S3BucketName"] == f"private-api-{region}-trail-logs-{ACCOUNT}"
    assert (selector["ReadWriteType"], selector["IncludeManagementEvents"]) == ("All", True)
    (data,) = selector["DataResources"]
    assert data["Values"] == [f"arn:aws:s3:::private-api-{region}-secure-bucket-{ACCOUNT}/"]


def test_the_trail_and_no_other_writes_to_its_bucket(home: Seen) -> None:
    """S1-X1: the row's three actions, bound to the trail's ARN, after the bucket's policy."""
    arn = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/private-api-us-east-1-cloudtrail"
    _, look, write = home["TrailBucketPolicy"]["PolicyDocument"]["Statement"]
    bucket = f"arn:aws:s3:::private-api-us-east-1-trail-logs-{ACCOUNT}"

    assert look["Action"] == ["s3:GetBucketAcl", "s3:GetBucketLocation"]
    assert look["Condition"] == {"StringEquals": {"aws:SourceArn": arn}}
    assert write["Action"] == ["s3:PutObject"]
    assert write["Resource"] == [f"{bucket}/AWSLogs/{ACCOUNT}/*"]
    assert write["Condition"] == {
        "StringEquals": {
            "aws:SourceArn": arn,
            "s3:x-amz-acl": "bucket-owner-full-control",
        }
    }
    assert home.resources["Trail"]["DependsOn"] == ["TrailBucketPolicy"]
    grants = [each["Sid"] for each in home["Key"]["KeyPolicy"]["Statement"]]
    assert {"TrailEncryptsLogs", "TrailDescribesKey"} <= set(grants)


# S1-X2 to S1-X4 Config ----------------------------------------------------------------------------


@pytest.mark.parametrize("region", REGIONS)
def test_only_the_first_region_records_global_types(
    everything: Mapping[str, Seen], region: str
) -> None:
    """S1-X2: every type, the global ones once; neither part waits for the other. (L-23)"""
    layer = everything[f"regional/{region}"]
    recorder, channel = layer["ConfigRecorder"], layer["ConfigChannel"]

    assert recorder["RecordingGroup"] == {
        "AllSupported": True,
        "IncludeGlobalResourceTypes": region == "us-east-1",
    }
    assert recorder["RoleARN"] == f"arn:aws:iam::{ACCOUNT}:role/ConfigRole"
    assert channel["S3BucketName"] == f"private-api-{region}-config-logs-{ACCOUNT}"
    assert channel["S3KmsKeyArn"] == f"arn:aws:kms:{region}:{ACCOUNT}:key/Key-id"
    for title in ("ConfigRecorder", "ConfigChannel"):
        assert layer.resources[title]["DependsOn"] == ["ConfigBucketPolicy"]
    assert layer["ConfigRole"]["ManagedPolicyArns"] == [
        "arn:aws:iam::aws:policy/service-role/AWS_ConfigRole"
    ]


def test_public_buckets_are_closed_by_themselves(home: Seen) -> None:
    """S1-X3: the rule, the automation, a role, three attempts."""
    rule, remedy = home["NoPublicRead"], home["NoPublicReadRemediation"]

    assert rule["Source"] == {
        "Owner": "AWS",
        "SourceIdentifier": "S3_BUCKET_PUBLIC_READ_PROHIBITED",
    }
    assert remedy["TargetId"] == "AWS-DisableS3BucketPublicReadWrite"
    assert (remedy["Automatic"], remedy["MaximumAutomaticAttempts"]) == (True, 3)
    assert remedy["ConfigRuleName"] == "NoPublicRead-id"
    assert remedy["Parameters"] == {
        "AutomationAssumeRole": {
            "StaticValue": {"Values": [f"arn:aws:iam::{ACCOUNT}:role/RemediationRole"]}
        },
        "S3BucketName": {"ResourceValue": {"Value": "RESOURCE_ID"}},
    }


def test_old_access_keys_break_a_rule(home: Seen) -> None:
    """S1-X4: 90 days; the rule waits for the recorder where there is one in the stack."""
    rule = home["AccessKeysRotated"]
    alone = seen(rollout(key_age_rule=True))["regional/us-east-1"]

    assert rule["Source"]["SourceIdentifier"] == "ACCESS_KEYS_ROTATED"
    assert rule["InputParameters"] == {"maxAccessKeyAge": "90"}
    assert home.resources["AccessKeysRotated"]["DependsOn"] == ["ConfigRecorder", "ConfigChannel"]
    assert "DependsOn" not in alone.resources["AccessKeysRotated"]


# S1-X5, S1-X6 networks ----------------------------------------------------------------------------


def test_wide_subnets_come_in_pairs_with_nat(home: Seen) -> None:
    """S1-X5: four /20 blocks, NAT, the endpoint in the private ones, one more way in."""
    subnets = home.of("EC2::Subnet")

    assert {key: each["CidrBlock"] for key, each in subnets.items()} == {
        "PublicSubnet0": "10.0.0.0/20",
        "PublicSubnet1": "10.0.16.0/20",
        "PrivateSubnet0": "10.0.32.0/20",
        "PrivateSubnet1": "10.0.48.0/20",
    }
    assert home["ApiEndpoint"]["SubnetIds"] == ["PrivateSubnet0-id", "PrivateSubnet1-id"]
    assert home["PrivateDefaultRoute0"]["NatGatewayId"] == "NatGateway0-id"
    ingress = home["SecurityGroup"]["SecurityGroupIngress"]
    assert [(rule["FromPort"], rule["CidrIp"]) for rule in ingress] == [
        (443, "10.0.0.0/16"),
        (22, "10.0.0.0/24"),
        (443, "203.0.113.0/24"),
    ]


def test_flow_logs_record_all_traffic_for_thirty_days(home: Seen) -> None:
    """S1-X6: the group's name, 30 days, under the key, which admits it."""
    group = home["FlowLogGroup"]

    assert group["LogGroupName"] == "/aws/vpc/flowlogs/private-api"
    assert group["RetentionInDays"] == 30
    assert group["KmsKeyId"] == f"arn:aws:kms:us-east-1:{ACCOUNT}:key/Key-id"
    assert home["FlowLog"]["TrafficType"] == "ALL"


@pytest.mark.parametrize("region", REGIONS)
def test_the_key_admits_every_log_group_of_the_region(
    everything: Mapping[str, Seen], region: str
) -> None:
    """L-7: a group under a key that does not know it could not be created."""
    layer = everything[f"regional/{region}"]
    _, logs, *_ = layer["Key"]["KeyPolicy"]["Statement"]
    groups = [
        f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{group['LogGroupName']}"
        for group in layer.of("Logs::LogGroup").values()
    ]

    (condition,) = logs["Condition"].values()
    assert sorted(condition["kms:EncryptionContext:aws:logs:arn"]) == sorted(groups)
    assert len(groups) == 5


# S1-X7 unauthorized_calls_alarm -------------------------------------------------------------------


def test_refused_calls_reach_a_person(home: Seen) -> None:
    """S1-X7: 1 in 300 seconds, from the trail's log group to the address."""
    (transformation,) = home["UnauthorizedCalls"]["MetricTransformations"]
    alarm = home["UnauthorizedCallsAlarm"]

    assert home["Trail"]["CloudWatchLogsLogGroupArn"].endswith(
        ":log-group:/aws/cloudtrail/private-api-us-east-1:*"
    )
    assert home["UnauthorizedCalls"]["LogGroupName"] == "/aws/cloudtrail/private-api-us-east-1"
    assert transformation["MetricName"] == alarm["MetricName"] == "UnauthorizedAPICalls"
    assert transformation["MetricNamespace"] == alarm["Namespace"]
    assert "Dimensions" not in alarm
    assert (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"]) == (
        "Sum",
        1,
        "GreaterThanOrEqualToThreshold",
    )
    assert (alarm["EvaluationPeriods"], alarm["Period"]) == (1, 300)
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmActions"] == ["AlarmTopic-id"]
    assert home["AlarmTopicEmail"]["Endpoint"] == "secops@example.com"
    assert "AlarmsPublish" in [each["Sid"] for each in home["Key"]["KeyPolicy"]["Statement"]]


# S1-X8 alb_front ----------------------------------------------------------------------------------


def test_the_front_checks_health_and_speaks_tls_only(home: Seen) -> None:
    """S1-X8: /health 200 at 30/5/2/2, 443 with the given certificate, 80 only leads there."""
    group, secure, plain = home["TargetGroup"], home["HttpsListener"], home["HttpListener"]

    assert (group["HealthCheckPath"], group["Matcher"]) == ("/health", {"HttpCode": "200"})
    assert (
        group["HealthCheckIntervalSeconds"],
        group["HealthCheckTimeoutSeconds"],
        group["HealthyThresholdCount"],
        group["UnhealthyThresholdCount"],
    ) == (30, 5, 2, 2)
    assert group["Targets"] == [
        {"Id": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:private-api-front"}
    ]
    assert secure["SslPolicy"] == "ELBSecurityPolicy-TLS-1-2-2017-01"
    assert secure["Certificates"] == [
        {"CertificateArn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/us-east-1"}
    ]
    assert (secure["Port"], secure["Protocol"]) == (443, "HTTPS")
    assert plain["DefaultActions"][0]["RedirectConfig"]["Port"] == "443"


def test_the_front_records_requests_and_is_protected(home: Seen) -> None:
    """S1-X8: access logs into an SSE-S3 bucket that lets the Region's balancers in; protection."""
    attributes = {
        each["Key"]: each["Value"] for each in home["LoadBalancer"]["LoadBalancerAttributes"]
    }
    bucket = f"private-api-us-east-1-front-logs-{ACCOUNT}"
    _, deliver = home["BalancerLogBucketPolicy"]["PolicyDocument"]["Statement"]
    (rule,) = home["BalancerLogBucket"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert attributes["deletion_protection.enabled"] == "true"
    assert attributes["access_logs.s3.enabled"] == "true"
    assert attributes["access_logs.s3.bucket"] == bucket
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert deliver["Resource"] == [f"arn:aws:s3:::{bucket}/front/AWSLogs/{ACCOUNT}/*"]
    assert home.resources["LoadBalancer"]["DependsOn"] == ["BalancerLogBucketPolicy"]
    assert seen(rollout(**OPTIONS["alb_front"], termination_protection=False))[
        "regional/us-east-1"
    ]["LoadBalancer"]["LoadBalancerAttributes"][0] == {
        "Key": "deletion_protection.enabled",
        "Value": "false",
    }


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_answers_to_the_name(everything: Mapping[str, Seen], region: str) -> None:
    """S1-X8: one record in each Region; the nearest Region that is well answers."""
    record = everything[f"regional/{region}"]["FrontRecord"]

    assert (record["Name"], record["HostedZoneId"]) == ("api.example.com", "Z0123456789")
    assert (record["SetIdentifier"], record["Region"]) == (region, region)
    assert record["AliasTarget"]["EvaluateTargetHealth"] is True
    assert record["AliasTarget"]["HostedZoneId"] == "LoadBalancer-CanonicalHostedZoneID"


def test_the_balancer_stands_where_the_gateway_route_is(home: Seen) -> None:
    """S1-X8: in the public subnets, or in the two that have the route anyway."""
    narrow = seen(rollout(**OPTIONS["alb_front"]))["regional/us-east-1"]

    assert home["LoadBalancer"]["Subnets"] == ["PublicSubnet0-id", "PublicSubnet1-id"]
    assert narrow["LoadBalancer"]["Subnets"] == ["PrivateSubnet0-id", "PrivateSubnet1-id"]


# S1-X9, S1-X10, buckets ---------------------------------------------------------------------------


def test_the_artifacts_bucket_is_logged(home: Seen) -> None:
    """S1-X9: the name, and a second bucket that records its requests."""
    bucket, logs = home["ArtifactsBucket"], home["AccessLogBucket"]

    assert bucket["BucketName"] == f"nova-prod-artifacts-{ACCOUNT}-us-east-1"
    assert logs["BucketName"] == f"nova-prod-artifacts-logs-{ACCOUNT}-us-east-1"
    assert bucket["LoggingConfiguration"]["DestinationBucketName"] == logs["BucketName"]


def test_old_passwords_are_remembered_longer(everything: Mapping[str, Seen]) -> None:
    """S1-X10: 24 instead of 5."""
    assert everything["account"]["PasswordPolicy"]["PasswordReusePrevention"] == 24


def test_the_ways_of_force_destroy_differ() -> None:
    """L-5, S1-12: a function that empties, a bucket for destroy to empty, or one that is kept."""
    ways = {
        way: seen(rollout(force_destroy=way))["regional/us-east-1"]
        for way in ("operation", "custom_resource", "off")
    }
    policies = {way: each.resources["SecureBucket"]["DeletionPolicy"] for way, each in ways.items()}

    assert policies == {
        "operation": "Delete",
        "custom_resource": "Delete",
        "off": "RetainExceptOnCreate",
    }
    emptying = ways["custom_resource"].resources["SecureBucketEmptying"]
    assert emptying["Properties"]["BucketName"] == f"private-api-us-east-1-secure-bucket-{ACCOUNT}"
    assert emptying["DependsOn"] == ["EmptyBucketOnce", "SecureBucketPolicy"]
    assert len(ways["custom_resource"]["EmptyBucket"]["Code"]["ZipFile"]) <= 4096


def test_a_bucket_key_spares_calls_to_kms(home: Seen) -> None:
    """S1-12: `bucket_key`, off by default."""
    off = seen(rollout())["regional/us-east-1"]

    for layer, wanted in ((off, False), (home, True)):
        (rule,) = layer["SecureBucket"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["BucketKeyEnabled"] is wanted


def test_functions_run_on_a_runtime_with_years_to_come(everything: Mapping[str, Seen]) -> None:
    """C-8: the newest Python, for every function."""
    runtimes = {
        function["Runtime"]
        for layer in everything.values()
        for function in layer.of("Lambda::Function").values()
    }

    assert runtimes == {custom_resources.RUNTIME} == {"python3.14"}
