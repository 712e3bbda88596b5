"""Which accounts and Regions a request names: by themselves, or by organizational units."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from tapcfn.local import emulator
from tapcfn.local.emulator import Params
from tapcfn.local.stack_sets import organization
from tapcfn.local.stack_sets.model import Named, StackSet, Target, is_service_managed, target_of
from tapcfn.local.stack_sets.refusals import invalid
from tapcfn.local.stack_sets.targets import rectangle
from tapcfn.local.stack_sets.wire import is_given, strings, text

ACCOUNT, REGION = re.compile(r"\d{12}"), re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
MOST_UNITS = 50
NAME = "DeploymentTargets"
NONE, INTERSECTION, DIFFERENCE, UNION = FILTERS = ("NONE", "INTERSECTION", "DIFFERENCE", "UNION")
_NO_UNITS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Aim:
    """What is named: accounts with the unit by which each was, Regions, and how it was said."""

    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=lambda: _NO_UNITS)
    named: Named | None = None

    @property
    def targets(self) -> tuple[Target, ...]:
        """Every named account in every named Region."""
        return rectangle(self.accounts, self.regions)

    @property
    def whole_units(self) -> tuple[str, ...]:
        """The units that are named with all of their accounts."""
        is_whole = self.named is not None and self.named["AccountFilterType"] in ("", NONE)
        return tuple(self.named["OrganizationalUnitIds"]) if self.named and is_whole else ()

    def existing(self, stack_set: StackSet) -> tuple[Target, ...]:
        """Return those targets that are there, also in accounts that have left a named unit."""
        units, there = set(self.whole_units), stack_set["instances"]
        left = (
            target_of(each)
            for each in there.values()
            if each["region"] in self.regions and each["unit"] in units
        )
        return tuple(dict.fromkeys([*(each for each in self.targets if str(each) in there), *left]))


def aim(params: Params, stack_set: StackSet, *, filters: Sequence[str] = FILTERS) -> Aim:
    """Read what a request names, by accounts or, in a service-managed set, by units."""
    regions = strings(params, "Regions")
    if is_service_managed(stack_set):
        return _by_units(params, regions, filters)
    if is_given(params, f"{NAME}.OrganizationalUnitIds"):
        raise invalid(
            "StackSets with SELF_MANAGED permission model can't target OrganizationalUnit"
        )
    accounts = strings(params, "Accounts")
    if accounts and is_given(params, NAME):
        raise invalid("You can specify Accounts or DeploymentTargets, but not both")
    accounts = accounts or _accounts(params)
    _refuse_strange(accounts, regions)
    return Aim(tuple(dict.fromkeys(accounts)), tuple(dict.fromkeys(regions)))


def is_named(params: Params) -> bool:
    """Tell whether a request names any accounts or units."""
    return bool(strings(params, "Accounts")) or is_given(params, NAME)


def _by_units(params: Params, regions: Sequence[str], filters: Sequence[str]) -> Aim:
    if not is_named(params):
        return Aim(regions=tuple(dict.fromkeys(regions)))
    units, accounts = strings(params, f"{NAME}.OrganizationalUnitIds"), _accounts(params)
    kind = text(params, f"{NAME}.AccountFilterType")
    _refuse_strange(accounts, regions)
    _refuse_wrong_units(params, units, accounts, kind)
    if kind not in ("", *filters):
        raise invalid(f"AccountFilterType must be one of {', '.join(filters)}, not {kind}")
    by_account = _filtered(_members(units), accounts, kind)
    named = Named(
        Accounts=accounts,
        AccountsUrl=text(params, f"{NAME}.AccountsUrl"),
        OrganizationalUnitIds=units,
        AccountFilterType=kind,
    )
    return Aim(tuple(by_account), tuple(dict.fromkeys(regions)), by_account, named)


def _refuse_wrong_units(
    params: Params, units: Sequence[str], accounts: Sequence[str], kind: str
) -> None:
    if strings(params, "Accounts") or not units:
        raise invalid(
            "StackSets with SERVICE_MANAGED permission model can only have OrganizationalUnit as "
            "target"
        )
    if len(units) > MOST_UNITS:
        raise invalid(f"At most {MOST_UNITS} organizational units can be specified")
    if bool(accounts) != (kind not in ("", NONE)):
        raise invalid("AccountFilterType and Accounts must be specified together")
    tree = organization.tree()
    missing = [each for each in units if not tree.knows(each)]
    if missing:
        raise invalid(f"Organizational units not found: {', '.join(missing)}")


def _members(units: Sequence[str]) -> dict[str, str]:
    """Return the accounts of units, and of the units in them, with the one that names each."""
    tree, found = organization.tree(), dict[str, str]()
    for unit in units:
        for account in tree.within(unit):
            found.setdefault(account, unit)
    return found


def _filtered(members: dict[str, str], accounts: Sequence[str], kind: str) -> dict[str, str]:
    if kind == INTERSECTION:
        return {each: unit for each, unit in members.items() if each in accounts}
    if kind == DIFFERENCE:
        return {each: unit for each, unit in members.items() if each not in accounts}
    if kind == UNION:
        return members | {each: _parent(each) for each in accounts if each not in members}
    return members


def _parent(account: str) -> str:
    """Return the unit that an account is in, which must be one that can be deployed to."""
    tree = organization.tree()
    if account not in tree.accounts:
        raise invalid(f"Account {account} is not a member of the organization")
    return tree.path(account)[0]


def _accounts(params: Params) -> list[str]:
    """Return the accounts of the deployment targets, listed there or in a file."""
    url = text(params, f"{NAME}.AccountsUrl")
    accounts = strings(params, f"{NAME}.Accounts")
    if url and accounts:
        raise invalid("You can specify Accounts or AccountsUrl, but not both")
    return listed_at(url, "Accounts") if url else accounts


def listed_at(url: str, what: str) -> list[str]:
    """Return the words of a list that lies in a bucket, as JSON or separated by commas."""
    found = emulator.engine.document(url)
    if found is None:
        raise invalid(f"{what} not found at {url}")
    if found.lstrip().startswith("["):
        try:
            return [str(each) for each in json.loads(found)]
        except ValueError as error:
            raise invalid(f"{what} at {url} are no JSON: {error}") from error
    return [each.strip("\"' ") for each in re.split(r"[,\s]+", found) if each.strip("\"' ")]


def _refuse_strange(accounts: Sequence[str], regions: Sequence[str]) -> None:
    wrong = [
        *(each for each in accounts if not ACCOUNT.fullmatch(each)),
        *(each for each in regions if not REGION.fullmatch(each)),
    ]
    if wrong:
        raise invalid(f"Not an account or not a Region: {', '.join(wrong)}")
