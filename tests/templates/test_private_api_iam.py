"""What the roles of S1 may do and, more to the point, what they may not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.templates.resolved import Seen, allows, seen, statements
from tests.templates.systems import ACCOUNT
from tests.templates.systems.private_api import ALL_ON, REGIONS, rollout

LAYERS = seen(rollout(**ALL_ON))
HOME = LAYERS["regional/us-east-1"]

SECURE = f"arn:aws:s3:::private-api-us-east-1-secure-bucket-{ACCOUNT}"
TRAIL = f"arn:aws:s3:::private-api-us-east-1-trail-logs-{ACCOUNT}"
CONFIG = f"arn:aws:s3:::private-api-us-east-1-config-logs-{ACCOUNT}"
LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/Key-id"

# What no narrower resource can be said of, by role and action: the reason is beside each role.
WIDE = {
    ("PasswordFunctionRole", "iam:GetAccountPasswordPolicy"),
    ("PasswordFunctionRole", "iam:UpdateAccountPasswordPolicy"),
    ("PasswordFunctionRole", "iam:DeleteAccountPasswordPolicy"),
}

# Services that are not known to say for whom they assume a role.
UNBOUND = {"lambda.amazonaws.com", "apigateway.amazonaws.com"}


def roles() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every role, each title once for each Region."""
    for layer in LAYERS.values():
        yield from layer.of("IAM::Role").items()


def test_there_are_as_many_roles_as_are_known() -> None:
    """A new role must be looked at here."""
    assert {title for title, _ in roles()} == {
        *("ApiGatewayRole", "ConfigRole", "EmptyBucketRole", "FlowLogRole", "FrontFunctionRole"),
        *("PasswordFunctionRole", "RemediationRole", "TrailRole"),
    }


def test_no_policy_has_a_wildcard_action_or_is_for_everything() -> None:
    """S1-17: least privilege; the exceptions are actions that know no resource."""
    for title, role in roles():
        for statement in statements(role):
            assert not [action for action in statement["Action"] if "*" in action], title
            if "*" in statement["Resource"]:
                assert {(title, action) for action in statement["Action"]} <= WIDE


def test_a_service_acts_for_this_account_only() -> None:
    """S1-17: the confused deputy; where a service does not say for whom, it is named above."""
    for title, role in roles():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert (trust["Action"], set(trust["Principal"])) == (["sts:AssumeRole"], {"Service"})
        if trust["Principal"]["Service"] in UNBOUND:
            assert "Condition" not in trust
        else:
            assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT, title


def test_every_policy_has_the_language_version() -> None:
    """Without it IAM reads the language of 2008, which knows no policy variables."""
    for layer in LAYERS.values():
        text = json.dumps(layer.resources)
        assert text.count('"Statement"') == text.count('"Version": "2012-10-17"')


@pytest.mark.parametrize("region", REGIONS)
def test_nobody_outside_is_granted_anything(region: str) -> None:
    """Buckets and keys let in the account, and services under a condition."""
    layer: Seen = LAYERS[f"regional/{region}"]
    policies = [
        *(policy["PolicyDocument"] for policy in layer.of("S3::BucketPolicy").values()),
        *(key["KeyPolicy"] for key in layer.of("KMS::Key").values()),
        *(policy["PolicyDocument"] for policy in layer.of("SNS::TopicPolicy").values()),
    ]
    for statement in (each for policy in policies for each in policy["Statement"]):
        if statement["Effect"] == "Allow" and "Service" in statement["Principal"]:
            assert statement["Condition"]
        elif statement["Effect"] == "Allow":
            assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


# Role by role: (role, action, resource) -----------------------------------------------------------

CAN = [
    ("EmptyBucketRole", "s3:ListBucketVersions", SECURE),
    ("EmptyBucketRole", "s3:ListBucketMultipartUploads", SECURE),
    ("EmptyBucketRole", "s3:DeleteObject", f"{SECURE}/a"),
    ("EmptyBucketRole", "s3:DeleteObjectVersion", f"{SECURE}/a"),
    ("EmptyBucketRole", "s3:AbortMultipartUpload", f"{SECURE}/a"),
    ("EmptyBucketRole", "logs:PutLogEvents", f"{LOGS}:/aws/lambda/private-api-empty-bucket:x"),
    (
        "TrailRole",
        "logs:PutLogEvents",
        f"{LOGS}:/aws/cloudtrail/private-api-us-east-1:log-stream:{ACCOUNT}_CloudTrail_us-east-1",
    ),
    ("ConfigRole", "s3:PutObject", f"{CONFIG}/AWSLogs/{ACCOUNT}/Config/x"),
    ("ConfigRole", "s3:GetBucketAcl", CONFIG),
    ("ConfigRole", "kms:GenerateDataKey", KEY),
    ("FlowLogRole", "logs:PutLogEvents", f"{LOGS}:/aws/vpc/flowlogs/private-api:x"),
    ("FrontFunctionRole", "logs:PutLogEvents", f"{LOGS}:/aws/lambda/private-api-front:x"),
]
CANNOT = [
    ("EmptyBucketRole", "s3:GetObject", f"{SECURE}/a"),
    ("EmptyBucketRole", "s3:PutObject", f"{SECURE}/a"),
    ("EmptyBucketRole", "s3:DeleteBucket", SECURE),
    ("EmptyBucketRole", "s3:BypassGovernanceRetention", f"{SECURE}/a"),
    ("EmptyBucketRole", "s3:DeleteObjectVersion", f"{SECURE}-too/a"),
    ("EmptyBucketRole", "s3:DeleteObjectVersion", f"{TRAIL}/a"),
    ("EmptyBucketRole", "s3:ListBucketVersions", TRAIL),
    ("EmptyBucketRole", "logs:CreateLogGroup", f"{LOGS}:/aws/lambda/private-api-empty-bucket"),
    ("TrailRole", "logs:PutLogEvents",
     f"{LOGS}:/aws/apigateway/private-api-us-east-1:log-stream:{ACCOUNT}_CloudTrail_us-east-1"),
    ("TrailRole", "logs:PutLogEvents",
     f"{LOGS}:/aws/cloudtrail/private-api-us-east-1:log-stream:somebody"),
    ("TrailRole", "logs:DeleteLogStream",
     f"{LOGS}:/aws/cloudtrail/private-api-us-east-1:log-stream:{ACCOUNT}_CloudTrail_us-east-1"),
    ("ConfigRole", "s3:PutObject", f"{CONFIG}/AWSLogs/999999999999/Config/x"),
    ("ConfigRole", "s3:PutObject", f"{TRAIL}/AWSLogs/{ACCOUNT}/Config/x"),
    ("ConfigRole", "s3:DeleteObject", f"{CONFIG}/AWSLogs/{ACCOUNT}/Config/x"),
    ("ConfigRole", "kms:Decrypt", KEY.replace("us-east-1", "us-west-2")),
    ("FlowLogRole", "logs:PutLogEvents", f"{LOGS}:/aws/apigateway/private-api-us-east-1:x"),
    ("FrontFunctionRole", "logs:PutLogEvents", f"{LOGS}:/aws/lambda/private-api-empty-bucket:x"),
    ("FrontFunctionRole", "execute-api:Invoke", "arn:aws:execute-api:us-east-1:x:y/prod/GET/"),
]  # fmt: skip


@pytest.mark.parametrize(("role", "action", "resource"), CAN)
def test_a_role_can_do_its_work(role: str, action: str, resource: str) -> None:
    """S1-17, L-5, S1-X1, S1-X2, S1-X6, S1-X8: what each is there for."""
    assert allows(HOME[role], action, resource)


@pytest.mark.parametrize(("role", "action", "resource"), CANNOT)
def test_a_role_can_do_nothing_else(role: str, action: str, resource: str) -> None:
    """S1-17: what a thief of the role would try."""
    assert not allows(HOME[role], action, resource)


def test_remediation_closes_buckets_of_this_account_and_does_nothing_else() -> None:
    """S1-X3: any bucket, for it is not known which; nobody else's, and no policy or object."""
    role, bucket = HOME["RemediationRole"], "arn:aws:s3:::some-bucket"
    own, other = {"aws:ResourceAccount": ACCOUNT}, {"aws:ResourceAccount": "999999999999"}

    assert allows(role, "s3:PutBucketPublicAccessBlock", bucket, own)
    assert not allows(role, "s3:PutBucketPublicAccessBlock", bucket, other)
    for action in ("PutBucketPolicy", "DeleteBucket", "PutAccountPublicAccessBlock", "GetObject"):
        assert not allows(role, f"s3:{action}", bucket, own)


def test_the_password_function_may_only_decide_about_passwords() -> None:
    """S1-13, L-2: three calls of IAM and its own log."""
    role = LAYERS["account"]["PasswordFunctionRole"]

    for verb in ("Get", "Update", "Delete"):
        assert allows(role, f"iam:{verb}AccountPasswordPolicy", "*")
    for action in ("iam:CreateUser", "iam:UpdateLoginProfile", "iam:PassRole", "sts:AssumeRole"):
        assert not allows(role, action, "*")


def test_api_gateways_role_has_the_managed_policy_alone() -> None:
    """S1-8: nothing inline widens what AWS says that logging needs."""
    role = LAYERS["api-account/us-west-2"]["ApiGatewayRole"]

    assert list(statements(role)) == []
    assert len(role["ManagedPolicyArns"]) == 1
