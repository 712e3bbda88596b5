"""What the roles of S3 may do and, more to the point, what they may not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.templates.resolved import Seen, allows, statements
from tests.templates.systems import ACCOUNT
from tests.templates.systems.serverless_api import (
    ALL_ON,
    SOURCE,
    SOURCE_BUCKET,
    TABLE,
    TARGET,
    TARGET_BUCKET,
    layers,
)

FROM, TO = f"arn:aws:s3:::{SOURCE_BUCKET}", f"arn:aws:s3:::{TARGET_BUCKET}"
ACTIONS = {
    f"dynamodb:{name}"
    for name in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan")
}


def table_in(region: str, name: str = TABLE) -> str:
    return f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{name}"


def logs_in(region: str, name: str = "web-prod-items") -> str:
    return f"arn:aws:logs:{region}:{ACCOUNT}:log-group:/aws/lambda/{name}:log-stream:x"


@pytest.fixture(scope="module")
def default() -> Mapping[str, Seen]:
    """Return the stacks with all options off."""
    return layers()


@pytest.fixture(scope="module")
def everything() -> Mapping[str, Seen]:
    """Return the stacks with every option on."""
    return layers(**ALL_ON)


def roles(found: Mapping[str, Seen]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every role with inline policies."""
    for layer in found.values():
        for title, role in layer.of("IAM::Role").items():
            if "Policies" in role:
                yield title, role


# Every role -------------------------------------------------------------------------------------


def test_no_identity_policy_has_a_wildcard_action(everything: Mapping[str, Seen]) -> None:
    """S3-26: a star grants tomorrow's actions too."""
    for title, role in roles(everything):
        for statement in statements(role):
            assert not [action for action in statement["Action"] if "*" in action], title


def test_no_identity_policy_is_for_everything(everything: Mapping[str, Seen]) -> None:
    """S3-2, S3-26, Q-4: no `*` to fall back on; X-Ray alone knows no narrower resource."""
    for title, role in roles(everything):
        for statement in statements(role):
            wide = "*" in statement["Resource"]
            assert wide == (statement["Sid"] == "SendTraces"), title


def test_every_policy_has_the_language_version(everything: Mapping[str, Seen]) -> None:
    """Without it IAM reads the language of 2008."""
    for layer in everything.values():
        text = json.dumps(layer.resources)
        assert text.count('"Statement"') == text.count('"Version": "2012-10-17"')


@pytest.mark.parametrize(
    ("layer", "title", "service"),
    [
        ("app", "FunctionRole", "lambda"),
        ("app-source", "ReplicationRole", "s3"),
        ("app-source", "BatchRole", "batchoperations.s3"),
        ("migration", "FunctionRole", "lambda"),
        ("api-account/us-west-2", "ApiGatewayRole", "apigateway"),
    ],
)
def test_each_role_is_for_one_service(
    everything: Mapping[str, Seen], layer: str, title: str, service: str
) -> None:
    """S3-3, S3-4, S3-5: nobody else assumes it. None of them is known to name its caller."""
    (trust,) = everything[layer][title]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert trust["Action"] == ["sts:AssumeRole"]


# The function -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("layer", "region"), [("app", TARGET), ("app-source", SOURCE)])
def test_s3_3_the_function_has_exactly_six_actions_on_its_regions_table(
    default: Mapping[str, Seen], layer: str, region: str
) -> None:
    """S3-3: on the table and its indexes, by an ARN made of the name."""
    role = default[layer]["FunctionRole"]
    (items,) = (each for each in statements(role) if each["Sid"] == "UseItems")

    assert set(items["Action"]) == ACTIONS
    assert items["Resource"] == [table_in(region), f"{table_in(region)}/index/*"]


@pytest.mark.parametrize("action", ["logs:CreateLogStream", "logs:PutLogEvents"])
def test_s3_3_the_function_writes_to_its_own_log_group(
    default: Mapping[str, Seen], action: str
) -> None:
    """S3-3: to that group and to no other."""
    role = default["app"]["FunctionRole"]

    assert allows(role, action, logs_in(TARGET))
    assert not allows(role, action, logs_in(TARGET, "another"))
    assert not allows(role, action, logs_in(SOURCE))


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("logs:CreateLogGroup", logs_in(TARGET)),
        ("dynamodb:GetItem", table_in(SOURCE)),
        ("dynamodb:GetItem", table_in(TARGET, "another")),
        ("dynamodb:DeleteTable", table_in(TARGET)),
        ("dynamodb:DescribeTable", table_in(TARGET)),
        ("s3:GetObject", f"{TO}/a"),
        ("sqs:SendMessage", f"arn:aws:sqs:{TARGET}:{ACCOUNT}:FunctionDeadLetters"),
    ],
)
def test_s3_3_the_function_may_do_nothing_else(
    default: Mapping[str, Seen], action: str, resource: str
) -> None:
    """S3-3: not in the other Region, not to the table itself, not to anything of an option."""
    assert not allows(default["app"]["FunctionRole"], action, resource)


def test_s3_x1_the_function_sends_to_its_own_queue(everything: Mapping[str, Seen]) -> None:
    """S3-X1: before Lambda asks whether it may."""
    role = everything["app"]["FunctionRole"]

    queue = f"arn:aws:sqs:{TARGET}:{ACCOUNT}:FunctionDeadLetters"
    assert allows(role, "sqs:SendMessage", queue)
    assert not allows(role, "sqs:SendMessage", f"arn:aws:sqs:{TARGET}:{ACCOUNT}:another")
    assert not allows(role, "sqs:ReceiveMessage", queue)


def test_s3_x4_the_function_sends_traces_only_with_the_option(
    default: Mapping[str, Seen], everything: Mapping[str, Seen]
) -> None:
    """S3-X4: two actions more."""
    for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
        assert allows(everything["app"]["FunctionRole"], action, "*")
        assert not allows(default["app"]["FunctionRole"], action, "*")


def test_s3_x6_the_migration_function_keeps_states_and_looks_at_the_table(
    everything: Mapping[str, Seen],
) -> None:
    """S3-X6: it never touches an item of the application."""
    role = everything["migration"]["FunctionRole"]
    states = table_in(TARGET, "web-prod-migration")

    assert allows(role, "dynamodb:PutItem", states)
    assert allows(role, "dynamodb:GetItem", states)
    assert allows(role, "dynamodb:DescribeTable", table_in(TARGET))
    assert not allows(role, "dynamodb:DeleteItem", states)
    assert not allows(role, "dynamodb:PutItem", table_in(TARGET))
    assert not allows(role, "dynamodb:GetItem", table_in(TARGET))


# Replication ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetReplicationConfiguration", FROM),
        ("s3:ListBucket", FROM),
        ("s3:GetObjectVersionForReplication", f"{FROM}/a"),
        ("s3:GetObjectVersionAcl", f"{FROM}/a"),
        ("s3:GetObjectVersionTagging", f"{FROM}/a"),
        ("s3:ReplicateObject", f"{TO}/a"),
        ("s3:ReplicateDelete", f"{TO}/a"),
        ("s3:ReplicateTags", f"{TO}/a"),
    ],
)
def test_s3_5_the_replication_role_copies(
    default: Mapping[str, Seen], action: str, resource: str
) -> None:
    """S3-5: what a copy needs."""
    assert allows(default["app-source"]["ReplicationRole"], action, resource)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"{FROM}/a"),
        ("s3:PutObject", f"{TO}/a"),
        ("s3:DeleteObject", f"{FROM}/a"),
        ("s3:ReplicateObject", f"{FROM}/a"),
        ("s3:ReplicateObject", "arn:aws:s3:::another/a"),
        ("s3:ListBucket", TO),
        ("kms:Decrypt", f"arn:aws:kms:{SOURCE}:{ACCOUNT}:key/Key-id"),
    ],
)
def test_s3_5_the_replication_role_does_nothing_else(
    default: Mapping[str, Seen], action: str, resource: str
) -> None:
    """S3-5: neither the other way round nor elsewhere; no key, for there is none."""
    assert not allows(default["app-source"]["ReplicationRole"], action, resource)


def test_s3_5_the_target_has_no_such_role(default: Mapping[str, Seen]) -> None:
    """S3-5: it copies nothing."""
    assert "ReplicationRole" not in default["app"].resources
