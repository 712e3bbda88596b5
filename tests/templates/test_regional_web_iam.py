"""What the roles of S2 may do, and what they may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.templates.resolved import allows, seen, statements
from tests.templates.systems import ACCOUNT
from tests.templates.systems.regional_web import REGIONS, SYSTEM, rollout

FIRST = REGIONS[0]
KEY = f"arn:aws:kms:{FIRST}:{ACCOUNT}:key/Key-id"
SECRETS = f"arn:aws:secretsmanager:{FIRST}:{ACCOUNT}:secret"

# What a service lets nobody narrow: the statement's id, and why.
ANY_RESOURCE = {
    "JoinVpc": "Lambda asks for it before the interface has an id",
    "DrawPassword": "a random password is nobody's resource",
}


def roles(**keys: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every role of a rollout with the layer that makes it."""
    for stack in seen(rollout(**keys)).values():
        for role in stack.of("IAM::Role").values():
            yield stack.stack.template.layer, role


def role_of(layer: str, title: str, **keys: Any) -> Mapping[str, Any]:
    """Return one resolved role."""
    found: Mapping[str, Any] = seen(rollout(**keys))[layer][title]
    return found


def test_s2_7_instances_write_logs_and_metrics_and_no_more() -> None:
    """S2-7: CloudWatchAgentServerPolicy by a profile; EC2 alone; no policy of our own."""
    compute = seen(rollout())[f"compute/{FIRST}"]
    role = compute["InstanceRole"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert role["ManagedPolicyArns"] == ["arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"]
    assert "Policies" not in role
    assert "RoleName" not in role
    assert compute["InstanceRoleProfile"]["Roles"] == ["InstanceRole-id"]


def test_s2_7_there_is_no_role_for_the_database() -> None:
    """S2-7: without options the instances' role is the only one of a Region."""
    assert [layer for layer, _ in roles()] == ["compute"] * len(REGIONS)


def test_s2_x11_sessions_are_a_second_policy() -> None:
    """S2-X11: AmazonSSMManagedInstanceCore beside the agent's."""
    role = role_of(f"compute/{FIRST}", "InstanceRole", ssm_access=True)

    assert [arn.rpartition("/")[2] for arn in role["ManagedPolicyArns"]] == [
        "CloudWatchAgentServerPolicy",
        "AmazonSSMManagedInstanceCore",
    ]


def test_s2_x11_enhanced_monitoring_has_a_role_that_only_this_account_uses() -> None:
    """S2-X4, S2-X11: RDS's own policy, for RDS of this account."""
    role = role_of(f"postgres/{FIRST}", "DatabaseMonitoringRole", postgres="basic")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"Service": "monitoring.rds.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert role["ManagedPolicyArns"] == [
        "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
    ]


def test_s2_x6_instances_use_the_sessions_of_their_region_alone() -> None:
    """S2-X6: its items; not the table itself, not another table, not another Region's."""
    role = role_of(f"compute/{FIRST}", "InstanceRole", session_table=True)
    table = f"arn:aws:dynamodb:{FIRST}:{ACCOUNT}:table/web-prod-sessions"

    assert allows(role, "dynamodb:PutItem", table)
    assert allows(role, "dynamodb:Query", f"{table}/index/TimestampIndex")
    assert not allows(role, "dynamodb:DeleteTable", table)
    assert not allows(role, "dynamodb:PutItem", f"{table}-2")
    assert not allows(role, "dynamodb:PutItem", table.replace(FIRST, "us-west-2"))


def test_s2_x2_rotation_changes_the_one_secret() -> None:
    """S2-X2: draws, stores and promotes a password of this secret by its Region's key."""
    role = role_of(f"secret/{FIRST}", "RotationRole", secrets="regional")
    own = f"{SECRETS}:web-prod-app-{FIRST}-AbCdEf"
    by_service = {"kms:ViaService": f"secretsmanager.{FIRST}.amazonaws.com"}

    for action in (
        "DescribeSecret",
        "GetSecretValue",
        "PutSecretValue",
        "UpdateSecretVersionStage",
    ):
        assert allows(role, f"secretsmanager:{action}", own)
        assert not allows(role, f"secretsmanager:{action}", f"{SECRETS}:other-AbCdEf")
    assert not allows(role, "secretsmanager:DeleteSecret", own)
    assert allows(role, "kms:Decrypt", KEY, by_service)
    assert not allows(role, "kms:Decrypt", KEY)


def test_s2_x12_the_probe_joins_the_vpc_and_writes_its_log() -> None:
    """S2-X12: interfaces, and its own log group; it reads nothing."""
    role = role_of(f"probe/{FIRST}", "ProbeRole", vpc_lambda=True)
    group = f"arn:aws:logs:{FIRST}:{ACCOUNT}:log-group:/aws/lambda/web-prod-probe:*"

    assert allows(role, "ec2:CreateNetworkInterface", "*")
    assert allows(role, "logs:PutLogEvents", group)
    assert not allows(role, "logs:CreateLogGroup", group)
    assert not allows(role, "ec2:RunInstances", "*")


@pytest.mark.parametrize("choice", ["all", "secrets", "vpc_lambda", "session_table"])
def test_q_1_no_role_has_a_wildcard_without_a_reason(choice: str) -> None:
    """Q-1, S2-7: no action is open; `*` as a resource only where nothing else is possible."""
    for _, role in roles(**SYSTEM.choices[choice]):
        for statement in statements({"Policies": [], **role}):
            assert not [action for action in statement["Action"] if "*" in action]
            if statement["Resource"] == ["*"]:
                assert statement["Sid"] in ANY_RESOURCE
