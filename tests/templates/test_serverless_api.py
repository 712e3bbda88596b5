"""The promises of S3, row by row, and its points of acceptance."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tapcfn.config import check
from tapcfn.errors import ConfigError
from tapcfn.model import CompareItems, OutputOf, RemoveCanary, Rollout
from templates.blueprints.serverless_api import Settings, shift
from templates.layers import functions
from tests.templates.resolved import Seen, order, types
from tests.templates.systems import ACCOUNT
from tests.templates.systems.serverless_api import (
    SOURCE,
    SOURCE_BUCKET,
    SYSTEM,
    TABLE,
    TARGET,
    TARGET_BUCKET,
    ZONE,
    layers,
    rollout,
    settings,
)

Layers = Mapping[str, Seen]

APPS = {"app": TARGET, "app-source": SOURCE}
each_app = pytest.mark.parametrize("layer", APPS)


@pytest.fixture(scope="module")
def wanted() -> Rollout:
    """Return the rollout with all options off."""
    return rollout()


@pytest.fixture(scope="module")
def default() -> Layers:
    """Return the stacks with all options off."""
    return layers()


@pytest.fixture(scope="module")
def zoned() -> Layers:
    """Return the stacks with a zone and a name in it."""
    return layers(**ZONE)


# Settings and order -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["team_name", "environment", "source_region", "target_region", "allowed_cidr"]
)
def test_s3_1_each_required_key_is_missed_by_its_name(key: str) -> None:
    """S3-1: nothing is planned without it."""
    keys = {name: value for name, value in SYSTEM.minimal.items() if name != key}

    with pytest.raises(ConfigError) as caught:
        check("test.toml", keys, Settings)

    assert caught.value.faults == (f"{key}: missing; allowed: {_said(key)}",)


def _said(key: str) -> str:
    return str(Settings.model_fields[key].description)


def test_s3_1_the_regions_must_differ(default: Layers) -> None:
    """S3-1: settings refuse equal Regions, and so does the template, before any resource."""
    with pytest.raises(ConfigError, match="is the source Region"):
        settings(target_region=SOURCE)

    document = default["data"].stack.template.document
    (assertion,) = document["Rules"]["RegionsDiffer"]["Assertions"]
    assert assertion["Assert"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "TargetRegion"}, {"Ref": "SourceRegion"}]}]
    }
    assert all("Default" not in each for each in document["Parameters"].values())


def test_s3_2_what_is_copied_to_comes_before_what_copies(wanted: Rollout) -> None:
    """S3-2, S3-22: the table, the target, the source, DNS; both Regions in one rollout."""
    assert order(wanted) == [
        "api-account/us-west-2",
        "api-account/us-east-1",
        "data",
        "app",
        "app-source",
        "dns",
    ]


def test_s3_2_the_bucket_of_the_rule_is_the_targets_output(wanted: Rollout) -> None:
    """S3-2: the target's bucket is there before the source's rule names it."""
    (source,) = (stack for stack in wanted.stacks if stack.template.layer == "app-source")

    assert source.parameters["DestinationBucketArn"] == OutputOf(
        "prod-serverless-api-app-us-west-2", "BucketArn"
    )


# Roles are in test_serverless_api_iam.py ----------------------------------------------------------


def test_s3_4_each_region_has_a_role_for_the_logs_of_its_apis(default: Layers) -> None:
    """S3-4: the managed policy, bound by the account resource, in a phase before the stages."""
    for region in (SOURCE, TARGET):
        stack = default[f"api-account/{region}"]
        assert stack["ApiGatewayRole"]["ManagedPolicyArns"] == [
            "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
        ]
        assert stack["ApiGatewayAccount"]["CloudWatchRoleArn"].endswith("role/ApiGatewayRole")
    assert [phase.name for phase in rollout().phases] == ["account", "provision"]


def test_s3_4_a_foreign_role_is_left_alone() -> None:
    """S3-4: with manage_api_account false nothing of it is rendered."""
    made = rollout(manage_api_account=False)

    assert [phase.name for phase in made.phases] == ["provision"]
    assert types(made)["ApiGateway::Account"] == 0


# The table --------------------------------------------------------------------------------------


def test_s3_6_the_table_is_paid_by_request_and_streams(default: Layers) -> None:
    """S3-6: id, on demand, both images in the stream."""
    table = default["data"]["Table"]

    assert table["TableName"] == TABLE
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "id", "AttributeType": "S"}]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_s3_7_one_table_has_a_replica_in_both_regions(default: Layers, wanted: Rollout) -> None:
    """S3-7: homed in the target; each replica recovers to a point in time and is protected."""
    assert types(wanted)["DynamoDB::GlobalTable"] == 1
    assert types(wanted)["DynamoDB::Table"] == 0
    assert default["data"].stack.target.region == TARGET
    replicas = default["data"]["Table"]["Replicas"]
    assert [replica["Region"] for replica in replicas] == [TARGET, SOURCE]
    for replica in replicas:
        assert replica["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert replica["DeletionProtectionEnabled"] is True


def test_s3_7_a_table_can_be_unprotected_so_that_its_replica_can_go() -> None:
    """S3-7: a protected replica cannot be taken off the list."""
    (one, other) = layers(termination_protection=False)["data"]["Table"]["Replicas"]

    assert one["DeletionProtectionEnabled"] is other["DeletionProtectionEnabled"] is False


# The buckets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layer", "name"), [("app", TARGET_BUCKET), ("app-source", SOURCE_BUCKET)])
def test_s3_8_and_s3_10_both_buckets_are_websites(default: Layers, layer: str, name: str) -> None:
    """S3-8, S3-10: versions, AES256, a website, ACLs blocked, policies let through."""
    bucket = default[layer]["AssetsBucket"]

    assert bucket["BucketName"] == name
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert bucket["WebsiteConfiguration"] == {
        "IndexDocument": "index.html",
        "ErrorDocument": "error.html",
    }
    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }


@each_app
def test_s3_10_anyone_reads_the_objects_and_nothing_is_denied(default: Layers, layer: str) -> None:
    """S3-10: a website is served in the clear, so that there is no rule for TLS."""
    (statement,) = default[layer]["AssetsBucketPolicy"]["PolicyDocument"]["Statement"]
    bucket = default[layer]["AssetsBucket"]["BucketName"]

    assert statement["Sid"] == "PublicReadGetObject"
    assert (statement["Effect"], statement["Principal"]) == ("Allow", "*")
    assert statement["Action"] == ["s3:GetObject"]
    assert statement["Resource"] == [f"arn:aws:s3:::{bucket}/*"]


def test_s3_9_everything_is_copied_to_the_target(default: Layers) -> None:
    """S3-9: one rule, at the source alone, in the standard class, and what waits is measured."""
    configuration = default["app-source"]["AssetsBucket"]["ReplicationConfiguration"]
    (rule,) = configuration["Rules"]

    assert (rule["Id"], rule["Status"]) == ("ReplicateEverything", "Enabled")
    assert rule["Filter"] == {"Prefix": ""}
    assert rule["DeleteMarkerReplication"] == {"Status": "Enabled"}
    assert rule["Destination"] == {
        "Bucket": f"arn:aws:s3:::{TARGET_BUCKET}",
        "StorageClass": "STANDARD",
        "Metrics": {"Status": "Enabled"},
    }
    assert "ReplicationConfiguration" not in default["app"]["AssetsBucket"]


# The function -----------------------------------------------------------------------------------


@each_app
def test_s3_11_the_function_is_small_inline_and_knows_its_table(
    default: Layers, layer: str
) -> None:
    """C-8, S3-11: 128 MB, 30 seconds, a handler in `index`, the newest Python, the table."""
    function = default[layer]["Function"]

    assert (function["MemorySize"], function["Timeout"]) == (128, 30)
    assert function["Handler"] == "index.handler"
    assert function["Runtime"] == "python3.14"
    assert function["Environment"] == {"Variables": {"DYNAMODB_TABLE": TABLE}}
    assert function["Code"]["ZipFile"] == functions.inline("items")


@pytest.mark.parametrize("code", ["items", "migration"])
def test_s3_11_inline_code_compiles_and_is_short(code: str) -> None:
    """L-15, S3-11: it has a handler, in Python of every runtime that the settings take."""
    text = functions.inline(code)
    tree = ast.parse(text, feature_version=(3, 12))

    assert len(text) < functions.MAX_INLINE
    assert "handler" in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


def test_s3_11_fifteen_seconds_are_accepted_too() -> None:
    """S3-11: 30 or 15."""
    assert layers(function_timeout=15)["app"]["Function"]["Timeout"] == 15
    with pytest.raises(ConfigError):
        settings(function_timeout=20)


@pytest.mark.parametrize("runtime", ["python3.12", "python3.13"])
def test_c_8_older_runtimes_that_are_supported_are_accepted(runtime: str) -> None:
    """C-8: two more, and no other."""
    assert layers(runtime=runtime)["app"]["Function"]["Runtime"] == runtime
    with pytest.raises(ConfigError):
        settings(runtime="python3.9")


@each_app
def test_s3_12_the_functions_log_group_is_there_first(default: Layers, layer: str) -> None:
    """S3-12: two weeks, under the name that Lambda would choose; the function refers to it."""
    group = default[layer]["FunctionLogs"]
    document = default[layer].stack.template.document["Resources"]

    assert group["LogGroupName"] == "/aws/lambda/web-prod-items"
    assert group["RetentionInDays"] == 14
    assert document["Function"]["Properties"]["LoggingConfig"] == {
        "LogGroup": {"Ref": "FunctionLogs"}
    }


# The API ----------------------------------------------------------------------------------------


@each_app
def test_s3_13_the_routes_go_to_the_function(default: Layers, layer: str) -> None:
    """S3-13: regional; GET and POST of /items and GET of /health, without authorization."""
    app = default[layer]
    paths = {f"{key}-id": each["PathPart"] for key, each in app.of("ApiGateway::Resource").items()}
    methods = app.of("ApiGateway::Method").values()

    assert app["Api"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert {(paths[each["ResourceId"]], each["HttpMethod"]) for each in methods} == {
        ("items", "GET"),
        ("items", "POST"),
        ("health", "GET"),
    }
    function = f"arn:aws:lambda:{APPS[layer]}:{ACCOUNT}:function:web-prod-items"
    for each in methods:
        assert each["AuthorizationType"] == "NONE"
        assert "ApiKeyRequired" not in each
        integration = each["Integration"]
        assert integration["Type"] == "AWS_PROXY"
        assert integration["IntegrationHttpMethod"] == "POST"
        assert f"/functions/{function}/invocations" in integration["Uri"]


@each_app
def test_s3_13_only_this_api_may_call_the_function(default: Layers, layer: str) -> None:
    """S3-13: the permission names the API, with any stage and method."""
    permission = default[layer]["FunctionPermission"]

    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert permission["Action"] == "lambda:InvokeFunction"
    assert permission["SourceArn"] == (f"arn:aws:execute-api:{APPS[layer]}:{ACCOUNT}:Api-id/*/*")


@each_app
def test_s3_13_only_the_allowed_block_may_call(default: Layers, layer: str) -> None:
    """S3-13, Q-4: the API's policy uses allowed_cidr; GET /health alone is open to everyone."""
    health, others = default[layer]["Api"]["Policy"]["Statement"]

    assert (health["Effect"], others["Effect"]) == ("Allow", "Allow")
    assert health["Resource"] == ["execute-api:/prod/GET/health"]
    assert "Condition" not in health
    assert others["Resource"] == ["execute-api:/prod/*"]
    assert others["Condition"] == {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}


# The stage --------------------------------------------------------------------------------------


@each_app
def test_s3_14_the_stage_records_every_request(default: Layers, layer: str) -> None:
    """S3-14: named as the environment, with the ten fields, to a group of its own."""
    app = default[layer]
    stage = app["Stage"]
    (deployment,) = app.of("ApiGateway::Deployment")

    assert stage["StageName"] == "prod"
    assert stage["DeploymentId"] == f"{deployment}-id"
    assert stage["AccessLogSetting"]["DestinationArn"] == (
        f"arn:aws:logs:{APPS[layer]}:{ACCOUNT}:log-group:/aws/apigateway/web-prod-api/access"
    )
    assert list(json.loads(stage["AccessLogSetting"]["Format"])) == [
        "requestId",
        "ip",
        "caller",
        "user",
        "requestTime",
        "httpMethod",
        "resourcePath",
        "status",
        "protocol",
        "responseLength",
    ]


@each_app
def test_s3_14_a_deployment_is_taken_of_all_methods(default: Layers, layer: str) -> None:
    """S3-14: a snapshot of half an API would stay so for ever."""
    app = default[layer]
    (deployment,) = app.of("ApiGateway::Deployment")

    assert set(app.resources[deployment]["DependsOn"]) == set(app.of("ApiGateway::Method"))


@each_app
def test_s3_15_the_stage_waits_for_the_execution_logs(default: Layers, layer: str) -> None:
    """S3-15: the name that API Gateway gives them, 14 days, encrypted, before the stage."""
    app = default[layer]

    assert app["ExecutionLogs"]["LogGroupName"] == "API-Gateway-Execution-Logs_Api-id/prod"
    assert app["ExecutionLogs"]["RetentionInDays"] == 14
    assert app["AccessLogs"]["RetentionInDays"] == 14
    assert app.resources["Stage"]["DependsOn"] == [
        *("ExecutionLogs", "AccessLogsCanary", "ExecutionLogsCanary"),
    ]
    (setting,) = app["Stage"]["MethodSettings"]
    assert (setting["LoggingLevel"], setting["DataTraceEnabled"]) == ("ERROR", False)


@each_app
def test_the_key_serves_exactly_the_log_groups_and_the_alarms(default: Layers, layer: str) -> None:
    """C-4, L-7: each encrypted group stands in the key's policy, by its name."""
    app = default[layer]
    account, logs, alarms = app["Key"]["KeyPolicy"]["Statement"]
    groups = app.of("Logs::LogGroup").values()

    assert account["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert set(logs["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]) == {
        f"arn:aws:logs:{APPS[layer]}:{ACCOUNT}:log-group:{group['LogGroupName']}"
        for group in groups
    }
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    key = f"arn:aws:kms:{APPS[layer]}:{ACCOUNT}:key/Key-id"
    assert {group["KmsKeyId"] for group in groups} == {key}
    assert app["AlarmTopic"]["KmsMasterKeyId"] == key


# The canary -------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [{"enable_canary": True}, {"migration_mode": "canary"}])
@each_app
def test_s3_16_a_canary_is_a_second_deployment_on_the_same_stage(
    keys: Mapping[str, Any], layer: str
) -> None:
    """S3-16, Q-4: ten percent, no cache of the stage; migration_mode canary asks for it too."""
    app = layers(**keys)[layer]
    stage = app["Stage"]
    deployments = app.of("ApiGateway::Deployment")

    assert len(app.of("ApiGateway::Stage")) == 1
    assert len(deployments) == 2
    assert stage["CanarySetting"] == {
        "DeploymentId": next(f"{key}-id" for key in deployments if key.startswith("Canary")),
        "PercentTraffic": "10",
        "UseStageCache": False,
    }
    assert stage["DeploymentId"] != stage["CanarySetting"]["DeploymentId"]
    assert app["AccessLogsCanary"]["LogGroupName"].endswith("/access/Canary")
    assert app["ExecutionLogsCanary"]["LogGroupName"].endswith("/prod/Canary")


def test_s3_16_without_the_option_there_is_neither(default: Layers) -> None:
    """S3-16: one deployment, no canary."""
    assert len(default["app"].of("ApiGateway::Deployment")) == 1
    assert "CanarySetting" not in default["app"]["Stage"]


def test_s3_16_a_canarys_logs_are_there_before_it_and_after_it(default: Layers) -> None:
    """C-6: kept by one canary, they would stand in the way of the next; the key serves them."""
    app, key = default["app"], json.dumps(default["app"]["Key"]["KeyPolicy"])
    for title in ("AccessLogsCanary", "ExecutionLogsCanary"):
        assert app[title]["RetentionInDays"] == 14
    assert "/access/Canary" in key


def test_s3_16_a_canary_can_be_taken_off_at_any_time() -> None:
    """O-12: in each Region, whatever the settings say of it; no template does that."""
    for keys in ({}, {"enable_canary": True}):
        removals = [each for each in rollout(**keys).actions if isinstance(each, RemoveCanary)]
        assert [(each.name, each.target.region) for each in removals] == [
            (f"remove-canary-{region}", region) for region in (TARGET, SOURCE)
        ]


def test_o_9_items_are_counted_in_both_regions_on_request() -> None:
    """O-9: of the one table; without a source there is nothing to compare it with."""
    (count,) = (each for each in rollout().actions if isinstance(each, CompareItems))
    alone = rollout(enable_cross_region_replication=False).actions

    assert (count.target.region, count.other.region) == (SOURCE, TARGET)
    assert str(count.table) == "prod-serverless-api-data.TableName"
    assert not [each for each in alone if isinstance(each, CompareItems)]


def test_s3_16_the_share_is_a_parameter() -> None:
    """L-13, S3-16: the next steps change a parameter, and no template."""
    ten, thirty = (
        rollout(enable_canary=True, traffic_shift_percentage=share) for share in (10, 30)
    )

    assert [each.template.text for each in ten.stacks] == [
        each.template.text for each in thirty.stacks
    ]
    assert [each.parameters.get("CanaryPercent") for each in thirty.stacks][3:5] == ["30", "30"]


def test_s3_16_a_canary_tries_the_newest_against_the_baseline() -> None:
    """S3-16: the deployment that most requests get stays, whatever the API is now."""
    keys = {"enable_canary": True, "baseline_deployment": "Deployment0123456789"}
    app = layers(**keys)["app"]
    (newest,) = set(app.of("ApiGateway::Deployment")) - {"Deployment0123456789"}

    assert app["Stage"]["DeploymentId"] == "Deployment0123456789-id"
    assert app["Stage"]["CanarySetting"]["DeploymentId"] == f"{newest}-id"
    assert newest == _deployment({})
    assert app.outputs["DeploymentName"] == "Deployment0123456789"


def test_s3_16_an_aborted_canary_leaves_the_baseline() -> None:
    """S3-16: without the canary everybody gets the pinned deployment again."""
    app = layers(baseline_deployment="Deployment0123456789")["app"]

    assert app["Stage"]["DeploymentId"] == "Deployment0123456789-id"
    assert "CanarySetting" not in app["Stage"]


# The deployment follows the definition ----------------------------------------------------------


def _deployment(keys: Mapping[str, Any]) -> str:
    """Return the logical ID of the one deployment for these settings."""
    (title,) = layers(**keys)["app"].of("ApiGateway::Deployment")
    return str(title)


@pytest.mark.parametrize(
    "keys",
    [
        {"proxy_routes": True},
        {"usage_plan": True},
        {"allowed_cidr": "10.0.0.0/8"},
        {"environment": "test"},
    ],
    ids=["routes", "method", "policy", "function"],
)
def test_l_12_a_changed_definition_is_deployed(keys: Mapping[str, Any]) -> None:
    """L-12: methods, policy and what stands behind a parameter make a new snapshot."""
    assert _deployment(keys) != _deployment({})


@pytest.mark.parametrize(
    "keys",
    [
        {"alarm_profile": "strict"},
        {"xray": True},
        {"source_region": "eu-west-1"},
        {"runtime": "python3.12"},
        {"account": "999999999999"},
    ],
    ids=lambda keys: next(iter(keys)),
)
def test_l_12_other_changes_make_no_deployment(keys: Mapping[str, Any]) -> None:
    """L-12: what is no part of the API's definition leaves its snapshot alone."""
    assert _deployment(keys) == _deployment({})


# DNS --------------------------------------------------------------------------------------------


def test_s3_19_each_region_is_asked_for_its_health(default: Layers) -> None:
    """S3-19: HTTPS 443, /<env>/health, three failures, every 30 seconds, in us-east-1."""
    dns = default["dns"]

    assert dns.stack.target.region == "us-east-1"
    for side, region in (("Source", SOURCE), ("Target", TARGET)):
        assert dns[f"{side}HealthCheck"]["HealthCheckConfig"] == {
            "Type": "HTTPS",
            "FullyQualifiedDomainName": f"Api-id.execute-api.{region}.amazonaws.com",
            "Port": 443,
            "ResourcePath": "/prod/health",
            "EnableSNI": True,
            "RequestInterval": 30,
            "FailureThreshold": 3,
        }
    assert not dns.of("Route53::RecordSet")


def test_s3_19_a_check_can_follow_the_alarm() -> None:
    """S3-19: the alarm on server errors of each Region; silence is no failure."""
    found = layers(health_check="alarm")

    for side, region in (("Source", SOURCE), ("Target", TARGET)):
        assert found["dns"][f"{side}HealthCheck"]["HealthCheckConfig"] == {
            "Type": "CLOUDWATCH_METRIC",
            "AlarmIdentifier": {"Name": "ApiServerErrors-id", "Region": region},
            "InsufficientDataHealthStatus": "Healthy",
        }
    with pytest.raises(ConfigError, match="no alarm to follow"):
        settings(health_check="alarm", enable_monitoring=False)


def test_s3_20_two_weighted_records_lead_to_the_regions(zoned: Layers) -> None:
    """S3-20, S3-24: CNAMEs for a minute, told apart, each with its check; all at the source."""
    records = zoned["dns"].of("Route53::RecordSet")

    assert {
        record["SetIdentifier"]: (record["Weight"], record["ResourceRecords"], record["TTL"])
        for record in records.values()
    } == {
        "old-region": ("100", [f"DomainName-RegionalDomainName-{SOURCE}"], "60"),
        "new-region": ("0", [f"DomainName-RegionalDomainName-{TARGET}"], "60"),
    }
    assert {record["Name"] for record in records.values()} == {"api.example.com"}
    assert {record["Type"] for record in records.values()} == {"CNAME"}
    assert records["SourceRecord"]["HealthCheckId"] == "SourceHealthCheck-id"
    assert records["TargetRecord"]["HealthCheckId"] == "TargetHealthCheck-id"


@each_app
def test_s3_20_each_region_answers_to_the_name(zoned: Layers, layer: str) -> None:
    """S3-20, Q-4: a domain, a mapping to the stage, and a certificate that the zone proves."""
    app = zoned[layer]

    assert app["DomainName"]["DomainName"] == "api.example.com"
    assert app["DomainName"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert app["DomainName"]["RegionalCertificateArn"] == "Certificate-id"
    assert app["Certificate"]["DomainValidationOptions"] == [
        {"DomainName": "api.example.com", "HostedZoneId": "Z0123456789"}
    ]
    assert app["BasePathMapping"] == {
        "DomainName": "DomainName-id",
        "RestApiId": "Api-id",
        "Stage": "prod",
    }


def test_s3_20_without_a_zone_there_is_no_domain(wanted: Rollout) -> None:
    """S3-20: health checks stay, names do not."""
    found = types(wanted)

    assert found["Route53::HealthCheck"] == 2
    for kind in ("Route53::RecordSet", "ApiGateway::DomainName", "CertificateManager::Certificate"):
        assert found[kind] == 0


def test_s3_20_the_weights_are_parameters_and_never_both_nothing(zoned: Layers) -> None:
    """L-13, S3-20: 0 to 100; the template refuses two zeros, by which Route 53 shares alike."""
    document = zoned["dns"].stack.template.document

    for name in ("SourceWeight", "TargetWeight"):
        declared = document["Parameters"][name]
        assert (declared["Type"], declared["MinValue"], declared["MaxValue"]) == ("Number", 0, 100)
    (assertion,) = document["Rules"]["SomeoneAnswers"]["Assertions"]
    assert assertion["Assert"] == {
        "Fn::Not": [
            {
                "Fn::And": [
                    {"Fn::Equals": [{"Ref": "TargetWeight"}, "0"]},
                    {"Fn::Equals": [{"Ref": "SourceWeight"}, "0"]},
                ]
            }
        ]
    }


def test_s3_20_what_a_shift_has_reached_is_a_setting() -> None:
    """S3-20, S3-24: another weight is another parameter, and no other template."""
    before, after = (rollout(**ZONE, target_weight=share) for share in (0, 60))
    (dns,) = (stack for stack in after.stacks if stack.template.layer == "dns")

    assert (dns.parameters["SourceWeight"], dns.parameters["TargetWeight"]) == ("40", "60")
    assert [each.template.text for each in before.stacks] == [
        each.template.text for each in after.stacks
    ]


def test_s3_24_the_name_of_a_zone_itself_is_an_alias() -> None:
    """S3-24: an apex takes no CNAME."""
    records = layers(**ZONE, apex=True)["dns"].of("Route53::RecordSet").values()

    for record in records:
        assert record["Type"] == "A"
        assert "TTL" not in record
        assert set(record["AliasTarget"]) == {"DNSName", "HostedZoneId", "EvaluateTargetHealth"}


# The shift --------------------------------------------------------------------------------------


def test_s3_21_the_default_shift_has_ten_steps_of_ten_percent() -> None:
    """S3-21: every ten minutes ten percent more."""
    steps = shift.steps(settings())

    assert [(step.before.target, step.after.target) for step in steps] == [
        (share, share + 10) for share in range(0, 100, 10)
    ]
    assert {step.minutes for step in steps} == {10}
    assert all(step.after.source + step.after.target == 100 for step in steps)


def test_s3_21_every_step_can_be_taken_back() -> None:
    """S3-21: the inverse leads to where the step came from."""
    for step in shift.steps(settings()):
        back = step.inverse()
        assert (back.before, back.after, back.minutes) == (step.after, step.before, 0)


@pytest.mark.parametrize(
    ("percentage", "start", "shares"),
    [(10, 70, [80, 90, 100]), (30, 0, [30, 60, 90, 100]), (100, 0, [100]), (25, 100, [])],
)
def test_s3_21_steps_follow_the_settings(percentage: int, start: int, shares: list[int]) -> None:
    """S3-21: configurable, from wherever the weights are, and never beyond the whole."""
    made = settings(traffic_shift_percentage=percentage, traffic_shift_interval=5)
    steps = shift.steps(made, start)

    assert [step.after.target for step in steps] == shares
    assert {step.minutes for step in steps} <= {5}


def test_s3_24_a_staged_shift_has_three_steps() -> None:
    """S3-24: 10, 50 and 100 percent, from wherever the weights are."""
    made = settings(shift="staged", traffic_shift_interval=20)

    assert [step.after.target for step in shift.steps(made)] == [10, 50, 100]
    assert [step.after.target for step in shift.steps(made, 10)] == [50, 100]
    assert {step.minutes for step in shift.steps(made)} == {20}


def test_s3_21_a_step_is_the_dns_stacks_parameters(zoned: Layers) -> None:
    """S3-21: exactly the two weights that the template declares."""
    first = shift.steps(settings())[0]
    declared = zoned["dns"].stack.template.document["Parameters"]

    assert first.after.parameters() == {"SourceWeight": "90", "TargetWeight": "10"}
    assert first.after.parameters().keys() <= declared.keys()


# Outputs and the rest ---------------------------------------------------------------------------


def test_s3_23_the_outputs_are_those_of_both_regions(default: Layers, wanted: Rollout) -> None:
    """S3-23: six of the target under their own names, and those of the source beside them."""
    by_name = {each.stack.name: each.outputs for each in default.values()}
    found = {key: by_name[output.stack][output.key] for key, output in wanted.outputs.items()}

    assert found["api_gateway_url"] == (f"https://Api-id.execute-api.{TARGET}.amazonaws.com/prod")
    assert found["s3_bucket_name"] == TARGET_BUCKET
    assert found["s3_website_url"] == (f"http://{TARGET_BUCKET}.s3-website-{TARGET}.amazonaws.com")
    assert found["dynamodb_table_name"] == TABLE
    assert found["lambda_function_name"] == "web-prod-items"
    assert found["health_check_id"] == "TargetHealthCheck-id"
    assert found["source_s3_bucket_name"] == SOURCE_BUCKET
    assert found["source_health_check_id"] == "SourceHealthCheck-id"


def test_s3_22_regions_are_parameters() -> None:
    """S3-22: two other Regions, the same templates."""
    here, there = rollout(), rollout(source_region="eu-west-1", target_region="eu-central-1")

    assert [each.template.text for each in here.stacks] == [
        each.template.text for each in there.stacks
    ]
    assert {each.target.region for each in there.stacks} == {
        "eu-west-1",
        "eu-central-1",
        "us-east-1",
    }


@pytest.mark.parametrize("choice", ["off", "all"])
def test_s3_25_no_credential_is_written_down(choice: str) -> None:
    """S3-25: no secret, no key id, no password, in any template or parameter."""
    for stack in SYSTEM.rollout(**SYSTEM.choices[choice]).stacks:
        text = (stack.template.text + json.dumps([*map(str, stack.parameters.values())])).lower()
        for word in ("password", "secret", "akia", "aws_access_key"):
            assert word not in text


def test_o_13_the_target_can_stand_alone() -> None:
    """O-13: the home replica, no rule, no source, and everything to the target."""
    made = rollout(**ZONE, enable_cross_region_replication=False, target_weight=40)
    found = layers(**ZONE, enable_cross_region_replication=False, target_weight=40)

    assert order(made) == ["api-account", "data", "app", "dns"]
    (replica,) = found["data"]["Table"]["Replicas"]
    assert replica["Region"] == TARGET
    (record,) = found["dns"].of("Route53::RecordSet").values()
    assert (record["SetIdentifier"], record["Weight"]) == ("new-region", "100")
    assert "source_api_gateway_url" not in made.outputs
    assert "TableReplicationLatency" not in found["app"].resources


def test_o_13_only_the_replica_changes_in_the_tables_stack() -> None:
    """O-13, L-20: an update that takes a replica away does nothing else to the table."""
    with_source, alone = (
        layers(enable_cross_region_replication=there)["data"]["Table"] for there in (True, False)
    )

    assert with_source["Replicas"][:1] == alone["Replicas"]
    assert {**with_source, "Replicas": []} == {**alone, "Replicas": []}
