"""AWS Organizations: one for each management account, and what the emulator's lacks of it.

Every call of a member is answered from its organization, whose state is the management account's.
Members see no more than the organization itself, unless some service made them its administrator.
Accounts are created at once; nobody is invited. Policies are the emulator's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import table
from tapcfn.local.services.records import Record, Shelf
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.table import Asked, Handle

REGION = "us-east-1"  # Organizations has one endpoint
PAGE = 20
MOST_DELEGATES = 5  # for each service

_delegates = Shelf("organizations", "delegate")
_services = Shelf("organizations", "service")
_READS = ("Describe", "List")


def install() -> None:
    """Answer what the emulator lacks, and all calls in the organization of the caller."""
    table.install("organizations", _ACTIONS)
    emulator.wrap_service("organizations", _at_home)


def trusts(principal: str) -> bool:
    """Tell whether the organization of the current account, which manages it, trusts a service."""
    with emulator.request_scope(emulator.account_id(), REGION):
        return _services.get(principal) is not None


def set_trust(principal: str, trusted: bool) -> None:
    """Let it trust a service, or no more."""
    with emulator.request_scope(emulator.account_id(), REGION):
        (_enable if trusted else _disable)({"ServicePrincipal": principal})


def is_delegate(account: str, principal: str) -> bool:
    """Tell whether the management account that is the current one made another administrator."""
    with emulator.request_scope(emulator.account_id(), REGION):
        return principal in (_delegates.get(account) or {}).get("services", ())


# Whose call it is ---------------------------------------------------------------------------------


def _at_home(handle: Handle) -> Handle:
    async def answer(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        name = str(headers.get("x-amz-target", "")).rpartition(".")[2]
        caller = emulator.account_id()
        home = emulator.organizations.management_of(caller)
        try:
            _refuse(name, caller, home)
        except RefusedError as refused:
            return emulator.json_error(refused.code, str(refused), refused.status)
        with emulator.request_scope(home or caller, REGION):
            return await handle(method, path, headers, body, query)

    return answer


def _refuse(name: str, caller: str, home: str) -> None:
    if not home and name != "CreateOrganization":
        raise RefusedError(
            "AWSOrganizationsNotInUseException", "Your account is not a member of an organization."
        )
    if home in ("", caller) or name in ("CreateOrganization", "DescribeOrganization"):
        return
    with emulator.request_scope(home, REGION):
        may_read = _delegates.get(caller) is not None
    if not (may_read and name.startswith(_READS)):
        raise RefusedError(
            "AccessDeniedException", "You don't have permissions to access this resource."
        )


# The organization and its tree --------------------------------------------------------------------


def _create(_: Asked) -> Record:
    if emulator.organizations.management_of(emulator.account_id()):
        raise RefusedError(
            "AlreadyInOrganizationException",
            "The AWS account is already a member of an organization.",
        )
    return {"Organization": emulator.organizations.found()}


def _delete(_: Asked) -> Record:
    if len(emulator.organizations.accounts()) > 1 or emulator.organizations.units():
        raise RefusedError(
            "OrganizationNotEmptyException",
            "To delete an organization you must first remove all member accounts and units.",
        )
    for shelf, key in ((_delegates, "Id"), (_services, "ServicePrincipal")):
        for record in shelf.everything():
            shelf.remove(record[key])
    emulator.organizations.dissolve()
    return {}


def _create_unit(asked: Asked) -> None:
    parent = _parent(asked)
    found = emulator.organizations.units().values()
    if any(each["Name"] == asked.get("Name") for each in found if _in(each, parent)):
        raise RefusedError(
            "DuplicateOrganizationalUnitException", "An OU with the same name already exists."
        )


def _delete_unit(asked: Asked) -> None:
    unit = str(asked.get("OrganizationalUnitId", ""))
    if any(_in(each, unit) for each in _everything()):
        raise RefusedError("OrganizationalUnitNotEmptyException", "The specified OU is not empty.")


def _move(asked: Asked) -> None:
    account = emulator.organizations.accounts().get(asked.get("AccountId", ""))
    if account is not None and not _in(account, str(asked.get("SourceParentId"))):
        raise RefusedError(
            "SourceParentNotFoundException",
            f"The account is not in the parent {asked.get('SourceParentId')}.",
        )


def _remove(asked: Asked) -> Record:
    account = str(asked["AccountId"])
    if account == emulator.account_id():
        raise RefusedError(
            "MasterCannotLeaveOrganizationException",
            "The management account can't leave its organization.",
        )
    _member(account)
    _delegates.remove(account)
    del emulator.organizations.accounts()[account]
    return {}


def _list_accounts(asked: Asked) -> Record:
    return _page("Accounts", list(emulator.organizations.accounts().values()), asked)


def _list_accounts_in(asked: Asked) -> Record:
    parent = _parent(asked)
    found = emulator.organizations.accounts().values()
    return _page("Accounts", [each for each in found if _in(each, parent)], asked)


def _list_units_in(asked: Asked) -> Record:
    parent = _parent(asked)
    found = emulator.organizations.units().values()
    return _page("OrganizationalUnits", [each for each in found if _in(each, parent)], asked)


def _list_children(asked: Asked) -> Record:
    kind, parent = str(asked.get("ChildType")), _parent(asked)
    kinds: Mapping[str, Callable[[], Mapping[str, Any]]] = {
        "ACCOUNT": emulator.organizations.accounts,
        "ORGANIZATIONAL_UNIT": emulator.organizations.units,
    }
    if kind not in kinds:
        raise RefusedError("InvalidInputException", f"ChildType {kind} is not valid.")
    found = [each for each in kinds[kind]().values() if _in(each, parent)]
    return table.page("Children", [{"Id": each["Id"], "Type": kind} for each in found], _few(asked))


def _everything() -> list[Mapping[str, Any]]:
    found = emulator.organizations
    return [*found.accounts().values(), *found.units().values()]


def _in(record: Mapping[str, Any], parent: str) -> bool:
    return emulator.organizations.parent_of(record) == parent


def _parent(asked: Asked) -> str:
    """Return the parent that is named, which must be there."""
    parent = str(asked.get("ParentId", ""))
    if parent not in {*emulator.organizations.roots(), *emulator.organizations.units()}:
        raise RefusedError(
            "ParentNotFoundException", f"We can't find a root or OU with the ParentId {parent}."
        )
    return parent


def _page(name: str, found: list[Mapping[str, Any]], asked: Asked) -> Record:
    return table.page(name, [emulator.organizations.shown(each) for each in found], _few(asked))


def _few(asked: Asked) -> Asked:
    return {**asked, "MaxResults": min(PAGE, int(asked.get("MaxResults") or PAGE))}


# Services and their administrators ----------------------------------------------------------------


def _enable(asked: Asked) -> Record:
    principal = str(asked["ServicePrincipal"])
    _services.put(principal, {"ServicePrincipal": principal, "DateEnabled": 0})
    return {}


def _disable(asked: Asked) -> Record:
    _services.remove(str(asked["ServicePrincipal"]))
    return {}


def _list_services(asked: Asked) -> Record:
    return table.page("EnabledServicePrincipals", _services.everything(), _few(asked))


def _register(asked: Asked) -> Record:
    account, principal = str(asked["AccountId"]), str(asked["ServicePrincipal"])
    _member(account)
    there = _delegates.get(account) or {"Id": account, "services": []}
    if principal in there["services"]:
        raise RefusedError(
            "AccountAlreadyRegisteredException",
            "The provided account is already a delegated administrator for your organization.",
        )
    others = [each for each in _delegates.everything() if principal in each["services"]]
    if account == emulator.account_id() or len(others) >= MOST_DELEGATES:
        raise RefusedError(
            "ConstraintViolationException",
            "You cannot register this account as a delegated administrator of the service.",
        )
    _delegates.put(account, {"Id": account, "services": [*there["services"], principal]})
    return {}


def _deregister(asked: Asked) -> Record:
    account, principal = str(asked["AccountId"]), str(asked["ServicePrincipal"])
    there = _delegates.get(account)
    if there is None or principal not in there["services"]:
        raise RefusedError(
            "AccountNotRegisteredException",
            "The specified account is not a delegated administrator for this service.",
        )
    left = [each for each in there["services"] if each != principal]
    if left:
        _delegates.put(account, {"Id": account, "services": left})
    else:
        _delegates.remove(account)
    return {}


def _list_delegates(asked: Asked) -> Record:
    principal = asked.get("ServicePrincipal")
    members = emulator.organizations.accounts()
    found = [
        {**emulator.organizations.shown(members[each["Id"]]), "DelegationEnabledDate": 0}
        for each in _delegates.everything()
        if principal is None or principal in each["services"]
    ]
    return table.page("DelegatedAdministrators", found, _few(asked))


def _list_delegated(asked: Asked) -> Record:
    there = _delegates.get(str(asked["AccountId"])) or {"services": []}
    found = [{"ServicePrincipal": each, "DelegationEnabledDate": 0} for each in there["services"]]
    return table.page("DelegatedServices", found, _few(asked))


def _member(account: str) -> None:
    if account not in emulator.organizations.accounts():
        raise RefusedError("AccountNotFoundException", f"Account {account} is not in it.")


_ACTIONS: Mapping[str, table.Act] = {
    "CreateOrganization": _create,
    "CreateOrganizationalUnit": _create_unit,
    "DeleteOrganization": _delete,
    "DeleteOrganizationalUnit": _delete_unit,
    "DeregisterDelegatedAdministrator": _deregister,
    "DisableAWSServiceAccess": _disable,
    "EnableAWSServiceAccess": _enable,
    "ListAWSServiceAccessForOrganization": _list_services,
    "ListAccounts": _list_accounts,
    "ListAccountsForParent": _list_accounts_in,
    "ListChildren": _list_children,
    "ListDelegatedAdministrators": _list_delegates,
    "ListDelegatedServicesForAccount": _list_delegated,
    "ListOrganizationalUnitsForParent": _list_units_in,
    "MoveAccount": _move,
    "RegisterDelegatedAdministrator": _register,
    "RemoveAccountFromOrganization": _remove,
}
