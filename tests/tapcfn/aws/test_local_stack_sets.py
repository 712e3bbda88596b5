"""The adapter of stack sets against the local cloud: nothing queued, nothing cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tapcfn.aws.cloud import AwsCloud
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.cli.clock import WallClock
from tapcfn.errors import CloudError
from tapcfn.model import (
    AutoDeployment,
    InstanceStatus,
    Member,
    Organization,
    Preferences,
    ResultStatus,
    ServiceManaged,
    SetOperationStatus,
    Share,
    StackSet,
    Target,
)
from tapcfn.stack_sets.calls import Act, Rectangle, SetCall, SetRequest
from tests.fakes.builders import a_template
from tests.local.stack_sets.fleet import Fleet, fleet
from tests.local.stack_sets.realm import PRINCIPAL, Realm, realm
from tests.local_cloud import local_cloud, until

__all__ = ["local_cloud"]

IN_UNITS = {"a": "apps", "b": "apps", "c": "web", "d": "data"}
QUICK = Preferences(parallel=True, concurrent=Share(100, percent=True), soft=True)


@pytest.fixture
def accounts(local_cloud) -> Fleet:
    return fleet(local_cloud)


@pytest.fixture
def sets(local_cloud):
    clients = Clients(on_local_cloud(local_cloud.url))
    return AwsCloud(clients, WallClock(), "artifacts-{account}-{region}").sets


def a_fleet_set(accounts: Fleet, **differing) -> StackSet:
    template = a_template(
        "baseline", parameters=["Size"], defaults={"Days": 7}, resources={"Top": "AWS::SNS::Topic"}
    )
    home = Target(accounts.admin, "eu-west-1")
    usual = {"parameters": {"Size": "s"}, "tags": {"team": "a"}, "preferences": QUICK}
    return StackSet("baseline", home, **{"template": template, **usual, **differing})


class Sender:
    """Sends calls for a set under tokens of its own, and waits for the end of operations."""

    def __init__(self, sets, stack_set: StackSet) -> None:
        self.sets, self.stack_set, self.number = sets, stack_set, 0

    def __call__(self, act: Act, rectangle: Rectangle | None = None, **call):
        self.number += 1
        token = f"tapcfn-{self.number}"
        values = {"Size": "s"} | call.pop("values", {})
        request = SetRequest(self.stack_set, SetCall(act, rectangle, **call), token, values)
        self.sets.send(request)
        self.sets.send(request)
        return token if act in {Act.CREATE, Act.DELETE} else self.end_of(token)

    def end_of(self, token: str):
        def look():
            found = self.sets.operation(self.stack_set, token)
            return None if found.status.is_moving else found

        return until(look)


@pytest.fixture
def sender(sets, accounts) -> Callable:
    return Sender(sets, a_fleet_set(accounts))


def everywhere(accounts: Fleet) -> Rectangle:
    return Rectangle(tuple(sorted(accounts.accounts)), ("eu-west-1", "us-east-1"))


def test_a_set_lives_and_dies(sets, accounts, sender):
    """Each call is made twice under its token, and has one effect."""
    both = everywhere(accounts)
    (first, *_), stack_set = sorted(both.pairs), sender.stack_set
    assert sets.stack_set(stack_set) is None

    sender(Act.CREATE)
    added = sender(Act.ADD, both, overrides={"Size": "big"})
    there = sets.instances(stack_set)
    overridden = sets.instance(stack_set, first)
    taken_back = sender(Act.OVERRIDE, both, overrides={})
    removed = sender(Act.REMOVE, both, retain=False)
    results = sets.results(stack_set, removed.operation_id, ResultStatus.SUCCEEDED)
    told = sets.operations(stack_set)
    left = sets.instances(stack_set)
    sender(Act.DELETE)

    ends = [each.status for each in (added, taken_back, removed)]
    assert [SetOperationStatus.SUCCEEDED] * 3 == ends
    assert 4 == sum(each.is_well for each in there)
    assert {"Size": "big"} == overridden.overrides
    assert both.pairs == {each.target for each in results}
    assert ["tapcfn-4", "tapcfn-3", "tapcfn-2"] == [each.operation_id for each in told]
    assert () == left
    assert sets.stack_set(stack_set) is None


def test_what_is_deployed_is_what_was_sent(sets, accounts, sender):
    """So that a plan finds nothing to do."""
    sender(Act.CREATE)
    wanted, deployed = sender.stack_set, sets.stack_set(sender.stack_set)

    assert wanted.template.text == deployed.template
    assert {"Size": "s", "Days": "7"} == deployed.parameters
    assert dict(wanted.tags) == deployed.tags
    assert wanted.permission.execution_role == deployed.permission.execution_role


def test_an_update_of_some_goes_on_with_an_update_that_renews_nothing(sets, accounts, sender):
    """The first makes the others OUTDATED; the second brings the rest up, and leaves the first."""
    both = everywhere(accounts)
    sender(Act.CREATE)
    sender(Act.ADD, both)
    first, rest = (replace(both, regions=(region,)) for region in both.regions)
    template = a_template(
        "baseline", parameters=["Size"], defaults={"Days": 9}, resources={"New": "AWS::SNS::Topic"}
    )
    sender.stack_set = replace(sender.stack_set, template=template)

    sender(Act.UPDATE, first, renews=True, values={"Size": "xl"})
    between = {each.target: each.status for each in sets.instances(sender.stack_set)}
    last = sender(Act.UPDATE, rest)

    assert first.pairs == {
        pair for pair, status in between.items() if status is InstanceStatus.CURRENT
    }
    assert all(each.is_well for each in sets.instances(sender.stack_set))
    assert rest.pairs == {
        each.target for each in sets.instances(sender.stack_set, last.operation_id)
    }
    assert {"Size": "xl", "Days": "9"} == sets.stack_set(sender.stack_set).parameters


def test_a_large_template_reaches_every_account(sets, accounts):
    """Through a bucket of the set's home."""
    template = a_template(
        "baseline",
        parameters=["Size"],
        Metadata={"x": "x" * 51_200},
    )
    sender = Sender(sets, a_fleet_set(accounts, template=template))

    sender(Act.CREATE)
    added = sender(Act.ADD, everywhere(accounts))

    assert SetOperationStatus.SUCCEEDED is added.status
    assert template.text == sets.stack_set(sender.stack_set).template


def test_an_operation_that_has_ended_needs_no_stop(sets, accounts, sender):
    """Nor does one that never was; that one is told."""
    sender(Act.CREATE)
    added = sender(Act.ADD, everywhere(accounts))

    sets.stop(sender.stack_set, added.operation_id)

    with pytest.raises(CloudError, match="OperationNotFound"):
        sets.stop(sender.stack_set, "tapcfn-never")


def test_drift_is_detected_and_read(sets, accounts, sender):
    """A detection is started once under its token; before the first there is nothing to tell."""
    sender(Act.CREATE)
    sender(Act.ADD, everywhere(accounts))
    before = sets.drift(sender.stack_set)

    sets.detect_drift(sender.stack_set, "tapcfn-d")
    sets.detect_drift(sender.stack_set, "tapcfn-d")
    ended = sender.end_of("tapcfn-d")
    found = sets.drift(sender.stack_set)
    pair = min(everywhere(accounts).pairs)

    assert before is None
    assert SetOperationStatus.SUCCEEDED is ended.status
    assert ("COMPLETED", 4, 0) == (found.status, found.total, found.drifted)
    told = sets.instance_drifts(sender.stack_set, pair, "tapcfn-d")
    assert [("Top", "IN_SYNC", "")] == [(e.logical_id, e.status, e.path) for e in told]


# Service-managed sets -----------------------------------------------------------------------------


@pytest.fixture
def org(local_cloud) -> Realm:
    """Return an organization, with the accounts a, b and c in apps, and a delegate in data."""
    made = realm(local_cloud)
    made.org.register_delegated_administrator(
        AccountId=made.accounts["d"], ServicePrincipal=PRINCIPAL
    )
    return made


def a_set_of(org: Realm, *units: str, **differing) -> StackSet:
    """Return a set that the delegate keeps for units."""
    organization = Organization(tuple(org.units[each] for each in units), ("us-east-1",))
    return StackSet(
        "baseline",
        Target(org.accounts["d"], "us-east-1"),
        a_template("baseline", parameters=["Size"]),
        **{
            "organization": organization,
            "permission": ServiceManaged(delegated=True),
            "preferences": QUICK,
            **differing,
        },
    )


def in_units(members: tuple[Member, ...], *units: str) -> Rectangle:
    """Return the rectangle of all members: whole units, if they are named."""
    accounts = tuple(each.account for each in members)
    return Rectangle(accounts, ("us-east-1",), units)


def test_a_delegate_spreads_over_units_and_takes_back_what_has_left_them(sets, org):
    """Whole units; then one account of them; then an account of a unit that is no target now."""
    stack_set = a_set_of(org, "apps")
    sender = Sender(sets, stack_set)
    members = sets.members(stack_set.home, stack_set.organization.units)
    whole = in_units(members, org.units["apps"])
    one = replace(whole, accounts=(org.accounts["b"],), units=())

    sender(Act.CREATE)
    sender(Act.ADD, whole)
    there = sets.instances(stack_set)
    sender(Act.UPDATE, one)
    touched = sets.instances(stack_set, "tapcfn-3")
    moved = replace(stack_set, organization=Organization((org.units["data"],), ("us-east-1",)))
    sender.stack_set = moved
    sender(Act.REMOVE, one)

    assert whole.pairs == {each.target for each in there}
    assert {org.units["apps"]} == {each.unit for each in there}
    assert one.pairs == {each.target for each in touched}
    assert whole.pairs - one.pairs == {each.target for each in sets.instances(moved)}
    assert ServiceManaged(delegated=True) == sets.stack_set(moved).permission


def test_automatic_deployment_changes_without_targets(sets, org):
    """Read back, it is what was wanted, and there is nothing left to say."""
    plain = a_set_of(org, "apps")
    sender = Sender(sets, plain)
    sender(Act.CREATE)
    auto = ServiceManaged(delegated=True, auto=AutoDeployment(retain=True))
    sender.stack_set = replace(plain, permission=auto)

    sender(Act.UPDATE, renews=True)

    assert auto == sets.stack_set(sender.stack_set).permission


def test_an_organization_is_read_as_it_stands(sets, org):
    """Every account but the management account's; whether stack sets may see it."""
    home = Target(org.management, "us-east-1")
    everyone = sets.members(home, (org.root,))

    by_name = {each.account: each.unit for each in everyone}
    assert {org.accounts[name]: org.units[unit] for name, unit in IN_UNITS.items()} == by_name
    assert "ENABLED" == sets.access(home, delegated=False)
    assert "ENABLED" == sets.access(Target(org.accounts["d"], "us-east-1"), delegated=True)
