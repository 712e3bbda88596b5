"""The deployer's roles: they allow every call that the code makes, and no other."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

import tapcfn.aws
from tapcfn import roles
from tapcfn.model import (
    Action,
    CopyDatabaseSnapshot,
    Move,
    Phase,
    PromoteCanary,
    ReplicateObjects,
    ResetPassword,
    Rollout,
    SetReadOnly,
    StackSet,
    Target,
)
from tapcfn.notice_settings import Notifications
from tapcfn.roles import (
    LONGEST,
    Scope,
    apply_policy,
    execution_policy,
    moves_policy,
    plan_policy,
    scopes,
)
from tapcfn.roles import (
    calls as calls_of,
)
from tapcfn.stack_options import StackOptions
from tests.fakes import AWAY, HOME, a_rollout, a_stack, a_template

DOOR = Path(str(tapcfn.aws.__file__)).parent


def words() -> Iterator[str]:
    """Yield every attribute and every text in the only package that talks to boto3."""
    for path in sorted(DOOR.glob("**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                yield node.attr
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def calls() -> set[str]:
    """Return the calls that the package mentions, of all services that it mentions.

    Clients are asked by attribute, and by name where pages are read or calls stand in a table:
    each mention is taken for a call.
    """
    session = botocore.session.Session()
    mentioned = set(words())
    services = mentioned & set(session.get_available_services())
    known = {
        xform_name(name)
        for service in services
        for name in session.get_service_model(service).operation_names
    }
    return mentioned & known


def test_every_call_has_its_permission_and_no_permission_is_idle():
    """A new call must be named in the tables; a call that is gone must leave them."""
    tabled = [name for table in roles.TABLES for name in table]

    assert calls() == set(tabled)
    assert len(set(tabled)) == len(tabled)


def test_every_action_is_one_of_its_service():
    """CloudFormation's actions are named as its operations are."""
    model = botocore.session.Session().get_service_model("cloudformation")
    actions = {
        action.partition(":")[2]
        for table in roles.TABLES
        for found in table.values()
        for action in found
        if action.startswith("cloudformation:")
    }

    assert set() == actions - set(model.operation_names)


def actions_of(policy: Any) -> set[str]:
    return {action for each in policy["Statement"] for action in each["Action"]}


def statement(policy: Any, name: str) -> Any:
    (found,) = (each for each in policy["Statement"] if each["Sid"] == name)
    return found


def test_the_role_that_plans_changes_nothing_that_is_deployed():
    """It stages change sets; it carries out none, lifts no protection and empties no bucket."""
    extra = actions_of(apply_policy(Scope())) - actions_of(plan_policy(Scope()))

    assert {
        "cloudformation:ExecuteChangeSet",
        "cloudformation:UpdateTerminationProtection",
        "s3:DeleteObjectVersion",
    } <= extra
    assert {"cloudformation:CreateChangeSet"} & actions_of(plan_policy(Scope()))


def test_the_roles_are_narrowed_to_a_rollout():
    """Its account, stacks, Regions, bucket; change sets of ours; no service role."""
    rollout = a_rollout(a_stack("one"), a_stack("two", target=AWAY))
    (scope,) = scopes(rollout, "artifacts-{account}-{region}")
    policy = apply_policy(scope)
    stage = statement(policy, "Stage")

    assert [
        "arn:aws:cloudformation:*:111111111111:stack/one/*",
        "arn:aws:cloudformation:*:111111111111:stack/two/*",
    ] == stage["Resource"]
    assert stage["Condition"]["StringEquals"] == {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}
    assert "tapcfn-*" in stage["Condition"]["StringLike"]["cloudformation:ChangeSetName"]
    assert stage["Condition"]["Null"] == {"cloudformation:RoleArn": "true"}
    assert statement(policy, "HandOverTemplates")["Resource"] == [
        "arn:aws:s3:::artifacts-111111111111-*/templates/*"
    ]
    assert statement(policy, "EmptyNamedBuckets")["Condition"]["StringEquals"] == {
        "aws:ResourceAccount": "111111111111"
    }
    assert all(
        each["Resource"] != ["*"] or each["Sid"].startswith("Look") for each in policy["Statement"]
    )


def test_who_applies_tells_by_the_topic_and_the_secret_that_settings_name():
    """No other topic and no other secret, in the account where each is; who plans tells nobody."""
    wanted = Notifications(
        slack_secret="deploy/slack",
        topic_arn="arn:aws:sns:eu-west-1:222222222222:deployments",
    )
    here, there = scopes(a_rollout(a_stack("one", target=HOME)), None, wanted.arns(HOME))
    policy = apply_policy(here)

    assert statement(policy, "ReadUrl")["Resource"] == [
        "arn:aws:secretsmanager:us-east-1:111111111111:secret:deploy/slack-??????"
    ]
    assert statement(policy, "ReadUrl")["Action"] == ["secretsmanager:GetSecretValue"]
    assert "Tell" not in {each["Sid"] for each in policy["Statement"]}
    assert statement(apply_policy(there), "Tell")["Resource"] == [wanted.topic_arn]
    assert "sns:Publish" not in actions_of(plan_policy(there))


def test_an_administrator_spreads_its_own_sets_only():
    """Those of the rollout, with the role that it gives to the service; it has no stacks."""
    home = Target("333333333333", "eu-west-1")
    baseline = StackSet("baseline", home, a_template(resources={"Vpc": "AWS::EC2::VPC"}))
    rollout = Rollout("blue", "test", (Phase("all", (a_stack("one"),), (baseline,)),))
    stacks, sets = scopes(rollout, None)
    policy = apply_policy(sets)

    assert [
        "arn:aws:cloudformation:*:*:stackset/baseline:*",
        "arn:aws:cloudformation:*:*:stackset-target/baseline:*",
        "arn:aws:cloudformation:*:*:type/resource/*",
    ] == statement(policy, "Spread")["Resource"]
    assert {"aws:RequestedRegion": ["eu-west-1"]} == statement(policy, "Spread")["Condition"][
        "StringEquals"
    ]
    assert ["arn:aws:iam::333333333333:role/AWSCloudFormationStackSetAdministrationRole"] == (
        statement(policy, "PassAdministrationRole")["Resource"]
    )
    assert "Condition" not in statement(policy, "LookAtOrganization")
    assert not {"Stage", "CarryOut", "Protect"} & {each["Sid"] for each in policy["Statement"]}
    assert not any("StackSet" in action for action in actions_of(apply_policy(stacks)))
    assert "ec2:CreateVpc" in actions_of(execution_policy(rollout)[0])


def test_who_plans_changes_no_stack_set():
    """It looks at them; the rest is for who applies."""
    extra = actions_of(apply_policy(Scope())) - actions_of(plan_policy(Scope()))

    assert {action for found in calls_of.SPREADS.values() for action in found} <= extra
    assert "cloudformation:ListStackInstances" in actions_of(plan_policy(Scope()))


def test_a_service_role_may_be_passed_where_the_settings_name_one():
    """To CloudFormation, and no other role."""
    role = "arn:aws:iam::111111111111:role/service"
    stack = replace(a_stack("one"), options=StackOptions(service_role=role))
    policy = plan_policy(scopes(a_rollout(stack), None)[0])

    assert role in statement(policy, "PassServiceRole")["Resource"]
    condition = statement(policy, "Stage")["Condition"]
    assert {"cloudformation:RoleArn": [role]} == condition["StringEqualsIfExists"]


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_arns_are_those_of_the_partition(region: str, partition: str):
    """China and GovCloud have names of their own."""
    assert partition == Scope("1", ("a",), (region,)).partition


def test_the_execution_role_has_what_the_handlers_declare():
    """By the provider schemas; a type that they do not know is named."""
    kinds = {"Topic": "AWS::SNS::Topic", "Vpc": "AWS::EC2::VPC", "Own": "Custom::Own"}
    policy, silent = execution_policy(a_rollout(a_stack("one", resources=kinds)))

    actions = actions_of(policy)
    assert {"sns:CreateTopic", "sns:DeleteTopic", "ec2:CreateVpc", "ec2:DeleteVpc"} <= actions
    assert ("Custom::Own",) == silent


def test_who_moves_objects_and_copies_is_allowed_to_where_they_are():
    """The statements of the actions that there are, in the Regions that they touch; no others."""
    here, there = Target("111111111111", "us-east-1"), Target("111111111111", "us-west-1")
    copy = CopyDatabaseSnapshot("copy", here, "us-west-1", "one", "two", "arn:key")
    replicate = ReplicateObjects("replicate", there, "b", "arn:role", "r")
    move = Move("move", "it moves", before=(copy, replicate))
    rollout = replace(a_rollout(a_stack("one", target=here)), moves=(move,))

    (scope,) = scopes(rollout, None)
    policy = moves_policy(scope)

    assert ("us-east-1", "us-west-1") == scope.regions
    assert {"rds:CopyDBSnapshot", "s3:CreateJob", "kms:CreateGrant"} <= actions_of(policy)
    assert ["arn:aws:iam::111111111111:role/*"] == statement(policy, "PassBatchRole")["Resource"]
    assert not {"ReplicateSecrets", "LockGroups", "LookIntoBuckets"} & {
        each["Sid"] for each in policy["Statement"]
    }
    assert not {"s3:CreateJob", "rds:CopyDBSnapshot"} & actions_of(plan_policy(scope))


def test_who_changes_databases_and_stages_is_allowed_those_alone():
    """By the actions of the rollout; a secret is read only where a password is given."""
    here = Target("111111111111", "us-east-1")
    freeze = SetReadOnly("freeze", here, "tuned")
    canary = PromoteCanary("keep", here, "api1", "prod", "d2")
    rollout = a_rollout(a_stack("one", target=here))

    def policy(*actions: Action) -> Any:
        moves = (Move("move", "it moves", before=actions),)
        return moves_policy(scopes(replace(rollout, moves=moves), None)[0])

    frozen, tried = policy(freeze), policy(canary)
    reset = policy(ResetPassword("reset", here, "db1", "arn"))

    assert "rds:ModifyDBParameterGroup" in actions_of(frozen) - actions_of(tried)
    assert {"apigateway:PATCH"} == {"apigateway:PATCH"} & actions_of(tried) - actions_of(frozen)
    assert "secretsmanager:GetSecretValue" in actions_of(reset) - actions_of(frozen)
    assert all(":111111111111:" in arn for arn in statement(frozen, "ChangeDatabases")["Resource"])


def test_no_policy_is_longer_than_a_managed_one_may_be():
    """Even where nothing is known of the rollout, so that every kind of action is among them."""
    for policy in plan_policy(Scope()), apply_policy(Scope()), moves_policy(Scope()):
        assert len(json.dumps(policy, separators=(",", ":"))) <= LONGEST


def test_a_rollout_without_actions_has_no_policy_for_them():
    """There is nothing to allow."""
    (scope,) = scopes(a_rollout(a_stack("one")), None)

    assert [] == moves_policy(scope)["Statement"]
