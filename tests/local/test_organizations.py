"""Organizations: trees of accounts, who may look at them, delegated administrators, and pages."""

from __future__ import annotations

import pytest

from tests.local.stack_sets.realm import Realm, realm
from tests.local.stack_sets.test_stack_sets import refused
from tests.local_cloud import fresh_account

BACKUP = "backup.amazonaws.com"


@pytest.fixture
def org(local_cloud) -> Realm:
    """Return a new organization."""
    return realm(local_cloud, trusted=False)


def children(org: Realm, parent: str, kind: str) -> list[str]:
    """Return the ids of what is right in a parent."""
    told = org.org.list_children(ParentId=parent, ChildType=kind)["Children"]
    return [each["Id"] for each in told]


def test_a_tree(org):
    """Units are in units, accounts where they were moved, the management account in the root."""
    apps, web = org.units["apps"], org.units["web"]

    assert [org.management] == children(org, org.root, "ACCOUNT")
    assert [apps, org.units["data"]] == children(org, org.root, "ORGANIZATIONAL_UNIT")
    assert [web] == children(org, apps, "ORGANIZATIONAL_UNIT")
    assert [org.accounts["c"]] == children(org, web, "ACCOUNT")
    assert [{"Id": apps, "Type": "ORGANIZATIONAL_UNIT"}] == org.org.list_parents(ChildId=web)[
        "Parents"
    ]
    assert [org.accounts["a"], org.accounts["b"]] == [
        each["Id"] for each in org.org.list_accounts_for_parent(ParentId=apps)["Accounts"]
    ]
    assert ["web"] == [
        each["Name"]
        for each in org.org.list_organizational_units_for_parent(ParentId=apps)[
            "OrganizationalUnits"
        ]
    ]


def test_wrong_trees_are_refused(org):
    """Names are unique in a parent, units are empty when they go, accounts are where one says."""
    with refused("DuplicateOrganizationalUnitException", ""):
        org.add_unit("apps")
    with refused("ParentNotFoundException", ""):
        org.org.list_accounts_for_parent(ParentId="ou-none-00000000")
    with refused("OrganizationalUnitNotEmptyException", ""):
        org.org.delete_organizational_unit(OrganizationalUnitId=org.units["data"])
    with refused("SourceParentNotFoundException", ""):
        org.org.move_account(
            AccountId=org.accounts["a"], SourceParentId=org.root, DestinationParentId=org.root
        )
    with refused("OrganizationNotEmptyException", ""):
        org.org.delete_organization()


def test_whose_organization_it_is(org):
    """A member is told of its organization and no more; others are in none."""
    member = org.of(org.accounts["a"]).client("organizations")
    told = member.describe_organization()["Organization"]

    assert org.management == told["MasterAccountId"]
    with refused("AccessDeniedException", ""):
        member.list_accounts()
    with refused("AlreadyInOrganizationException", ""):
        member.create_organization()
    stranger = org.of(fresh_account()).client("organizations")
    with refused("AWSOrganizationsNotInUseException", ""):
        stranger.describe_organization()
    with refused("MasterCannotLeaveOrganizationException", ""):
        org.org.remove_account_from_organization(AccountId=org.management)
    org.org.remove_account_from_organization(AccountId=org.accounts["a"])
    with refused("AWSOrganizationsNotInUseException", ""):
        member.describe_organization()


def test_delegated_administrators(org):
    """They may look at all, until they are no more."""
    member = org.of(org.accounts["a"]).client("organizations")
    asked = {"AccountId": org.accounts["a"], "ServicePrincipal": BACKUP}
    org.org.register_delegated_administrator(**asked)
    told = org.org.list_delegated_administrators(ServicePrincipal=BACKUP)["DelegatedAdministrators"]

    assert [("a", "ACTIVE")] == [(each["Name"], each["Status"]) for each in told]
    assert 5 == len(member.list_accounts()["Accounts"])
    assert [BACKUP] == [
        each["ServicePrincipal"]
        for each in member.list_delegated_services_for_account(AccountId=asked["AccountId"])[
            "DelegatedServices"
        ]
    ]
    with refused("AccessDeniedException", ""):
        member.create_organizational_unit(ParentId=org.root, Name="x")
    with refused("AccountAlreadyRegisteredException", ""):
        org.org.register_delegated_administrator(**asked)
    with refused("ConstraintViolationException", ""):
        org.org.register_delegated_administrator(**asked | {"AccountId": org.management})
    org.org.deregister_delegated_administrator(**asked)
    with refused("AccessDeniedException", ""):
        member.list_accounts()


def test_accounts_come_in_pages(org):
    """Twenty at most, and none is told twice."""
    for number in range(20):
        org.add_account(f"more{number}")
    first = org.org.list_accounts()
    rest = org.org.list_accounts(NextToken=first["NextToken"])
    told = [each["Id"] for each in first["Accounts"] + rest["Accounts"]]

    assert (20, 5) == (len(first["Accounts"]), len(rest["Accounts"]))
    assert "NextToken" not in rest
    assert {org.management, *org.accounts.values()} == set(told)
    assert len(told) == len(set(told))


def test_trusted_services(org):
    """They are listed while they are trusted."""
    org.org.enable_aws_service_access(ServicePrincipal=BACKUP)
    told = org.org.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    org.org.disable_aws_service_access(ServicePrincipal=BACKUP)

    assert [BACKUP] == [each["ServicePrincipal"] for each in told]
    assert [] == org.org.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
