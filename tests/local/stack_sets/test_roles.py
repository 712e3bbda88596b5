"""Both roles are needed, must trust, and may have names of their own."""

from __future__ import annotations

import pytest

from tests.local.stack_sets.fleet import (
    ADMINISTRATION,
    CLOUDFORMATION,
    EXECUTION,
    Fleet,
    create_set,
    instance,
    make_administration_role,
    make_execution_role,
    operate,
    outcome,
    reasons,
    stacks,
    state,
    topics,
)
from tests.local_cloud import HOME, fresh_account

HERE = {"Regions": [HOME]}


@pytest.fixture
def bare(local_cloud):
    """Return two accounts and an administrator, none of which has a role."""
    return Fleet(local_cloud.url, fresh_account(), (fresh_account(), fresh_account()))


def untrusting(account: str) -> str:
    """Return the service's words for an execution role that can't be assumed."""
    return (
        f"Account {account} should have '{EXECUTION}' role with trust relationship to Role "
        f"'{ADMINISTRATION}'."
    )


def test_a_missing_execution_role_fails_its_target(bare):
    """Only the account without the role fails, with the service's reason."""
    one, two = bare.accounts
    make_administration_role(bare)
    make_execution_role(bare, two)
    create_set(bare, topics())
    done = operate(bare, "create_stack_instances", preferences={"FailureToleranceCount": 1}, **HERE)

    assert "SUCCEEDED" == done["Status"]
    assert {(one, HOME): "FAILED", (two, HOME): "SUCCEEDED"} == outcome(bare, done["OperationId"])
    assert [untrusting(one)] == reasons(bare, done["OperationId"], "FAILED")
    assert untrusting(one) == instance(bare, one)["StatusReason"]
    assert [] == stacks(bare, one)

    make_execution_role(bare, one)
    done = operate(bare, "create_stack_instances", Accounts=[one], **HERE)

    assert "SUCCEEDED" == done["Status"]


@pytest.mark.parametrize(
    ("trusted", "expected"),
    [
        ("{admin}", "SUCCEEDED"),
        ("arn:aws:iam::{admin}:root", "SUCCEEDED"),
        (f"arn:aws:iam::{{admin}}:role/{ADMINISTRATION}", "SUCCEEDED"),
        ("arn:aws:iam::{admin}:role/Other", "FAILED"),
        ("999999999999", "FAILED"),
    ],
)
def test_whom_an_execution_role_trusts(bare, trusted, expected):
    """The administrator account or its role, and nobody else."""
    one, _ = bare.accounts
    make_administration_role(bare)
    make_execution_role(bare, one, trusted=trusted.format(admin=bare.admin))
    create_set(bare, topics())
    done = operate(bare, "create_stack_instances", Accounts=[one], **HERE)

    assert expected == done["Status"]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {"trust": {"Service": "ec2.amazonaws.com"}},
        {"name": "Elsewhere"},
    ],
)
def test_an_administration_role_that_cloudformation_cannot_become(bare, wrong):
    """Missing, or trusting another service: every target fails and says so."""
    if wrong is not None:
        make_administration_role(bare, **wrong)
    for account in bare.accounts:
        make_execution_role(bare, account)
    create_set(bare, topics())
    done = operate(
        bare, "create_stack_instances", preferences={"FailureTolerancePercentage": 100}, **HERE
    )
    expected = (
        f"Account {bare.admin} should have '{ADMINISTRATION}' role with trust relationship to "
        "CloudFormation service."
    )

    assert [expected] * 2 == reasons(bare, done["OperationId"], "FAILED")


def test_an_administration_role_that_may_not_assume(bare):
    """Trust is not enough: the administration role's own policies must allow it too."""
    one, two = bare.accounts
    make_administration_role(bare, target=f"arn:aws:iam::{two}:role/{EXECUTION}")
    for account in bare.accounts:
        make_execution_role(bare, account)
    create_set(bare, topics())
    done = operate(bare, "create_stack_instances", preferences={"FailureToleranceCount": 1}, **HERE)

    assert {(one, HOME): "FAILED", (two, HOME): "SUCCEEDED"} == outcome(bare, done["OperationId"])
    assert [untrusting(one)] == reasons(bare, done["OperationId"], "FAILED")


def test_roles_of_other_names(bare):
    """A set may name its own pair of roles; a managed policy is as good as an inline one."""
    one, _ = bare.accounts
    iam = bare.of(bare.admin).client("iam")
    make_administration_role(bare, name="Boss", target="arn:aws:iam::*:role/Nobody")
    allowed = iam.create_policy(
        PolicyName="more",
        PolicyDocument=(
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
            '"Action": ["sts:*"], "Resource": ["arn:aws:iam::*:role/Worker"]}]}'
        ),
    )["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="Boss", PolicyArn=allowed)
    make_execution_role(bare, one, name="Worker")
    boss = f"arn:aws:iam::{bare.admin}:role/Boss"
    create_set(bare, topics(), AdministrationRoleARN=boss, ExecutionRoleName="Worker")
    done = operate(bare, "create_stack_instances", Accounts=[one], **HERE)

    assert "SUCCEEDED" == done["Status"]
    assert (done["AdministrationRoleARN"], done["ExecutionRoleName"]) == (boss, "Worker")


def test_a_deletion_needs_the_roles_but_not_to_retain(bare):
    """A role that went away makes the instance INOPERABLE, until its stack is retained."""
    one, _ = bare.accounts
    make_administration_role(bare, trust=CLOUDFORMATION)
    make_execution_role(bare, one)
    create_set(bare, topics())
    operate(bare, "create_stack_instances", Accounts=[one], **HERE)
    bare.of(one).client("iam").delete_role(RoleName=EXECUTION)
    failed = operate(bare, "delete_stack_instances", Accounts=[one], **HERE)

    assert [untrusting(one)] == reasons(bare, failed["OperationId"], "FAILED")
    assert ("INOPERABLE", "INOPERABLE") == state(bare, one)

    done = operate(bare, "delete_stack_instances", Accounts=[one], RetainStacks=True, **HERE)

    assert "SUCCEEDED" == done["Status"]
