"""Who calls: for itself, or as delegated administrator for the organization's management account.

The sets that a delegated administrator makes are the management account's, which sees them too;
whoever does not say so again when it asks for them finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.emulator import Params
from tapcfn.local.services import organizations
from tapcfn.local.stack_sets.refusals import RefusedError, invalid
from tapcfn.local.stack_sets.wire import text

# The name under which Organizations knows stack sets.
PRINCIPAL = "member.org.stacksets.cloudformation.amazonaws.com"
DELEGATED = "DELEGATED_ADMIN"

Act = Callable[[Params], Mapping[str, Any]]


def is_delegated(params: Params) -> bool:
    """Tell whether a request is that of a delegated administrator."""
    return text(params, "CallAs") == DELEGATED


def acting(act: Act) -> Act:
    """Let an action of a delegated administrator happen in the management account."""

    def do(params: Params) -> Mapping[str, Any]:
        call_as = text(params, "CallAs")
        if call_as not in ("", "SELF", DELEGATED):
            raise invalid(f"CallAs must be SELF or {DELEGATED}, not {call_as}")
        if not is_delegated(params):
            return act(params)
        with emulator.request_scope(_management(), emulator.region()):
            return act(params)

    return do


def _management() -> str:
    """Return the account that the caller stands for."""
    caller = emulator.account_id()
    management = emulator.organizations.management_of(caller)
    if management:
        with emulator.request_scope(management, emulator.region()):
            if organizations.is_delegate(caller, PRINCIPAL):
                return management
    raise invalid("Account used is not a delegated administrator")


def refuse_outsiders() -> None:
    """Refuse service-managed sets to who manages no organization, or did not let them in."""
    account = emulator.account_id()
    if emulator.organizations.management_of(account) != account:
        raise invalid(
            "You must be the management account or delegated admin account of an organization "
            "before operating a SERVICE_MANAGED stack set"
        )
    if not organizations.trusts(PRINCIPAL):
        raise invalid("You must enable organizations access to operate a service managed stack set")


# Access to Organizations --------------------------------------------------------------------------


def activate(_: Params) -> Mapping[str, Any]:
    """Let stack sets see the organization."""
    _refuse_members()
    organizations.set_trust(PRINCIPAL, trusted=True)
    return {}


def deactivate(_: Params) -> Mapping[str, Any]:
    """Let them see it no more; service-managed sets stay as they are."""
    _refuse_members()
    organizations.set_trust(PRINCIPAL, trusted=False)
    return {}


def describe_access(_: Params) -> Mapping[str, Any]:
    """Say whether stack sets see the organization."""
    account = emulator.account_id()
    management = emulator.organizations.management_of(account)
    if not management:
        raise RefusedError("InvalidOperationException", "The account is in no organization")
    with emulator.request_scope(management, emulator.region()):
        return {"Status": "ENABLED" if organizations.trusts(PRINCIPAL) else "DISABLED"}


def _refuse_members() -> None:
    account = emulator.account_id()
    if emulator.organizations.management_of(account) != account:
        raise RefusedError(
            "InvalidOperationException",
            "Only the management account of an organization can do this",
        )


ACTS: Mapping[str, Act] = {
    "ActivateOrganizationsAccess": activate,
    "DeactivateOrganizationsAccess": deactivate,
    "DescribeOrganizationsAccess": describe_access,
}
