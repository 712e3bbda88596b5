"""What the roles may do and, more to the point, what they may not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from awacs import logs as awacs_logs

from tests.templates.resolved import Seen, allows, seen, statements
from tests.templates.systems import ACCOUNT
from tests.templates.systems import replicated_storage as names
from tests.templates.systems.replicated_storage import ALL_ON, AWAY_KEY, HOME_KEY, rollout

PRIMARY, DESTINATION = (f"arn:aws:s3:::{name}" for name in (names.PRIMARY, names.DESTINATION))
OURS = "arn:aws:s3:::tap-"
LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group"


def through_s3(region: str, arn: str) -> dict[str, str]:
    """Return the condition keys of a request that S3 makes to KMS."""
    return {
        "kms:ViaService": f"s3.{region}.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": arn,
    }


def roles(**keys: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every role of a rollout."""
    for layer in seen(rollout(**keys)).values():
        yield from layer.of("IAM::Role").items()


# Every role -------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [{}, ALL_ON], ids=["off", "all"])
def test_no_identity_policy_has_a_wildcard_action(keys: Mapping[str, Any]) -> None:
    """A star grants tomorrow's actions too."""
    for title, role in roles(**keys):
        for statement in statements(role):
            assert not [action for action in statement["Action"] if "*" in action], title


@pytest.mark.parametrize("keys", [{}, ALL_ON], ids=["off", "all"])
def test_no_identity_policy_is_for_everything(keys: Mapping[str, Any]) -> None:
    """Every resource names its service, and its account or its bucket.

    No exception is needed: logs:DescribeLogGroups, which has no narrower resource than all groups
    of a Region, is bound to this account's.
    """
    for title, role in roles(**keys):
        for statement in statements(role):
            for resource in statement["Resource"]:
                assert resource.startswith(
                    (PRIMARY, DESTINATION, OURS, HOME_KEY, AWAY_KEY, f"{LOGS}:")
                ), title
                wide = resource == f"{LOGS}:*"
                assert wide == (statement["Action"] == ["logs:DescribeLogGroups"])


# Service principals that cannot be bound to the account: why is said beside each.
UNBOUND = {
    # S3 replication: whether it sends aws:SourceArn is not documented.
    "s3.amazonaws.com",
    # EC2 assumes an instance's role without naming a source.
    "ec2.amazonaws.com",
}

# What AWS lets bind to an account, but to no ARN that is known beforehand.
WITHOUT_ARN = {"monitoring.rds.amazonaws.com", "config.amazonaws.com"}


@pytest.mark.parametrize("keys", [{}, ALL_ON], ids=["off", "all"])
def test_a_service_acts_for_this_account_only(keys: Mapping[str, Any]) -> None:
    """The confused deputy: trust carries the source account and the source ARN."""
    for title, role in roles(**keys):
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Action"] == ["sts:AssumeRole"]
        assert set(trust["Principal"]) == {"Service"}
        if trust["Principal"]["Service"] in UNBOUND:
            assert "Condition" not in trust
            continue
        assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT, title
        if trust["Principal"]["Service"] not in WITHOUT_ARN:
            assert f":{ACCOUNT}:" in trust["Condition"]["ArnLike"]["aws:SourceArn"]


@pytest.mark.parametrize("keys", [{}, ALL_ON], ids=["off", "all"])
def test_every_policy_has_the_language_version(keys: Mapping[str, Any]) -> None:
    """Without it IAM reads the language of 2008, which knows no policy variables."""
    for layer in seen(rollout(**keys)).values():
        text = json.dumps(layer.resources)
        assert text.count('"Statement"') == text.count('"Version": "2012-10-17"')


def test_nobody_outside_the_account_is_granted_anything(everything: Mapping[str, Seen]) -> None:
    """Resource policies allow the account's root, and services under a condition."""
    for layer in everything.values():
        policies = [
            *(policy["PolicyDocument"] for policy in layer.of("S3::BucketPolicy").values()),
            *(key["KeyPolicy"] for key in layer.of("KMS::Key").values()),
            *(key["KeyPolicy"] for key in layer.of("KMS::ReplicaKey").values()),
        ]
        for statement in (each for policy in policies for each in policy["Statement"]):
            if statement["Effect"] == "Allow" and "Service" in statement["Principal"]:
                assert statement["Condition"]
            elif statement["Effect"] == "Allow":
                assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


# The replication role ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "resource", "given"),
    [
        ("s3:GetReplicationConfiguration", PRIMARY, {}),
        ("s3:ListBucket", PRIMARY, {}),
        ("s3:GetObjectVersionForReplication", f"{PRIMARY}/a", {}),
        ("s3:GetObjectVersionAcl", f"{PRIMARY}/a", {}),
        ("s3:GetObjectVersionTagging", f"{PRIMARY}/a", {}),
        ("s3:ReplicateObject", f"{DESTINATION}/a", {}),
        ("s3:ReplicateDelete", f"{DESTINATION}/a", {}),
        ("s3:ReplicateTags", f"{DESTINATION}/a", {}),
        # The context is the object's ARN, or the bucket's where a bucket key is in play.
        ("kms:Decrypt", HOME_KEY, through_s3("us-east-1", PRIMARY)),
        ("kms:Decrypt", HOME_KEY, through_s3("us-east-1", f"{PRIMARY}/a")),
        ("kms:Encrypt", AWAY_KEY, through_s3("us-west-2", f"{DESTINATION}/a")),
        ("kms:GenerateDataKey", AWAY_KEY, through_s3("us-west-2", DESTINATION)),
        ("kms:Decrypt", AWAY_KEY, through_s3("us-west-2", DESTINATION)),
    ],
)
def test_the_replication_role_can_copy(
    default: Mapping[str, Seen], action: str, resource: str, given: Mapping[str, str]
) -> None:
    """S0-10: what replication of encrypted objects needs."""
    assert allows(default["storage"]["ReplicationRole"], action, resource, given)


@pytest.mark.parametrize(
    ("action", "resource", "given"),
    [
        # It cannot read an object as a person would, nor change the source.
        ("s3:GetObject", f"{PRIMARY}/a", {}),
        ("s3:PutObject", f"{PRIMARY}/a", {}),
        ("s3:DeleteObject", f"{PRIMARY}/a", {}),
        ("s3:PutReplicationConfiguration", PRIMARY, {}),
        ("s3:ReplicateObject", f"{PRIMARY}/a", {}),
        # It cannot read back what it wrote, nor write otherwise than by replication.
        ("s3:GetObjectVersionForReplication", f"{DESTINATION}/a", {}),
        ("s3:PutObject", f"{DESTINATION}/a", {}),
        ("s3:DeleteObject", f"{DESTINATION}/a", {}),
        ("s3:ObjectOwnerOverrideToBucketOwner", f"{DESTINATION}/a", {}),
        # No other bucket.
        ("s3:ReplicateObject", "arn:aws:s3:::somebody-elses-bucket/a", {}),
        ("s3:ListBucket", DESTINATION, {}),
        ("s3:GetObjectVersionForReplication", f"{PRIMARY}-too/a", {}),
        ("s3:ReplicateObject", f"{DESTINATION}-too/a", {}),
        # No key but through S3, of the key's Region, for these buckets.
        ("kms:Decrypt", HOME_KEY, {}),
        ("kms:Decrypt", HOME_KEY, through_s3("us-west-2", PRIMARY)),
        ("kms:Decrypt", HOME_KEY, through_s3("us-east-1", "arn:aws:s3:::another")),
        ("kms:Encrypt", HOME_KEY, through_s3("us-east-1", PRIMARY)),
        ("kms:GenerateDataKey", AWAY_KEY, {}),
        ("kms:GenerateDataKey", AWAY_KEY, through_s3("us-east-1", DESTINATION)),
        ("kms:GenerateDataKey", AWAY_KEY, through_s3("us-west-2", PRIMARY)),
        ("kms:CreateGrant", AWAY_KEY, through_s3("us-west-2", DESTINATION)),
        ("kms:ScheduleKeyDeletion", AWAY_KEY, through_s3("us-west-2", DESTINATION)),
    ],
)
def test_the_replication_role_can_do_nothing_else(
    default: Mapping[str, Seen], action: str, resource: str, given: Mapping[str, str]
) -> None:
    """What a thief of the role would try."""
    assert not allows(default["storage"]["ReplicationRole"], action, resource, given)


def test_the_role_is_no_part_of_a_cycle() -> None:
    """The bucket needs the role; the role names the bucket by its computed name alone."""
    (stack,) = [each for each in rollout().stacks if each.template.layer == "storage"]
    role = stack.template.document["Resources"]["ReplicationRole"]

    assert "PrimaryBucket" not in json.dumps(role)


# The flow-log roles -----------------------------------------------------------------------------

FLOW_LOGS = [
    ("RejectFlowLogRole", "/aws/tap-stack/flow-rejects", "/aws/infrastructure/tap/production"),
    ("FlowLogRole", "/aws/infrastructure/tap/production", "/aws/tap-stack/flow-rejects"),
]


@pytest.mark.parametrize(("title", "own", "other"), FLOW_LOGS)
def test_a_flow_log_writes_to_its_own_group_and_no_other(
    everything: Mapping[str, Seen], title: str, own: str, other: str
) -> None:
    """S0-X5: the row's actions, on one group."""
    role = everything["network"][title]

    for action in ("CreateLogGroup", "CreateLogStream", "PutLogEvents", "DescribeLogStreams"):
        assert allows(role, f"logs:{action}", f"{LOGS}:{own}:log-stream:eni")
        assert not allows(role, f"logs:{action}", f"{LOGS}:{other}:log-stream:eni")
    assert allows(role, "logs:DescribeLogGroups", f"{LOGS}:{own}")


@pytest.mark.parametrize(("title", "own", "other"), FLOW_LOGS)
def test_a_flow_log_reads_and_deletes_nothing(
    everything: Mapping[str, Seen], title: str, own: str, other: str
) -> None:
    """Records are written once; the role that writes them can't hide them."""
    role = everything["network"][title]
    written = {"CreateLogGroup", "CreateLogStream", "PutLogEvents"}
    found = {"DescribeLogGroups", "DescribeLogStreams"}
    known = {
        action.action
        for action in vars(awacs_logs).values()
        if isinstance(action, awacs_logs.Action) and action.action
    }

    granted = {action for action in known if allows(role, f"logs:{action}", f"{LOGS}:{own}:x")}
    assert granted == written | found
    assert other != own
