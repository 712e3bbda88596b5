"""Automatic deployment: sets follow accounts that come and go."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.local.stack_sets.fleet import (
    GROUP,
    NAME,
    groups,
    instance,
    instances,
    parameters,
    stacks,
    with_parameters,
)
from tests.local.stack_sets.realm import Realm, by_unit, create_set, operate, quiet, realm, where
from tests.local.stack_sets.test_stack_sets import refused
from tests.local_cloud import AWAY, HOME, until

AUTO = {"Enabled": True, "RetainStacksOnAccountRemoval": False}
KEEP = {"Enabled": True, "RetainStacksOnAccountRemoval": True}


@pytest.fixture
def org(local_cloud) -> Realm:
    """Return a new organization that lets stack sets in."""
    return realm(local_cloud)


def test_an_account_that_comes(org):
    """It gets what its units get, in their Regions, and no overrides."""
    create_set(org, with_parameters(Size="1"), AutoDeployment=AUTO)
    other = parameters({"Size": "2"})
    operate(org, "create_stack_instances", "apps", Regions=[HOME, AWAY], ParameterOverrides=other)
    new = org.add_account("e", "web")
    until(lambda: len(instances(org.fleet)) == 8)
    quiet(org)

    assert "apps" == by_unit(org)["e"]
    assert {AWAY, HOME} == {
        each["Region"] for each in instances(org.fleet) if each["Account"] == new
    }
    assert [] == instance(org.fleet, new)["ParameterOverrides"]
    assert ["CREATE_COMPLETE"] == [each["StackStatus"] for each in stacks(org.fleet, new)]


def test_a_root_takes_new_accounts(org):
    """They are in it as soon as they are made."""
    create_set(org, AutoDeployment=AUTO)
    operate(org, "create_stack_instances", org.root)
    org.add_account("e")
    until(lambda: "e" in where(org))
    quiet(org)

    assert ["a", "b", "c", "d", "e"] == where(org)


@pytest.mark.parametrize(("auto", "left"), [(AUTO, 0), (KEEP, 1)])
def test_an_account_that_goes(org, auto, left):
    """Its instances go; its stacks may stay."""
    create_set(org, AutoDeployment=auto)
    operate(org, "create_stack_instances", "apps")
    org.move("c", "data")
    until(lambda: where(org) == ["a", "b"])
    org.org.remove_account_from_organization(AccountId=org.accounts["b"])
    until(lambda: where(org) == ["a"])

    assert [left, left] == [len(stacks(org.fleet, org.accounts[each])) for each in "bc"]


def test_a_move_within_a_unit_is_none(org):
    """Where an account stays in what a set is deployed to, nothing happens to it."""
    create_set(org, AutoDeployment=AUTO)
    operate(org, "create_stack_instances", "apps")
    before = instance(org.fleet, org.accounts["c"])
    org.move("c", "apps")
    org.move("a", "data")
    until(lambda: where(org) == ["b", "c"])

    assert before == instance(org.fleet, org.accounts["c"])


def test_only_who_follows(org):
    """A set without automatic deployment stays where it is; so does one that stops following."""
    create_set(org)
    create_set(org, StackSetName="follows", AutoDeployment=AUTO)
    create_set(org, StackSetName="followed", AutoDeployment=AUTO)
    for name in (NAME, "follows", "followed"):
        operate(org, "create_stack_instances", "apps", StackSetName=name) if name == NAME else (
            org.cfn.create_stack_instances(
                StackSetName=name,
                Regions=[HOME],
                DeploymentTargets={"OrganizationalUnitIds": [org.units["apps"]]},
            )
        )
        quiet(org, name)
    org.cfn.update_stack_set(
        StackSetName="followed", UsePreviousTemplate=True, AutoDeployment={"Enabled": False}
    )
    quiet(org, "followed")
    org.move("a", "data")
    until(lambda: where(org, "follows") == ["b", "c"])

    assert ["a", "b", "c"] == where(org) == where(org, "followed")


def test_dependencies_come_first_and_go_last(org):
    """In the order that DependsOn says, whatever the order in which the sets were made."""
    create_set(org, StackSetName="last")
    base = create_set(org, StackSetName="base", AutoDeployment=AUTO)
    middle = create_set(org, StackSetName="middle", AutoDeployment={**AUTO, "DependsOn": [base]})
    org.cfn.update_stack_set(
        StackSetName="last",
        UsePreviousTemplate=True,
        AutoDeployment={**AUTO, "DependsOn": [middle]},
    )
    names = ("base", "middle", "last")
    for name in names:
        quiet(org, name)
        targets = {"OrganizationalUnitIds": [org.units["web"]]}
        org.cfn.create_stack_instances(StackSetName=name, Regions=[HOME], DeploymentTargets=targets)
        quiet(org, name)

    org.move("a", "web")
    until(lambda: where(org, "last") == ["a", "c"])
    quiet(org, *names)
    assert_one_after_the_other(org, names, "CREATE")

    org.move("a", "data")
    until(lambda: where(org, "base") == ["c"])
    quiet(org, *names)
    assert_one_after_the_other(org, names[::-1], "DELETE")


def assert_one_after_the_other(org: Realm, names: tuple[str, ...], action: str) -> None:
    """The last operation of each set ended before that of the next was created."""
    last = [org.cfn.list_stack_set_operations(StackSetName=name)["Summaries"][0] for name in names]

    assert [action] * 3 == [each["Action"] for each in last]
    for one, other in pairwise(last):
        assert one["EndTimestamp"] <= other["CreationTimestamp"]


def test_what_depends_on_a_failure_is_not_deployed(org):
    """It would miss what it needs."""
    base = create_set(org, groups(), StackSetName="base", AutoDeployment=AUTO)
    create_set(org, AutoDeployment={**AUTO, "DependsOn": [base]})
    for name in ("base", NAME):
        targets = {"OrganizationalUnitIds": [org.units["web"]]}
        org.cfn.create_stack_instances(StackSetName=name, Regions=[HOME], DeploymentTargets=targets)
        quiet(org, name)
    org.of(org.accounts["d"]).client("logs").create_log_group(logGroupName=GROUP)
    org.move("d", "web")
    until(lambda: where(org, "base") == ["c", "d"])
    quiet(org, "base")
    org.move("a", "web")
    until(lambda: where(org) == ["a", "c"])
    quiet(org, "base", NAME)

    assert ["a", "c", "d"] == where(org, "base")
    assert ["a", "c"] == where(org)


def test_automatic_targets_are_listed(org):
    """Each unit with the Regions in which it is deployed to, as long as the set follows."""
    create_set(org, AutoDeployment=AUTO)
    operate(org, "create_stack_instances", "apps", Regions=[HOME, AWAY])
    operate(org, "create_stack_instances", "data")
    told = org.cfn.list_stack_set_auto_deployment_targets(StackSetName=NAME)["Summaries"]

    assert {org.units["apps"]: sorted([HOME, AWAY]), org.units["data"]: [HOME]} == {
        each["OrganizationalUnitId"]: each["Regions"] for each in told
    }
    operate(org, "delete_stack_instances", "apps", Regions=[AWAY])
    one = org.cfn.list_stack_set_auto_deployment_targets(StackSetName=NAME, MaxResults=1)
    assert [[HOME]] == [each["Regions"] for each in one["Summaries"]]
    assert "NextToken" in one
    shown = org.cfn.describe_stack_set(StackSetName=NAME)["StackSet"]["AutoDeployment"]
    assert AUTO == {name: shown[name] for name in AUTO}


def test_wrong_settings_are_refused(org):
    """Too many, unknown and circular dependencies, and halves of settings."""
    base = create_set(org, StackSetName="base", AutoDeployment=AUTO)
    top = create_set(org, AutoDeployment={**AUTO, "DependsOn": [base]})
    change = {"StackSetName": "base", "UsePreviousTemplate": True}
    with refused("ValidationError", "depend on itself"):
        org.cfn.update_stack_set(**change, AutoDeployment={**AUTO, "DependsOn": [top]})
    with refused("ValidationError", "at most 10"):
        org.cfn.update_stack_set(**change, AutoDeployment={**AUTO, "DependsOn": [top] * 11})
    with refused("ValidationError", "not found"):
        org.cfn.update_stack_set(**change, AutoDeployment={**AUTO, "DependsOn": ["x"]})
    with refused("ValidationError", "RetainStacksOnAccountRemoval"):
        org.cfn.update_stack_set(**change, AutoDeployment={"Enabled": True})
    with refused("ValidationError", "must be enabled"):
        org.cfn.update_stack_set(**change, AutoDeployment={**KEEP, "Enabled": False})
    with refused("ValidationError", "with AutoDeployment"):
        org.cfn.update_stack_set(
            **change,
            AutoDeployment=AUTO,
            Regions=[HOME],
            DeploymentTargets={"OrganizationalUnitIds": [org.root]},
        )
