"""Who is in an organization: every unit's accounts, and not the management account."""

from __future__ import annotations

import pytest

from tapcfn.aws.stack_sets import AwsSets
from tapcfn.errors import CloudError, UnknownStatusError
from tapcfn.model import Member
from tapcfn.waits import Patience
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.sets import ONE, TWO, UNITS
from tests.tapcfn.aws.wire import HERE

ROOT, INNER = "r-abcd", "ou-abcd-33333333"
MANAGEMENT, THREE = "999999999999", "444444444444"
ACCOUNTS, INSIDE = "list_accounts_for_parent", "list_organizational_units_for_parent"


@pytest.fixture
def wire(wires):
    return wires.to("organizations")


@pytest.fixture
def sets(wires):
    return AwsSets(wires, Patience(FakeClock()))


def organization(wire):
    wire.answers("describe_organization", {"Organization": {"MasterAccountId": MANAGEMENT}})


def in_order(wire, *answers):
    """Queue answers in the order in which the tree is walked."""
    organization(wire)
    for call, parent, answer in answers:
        wire.answers(call, answer, ParentId=parent, MaxResults=20)


def accounts(*ids, **more):
    return {"Accounts": [{"Id": each, "Status": "ACTIVE", **more} for each in ids]}


def units(*ids):
    return {"OrganizationalUnits": [{"Id": each} for each in ids]}


def test_the_root_has_every_account_but_the_management_account(sets, wire):
    """However deep the units are; sorted; each with the unit that it stands in."""
    in_order(
        wire,
        (ACCOUNTS, ROOT, accounts(MANAGEMENT, THREE)),
        (INSIDE, ROOT, units(UNITS[0])),
        (ACCOUNTS, UNITS[0], accounts(TWO)),
        (INSIDE, UNITS[0], units(INNER)),
        (ACCOUNTS, INNER, accounts(ONE)),
        (INSIDE, INNER, units()),
    )

    assert (Member(ONE, INNER), Member(TWO, UNITS[0]), Member(THREE, ROOT)) == sets.members(
        HERE, (ROOT,)
    )


def test_an_account_is_known_by_its_name(sets, wire):
    """People know it by that, and by its id."""
    in_order(
        wire, (ACCOUNTS, UNITS[0], accounts(ONE, Name="payments")), (INSIDE, UNITS[0], units())
    )

    (found,) = sets.members(HERE, UNITS[:1])

    assert (f"{ONE} (payments)", TWO) == (str(found), str(Member(TWO, INNER)))


def test_a_unit_in_a_unit_is_read_once(sets, wire):
    """Also where the settings name both."""
    in_order(
        wire,
        (ACCOUNTS, UNITS[0], accounts(ONE)),
        (INSIDE, UNITS[0], units(INNER)),
        (ACCOUNTS, INNER, accounts(TWO)),
        (INSIDE, INNER, units()),
    )

    assert (Member(ONE, UNITS[0]), Member(TWO, INNER)) == sets.members(HERE, (UNITS[0], INNER))


def test_every_page_of_a_unit_is_read(sets, wire):
    """Of its accounts, and of the units in it."""
    asked = {"ParentId": UNITS[0], "MaxResults": 20}
    organization(wire)
    wire.answers(ACCOUNTS, {"Accounts": [], "NextToken": "2"}, **asked)
    wire.answers(ACCOUNTS, accounts(ONE), **asked, NextToken="2")
    wire.answers(INSIDE, {"OrganizationalUnits": [], "NextToken": "2"}, **asked)
    wire.answers(INSIDE, units(INNER), **asked, NextToken="2")
    wire.answers(ACCOUNTS, accounts(TWO), ParentId=INNER, MaxResults=20)
    wire.answers(INSIDE, units(), ParentId=INNER, MaxResults=20)

    assert [ONE, TWO] == [each.account for each in sets.members(HERE, UNITS[:1])]


@pytest.mark.parametrize(
    ("told", "suspended"),
    [
        ({"Status": "ACTIVE"}, False),
        ({"Status": "SUSPENDED"}, True),
        ({"Status": "PENDING_CLOSURE"}, True),
        ({"Status": "ACTIVE", "State": "ACTIVE"}, False),
        ({"Status": "ACTIVE", "State": "PENDING_ACTIVATION"}, True),
        ({"Status": "SUSPENDED", "State": "CLOSED"}, True),
    ],
)
def test_only_an_active_account_gets_instances(sets, wire, told, suspended):
    """Status is going; State, which comes, has more words."""
    in_order(wire, (ACCOUNTS, UNITS[0], accounts(ONE, **told)), (INSIDE, UNITS[0], units()))

    assert (Member(ONE, UNITS[0], suspended),) == sets.members(HERE, UNITS[:1])


def test_an_unknown_state_stops_us(sets, wire):
    """It may be one in which nothing can be deployed. (X-37)"""
    in_order(wire, (ACCOUNTS, UNITS[0], accounts(ONE, Status="FROZEN")))

    with pytest.raises(UnknownStatusError, match=f"account {ONE}: AWS Organizations says FROZEN"):
        sets.members(HERE, UNITS[:1])


def test_who_may_not_look_is_told(sets, wire):
    """Only the management account and delegated administrators may."""
    wire.fails("describe_organization", "AWSOrganizationsNotInUseException")

    with pytest.raises(CloudError, match=r"^organization \(111122223333/eu-west-1\): Describe"):
        sets.members(HERE, (ROOT,))


def test_access_is_told_in_the_words_of_the_service(sets, cfn):
    """A delegated administrator says that it is one."""
    for status in ("ENABLED", "DISABLED", "DISABLED_PERMANENTLY"):
        cfn.answers("describe_organizations_access", {"Status": status}, CallAs="DELEGATED_ADMIN")
    cfn.answers("describe_organizations_access", {"Status": "ENABLED"})

    assert ["ENABLED", "DISABLED", "DISABLED_PERMANENTLY"] == [
        sets.access(HERE, delegated=True) for _ in range(3)
    ]
    assert "ENABLED" == sets.access(HERE, delegated=False)
