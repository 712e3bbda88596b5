"""What stack sets need before they can be deployed: whose roles, where, and what they may do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tapcfn.bootstrap import bootstrap, notes, taken
from tapcfn.config import Common, check
from tapcfn.errors import BlockedError, TemplateError, UsageError
from tapcfn.lint import lint
from tapcfn.model import (
    EXECUTION_ROLE,
    Holder,
    Organization,
    Phase,
    Rollout,
    SelfManaged,
    ServiceManaged,
    Snapshot,
    Stack,
    StackSet,
    Target,
)
from tapcfn.plan import plan
from tapcfn.replacement import permissions
from tapcfn.roles import LONGEST
from tapcfn.schemas import is_action
from tapcfn.stack_set_roles import Delivery, add_execution
from tapcfn.templating import Template
from tests.fakes import World, a_stack, a_template

ADMIN, ONE, TWO = "111111111111", "222222222222", "333333333333"
HOME = Target(ADMIN, "us-east-1")
PAIRS = frozenset(Target(each, region) for each in (ONE, TWO) for region in ("us-east-1",))
LARGE = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "x" * 60_000}}}
# So many services that their actions fill more than one policy.
MANY = {
    "Bucket": "AWS::S3::Bucket",
    "Database": "AWS::RDS::DBInstance",
    "Group": "AWS::AutoScaling::AutoScalingGroup",
    "Instance": "AWS::EC2::Instance",
    "Function": "AWS::Lambda::Function",
    "Table": "AWS::DynamoDB::GlobalTable",
    "Template": "AWS::EC2::LaunchTemplate",
    "Api": "AWS::ApiGateway::RestApi",
    "Role": "AWS::IAM::Role",
}


def a_set(name: str = "baseline", **keys: Any) -> StackSet:
    """Return a self-managed set in two accounts."""
    usual = {"home": HOME, "template": a_template(name), "pairs": PAIRS}
    return StackSet(name, **{**usual, **keys})


def rollout(*sets: StackSet, stacks: tuple[Stack, ...] = ()) -> Rollout:
    """Return a rollout with these units."""
    return Rollout("blue_print", "test", (Phase("all", stacks, sets),))


def settings(**keys: Any) -> Common:
    """Return settings that say no more than these keys."""
    return check("test", {"account": ADMIN, **keys}, Common)


def made(*sets: StackSet, stacks: tuple[Stack, ...] = (), **keys: Any) -> Mapping[str, Stack]:
    """Return the bootstrap's stacks by what is behind the common beginning of their names."""
    found = bootstrap(rollout(*sets, stacks=stacks), settings(**keys)).stacks
    beginning = "test-bootstrap-blue-print-"
    assert all(stack.name.startswith(beginning) for stack in found)
    return {stack.name.removeprefix(beginning): stack for stack in found}


def role(stack: Stack) -> Mapping[str, Any]:
    """Return the properties of the one role of a stack."""
    resources = stack.template.document["Resources"].values()
    (found,) = (each["Properties"] for each in resources if each["Type"] == "AWS::IAM::Role")
    return dict(found)


def statements(stack: Stack) -> list[Mapping[str, Any]]:
    """Return every statement of a stack's policies, trust aside."""
    found = [
        statement
        for policy in role(stack)["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    for resource in stack.template.document["Resources"].values():
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            found += resource["Properties"]["PolicyDocument"]["Statement"]
    return found


# Where --------------------------------------------------------------------------------------------


def test_the_administrator_and_every_target_account_get_their_role_once():
    """One administration role, and one execution role in each account however many sets it has."""
    found = made(a_set(), a_set("other"))

    assert {name: stack.target for name, stack in found.items()} == {
        "administration": HOME,
        f"execution-{ONE}": Target(ONE, "us-east-1"),
        f"execution-{TWO}": Target(TWO, "us-east-1"),
    }
    assert found[f"execution-{ONE}"].template == found[f"execution-{TWO}"].template
    arn = f"arn:aws:iam::{ADMIN}:role/AWSCloudFormationStackSetAdministrationRole"
    assert found[f"execution-{ONE}"].parameters == {"AdministrationRoleArn": arn}


def test_nothing_of_it_is_an_orphan_of_what_it_is_made_for():
    """The stacks have a stage of their own in their tags, by which orphans are known."""
    (stage,) = {stack.tags["tapcfn:stage"] for stack in made(a_set()).values()}

    assert stage == "test-bootstrap"


def test_roles_of_other_names_have_stacks_of_their_own_names():
    """A role of ours stands beside the usual one, in its path, and trusts only its own."""
    own = f"arn:aws:iam::{ADMIN}:role/deploy/Mine"
    found = made(a_set(permission=SelfManaged(own, "Theirs")))

    assert set(found) == {
        "administration-Mine",
        f"execution-Theirs-{ONE}",
        f"execution-Theirs-{TWO}",
    }
    assert (role(found["administration-Mine"])["Path"], "/deploy/") == ("/deploy/",) * 2
    (may,) = statements(found["administration-Mine"])
    assert may["Resource"] == [{"Fn::Sub": "arn:${AWS::Partition}:iam::*:role/Theirs"}]


def test_a_name_that_is_too_long_is_cut_and_stays_distinct():
    """CloudFormation takes 128 characters."""
    long = "R" * 60
    sets = [
        a_set(each, permission=SelfManaged(f"arn:aws:iam::{ADMIN}:role/{long}{each}", f"{each}"))
        for each in ("aaaa", "bbbb")
    ]
    wanted = Rollout("blueprint" * 6, "test", (Phase("all", (), tuple(sets)),))
    names = [stack.name for stack in bootstrap(wanted, settings()).stacks]

    assert max(map(len, names)) == 128
    assert len(set(names)) == len(names) == 6


def test_service_managed_sets_need_no_role_of_ours():
    """Their roles are the service's: there is nothing to make, and that is said."""
    everyone = Organization(("ou-ab12-c3d4e5f6",), ("us-east-1",))
    managed = a_set(pairs=frozenset(), organization=everyone, permission=ServiceManaged())

    with pytest.raises(UsageError, match="no self-managed stack set"):
        bootstrap(rollout(managed), settings())
    assert set(made(managed, a_set("own"))) == {
        "administration",
        f"execution-{ONE}",
        f"execution-{TWO}",
    }


def test_two_administrators_may_not_share_an_execution_role():
    """The second would take the first one's trust away."""
    other = a_set("other", home=Target(TWO, "us-east-1"))

    with pytest.raises(BlockedError, match=f"in account {ONE} it would have two administrators"):
        bootstrap(rollout(a_set(), other), settings())


def test_an_administration_role_of_another_account_is_refused():
    """The service takes none."""
    foreign = SelfManaged(f"arn:aws:iam::{ONE}:role/Admin")

    with pytest.raises(BlockedError, match=f"baseline is administered in account {ADMIN}"):
        bootstrap(rollout(a_set(permission=foreign)), settings())


# What they may do ---------------------------------------------------------------------------------


def test_only_the_service_for_sets_of_the_account_becomes_the_administrator():
    """The confused deputy is kept out by account and by stack set."""
    (trust,) = role(made(a_set())["administration"])["AssumeRolePolicyDocument"]["Statement"]
    source = "arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stackset/*"

    assert trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnLike": {"aws:SourceArn": {"Fn::Sub": source}},
    }


def test_a_region_that_must_be_enabled_calls_under_its_own_name():
    """ap-east-1 is one of those, eu-west-1 is not."""
    pairs = frozenset(Target(ONE, region) for region in ("ap-east-1", "eu-west-1"))
    (trust,) = role(made(a_set(pairs=pairs))["administration"])["AssumeRolePolicyDocument"][
        "Statement"
    ]

    assert trust["Principal"]["Service"] == [
        "cloudformation.amazonaws.com",
        "cloudformation.ap-east-1.amazonaws.com",
    ]


def test_the_execution_role_may_what_the_handlers_of_its_sets_say_and_no_more():
    """Actions of the two types, CloudFormation only for these sets' instances."""
    sets = (
        a_set("topics"),
        a_set("queues", template=a_template("queues", resources={"Queue": "AWS::SQS::Queue"})),
    )
    said = statements(made(*sets)[f"execution-{ONE}"])
    actions = {action for each in said for action in each["Action"]}
    own = {action for action in actions if action.startswith("cloudformation:")}
    stacks = "arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stack/StackSet-"

    assert actions - own == permissions("AWS::SNS::Topic") | permissions("AWS::SQS::Queue")
    assert said[0]["Resource"] == [
        {"Fn::Sub": f"{stacks}{name}-*"} for name in ("queues", "topics")
    ]
    assert {"cloudformation:*"} == set(said[0]["Action"])


def test_iam_is_held_to_what_the_sets_make():
    """A role that CloudFormation names is called after its stack; one with a name may be any."""
    unnamed = a_template("roles", resources={"Role": "AWS::IAM::Role"})
    named = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "mine"}}

    def resources(template: Any) -> set[str]:
        said = statements(made(a_set(template=template))[f"execution-{ONE}"])
        (iam,) = (each for each in said if "iam:CreateRole" in each["Action"])
        return {each if isinstance(each, str) else each["Fn::Sub"] for each in iam["Resource"]}

    held = resources(unnamed)
    assert "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/StackSet-*" in held
    assert all("/StackSet-*" in each or "aws-service-role" in each for each in held)
    assert resources(a_template("roles", resources={"Role": named})) == {"*"}


def test_custom_resources_are_reached_through_functions_and_topics():
    """Their schema says nothing of it."""
    template = a_template("custom", resources={"Thing": "Custom::Thing"})
    said = statements(made(a_set(template=template))[f"execution-{ONE}"])

    assert {"lambda:InvokeFunction", "sns:Publish"} <= {
        action for each in said for action in each["Action"]
    }


def test_policies_that_are_too_long_are_divided():
    """No policy is longer than IAM takes, and none of the actions is lost."""
    template = a_template("many", resources=MANY)
    stack = made(a_set(template=template))[f"execution-{ONE}"]
    policies = [
        each["Properties"]["PolicyDocument"]
        for each in stack.template.document["Resources"].values()
        if each["Type"] == "AWS::IAM::ManagedPolicy"
    ]
    declared = {action for kind in MANY.values() for action in permissions(kind)}
    wanted = {action for action in declared if is_action(action)}

    assert len(policies) > 2
    assert max(len(json.dumps(each, separators=(",", ":"))) for each in policies) <= LONGEST
    assert {
        action for each in policies for part in each["Statement"] for action in part["Action"]
    } == wanted
    assert "s3:PutBucketReplication" in declared - wanted  # there is no such action


def test_more_than_a_role_can_hold_is_refused_with_a_way_out():
    """Ten managed policies are the most."""
    kinds = ("AWS::SNS::Topic",)
    delivery = Delivery(("set",), (a_template(resources=dict(enumerate_kinds(kinds))),))
    crowded = type("Crowded", (Delivery,), {"actions": tuple(f"s3:{n:060d}" for n in range(1_000))})

    add_execution(Template("fits"), delivery, role="Role")
    with pytest.raises(TemplateError, match="divide the stack sets among execution roles"):
        add_execution(Template("full"), crowded(("set",), delivery.templates), role="Role")


def enumerate_kinds(kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return logical IDs for types."""
    return [(f"Thing{number}", kind) for number, kind in enumerate(kinds)]


def test_a_boundary_bounds_every_role_in_its_own_account():
    """`{account}` is filled in; without the setting there is none, and no parameter for one."""
    boundary = "arn:aws:iam::{account}:policy/bound"
    bound = made(a_set(), permissions_boundary=boundary)

    assert {name: stack.parameters["PermissionsBoundary"] for name, stack in bound.items()} == {
        "administration": f"arn:aws:iam::{ADMIN}:policy/bound",
        f"execution-{ONE}": f"arn:aws:iam::{ONE}:policy/bound",
        f"execution-{TWO}": f"arn:aws:iam::{TWO}:policy/bound",
    }
    assert all(role(each)["PermissionsBoundary"] for each in bound.values())
    assert not any("PermissionsBoundary" in role(each) for each in made(a_set()).values())


# Buckets ------------------------------------------------------------------------------------------


def test_large_templates_get_a_bucket_wherever_they_are_handed_over():
    """The set's own is read by the target accounts; those of previews by their own account."""
    large = a_set(template=a_template("large", resources=LARGE))
    found = made(large, artifact_bucket="artifacts-{account}-{region}")
    buckets = {name: stack for name, stack in found.items() if name.startswith("artifacts")}

    assert {stack.target: stack.parameters["Readers"] for stack in buckets.values()} == {
        HOME: f"{ADMIN},{ONE},{TWO}",
        Target(ONE, "us-east-1"): ONE,
        Target(TWO, "us-east-1"): TWO,
    }
    fetched = [
        each for each in statements(found[f"execution-{ONE}"]) if "s3:GetObject" in each["Action"]
    ]
    arn = f"arn:${{AWS::Partition}}:s3:::artifacts-{ADMIN}-us-east-1/*"
    assert [each["Resource"] for each in fetched] == [[{"Fn::Sub": arn}]]
    assert all(stack.adopt for stack in buckets.values())


def test_a_large_stack_needs_a_bucket_without_any_stack_set():
    """And a small one nothing at all."""
    large = a_stack("big", resources=LARGE)
    name = f"artifacts-artifacts-{large.target.account}-us-east-1"

    assert set(made(stacks=(large,), artifact_bucket="artifacts-{account}-{region}")) == {name}
    with pytest.raises(UsageError, match="nothing is to be bootstrapped"):
        bootstrap(rollout(stacks=(a_stack(),)), settings())


# As templates -------------------------------------------------------------------------------------


@pytest.mark.lint
def test_the_templates_are_clean_and_plannable():
    """cfn-lint has nothing to say of them, in no Region."""
    large = a_set(template=a_template("large", resources=LARGE | {"Role": "AWS::IAM::Role"}))
    wanted = bootstrap(
        rollout(large),
        settings(
            artifact_bucket="artifacts-{account}-{region}",
            permissions_boundary="arn:aws:iam::{account}:policy/bound",
        ),
    )

    assert plan(wanted, Snapshot()).has_work
    assert lint(wanted.stacks) == ()


def test_a_reviewer_is_told_which_types_say_nothing():
    """A silent type's actions are missing from the policy."""
    from tapcfn.bootstrap import administrators

    template = a_template("odd", resources={"Odd": "Some::Private::Type"})
    said = notes(administrators(rollout(a_set(template=template))))

    assert said[-1] == "Their schemas name no permissions: Some::Private::Type."
    assert len(notes(administrators(rollout(a_set())))) == len(said) - 1


def test_roles_that_somebody_else_made_are_known_by_their_name():
    """Only of stacks that would be created: our own role is there as well."""
    world = World()
    wanted = bootstrap(rollout(a_set()), settings())
    world.cloud.holders[EXECUTION_ROLE] = Holder.ACCOUNT
    planned = plan(wanted, Snapshot())

    assert taken(planned, world.cloud, world.pool) == {
        f"test-bootstrap-blue-print-execution-{each}": EXECUTION_ROLE for each in (ONE, TWO)
    }
