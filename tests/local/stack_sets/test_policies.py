"""As much of IAM as two roles need."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.local.stack_sets.policies import Asked, allows

ROLE = "arn:aws:iam::222222222222:role/Execution"
ADMIN = "arn:aws:iam::111111111111:role/Admin"
NAMES = frozenset({ADMIN, "111111111111", "arn:aws:iam::111111111111:root"})
CONTEXT = {"aws:sourceaccount": "111111111111", "aws:sourcearn": "arn:aws:cloudformation:x:y"}


def document(**statement: Any) -> dict[str, Any]:
    """Return a document that allows sts:AssumeRole, or what else the statement says."""
    return {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", **statement}}


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"AWS": ADMIN}, True),
        ({"AWS": ["333333333333", "111111111111"]}, True),
        ({"AWS": "arn:aws:iam::111111111111:root"}, True),
        ({"AWS": "*"}, True),
        ("*", True),
        ({"AWS": "arn:aws:iam::111111111111:role/Other"}, False),
        ({"AWS": "333333333333"}, False),
        ({"Service": "cloudformation.amazonaws.com"}, False),
        (None, False),
    ],
)
def test_whom_a_trust_policy_names(principal, expected):
    """The role, its account in two forms, or everybody."""
    asked = Asked(ROLE, "AWS", NAMES)

    assert expected is allows([document(Principal=principal)], asked)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"Resource": ROLE}, True),
        ({"Resource": "arn:aws:iam::*:role/Execution"}, True),
        ({"Resource": ["arn:aws:iam::2222222222??:role/*"], "Action": "STS:assume*"}, True),
        ({"Resource": "*", "Action": "*"}, True),
        ({"Resource": "arn:aws:iam::*:role/Exec[a-z]*"}, False),
        ({"Resource": "arn:aws:iam::*:role/execution"}, False),
        ({"Resource": ROLE, "Action": "sts:TagSession"}, False),
        ({"Resource": ROLE, "Effect": "Deny"}, False),
        ({"NotResource": "arn:aws:iam::*:role/Other"}, True),
        ({"NotResource": "*"}, False),
        ({}, False),
    ],
)
def test_what_a_policy_covers(statement, expected):
    """Wildcards, exceptions, and letter case as IAM has them."""
    assert expected is allows([document(**statement)], Asked(ROLE))


def test_a_deny_wins():
    """Wherever it stands."""
    allow, deny = document(Resource="*"), document(Resource="*", Effect="Deny")

    assert allows([allow], Asked(ROLE))
    assert not allows([allow, deny], Asked(ROLE))
    assert not allows([deny, allow], Asked(ROLE))
    assert not allows([], Asked(ROLE))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"aws:SourceAccount": "111111111111"}}, True),
        ({"StringEquals": {"aws:SourceAccount": ["9", "111111111111"]}}, True),
        ({"StringEquals": {"aws:SourceAccount": "999999999999"}}, False),
        ({"StringNotEquals": {"aws:SourceAccount": "999999999999"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:cloudformation:*"}}, True),
        ({"StringLike": {"aws:SourceArn": "arn:aws:s3:*"}}, False),
        ({"StringEquals": {"sts:ExternalId": "secret"}}, False),
        ({"StringEqualsIfExists": {"sts:ExternalId": "secret"}}, True),
        ({"NumericLessThan": {"aws:SourceAccount": "5"}}, False),
    ],
)
def test_conditions(condition, expected):
    """What is not understood, or not there, is not met."""
    asked = Asked(ROLE, "AWS", NAMES, CONTEXT)
    trust = document(Principal={"AWS": ADMIN}, Condition=condition)

    assert expected is allows([trust], asked)
