"""An organization with accounts in its units, and words to deploy to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tapcfn.local import server
from tests.local.stack_sets.fleet import NAME, Door, Fleet, ended, instances, topics
from tests.local_cloud import HOME, fresh_account, until

PRINCIPAL = "member.org.stacksets.cloudformation.amazonaws.com"
PARALLEL = {"RegionConcurrencyType": "PARALLEL", "MaxConcurrentPercentage": 100}


@dataclass(frozen=True, slots=True)
class Realm:
    """An organization: its management account, its root and units, its accounts by name."""

    url: str
    management: str
    root: str
    units: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)

    @property
    def org(self) -> Any:
        """Organizations of the management account."""
        return self.of(self.management).client("organizations")

    @property
    def cfn(self) -> Any:
        """CloudFormation of the management account."""
        return self.of(self.management).client("cloudformation")

    @property
    def fleet(self) -> Fleet:
        """The same, for what concerns no organization."""
        return Fleet(self.url, self.management, tuple(self.accounts.values()))

    def of(self, account: str) -> Door:
        """Return the door to an account."""
        return Door(self.url, account)

    def add_unit(self, name: str, parent: str = "") -> str:
        """Make a unit in the root or in another unit, and return its id."""
        made = self.org.create_organizational_unit(
            ParentId=self.units[parent] if parent else self.root, Name=name
        )
        self.units[name] = made["OrganizationalUnit"]["Id"]
        return self.units[name]

    def add_account(self, name: str, unit: str = "") -> str:
        """Make an account, move it to a unit, and return its id."""
        made = self.org.create_account(Email=f"{name}@example.com", AccountName=name)
        self.accounts[name] = made["CreateAccountStatus"]["AccountId"]
        if unit:
            self.move(name, unit)
        return self.accounts[name]

    def move(self, name: str, unit: str = "") -> None:
        """Move an account to a unit, or to the root."""
        account = self.accounts[name]
        self.org.move_account(
            AccountId=account,
            SourceParentId=self.org.list_parents(ChildId=account)["Parents"][0]["Id"],
            DestinationParentId=self.units[unit] if unit else self.root,
        )


def realm(cloud: server.LocalCloud, *, trusted: bool = True) -> Realm:
    """Return a new organization: apps (a, b) with web (c) in it, and data (d)."""
    management = fresh_account()
    org = Door(cloud.url, management).client("organizations")
    org.create_organization()
    made = Realm(cloud.url, management, org.list_roots()["Roots"][0]["Id"])
    for name, parent in (("apps", ""), ("web", "apps"), ("data", "")):
        made.add_unit(name, parent)
    for name, unit in (("a", "apps"), ("b", "apps"), ("c", "web"), ("d", "data")):
        made.add_account(name, unit)
    if trusted:
        made.cfn.activate_organizations_access()
    return made


def create_set(realm: Realm, body: str = "", **request: Any) -> str:
    """Create a service-managed stack set and return its ARN."""
    name = request.setdefault("StackSetName", NAME)
    cfn = request.pop("by", realm.cfn)
    call_as = {"CallAs": request["CallAs"]} if "CallAs" in request else {}
    cfn.create_stack_set(
        TemplateBody=body or topics(), PermissionModel="SERVICE_MANAGED", **request
    )
    return str(cfn.describe_stack_set(StackSetName=name, **call_as)["StackSet"]["StackSetARN"])


def begin(realm: Realm, action: str, *units: str, **request: Any) -> str:
    """Begin an operation on units, in one Region unless told."""
    told = {"OrganizationalUnitIds": [realm.units.get(each, each) for each in units]}
    targets = told | request.pop("targets", {})
    if action == "delete_stack_instances":
        request = {"RetainStacks": False, **request}
    act = getattr(request.pop("by", realm.cfn), action)
    asked = {"StackSetName": NAME, "Regions": [HOME], **request}
    return str(
        act(DeploymentTargets=targets, OperationPreferences=PARALLEL, **asked)["OperationId"]
    )


def operate(realm: Realm, action: str, *units: str, **request: Any) -> dict[str, Any]:
    """Begin an operation on units and return it when it has ended."""
    return ended(realm.fleet, begin(realm, action, *units, **request))


def where(realm: Realm, stack_set: str = NAME) -> list[str]:
    """Return the names of the accounts in which a set has instances."""
    told = realm.cfn.list_stack_instances(StackSetName=stack_set)["Summaries"]
    there = {each["Account"] for each in told}
    return [name for name, account in realm.accounts.items() if account in there]


def by_unit(realm: Realm) -> Mapping[str, str]:
    """Return the name of the unit by which each account of the set was named."""
    units = {key: name for name, key in realm.units.items()}
    told = {each["Account"]: each["OrganizationalUnitId"] for each in instances(realm.fleet)}
    return {
        name: units.get(told[account], "root")
        for name, account in realm.accounts.items()
        if account in told
    }


def quiet(realm: Realm, *stack_sets: str) -> None:
    """Wait until no operation of any set is at work."""
    for name in stack_sets or (NAME,):
        until(
            lambda name=name: (
                not any(
                    each["Status"] in ("QUEUED", "RUNNING", "STOPPING")
                    for each in realm.cfn.list_stack_set_operations(StackSetName=name)["Summaries"]
                )
            )
        )
