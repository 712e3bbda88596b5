"""The serverless API on the local cloud: deployed, asked by the services' own APIs, gone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tapcfn.config import check
from tapcfn.model import STATEFUL, ChangeSet, Replacement, Rollout
from templates.blueprints.serverless_api import Settings, rollout, shift
from tests.local_cloud import Aws, until
from tests.systems.deployments import Deployment
from tests.templates.systems.serverless_api import ALL_ON, OPTIONS, SOURCE, TARGET

REGIONS = (SOURCE, TARGET)


def wanted(aws: Aws, **keys: Any) -> Rollout:
    """Return the rollout of a stage of this account."""
    return rollout(_settings(aws, keys), "local")


def _settings(aws: Aws, keys: Mapping[str, Any]) -> Settings:
    usual = {
        "backend": "local",
        "account": aws.account,
        "keep_data": False,
        "termination_protection": False,
        "team_name": "web",
        "environment": "local",
        "source_region": SOURCE,
        "target_region": TARGET,
        "allowed_cidr": "127.0.0.0/8",
    }
    return check("test.toml", usual | dict(keys), Settings)


@dataclass(frozen=True)
class Answer:
    """What the API says: the status, the headers, and the body as JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any


def call(
    aws: Aws, url: str, method: str, path: str, body: str | None = None, key: str = ""
) -> Answer:
    """Call the stage behind `url`, as the local cloud answers for it."""
    host, _, stage = url.removeprefix("https://").partition("/")
    api = host.partition(".")[0]
    request = urllib.request.Request(
        f"{aws.url}/_aws/execute-api/{api}/{stage}{path}",
        method=method,
        data=body.encode() if body is not None else None,
        headers={"x-api-key": key} if key else {},
    )
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return Answer(answer.status, dict(answer.headers), json.loads(answer.read()))


@pytest.fixture
def up(aws: Aws, deployment: Deployment) -> Mapping[str, str]:
    """Return the outputs of the system with all options off."""
    return deployment.apply(wanted(aws))


# All options off --------------------------------------------------------------------------------


def test_the_system_does_what_it_promises(
    aws: Aws, deployment: Deployment, up: Mapping[str, str]
) -> None:
    """S3-9, S3-11, S3-26: API to Lambda to table, in both Regions; objects; nothing to plan."""
    _items_travel(aws, up)
    _objects_reach_the_target(aws, up)
    _everything_is_there(aws, up)

    assert not deployment.plan(wanted(aws)).has_work


def _items_travel(aws: Aws, up: Mapping[str, str]) -> None:
    """What is posted in one Region is read in the other; what is wrong is refused."""
    target, source = up["api_gateway_url"], up["source_api_gateway_url"]
    assert call(aws, target, "GET", "/health").body == {"status": "ok"}
    stored = call(aws, target, "POST", "/items", '{"id": "a", "data": {"size": 1.5}}')
    nameless = call(aws, target, "POST", "/items", '{"data": "b"}')
    listed = call(aws, source, "GET", "/items")

    assert (stored.status, nameless.status, listed.status) == (201, 201, 200)
    assert stored.headers["Access-Control-Allow-Origin"] == "*"
    assert (stored.body["id"], stored.body["data"]) == ("a", {"size": 1.5})
    assert nameless.body["id"] == str(nameless.body["timestamp"])
    by_id = {item["id"]: item for item in listed.body["items"]}
    assert by_id == {"a": stored.body, nameless.body["id"]: nameless.body}
    first, second = (item["id"] for item in listed.body["items"])
    rest = call(aws, source, "GET", f"/items?after={first}")
    assert [item["id"] for item in rest.body["items"]] == [second]

    assert call(aws, target, "POST", "/items", "not JSON").status == 400
    too_large_for_the_table = call(aws, target, "POST", "/items", '{"data": 1e200}')
    assert too_large_for_the_table.status == 500
    assert too_large_for_the_table.body == {"error": "internal error"}


def _objects_reach_the_target(aws: Aws, up: Mapping[str, str]) -> None:
    """What is put at the source is there at the target."""
    aws.client("s3").put_object(Bucket=up["source_s3_bucket_name"], Key="index.html", Body=b"hello")
    target = aws.client("s3", TARGET)

    def look() -> Any:
        found = target.list_objects_v2(Bucket=up["s3_bucket_name"]).get("Contents", [])
        return [each["Key"] for each in found]

    assert until(look) == ["index.html"]


def _everything_is_there(aws: Aws, up: Mapping[str, str]) -> None:
    """The services say what the templates said."""
    table = aws.client("dynamodb", TARGET).describe_table(TableName="web-local-items")["Table"]
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert [each["RegionName"] for each in table["Replicas"]] == [SOURCE]
    rules = aws.client("s3").get_bucket_replication(Bucket=up["source_s3_bucket_name"])
    (rule,) = rules["ReplicationConfiguration"]["Rules"]
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{up['s3_bucket_name']}"
    for region in REGIONS:
        function = aws.client("lambda", region).get_function_configuration(
            FunctionName="web-local-items"
        )
        assert (function["MemorySize"], function["Timeout"]) == (128, 30)
        alarms = aws.client("cloudwatch", region).describe_alarms()["MetricAlarms"]
        assert len(alarms) == 7
        groups = aws.client("logs", region).describe_log_groups()["logGroups"]
        assert {group["retentionInDays"] for group in groups} == {14}
    checks = aws.client("route53").list_health_checks()["HealthChecks"]
    assert {each["HealthCheckConfig"]["ResourcePath"] for each in checks} == {"/local/health"}


@pytest.mark.usefixtures("up")
def test_an_update_the_end_of_the_source_and_the_end(aws: Aws, deployment: Deployment) -> None:
    """L-12, O-1, S3-7, S3-26: nothing that holds data is replaced; then nothing at all is left."""
    before = _table(aws)
    changed = wanted(aws, allowed_cidr="10.0.0.0/8", alarm_profile="strict")
    _nothing_is_lost(deployment.changes(changed))
    deployment.apply(changed)
    _a_new_deployment_is_served(aws)

    deployment.apply(wanted(aws, enable_cross_region_replication=False))
    assert _table(aws)["TableId"] == before["TableId"]
    assert _table(aws).get("Replicas", []) == []
    assert aws.client("dynamodb", SOURCE).list_tables()["TableNames"] == []

    deployment.destroy(wanted(aws))
    _nothing_is_left(aws)


def _table(aws: Aws) -> Mapping[str, Any]:
    """Return what the home Region says of the table."""
    found = aws.client("dynamodb", TARGET).describe_table(TableName="web-local-items")
    return dict(found["Table"])


def _nothing_is_lost(changes: Mapping[str, ChangeSet]) -> None:
    """The API and its alarms change; nothing that holds data goes or is replaced."""
    found = [change for change_set in changes.values() for change in change_set.changes]

    assert {change.resource_type for change in found} >= {
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::RestApi",
        "AWS::CloudWatch::Alarm",
    }
    assert not [
        change
        for change in found
        if change.resource_type in STATEFUL
        and (change.loses or change.replacement is Replacement.TRUE)
    ]


def _a_new_deployment_is_served(aws: Aws) -> None:
    """The policy alone would change nothing: the stage serves a snapshot of it."""
    for region in REGIONS:
        api = aws.client("apigateway", region)
        (found,) = api.get_rest_apis()["items"]
        assert "10.0.0.0/8" in found["policy"]
        (stage,) = api.get_stages(restApiId=found["id"])["item"]
        (snapshot,) = api.get_deployments(restApiId=found["id"])["items"]
        assert stage["deploymentId"] == snapshot["id"]


def _nothing_is_left(aws: Aws) -> None:
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert aws.client("iam").list_roles()["Roles"] == []
    assert aws.client("route53").list_health_checks()["HealthChecks"] == []
    for region in REGIONS:
        assert aws.client("cloudformation", region).describe_stacks()["Stacks"] == []
        assert aws.client("dynamodb", region).list_tables()["TableNames"] == []
        assert aws.client("lambda", region).list_functions()["Functions"] == []
        assert aws.client("apigateway", region).get_rest_apis()["items"] == []
        assert aws.client("logs", region).describe_log_groups()["logGroups"] == []
        assert aws.client("cloudwatch", region).describe_alarms()["MetricAlarms"] == []
        assert aws.client("sns", region).list_topics()["Topics"] == []
        assert aws.client("sqs", region).list_queues().get("QueueUrls", []) == []


# Options ----------------------------------------------------------------------------------------


def _zone(aws: Aws) -> str:
    """Make the hosted zone that the records need, and return its id."""
    made = aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="zone")
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


@pytest.mark.drill
def test_all_options_together(aws: Aws, deployment: Deployment) -> None:
    """S3-16, S3-20, S3-X1 to S3-X6: deployed, at work, and gone."""
    zone = _zone(aws)
    everything = wanted(aws, **{**ALL_ON, "hosted_zone_id": zone})
    up = deployment.apply(everything)

    _callers_need_a_key(aws, up)
    _the_canary_is_there(aws)
    assert _weights(aws, zone) == {"old-region": 100, "new-region": 0}
    _a_migration_takes_its_steps(aws)
    deployment.destroy(everything)
    _nothing_is_left(aws)


def _callers_need_a_key(aws: Aws, up: Mapping[str, str]) -> None:
    """S3-X2, S3-X3: with it every method of every path under /api reaches the function."""
    url, api = up["api_gateway_url"], aws.client("apigateway", TARGET)
    key = api.get_api_key(apiKey=up["api_key_id"], includeValue=True)["value"]

    assert call(aws, url, "GET", "/health").status == 200
    assert call(aws, url, "GET", "/items").status == 403
    assert call(aws, url, "GET", "/items", key=key).status == 200
    assert call(aws, url, "PUT", "/api/any/path", key=key).status == 405


def _the_canary_is_there(aws: Aws) -> None:
    for region in REGIONS:
        api = aws.client("apigateway", region)
        (found,) = api.get_rest_apis()["items"]
        (stage,) = api.get_stages(restApiId=found["id"])["item"]
        canary = stage["canarySettings"]
        assert (canary["percentTraffic"], canary["useStageCache"]) == (10.0, False)
        assert canary["deploymentId"] != stage["deploymentId"]


def _weights(aws: Aws, zone: str) -> dict[str, int]:
    """Return the weights of the name that both Regions answer to."""
    records = aws.client("route53").list_resource_record_sets(HostedZoneId=zone)
    return {
        each["SetIdentifier"]: each["Weight"]
        for each in records["ResourceRecordSets"]
        if "SetIdentifier" in each
    }


def _a_migration_takes_its_steps(aws: Aws) -> None:
    """S3-X6: the steps in their order, and in no other."""

    def step(action: str) -> Any:
        told = aws.client("lambda", TARGET).invoke(
            FunctionName="web-local-migration",
            Payload=json.dumps({"action": action, "migration_id": "m1"}).encode(),
        )
        answer = json.loads(told["Payload"].read())
        return "refused" if "FunctionError" in told else answer["state"]

    assert [
        step(action)
        for action in (
            "status",
            "complete",
            "initiate",
            "initiate",
            "rollback",
            "initiate",
            "validate",
            "complete",
            "rollback",
            "status",
            "unknown",
        )
    ] == [
        "new",
        "refused",
        "initiated",
        "refused",
        "rolled_back",
        "initiated",
        "validated",
        "completed",
        "refused",
        "completed",
        "refused",
    ]


def test_a_shift_and_its_rollback(aws: Aws, deployment: Deployment) -> None:
    """S3-21, S3-26: steps are weights of DNS and nothing else, and each can be taken back."""
    zone = _zone(aws)
    keys = {"hosted_zone_id": zone, "domain_name": "api.example.com"}
    deployment.apply(wanted(aws, **keys))
    first = shift.steps(_settings(aws, keys))[0]

    shifted = wanted(aws, **keys, target_weight=first.after.target)
    changes = deployment.changes(shifted)
    deployment.apply(shifted)
    assert set(changes) == {"local-serverless-api-dns"}
    assert {each.resource_type for each in changes["local-serverless-api-dns"].changes} == {
        "AWS::Route53::RecordSet"
    }
    assert _weights(aws, zone) == {"old-region": 90, "new-region": 10}

    deployment.apply(wanted(aws, **keys, target_weight=first.inverse().after.target))
    assert _weights(aws, zone) == {"old-region": 100, "new-region": 0}


@pytest.mark.drill
@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_each_option_alone(aws: Aws, deployment: Deployment, option: str) -> None:
    """Each option deploys, leaves nothing to plan, and goes without a trace."""
    keys = dict(OPTIONS[option])
    if "hosted_zone_id" in keys:
        keys["hosted_zone_id"] = _zone(aws)
    if option == "foreign_api_account":
        deployment.apply(wanted(aws))
    made = wanted(aws, **keys)
    deployment.apply(made)
    assert not deployment.plan(made).has_work
    deployment.destroy(made)
