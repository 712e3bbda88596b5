"""The delivery: whose jobs may take on which role, and what each role may then do. (W-5)"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tapcfn.errors import ConfigError, TemplateError
from tapcfn.model import Rollout
from tapcfn.roles import plan_policy, scopes
from tapcfn.roles.calls import APPLIES, EXECUTES, LOOKS, REMOVES, SPREADS, STAGES
from templates.blueprints.delivery import stacks
from templates.blueprints.delivery.systems import System, system
from templates.layers import delivery
from tests.templates.resolved import Seen, seen
from tests.templates.systems import ACCOUNT
from tests.templates.systems.delivery import OPTIONS, SYSTEM

GITHUB = "token.actions.githubusercontent.com"
IAM = f"arn:aws:iam::{ACCOUNT}"
STACK = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/example-replicated-storage-key/1"
OURS = {"aws:RequestedRegion": "us-east-1", "cloudformation:ChangeSetName": "tapcfn-1234"}


def roles(**keys: Any) -> Seen:
    """Return the stack of roles with everything filled in."""
    return seen(SYSTEM.rollout(**keys))["roles"]


def statements(found: Seen, role: str) -> Iterator[Mapping[str, Any]]:
    """Yield the statements of a role's own managed policies."""
    attached = found.stack.template.document["Resources"][role]["Properties"]["ManagedPolicyArns"]
    for arn in attached:
        if title := arn.get("Ref"):
            yield from found[title]["PolicyDocument"]["Statement"]


# A reader of policies -----------------------------------------------------------------------------


def listed(value: Any) -> list[str]:
    """Return one value or several; a list that a parameter tells is a text with commas."""
    found = value if isinstance(value, list) else [value]
    return [part for each in found for part in str(each).split(",")]


def holds(condition: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]) -> bool:
    """Say whether each key of a condition fits the request's, as IAM reads it."""
    return all(
        _fits(operator, listed(wanted), given.get(key))
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _fits(operator: str, wanted: list[str], value: str | None) -> bool:
    if operator == "Null":
        return (value is None) == (wanted == ["true"])
    if value is None:
        return operator.endswith("IfExists")
    if operator.startswith("StringLike"):
        return any(fnmatch.fnmatchcase(value, each) for each in wanted)
    assert operator.startswith("StringEquals"), operator
    return value in wanted


def decided(
    found: Seen, role: str, action: str, resource: str, given: Mapping[str, str] = OURS
) -> str:
    """Return Allow, Deny, or nothing, which is a no as well."""
    effects = {
        each["Effect"]
        for each in statements(found, role)
        if any(fnmatch.fnmatchcase(action, one) for one in listed(each["Action"]))
        and any(fnmatch.fnmatchcase(resource, one) for one in listed(each["Resource"]))
        and holds(each.get("Condition", {}), given)
    }
    return "Deny" if "Deny" in effects else "Allow" if effects else ""


def lets_in(found: Seen, role: str, subject: str, audience: str = "sts.amazonaws.com") -> bool:
    """Say whether a role's trust lets in a token of this subject and audience."""
    (statement,) = found[role]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert statement["Effect"] == "Allow"
    return holds(statement["Condition"], {f"{GITHUB}:sub": subject, f"{GITHUB}:aud": audience})


# Who gets in --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "may"),
    [
        ("repo:example/systems:pull_request", "PlanRole"),
        ("repo:example/systems:ref:refs/heads/main", "PlanRole"),
        ("repo:example/systems:environment:production", "DeployRole"),
        ("repo:example/systems:environment:staging", ""),
        ("repo:example/systems:ref:refs/heads/mine", ""),
        ("repo:example/systems:ref:refs/tags/main", ""),
        ("repo:example/systems-too:pull_request", ""),
        ("repo:example/systems-too:environment:production", ""),
        ("repo:forked/systems:pull_request", ""),
        ("repo:forked/systems:ref:refs/heads/main", ""),
        ("repo:forked/systems:environment:production", ""),
        ("repo:example@1/systems@2:environment:production", ""),
        ("", ""),
    ],
)
def test_a_role_lets_in_the_jobs_that_it_is_for(subject: str, may: str) -> None:
    """Forks, other repositories, other branches and environments get no credentials at all."""
    found = roles()
    purposes = ("PlanRole", "DeployRole")

    assert [each for each in purposes if lets_in(found, each, subject)] == ([may] if may else [])
    assert not any(lets_in(found, each, subject, "https://github.com/x") for each in purposes)


def test_a_repository_with_ids_is_another_than_one_without() -> None:
    """Whoever takes over a name that was given up has another id."""
    found = roles(repository="example@1/systems@2", branch="trunk")

    assert lets_in(found, "PlanRole", "repo:example@1/systems@2:ref:refs/heads/trunk")
    assert not lets_in(found, "PlanRole", "repo:example/systems:ref:refs/heads/trunk")
    assert not lets_in(found, "DeployRole", "repo:example@7/systems@9:environment:production")


def test_each_environment_may_deploy() -> None:
    """A second approval has an environment of its own."""
    found = roles(**OPTIONS["two_environments"])

    for environment in ("production", "retirement"):
        assert lets_in(found, "DeployRole", f"repo:example/systems:environment:{environment}")


def test_cloudformation_alone_takes_on_its_role() -> None:
    """In this account, and nobody else."""
    (statement,) = roles()["ServiceRole"]["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_a_provider_that_is_there_is_used() -> None:
    """An account has one for each URL: a second one is refused by IAM."""
    own, others = roles(), roles(existing_provider=True)

    assert len(own.of("IAM::OIDCProvider")) == 1
    assert own.of("IAM::OIDCProvider")["GitHub"]["ClientIdList"] == ["sts.amazonaws.com"]
    assert others.of("IAM::OIDCProvider") == {}
    (statement,) = others["PlanRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Federated": f"{IAM}:oidc-provider/{GITHUB}"}


# What they may then do ----------------------------------------------------------------------------


def actions(*tables: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the actions of tables of calls."""
    return sorted({action for table in tables for found in table.values() for action in found})


def test_the_role_that_plans_looks_and_stages_and_carries_nothing_out() -> None:
    """Not even where it is given more: what changes stacks is denied."""
    found = roles()

    for action in actions(LOOKS):
        assert decided(found, "PlanRole", action, STACK) == "Allow", action
    for action in actions(STAGES):
        assert decided(found, "PlanRole", action, STACK) == "Allow", action
        assert decided(found, "PlanRole", action, STACK.replace("storage", "vault")) == ""
        assert decided(found, "PlanRole", action, STACK, {"aws:RequestedRegion": "us-east-1"}) == ""
    made = [f"cloudformation:{each}Stack" for each in ("Create", "Update")]
    for action in [*actions(APPLIES, EXECUTES, REMOVES, SPREADS), *made]:
        assert decided(found, "PlanRole", action, STACK) == "Deny", action


def test_the_role_that_plans_has_what_tapcfn_says_that_plans_need() -> None:
    """All of it for the same stacks, but the removal of stacks."""
    (scope,) = scopes(system("replicated_storage.example").rollout, None)
    scope = replace(scope, stacks=("example-replicated-storage-*",))
    wanted = [each for each in plan_policy(scope)["Statement"] if each["Sid"] != "RemoveShells"]

    *has, never = statements(roles(), "PlanRole")
    for each in has:
        regions = each.get("Condition", {}).get("StringEquals", {})
        if "aws:RequestedRegion" in regions:
            regions["aws:RequestedRegion"] = listed(regions["aws:RequestedRegion"])

    assert has == wanted
    assert (never["Sid"], never["Effect"], never["Resource"]) == ("NeverCarryOut", "Deny", ["*"])


def test_the_role_that_deploys_cannot_change_who_deploys() -> None:
    """Roles of its systems are its business; its own, the others and the provider are not."""
    found = roles()
    own = f"{IAM}:role/delivery/DeployRole-1"
    theirs = f"{IAM}:role/example-replicated-storage-storage-ReplicationRole-1"

    assert decided(found, "DeployRole", "cloudformation:ExecuteChangeSet", STACK) == "Allow"
    assert decided(found, "DeployRole", "iam:PutRolePolicy", theirs) == "Allow"
    assert decided(found, "DeployRole", "iam:PutRolePolicy", f"{IAM}:role/somebody") == ""
    for action in ("UpdateAssumeRolePolicy", "PutRolePolicy", "AttachRolePolicy", "DeleteRole"):
        assert decided(found, "DeployRole", f"iam:{action}", own) == "Deny", action
    policy = f"{IAM}:policy/delivery/DeployRolePolicy1-1"
    assert decided(found, "DeployRole", "iam:CreatePolicyVersion", policy) == "Deny"
    provider = f"{IAM}:oidc-provider/{GITHUB}"
    assert decided(found, "DeployRole", "iam:DeleteOpenIDConnectProvider", provider) == "Deny"


def test_resources_are_made_by_cloudformations_own_role_where_systems_name_one() -> None:
    """The role that deploys passes it, and can make nothing itself."""
    arn = f"{IAM}:role/delivery/ServiceRole-1"
    plain = system("replicated_storage.example")
    named = System(plain.settings.model_copy(update={"service_role": arn}), plain.rollout)

    def said(*found: System) -> set[str]:
        resources = stacks.roles(SYSTEM.settings(), found)[0].to_dict()["Resources"]
        arns = resources["DeployRole"]["Properties"]["ManagedPolicyArns"]
        policies = [resources[arn["Ref"]]["Properties"]["PolicyDocument"] for arn in arns]
        return {each["Sid"] for policy in policies for each in policy["Statement"]}

    assert {each for each in said(plain) if each.startswith("Make")} == {"MakeIam1", "Make1"}
    assert {each for each in said(named) if each.startswith("Make")} == set()
    assert ("PassServiceRole" in said(plain), "PassServiceRole" in said(named)) == (False, True)


@pytest.mark.parametrize("choice", OPTIONS)
def test_every_policy_fits(choice: str) -> None:
    """A managed policy takes 6,144 characters, and a role ten of them; functions filled in."""
    found = roles(**OPTIONS[choice])

    for title, policy in found.of("IAM::ManagedPolicy").items():
        assert len(json.dumps(policy["PolicyDocument"], separators=(",", ":"))) <= 6_144, title
    for role in found.of("IAM::Role").values():
        assert len(role["ManagedPolicyArns"]) <= 10


def test_a_statement_is_never_cut() -> None:
    """One that no policy holds is named; so is a role that would need too many policies."""
    long = {"Sid": "Long", "Effect": "Allow", "Action": ["s3:GetObject"] * 500, "Resource": ["*"]}
    half = {**long, "Sid": "Half", "Action": ["s3:GetObject"] * 200}

    with pytest.raises(TemplateError, match="statement Long: "):
        delivery.packed([long])
    assert [len(part) for part in delivery.packed([half, half, half])] == [1, 1, 1]
    template = delivery.Template("Roles")
    policies = delivery.add_policies(template, "Role", "/x/", [half] * 11)
    with pytest.raises(TemplateError, match="Role: needs 11 managed policies"):
        delivery.add_service_role(
            template, delivery.Purpose("Role", "Too much", policies, "/x/"), tags={}
        )


def test_roles_of_other_accounts_are_told_by_parameters() -> None:
    """The role that plans may assume those that look, and no others."""
    found = roles(**OPTIONS["target_roles"])
    look, deploy = (f"arn:aws:iam::222233334444:role/{each}" for each in ("look", "deploy"))

    assert decided(found, "PlanRole", "sts:AssumeRole", look) == "Allow"
    assert decided(found, "PlanRole", "sts:AssumeRole", deploy) == ""
    assert decided(found, "DeployRole", "sts:AssumeRole", deploy) == "Allow"


# Settings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"repository": "systems"}, 'repository = "systems": is no repository; allowed: '),
        ({"repository": "example@1/systems"}, "is no repository"),
        ({"repository": "example/*"}, "is no repository"),
        ({"environments": []}, "is empty, or has one of them twice"),
        ({"environments": ["prod*"]}, "is no environment"),
        ({"systems": ["replicated_storage"]}, "is no system"),
        ({"branch": "*"}, "branch = "),
        ({"session_hours": 13}, "session_hours = 13"),
        ({"plan_target_roles": ["arn:aws:iam::222233334444:role/*"]}, "is no role"),
    ],
)
def test_settings_that_would_let_anybody_in_are_refused(keys: Mapping[str, Any], fault: str):
    """A wildcard stands for whoever finds it."""
    with pytest.raises(ConfigError, match=fault.replace("*", r"\*")):
        SYSTEM.settings(**keys)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"systems": ["storage.example"]}, "there is no such blueprint; allowed: baseline, "),
        ({"systems": ["delivery.example"]}, "there is no such blueprint"),
        ({"systems": ["baseline.nowhere"]}, "baseline.nowhere.toml: cannot be read"),
        ({"account": "999999999999"}, f"one is deployed to account {ACCOUNT}, not 999999999999"),
    ],
)
def test_systems_that_cannot_be_delivered_are_named(keys: Mapping[str, Any], fault: str):
    """Their settings are read; what is wrong with them is a fault of the delivery's."""

    def made() -> Rollout:
        return SYSTEM.rollout(**keys)

    with pytest.raises(ConfigError) as error:
        made()
    assert fault in str(error.value)
