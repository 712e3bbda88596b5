"""The promises of S1, row by row, and its ten points of acceptance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from awacs.aws import Condition, StringEquals

from tapcfn.model import OutputOf, Rollout, ZoneOf
from tapcfn.templating import Template
from templates.layers import _iam, rest_api
from tests.templates.resolved import Seen, seen, types
from tests.templates.systems import ACCOUNT
from tests.templates.systems.private_api import REGIONS, rollout

Layers = Mapping[str, Seen]

HOME = "us-east-1"


@pytest.fixture(scope="module")
def wanted() -> Rollout:
    """Return the rollout of the default settings."""
    return rollout()


@pytest.fixture(scope="module")
def default(wanted: Rollout) -> Layers:
    """Return the default stacks, with everything filled in."""
    return seen(wanted)


@pytest.fixture(scope="module")
def home(default: Layers) -> Seen:
    """Return the default stack of the first Region."""
    return default[f"regional/{HOME}"]


def tags_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return a resource's tags as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in properties["Tags"]}


def deployment_of(wanted: Rollout) -> str:
    """Return the logical ID of the API's deployment."""
    (found,) = {
        title
        for stack in wanted.stacks
        for title, kind in stack.template.resources.items()
        if kind == "AWS::ApiGateway::Deployment"
    }
    return found


def api_with(route: rest_api.Route, vpce: str) -> str:
    """Return the logical ID of the deployment of an API with this route for this endpoint."""
    through = Condition(StringEquals("aws:SourceVpce", vpce))
    made = rest_api.add(
        Template("An API"),
        "Api",
        name="api",
        endpoint=rest_api.private("vpce-1"),
        policy=_iam.document(rest_api.invoke("Through", "*", given=through)),
        routes=[route],
        tags={},
    )
    return str(made.deployment.title)


# The must-rows ------------------------------------------------------------------------------------


def test_s1_1_three_regions_get_one_template_the_first_one_first(wanted: Rollout) -> None:
    """S1-1: the account's parts, us-east-1, then the two others at once; equal bytes."""
    regional = [stack for stack in wanted.stacks if stack.template.layer == "regional"]

    assert [phase.name for phase in wanted.phases] == ["account", "first", "regions"]
    assert [[stack.target.region for stack in phase.stacks] for phase in wanted.phases[1:]] == [
        ["us-east-1"],
        ["us-west-2", "eu-central-1"],
    ]
    assert len({stack.template.text for stack in regional}) == 1
    assert not {name for stack in regional for name in stack.needs}


def test_s1_2_the_vpc_has_its_block_and_dns(home: Seen) -> None:
    """S1-2: 10.0.0.0/16, with DNS support and host names, by a parameter."""
    vpc = home["Vpc"]

    assert vpc["CidrBlock"] == "10.0.0.0/16"
    assert vpc["EnableDnsSupport"] is True
    assert vpc["EnableDnsHostnames"] is True
    assert home.stack.template.parameters["VpcCidr"]["Default"] == "10.0.0.0/16"
    assert tags_of(vpc)["Name"] == "private-api-us-east-1-vpc"


def test_s1_3_one_route_table_leads_to_the_gateway(home: Seen) -> None:
    """S1-3: the gateway is attached, and both subnets use the one table with the default route."""
    associations = home.of("EC2::SubnetRouteTableAssociation").values()

    assert home["GatewayAttachment"] == {
        "VpcId": "Vpc-id",
        "InternetGatewayId": "InternetGateway-id",
    }
    assert home.of("EC2::Route") == {
        "PrivateDefaultRoute": {
            "RouteTableId": "PrivateRouteTable-id",
            "DestinationCidrBlock": "0.0.0.0/0",
            "GatewayId": "InternetGateway-id",
        }
    }
    assert list(home.of("EC2::RouteTable")) == ["PrivateRouteTable"]
    assert {each["SubnetId"] for each in associations} == {"PrivateSubnet0-id", "PrivateSubnet1-id"}


def test_s1_4_the_subnets_give_no_public_address(home: Seen) -> None:
    """S1-4: two blocks in two zones that the deployer chooses, nothing with a public address."""
    subnets = home.of("EC2::Subnet")

    assert [(each["CidrBlock"], each["AvailabilityZone"]) for each in subnets.values()] == [
        ("10.0.1.0/24", "us-east-1a"),
        ("10.0.2.0/24", "us-east-1b"),
    ]
    assert [each["MapPublicIpOnLaunch"] for each in subnets.values()] == [False, False]
    assert home.stack.parameters["AvailabilityZone1"] == ZoneOf(1)
    assert not home.of("EC2::NatGateway")


def test_s1_5_the_group_admits_https_from_the_vpc_and_ssh_from_the_admins(home: Seen) -> None:
    """S1-5: 443 from the VPC, 22 from the parameter AdminCidr, everything out."""
    group = home["SecurityGroup"]

    assert [
        (rule["FromPort"], rule["ToPort"], rule["CidrIp"], rule["IpProtocol"])
        for rule in group["SecurityGroupIngress"]
    ] == [
        (443, 443, "10.0.0.0/16", "tcp"),
        (22, 22, "10.0.0.0/24", "tcp"),
    ]
    (out,) = group["SecurityGroupEgress"]
    assert (out["IpProtocol"], out["CidrIp"]) == ("-1", "0.0.0.0/0")
    text = home.stack.template.document["Resources"]["SecurityGroup"]["Properties"]
    assert text["SecurityGroupIngress"][1]["CidrIp"] == {"Ref": "AdminCidr"}


@pytest.mark.parametrize("region", REGIONS)
def test_s1_6_the_key_is_for_the_account_and_the_one_log_group(
    default: Layers, region: str
) -> None:
    """S1-6: rotation, a window of 30 days, and exactly two statements."""
    key = default[f"regional/{region}"]["Key"]
    account, logs = key["KeyPolicy"]["Statement"]

    assert key["EnableKeyRotation"] is True
    assert key["PendingWindowInDays"] == 30
    assert account["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert account["Action"] == ["kms:*"]
    assert logs["Principal"] == {"Service": f"logs.{region}.amazonaws.com"}
    (condition,) = logs["Condition"].values()
    assert condition == {
        "kms:EncryptionContext:aws:logs:arn": [
            f"arn:aws:logs:{region}:{ACCOUNT}:log-group:/aws/apigateway/private-api-{region}"
        ]
    }


def test_s1_7_the_alias_has_the_prefix_before_key(home: Seen) -> None:
    """S1-7: alias/<prefix>-key."""
    assert home["Alias"] == {
        "AliasName": "alias/private-api-us-east-1-key",
        "TargetKeyId": "Key-id",
    }


@pytest.mark.parametrize("region", REGIONS)
def test_s1_8_api_gateway_has_its_role_before_any_stage(
    default: Layers, wanted: Rollout, region: str
) -> None:
    """S1-8, L-11: a role and an account in each Region, in the phase before the APIs."""
    layer = default[f"api-account/{region}"]
    role = layer["ApiGatewayRole"]

    assert role["ManagedPolicyArns"] == [
        "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    ]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert layer["ApiGatewayAccount"] == {
        "CloudWatchRoleArn": f"arn:aws:iam::{ACCOUNT}:role/ApiGatewayRole"
    }
    assert layer.stack in wanted.phases[0].stacks
    assert layer.stack.template.capabilities == ("CAPABILITY_IAM",)


def test_s1_9_the_endpoint_is_private_and_leads_to_own_apis(home: Seen) -> None:
    """S1-9: an interface in both subnets, behind the group, with private DNS and a policy."""
    endpoint = home["ApiEndpoint"]

    assert endpoint["VpcEndpointType"] == "Interface"
    assert endpoint["ServiceName"] == "com.amazonaws.us-east-1.execute-api"
    assert endpoint["SubnetIds"] == ["PrivateSubnet0-id", "PrivateSubnet1-id"]
    assert endpoint["SecurityGroupIds"] == ["SecurityGroup-GroupId"]
    assert endpoint["PrivateDnsEnabled"] is True
    (statement,) = endpoint["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", ["execute-api:Invoke"])
    assert statement["Resource"] == [f"arn:aws:execute-api:us-east-1:{ACCOUNT}:*/*"]


def test_s1_10_the_api_answers_only_through_the_endpoint(home: Seen) -> None:
    """S1-10, Q-2: PRIVATE, Invoke under aws:SourceVpce, GET /health answered by a mock."""
    api, method = home["Api"], home["HealthGet"]

    assert api["EndpointConfiguration"] == {
        "Types": ["PRIVATE"],
        "VpcEndpointIds": ["ApiEndpoint-id"],
    }
    (statement,) = api["Policy"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", ["execute-api:Invoke"])
    assert statement["Condition"] == {"StringEquals": {"aws:SourceVpce": "ApiEndpoint-id"}}
    assert (method["HttpMethod"], method["Integration"]["Type"]) == ("GET", "MOCK")
    (answer,) = method["Integration"]["IntegrationResponses"]
    assert answer["StatusCode"] == "200"
    assert home["HealthResource"]["PathPart"] == "health"
    assert home["Stage"]["StageName"] == "prod"


def test_s1_11_the_stage_logs_to_the_encrypted_group(home: Seen) -> None:
    """S1-11, Q-2: 90 days, the Region's key, and the stage writes there."""
    group, stage = home["LogGroup"], home["Stage"]

    assert group["LogGroupName"] == "/aws/apigateway/private-api-us-east-1"
    assert group["RetentionInDays"] == 90
    assert group["KmsKeyId"] == f"arn:aws:kms:us-east-1:{ACCOUNT}:key/Key-id"
    assert stage["AccessLogSetting"]["DestinationArn"] == (
        f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/apigateway/private-api-us-east-1"
    )
    assert "$context.requestId" in stage["AccessLogSetting"]["Format"]


@pytest.mark.parametrize("region", REGIONS)
def test_s1_12_the_secure_bucket_is_private_and_goes_with_its_stack(
    default: Layers, region: str
) -> None:
    """S1-12, L-5, Q-2: SSE-KMS, four blocks, TLS only, the account in its name, deleted at last."""
    layer = default[f"regional/{region}"]
    bucket, policy = layer["SecureBucket"], layer["SecureBucketPolicy"]["PolicyDocument"]
    name = f"private-api-{region}-secure-bucket-{ACCOUNT}"
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert bucket["BucketName"] == name
    assert len(name) <= 63
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": f"arn:aws:kms:{region}:{ACCOUNT}:key/Key-id",
    }
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (statement,) = policy["Statement"]
    assert (statement["Effect"], statement["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )
    assert statement["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    assert layer.resources["SecureBucket"]["DeletionPolicy"] == "Delete"


def test_s1_13_the_password_policy_stands_once_in_the_first_region(wanted: Rollout) -> None:
    """S1-13, L-2: the figures, in the one account stack of us-east-1."""
    found = [
        (stack.target.region, resource["Properties"])
        for stack in wanted.stacks
        for resource in stack.template.document["Resources"].values()
        if resource["Type"] == "AWS::CloudFormation::CustomResource"
    ]
    ((region, properties),) = found

    assert region == "us-east-1"
    assert {key: text for key, text in properties.items() if not key.startswith("Service")} == {
        "MinimumPasswordLength": 14,
        "RequireSymbols": True,
        "RequireNumbers": True,
        "RequireUppercaseCharacters": True,
        "RequireLowercaseCharacters": True,
        "AllowUsersToChangePassword": True,
        "MaxPasswordAge": 90,
        "PasswordReusePrevention": 5,
        "HardExpiry": True,
    }


def test_s1_13_the_function_behind_is_asked_once_and_in_time(default: Layers) -> None:
    """S1-13, L-15: short inline code, no repeated calls, and an answer is not awaited for ever."""
    layer = default["account"]
    function, once = layer["PasswordFunction"], layer["PasswordFunctionOnce"]

    assert len(function["Code"]["ZipFile"]) <= 4096
    assert function["Handler"] == "index.handler"
    assert once["MaximumRetryAttempts"] == 0
    assert layer.resources["PasswordPolicy"]["DependsOn"] == ["PasswordFunctionOnce"]
    assert function["Timeout"] < layer["PasswordPolicy"]["ServiceTimeout"] <= 3600


def test_s1_14_and_s1_17_what_was_not_asked_for_is_not_there(wanted: Rollout) -> None:
    """S1-14, S1-17, Q-2: no trail, its bucket or its key statement; no other option either."""
    found = types(wanted)
    text = "".join(stack.template.text for stack in wanted.stacks)

    assert "cloudtrail" not in text.lower()
    assert found["S3::Bucket"] == len(REGIONS)
    for kind in ("CloudTrail", "Config", "EC2::FlowLog", "CloudWatch", "SNS", "ElasticLoad"):
        assert not [each for each in found if each.startswith(kind)]


def test_s1_15_the_outputs_are_there_for_every_region(wanted: Rollout, default: Layers) -> None:
    """S1-15: twelve names, each with three Regions, each a value of that Region's stack."""
    regions: dict[str, list[str]] = {}
    outputs = {layer.stack.name: layer for layer in default.values()}
    for key, value in wanted.outputs.items():
        name, _, region = key.partition(".")
        regions.setdefault(name, []).append(region)
        assert outputs[value.stack].stack.target.region == region
        assert outputs[value.stack].outputs[value.key]

    assert set(regions) == {
        *("vpcs", "securityGroups", "kmsKeys", "kmsAliases", "apiGateways", "vpcEndpoints"),
        *("iamRoles", "cloudWatchLogGroups", "subnets", "routeTables", "internetGateways"),
        "s3Buckets",
    }
    assert all(each == list(REGIONS) for each in regions.values())


def test_s1_15_outputs_are_what_they_are_called(home: Seen) -> None:
    """S1-15: every output refers to the resource that its name promises."""
    assert home.outputs == {
        "VpcId": "Vpc-id",
        "SubnetIds": "PrivateSubnet0-id,PrivateSubnet1-id",
        "RouteTableIds": "PrivateRouteTable-id",
        "InternetGatewayId": "InternetGateway-id",
        "SecurityGroupId": "SecurityGroup-GroupId",
        "KeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/Key-id",
        "KeyAlias": "alias/private-api-us-east-1-key",
        "ApiId": "Api-id",
        "VpcEndpointId": "ApiEndpoint-id",
        "LogGroupName": "/aws/apigateway/private-api-us-east-1",
        "BucketName": f"private-api-us-east-1-secure-bucket-{ACCOUNT}",
    }


def test_s1_16_everything_has_environment_name_and_the_users_tags() -> None:
    """S1-16: the map of tags is all that must be said, and it is on every resource with tags."""
    layers = seen(rollout(tags={"team": "payments", "Environment": "Staging"}))
    seen_tags = [
        tags_of(resource["Properties"])
        for layer in layers.values()
        for resource in layer.resources.values()
        if "Tags" in resource.get("Properties", {})
    ]

    assert len(seen_tags) > 30
    for tags in seen_tags:
        assert tags["team"] == "payments"
        assert tags["Environment"] == "Staging"
        assert tags["Name"].startswith("private-api")


# The ten points of acceptance ---------------------------------------------------------------------


def test_acceptance_5_a_deployment_follows_the_policy_and_the_methods_only() -> None:
    """S1-10, L-12: another policy or method, another deployment; another tag or stage, the same."""
    usual = deployment_of(rollout())

    health, other = rest_api.mock("/health", "GET"), rest_api.mock("/health", "HEAD")
    ids = {api_with(route, vpce) for route in (health, other) for vpce in ("vpce-1", "vpce-2")}
    assert len(ids) == 4
    assert deployment_of(rollout(tags={"team": "payments"})) == usual
    assert deployment_of(rollout(api_stage="live", name="other")) == usual


def test_acceptance_10_one_owner_of_the_api_account() -> None:
    """L-11: where another system owns API Gateway's role, this one has neither role nor output."""
    foreign = rollout(manage_api_account=False)

    assert types(rollout())["ApiGateway::Account"] == len(REGIONS)
    assert types(foreign)["ApiGateway::Account"] == 0
    assert not [key for key in foreign.outputs if key.startswith("iamRoles")]


def test_no_parameter_comes_from_another_stack(wanted: Rollout) -> None:
    """S1-1: each Region stands alone, so that one Region's loss stops no other."""
    values = [each for stack in wanted.stacks for each in stack.parameters.values()]

    assert not [each for each in values if isinstance(each, OutputOf)]


def test_templates_name_no_region() -> None:
    """S1-1: the Regions are targets; the template is the same bytes wherever it goes."""
    (text,) = {
        json.dumps(stack.template.document)
        for stack in rollout(regions=["eu-west-1", "ap-south-1"]).stacks
        if stack.template.layer == "regional"
    }

    assert text in {json.dumps(stack.template.document) for stack in rollout().stacks}
