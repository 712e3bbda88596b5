"""Service-managed sets: units as targets, filters, suspended accounts, access, delegation."""

from __future__ import annotations

import pytest

from tests.local.stack_sets.fleet import (
    NAME,
    instance,
    instances,
    operation,
    outcome,
    results,
    stacks,
    topics,
)
from tests.local.stack_sets.realm import (
    PRINCIPAL,
    Realm,
    begin,
    by_unit,
    create_set,
    operate,
    realm,
    where,
)
from tests.local.stack_sets.test_stack_sets import refused
from tests.local_cloud import AWAY, HOME, fresh_account, resource, template


@pytest.fixture
def org(local_cloud) -> Realm:
    """Return a new organization that lets stack sets in."""
    return realm(local_cloud)


@pytest.fixture(scope="module")
def still(local_cloud) -> Realm:
    """Return an organization whose only set has no instances."""
    made = realm(local_cloud)
    create_set(made)
    return made


# Targets ------------------------------------------------------------------------------------------


def test_a_unit_is_all_that_is_in_it(org):
    """Units in units too, without any role; the set and its operation say what they are for."""
    create_set(org)
    done = operate(org, "create_stack_instances", "apps")
    told = org.cfn.describe_stack_set(StackSetName=NAME)["StackSet"]

    assert "SUCCEEDED" == done["Status"]
    assert {"OrganizationalUnitIds": [org.units["apps"]]} == done["DeploymentTargets"]
    assert {"a": "apps", "b": "apps", "c": "apps"} == by_unit(org)
    assert {org.units["apps"]} == {
        each["OrganizationalUnitId"] for each in results(org.fleet, done["OperationId"])
    }
    assert ("SERVICE_MANAGED", [org.units["apps"]], [HOME]) == (
        told["PermissionModel"],
        told["OrganizationalUnitIds"],
        told["Regions"],
    )
    assert not {"AdministrationRoleARN", "ExecutionRoleName"} & {*told, *done}
    assert 1 == len(stacks(org.fleet, org.accounts["c"]))


def test_the_root_is_all_but_the_management_account(org):
    """That is nobody's target."""
    create_set(org)
    operate(org, "create_stack_instances", org.root)

    assert ["a", "b", "c", "d"] == where(org)
    assert [] == stacks(org.fleet, org.management)
    assert {"root"} == set(by_unit(org).values())


@pytest.mark.parametrize(
    ("kind", "expected"), [("INTERSECTION", ["a", "c"]), ("DIFFERENCE", ["b"])]
)
def test_filters_of_accounts(org, kind, expected):
    """Accounts that are in no named unit count for nothing."""
    create_set(org)
    accounts = [org.accounts[each] for each in "acd"]
    targets = {"Accounts": accounts, "AccountFilterType": kind}
    operate(org, "create_stack_instances", "apps", targets=targets)

    assert expected == where(org)


def test_a_union_reaches_others_but_creates_none(org):
    """It adds accounts to the units, where instances are; a creation does not take it."""
    create_set(org)
    operate(org, "create_stack_instances", org.root)
    targets = {"Accounts": [org.accounts["d"]], "AccountFilterType": "UNION"}
    with refused("ValidationError", "AccountFilterType"):
        begin(org, "create_stack_instances", "web", targets=targets)
    done = operate(org, "update_stack_instances", "web", targets=targets)

    assert {org.accounts["c"], org.accounts["d"]} == {
        account for account, _ in outcome(org.fleet, done["OperationId"])
    }


def test_accounts_from_a_file(org):
    """As JSON, or separated by commas."""
    s3 = org.of(org.management).client("s3")
    bucket = f"accounts-{org.management}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="some.csv", Body=org.accounts["a"].encode() + b",\n")
    create_set(org)
    targets = {"AccountsUrl": f"s3://{bucket}/some.csv", "AccountFilterType": "INTERSECTION"}
    done = operate(org, "create_stack_instances", "apps", targets=targets)

    assert ["a"] == where(org)
    assert targets["AccountsUrl"] == done["DeploymentTargets"]["AccountsUrl"]
    with refused("ValidationError", "not found"):
        begin(
            org,
            "create_stack_instances",
            "apps",
            targets=targets | {"AccountsUrl": f"https://{bucket}.s3.amazonaws.com/none"},
        )


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"Accounts": ["111111111111"]}, "can only have OrganizationalUnit as target"),
        ({"DeploymentTargets": {"Accounts": ["111111111111"]}}, "OrganizationalUnit as target"),
        ({}, "DeploymentTargets must be specified"),
        ({"DeploymentTargets": {"OrganizationalUnitIds": ["ou-none-00000000"]}}, "not found"),
        ({"DeploymentTargets": {"OrganizationalUnitIds": ["ou-x"] * 51}}, "At most 50"),
        (
            {"DeploymentTargets": {"OrganizationalUnitIds": ["x"], "Accounts": ["111111111111"]}},
            "AccountFilterType and Accounts",
        ),
    ],
)
def test_wrong_targets_are_refused(still, request_, message):
    """Service-managed sets go by units."""
    with refused("ValidationError", message):
        still.cfn.create_stack_instances(StackSetName=NAME, Regions=[HOME], **request_)


def test_an_empty_unit_is_fine(org):
    """There is nothing to do, and accounts may come later."""
    create_set(org)
    org.add_unit("empty")
    done = operate(org, "create_stack_instances", "empty")

    assert "SUCCEEDED" == done["Status"]
    assert [] == instances(org.fleet)


def test_updates_and_deletions_by_unit(org):
    """An update of one unit outdates the others; a deletion reaches who has left its unit too."""
    create_set(org)
    operate(org, "create_stack_instances", "apps", "data")
    operate(org, "update_stack_set", "data", TemplateBody=topics("two"))

    assert "CURRENT" == instance(org.fleet, org.accounts["d"])["Status"]
    assert "OUTDATED" == instance(org.fleet, org.accounts["a"])["Status"]
    with refused("StackInstanceNotFoundException", ""):
        begin(org, "update_stack_set", "data", UsePreviousTemplate=True, Regions=[AWAY])

    org.move("b", "data")
    operate(org, "delete_stack_instances", "apps")
    told = org.cfn.describe_stack_set(StackSetName=NAME)["StackSet"]

    assert ["d"] == where(org)
    assert [org.units["data"]] == told["OrganizationalUnitIds"]


def test_suspended_accounts_are_skipped(org):
    """Nothing is done there, and nothing fails."""
    create_set(org)
    org.org.close_account(AccountId=org.accounts["b"])
    done = operate(org, "create_stack_instances", "apps")
    (skipped,) = [each for each in instances(org.fleet) if each["Account"] == org.accounts["b"]]

    assert ("SUCCEEDED", 0) == (
        done["Status"],
        done["StatusDetails"]["FailedStackInstancesCount"],
    )
    assert "SKIPPED_SUSPENDED_ACCOUNT" == skipped["StackInstanceStatus"]["DetailedStatus"]
    assert "suspended" in skipped["StatusReason"]
    assert "StackId" not in skipped


# Sets ---------------------------------------------------------------------------------------------

NESTED = template({"Inner": resource("CloudFormation::Stack", {"TemplateURL": "https://x"})})
MACRO = template({"Topic": resource("SNS::Topic")}, Transform="AWS::LanguageExtensions")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"TemplateBody": NESTED}, "nested stacks"),
        ({"TemplateBody": MACRO}, "macros"),
        ({"ExecutionRoleName": "mine"}, "ExecutionRoleName"),
        ({"PermissionModel": "MINE"}, "PermissionModel"),
    ],
)
def test_what_cannot_be_service_managed(still, request_, message):
    """Templates that need more than one stack, and roles of one's own."""
    asked = {"TemplateBody": topics(), "PermissionModel": "SERVICE_MANAGED", **request_}
    with refused("ValidationError", message):
        still.cfn.create_stack_set(StackSetName="wrong", **asked)


def test_self_managed_sets_have_no_units(org):
    """Neither as targets nor to follow."""
    org.cfn.create_stack_set(StackSetName=NAME, TemplateBody=topics())
    with refused("ValidationError", "can't target OrganizationalUnit"):
        begin(org, "create_stack_instances", "apps")
    with refused("ValidationError", "AutoDeployment"):
        org.cfn.update_stack_set(
            StackSetName=NAME, UsePreviousTemplate=True, AutoDeployment={"Enabled": False}
        )


def test_the_permission_model_changes_while_empty(org):
    """And not once there are instances."""
    org.cfn.create_stack_set(StackSetName=NAME, TemplateBody=topics())
    change = {"StackSetName": NAME, "UsePreviousTemplate": True}
    org.cfn.update_stack_set(**change, PermissionModel="SERVICE_MANAGED")
    operate(org, "create_stack_instances", "data")

    assert ["d"] == where(org)
    with refused("ValidationError", "can't be changed"):
        org.cfn.update_stack_set(**change, PermissionModel="SELF_MANAGED")


# Access and delegation ----------------------------------------------------------------------------


def test_access_to_the_organization(local_cloud):
    """It is switched on, by the management account, before any set."""
    org = realm(local_cloud, trusted=False)
    member = org.of(org.accounts["a"]).client("cloudformation")
    with refused("ValidationError", "You must enable organizations access"):
        create_set(org)
    with refused("InvalidOperationException", ""):
        member.activate_organizations_access()

    assert "DISABLED" == org.cfn.describe_organizations_access()["Status"]
    org.cfn.activate_organizations_access()
    assert "ENABLED" == org.cfn.describe_organizations_access()["Status"]
    create_set(org)
    org.cfn.deactivate_organizations_access()
    assert "DISABLED" == org.cfn.describe_organizations_access()["Status"]
    with refused("ValidationError", "You must enable organizations access"):
        begin(org, "create_stack_instances", "data")


@pytest.mark.parametrize("account", ["a", "nobody"])
def test_who_manages_no_organization(still, account):
    """Members and strangers are told the same."""
    door = still.of(still.accounts.get(account) or fresh_account())
    with refused("ValidationError", "You must be the management account or delegated admin"):
        create_set(still, by=door.client("cloudformation"))
    with refused("ValidationError", "Account used is not a delegated administrator"):
        create_set(still, by=door.client("cloudformation"), CallAs="DELEGATED_ADMIN")


def test_a_delegated_administrator(org):
    """Its sets are the management account's; whoever forgets to say so finds nothing."""
    account = org.accounts["a"]
    org.org.register_delegated_administrator(AccountId=account, ServicePrincipal=PRINCIPAL)
    cfn = org.of(account).client("cloudformation")
    arn = create_set(org, by=cfn, CallAs="DELEGATED_ADMIN")
    done = begin(org, "create_stack_instances", "data", by=cfn, CallAs="DELEGATED_ADMIN")
    told = cfn.list_stack_sets(CallAs="DELEGATED_ADMIN")["Summaries"]

    assert f":{org.management}:stackset/" in arn
    assert [NAME] == [each["StackSetName"] for each in told]
    assert [NAME] == [each["StackSetName"] for each in org.cfn.list_stack_sets()["Summaries"]]
    assert "CREATE" == operation(org.fleet, done)["Action"]
    with refused("StackSetNotFoundException", ""):
        cfn.describe_stack_set(StackSetName=NAME)
    with refused("StackSetNotFoundException", ""):
        cfn.describe_stack_set_operation(StackSetName=NAME, OperationId=done)
    assert [] == cfn.list_stack_sets()["Summaries"]


def test_what_a_delegated_administrator_may_not(org):
    """Self-managed sets are none of its business."""
    account = org.accounts["a"]
    org.org.register_delegated_administrator(AccountId=account, ServicePrincipal=PRINCIPAL)
    cfn = org.of(account).client("cloudformation")
    org.cfn.create_stack_set(StackSetName="own", TemplateBody=topics())
    delegated = {"StackSetName": "own", "CallAs": "DELEGATED_ADMIN"}
    with refused("StackSetNotFoundException", ""):
        cfn.describe_stack_set(**delegated)
    with refused("ValidationError", "only SERVICE_MANAGED"):
        cfn.create_stack_set(**delegated | {"StackSetName": "x"}, TemplateBody=topics())
    with refused("ValidationError", "Account used is not a delegated administrator"):
        org.cfn.describe_stack_set(**delegated)

    assert [] == cfn.list_stack_sets(CallAs="DELEGATED_ADMIN")["Summaries"]
