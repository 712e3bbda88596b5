"""The options of S3: alarms in three profiles, and the switches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.templates.resolved import Seen, types
from tests.templates.systems import ACCOUNT
from tests.templates.systems.serverless_api import (
    ALL_ON,
    SOURCE,
    TABLE,
    TARGET,
    layers,
    rollout,
)

FUNCTION = {"FunctionName": "web-prod-items"}
STAGE = {"ApiName": "web-prod-api", "Stage": "prod"}

NAMES = (
    "FunctionErrors",
    "FunctionDuration",
    "ApiClientErrors",
    "ApiServerErrors",
    "ApiLatency",
    "TableThrottles",
)


@pytest.fixture(scope="module")
def default() -> Mapping[str, Seen]:
    """Return the stacks with all options off."""
    return layers()


@pytest.fixture(scope="module")
def everything() -> Mapping[str, Seen]:
    """Return the stacks with every option on."""
    return layers(**ALL_ON)


def dimensions(metric: Mapping[str, Any]) -> dict[str, str]:
    """Return a metric's dimensions as a mapping."""
    return {each["Name"]: each["Value"] for each in metric["Dimensions"]}


# Alarms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["app", "app-source"])
@pytest.mark.parametrize(
    ("title", "namespace", "metric", "of", "stat", "threshold"),
    [
        ("FunctionErrors", "AWS/Lambda", "Errors", FUNCTION, "Sum", 5),
        ("FunctionDuration", "AWS/Lambda", "Duration", FUNCTION, "Average", 10_000),
        ("ApiClientErrors", "AWS/ApiGateway", "4XXError", STAGE, "Sum", 10),
        ("ApiServerErrors", "AWS/ApiGateway", "5XXError", STAGE, "Sum", 5),
        ("ApiLatency", "AWS/ApiGateway", "Latency", STAGE, "Average", 5_000),
    ],
)
def test_s3_17_each_alarm_watches_what_exists(
    default: Mapping[str, Seen],
    layer: str,
    title: str,
    namespace: str,
    metric: str,
    of: Mapping[str, str],
    stat: str,
    threshold: int,
) -> None:
    """S3-17: two periods of five minutes above the threshold; silence is no fault."""
    alarm = default[layer][title]

    assert (alarm["Namespace"], alarm["MetricName"]) == (namespace, metric)
    assert dimensions(alarm) == of
    assert (alarm["Statistic"], alarm["Threshold"]) == (stat, threshold)
    assert (alarm["EvaluationPeriods"], alarm["Period"]) == (2, 300)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmActions"] == ["AlarmTopic-id"]


def test_s3_17_throttles_are_a_sum_of_two_metrics(default: Mapping[str, Seen]) -> None:
    """S3-17: ThrottledRequests has a dimension more; reads and writes have the table's alone."""
    alarm = default["app"]["TableThrottles"]
    total, *parts = alarm["Metrics"]

    assert alarm["Threshold"] == 0
    assert (total["Expression"], total["ReturnData"]) == ("FILL(m0, 0) + FILL(m1, 0)", True)
    found = [part["MetricStat"]["Metric"] for part in parts]
    assert [each["MetricName"] for each in found] == ["ReadThrottleEvents", "WriteThrottleEvents"]
    assert [dimensions(each) for each in found] == [{"TableName": TABLE}] * 2
    assert {part["MetricStat"]["Stat"] for part in parts} == {"Sum"}


@pytest.mark.parametrize(
    ("profile", "thresholds"),
    [
        ("standard", [5, 10_000, 10, 5, 5_000, 0]),
        ("strict", [1, 3_000, 5, 1, 2_000, 1]),
        ("relaxed", [5, 25_000, 10, 10, 5_000, 0]),
    ],
)
def test_s3_17_the_profiles_change_the_thresholds(profile: str, thresholds: list[int]) -> None:
    """S3-17: three profiles; throttles of the relaxed one count after one period."""
    app = layers(alarm_profile=profile)["app"]

    assert [app[name]["Threshold"] for name in NAMES] == thresholds
    periods = [app[name]["EvaluationPeriods"] for name in NAMES]
    assert periods == [2, 2, 2, 2, 2, 1 if profile == "relaxed" else 2]
    assert ("TableSystemErrors" in app.resources) == (profile == "relaxed")


def test_s3_17_system_errors_are_summed_over_the_operations() -> None:
    """S3-17: the metric has no data without an operation; the function uses six."""
    alarm = layers(alarm_profile="relaxed")["app"]["TableSystemErrors"]
    _, *parts = alarm["Metrics"]

    assert alarm["Threshold"] == 5
    assert alarm["TreatMissingData"] == "notBreaching"
    assert [dimensions(part["MetricStat"]["Metric"]) for part in parts] == [
        {"TableName": TABLE, "Operation": operation}
        for operation in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan")
    ]


@pytest.mark.parametrize(("layer", "other"), [("app", SOURCE), ("app-source", TARGET)])
def test_s3_18_what_is_late_in_the_other_region_is_noticed(
    default: Mapping[str, Seen], layer: str, other: str
) -> None:
    """S3-18, Q-4: each Region watches its writes; the last state stays while nothing is written."""
    alarm = default[layer]["TableReplicationLatency"]

    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/DynamoDB", "ReplicationLatency")
    assert dimensions(alarm) == {"TableName": TABLE, "ReceivingRegion": other}
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Average", 5_000)
    assert (alarm["EvaluationPeriods"], alarm["Period"]) == (2, 300)
    assert alarm["TreatMissingData"] == "ignore"


def test_l_10_each_region_has_a_topic_and_everyone_the_address() -> None:
    """L-10, F-22: an alarm speaks in its own Region; nobody is subscribed who is not named."""
    found = layers(alarm_email="ops@example.com")

    for layer in ("app", "app-source"):
        (subscription,) = found[layer].of("SNS::Subscription").values()
        assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")
    assert types(rollout())["SNS::Topic"] == 2
    assert types(rollout())["SNS::Subscription"] == 0


def test_monitoring_can_be_off() -> None:
    """S3-17: no alarm and no topic is left then."""
    found = types(rollout(enable_monitoring=False))

    assert found["CloudWatch::Alarm"] == found["SNS::Topic"] == 0
    assert types(rollout())["CloudWatch::Alarm"] == 2 * 7


# The switches -----------------------------------------------------------------------------------


def test_s3_x_no_option_is_on_by_default() -> None:
    """S3-X1 to S3-X6: nothing of them is rendered unasked."""
    found = types(rollout())

    for kind in (
        "SQS::Queue",
        "ApiGateway::UsagePlan",
        "CloudWatch::Dashboard",
        "DynamoDB::Table",
        "ApiGateway::DomainName",
        "Route53::RecordSet",
    ):
        assert found[kind] == 0


def test_s3_x1_failed_calls_are_kept_for_two_weeks() -> None:
    """S3-X1: an encrypted queue, and the function sends there what failed."""
    app = layers(dlq=True)["app"]
    queue = app["FunctionDeadLetters"]

    assert queue["MessageRetentionPeriod"] == 1_209_600
    assert queue["SqsManagedSseEnabled"] is True
    assert app["Function"]["DeadLetterConfig"] == {
        "TargetArn": f"arn:aws:sqs:{TARGET}:{ACCOUNT}:FunctionDeadLetters"
    }


def test_s3_x2_callers_have_a_plan() -> None:
    """S3-X2: 10,000 a day, a burst of 500, 200 a second, for the holder of the key."""
    app = layers(usage_plan=True)["app"]
    plan = app["UsagePlan"]

    assert plan["Quota"] == {"Limit": 10_000, "Period": "DAY"}
    assert plan["Throttle"] == {"BurstLimit": 500, "RateLimit": 200}
    assert plan["ApiStages"] == [{"ApiId": "Api-id", "Stage": "prod"}]
    assert app["UsagePlanKey"]["KeyId"] == app.outputs["ApiKeyId"] == "ApiKey-id"
    assert app["ApiKey"]["Enabled"] is True


def test_s3_x2_everything_but_the_health_check_needs_the_key() -> None:
    """S3-X2: a plan holds only those methods that ask for a key."""
    app = layers(usage_plan=True, proxy_routes=True)["app"]
    needs = {
        key: each.get("ApiKeyRequired", False) for key, each in app.of("ApiGateway::Method").items()
    }

    assert needs == {
        "ItemsGet": True,
        "ItemsPost": True,
        "ApiProxyAny": True,
        # Browsers ask beforehand without any header of ours.
        "ApiProxyOptions": False,
        "HealthGet": False,
    }


def test_s3_x3_every_path_under_api_goes_to_the_function() -> None:
    """S3-X3: ANY by proxy; OPTIONS answered by the API itself, with the headers for CORS."""
    app = layers(proxy_routes=True)["app"]

    assert app["ApiProxyResource"]["PathPart"] == "{proxy+}"
    assert app["ApiProxyResource"]["ParentId"] == "ApiResource-id"
    assert app["ApiResource"]["PathPart"] == "api"
    assert app["ApiProxyAny"]["HttpMethod"] == "ANY"
    assert app["ApiProxyAny"]["Integration"]["Type"] == "AWS_PROXY"
    options = app["ApiProxyOptions"]
    assert options["Integration"]["Type"] == "MOCK"
    (answer,) = options["Integration"]["IntegrationResponses"]
    (response,) = options["MethodResponses"]
    told = answer["ResponseParameters"]
    assert told["method.response.header.Access-Control-Allow-Origin"] == "'*'"
    assert "OPTIONS" in told["method.response.header.Access-Control-Allow-Methods"]
    assert response["ResponseParameters"].keys() == told.keys()
    assert (answer["StatusCode"], response["StatusCode"]) == ("200", "200")


@pytest.mark.parametrize("traced", [True, False])
def test_s3_x4_traces_are_of_the_function_and_the_stage(traced: bool) -> None:
    """S3-X4: both or neither."""
    app = layers(xray=traced)["app"]

    assert app["Stage"]["TracingEnabled"] is traced
    assert app["Function"].get("TracingConfig") == ({"Mode": "Active"} if traced else None)


def test_s3_x5_one_dashboard_shows_both_regions() -> None:
    """L-9, S3-X5: TAP-<env>, three charts of five minutes, each line with its Region."""
    made = layers(dashboard=True)["dashboard"]["Dashboard"]
    widgets = json.loads(made["DashboardBody"])["widgets"]

    assert made["DashboardName"] == "TAP-prod"
    assert [each["properties"]["title"] for each in widgets] == ["Lambda", "API", "DynamoDB"]
    for each in widgets:
        assert each["properties"]["period"] == 300
        assert {line[-1]["region"] for line in each["properties"]["metrics"]} == {SOURCE, TARGET}
    assert types(rollout(dashboard=True))["CloudWatch::Dashboard"] == 1


def test_s3_x5_the_charts_show_what_exists() -> None:
    """S3-X5: each line has exactly the dimensions of its metric."""
    widgets = json.loads(layers(dashboard=True)["dashboard"]["Dashboard"]["DashboardBody"])
    lines = [line for each in widgets["widgets"] for line in each["properties"]["metrics"]]
    expected = {
        "AWS/Lambda": FUNCTION,
        "AWS/ApiGateway": STAGE,
        "AWS/DynamoDB": {"TableName": TABLE},
    }

    for namespace, _, *pairs, _ in lines:
        assert dict(zip(pairs[::2], pairs[1::2], strict=True)) == expected[namespace]
    assert {line[1] for line in lines} >= {"Invocations", "Errors", "Count", "5XXError"}


def test_s3_x6_the_state_of_a_migration_is_kept() -> None:
    """S3-X6: a table by migration_id, and a function of 256 MB and 60 s with logs for 30 days."""
    stack = layers(migration_state=True)["migration"]
    table, function = stack["States"], stack["Function"]

    assert stack.stack.target.region == TARGET
    assert table["KeySchema"] == [{"AttributeName": "migration_id", "KeyType": "HASH"}]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert (function["MemorySize"], function["Timeout"]) == (256, 60)
    assert function["Environment"]["Variables"] == {
        "STATE_TABLE": "web-prod-migration",
        "DYNAMODB_TABLE": TABLE,
    }
    assert stack["FunctionLogs"]["RetentionInDays"] == 30
    assert stack["FunctionLogs"]["LogGroupName"] == "/aws/lambda/web-prod-migration"


def test_s3_x6_the_key_serves_the_migrations_log_group_too() -> None:
    """L-7, S3-X6: an encrypted group that the key does not know cannot be made."""
    found = layers(migration_state=True)
    logs = found["app"]["Key"]["KeyPolicy"]["Statement"][1]

    assert found["migration"]["FunctionLogs"]["KmsKeyId"] == found["app"].outputs["KeyArn"]
    assert (
        f"arn:aws:logs:{TARGET}:{ACCOUNT}:log-group:/aws/lambda/web-prod-migration"
        in logs["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
    )


def test_s3_7_table_extras_add_an_index_and_a_key_of_the_account(
    everything: Mapping[str, Seen],
) -> None:
    """S3-7: timestamp-index by a number, of whole items; encryption by KMS, in every replica."""
    table = everything["data"]["Table"]

    assert table["GlobalSecondaryIndexes"] == [
        {
            "IndexName": "timestamp-index",
            "KeySchema": [{"AttributeName": "timestamp", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ]
    assert {"AttributeName": "timestamp", "AttributeType": "N"} in table["AttributeDefinitions"]
    assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
    # A key of ours would have to stand at all replicas or at none.
    assert all("SSESpecification" not in replica for replica in table["Replicas"])
