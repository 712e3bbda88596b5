"""The actions that change or look into a stack set's instances: each begins an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tapcfn.local.emulator import Params
from tapcfn.local.stack_sets import adoption, asking, organization, store, targeting, turns
from tapcfn.local.stack_sets.engine import Asked, Plan
from tapcfn.local.stack_sets.model import Action, StackSet, is_service_managed, target_of
from tapcfn.local.stack_sets.refusals import RefusedError, invalid
from tapcfn.local.stack_sets.targeting import Aim
from tapcfn.local.stack_sets.wire import is_given, is_true, strings, text

MOST_STACKS, MOST_LISTED_STACKS = 10, 200
Planning = Callable[[Params, StackSet], Plan]


def _begin(params: Params, *, action: Action, planning: Planning) -> Mapping[str, Any]:
    """Begin an operation, or let it wait for its turn."""
    stack_set, operation_id = asking.claimed(params)
    asked = Asked(
        operation_id,
        action,
        lambda: planning(params, stack_set),
        asking.preferences(params),
        action == Action.DELETE and is_true(params, "RetainStacks"),
    )
    return {"OperationId": turns.submit(stack_set, asked)["id"]}


# Instances ----------------------------------------------------------------------------------------


def _to_create(params: Params, stack_set: StackSet) -> Plan:
    """Create the instances that are missing, and deploy all that are named."""
    aim = targeting.aim(params, stack_set, filters=targeting.FILTERS[:3])
    _refuse_nothing(stack_set, aim)
    overrides = asking.overrides(params, stack_set, aim.targets)

    def change() -> None:
        for unit in aim.named["OrganizationalUnitIds"] if aim.named else ():
            there = stack_set["units"].get(unit, [])
            stack_set["units"][unit] = list(dict.fromkeys([*there, *aim.regions]))

    targets = asking.operable(stack_set, aim.targets)
    return Plan(targets, overrides, aim.units, aim.named, change=change)


def _to_update(params: Params, stack_set: StackSet) -> Plan:
    """Change what instances put in the place of the set's parameters."""
    aim = targeting.aim(params, stack_set)
    _refuse_nothing(stack_set, aim)
    if aim.named:
        named = asking.some_there(stack_set, aim.existing(stack_set))
    else:
        named = asking.all_there(stack_set, aim.targets)
    overrides = asking.overrides(params, stack_set, named)
    asking.refuse_too_new(stack_set, overrides)
    return Plan(asking.operable(stack_set, named), overrides, named=aim.named)


def _to_delete(params: Params, stack_set: StackSet) -> Plan:
    """Delete those of the named instances that there are, with their stacks or without."""
    if not is_given(params, "RetainStacks"):
        raise invalid("RetainStacks must be specified")
    aim = targeting.aim(params, stack_set)
    _refuse_nothing(stack_set, aim)
    there = aim.existing(stack_set)
    if not there and not aim.named:
        asking.all_there(stack_set, aim.targets)

    def change() -> None:
        for unit in aim.whole_units:
            left = [each for each in stack_set["units"].get(unit, []) if each not in aim.regions]
            stack_set["units"] |= {unit: left}
        stack_set["units"] = {unit: left for unit, left in stack_set["units"].items() if left}

    return Plan(there, named=aim.named, change=change)


def _refuse_nothing(stack_set: StackSet, aim: Aim) -> None:
    """Refuse a request that names no target; an organizational unit may well be empty."""
    if not aim.regions or not (aim.accounts or aim.named):
        if is_service_managed(stack_set) and aim.regions:
            raise invalid("DeploymentTargets must be specified for SERVICE_MANAGED stack sets")
        raise invalid("At least one account and one Region must be specified")


def stop_stack_set_operation(params: Params) -> Mapping[str, Any]:
    """Stop an operation that runs or waits."""
    stack_set = asking.found(params)
    turns.stop(stack_set, store.find_operation(stack_set, text(params, "OperationId")))
    return {}


# Drift --------------------------------------------------------------------------------------------


def _to_look_at(_: Params, stack_set: StackSet) -> Plan:
    """Look at every instance."""
    return Plan(tuple(map(target_of, stack_set["instances"].values())))


# Import -------------------------------------------------------------------------------------------


def _to_import(params: Params, stack_set: StackSet) -> Plan:
    """Take in stacks that are there, one for each target."""
    units = _units_of_import(params, stack_set)
    places = [(_place(each), each) for each in _stack_ids(params)]
    stacks = dict(places)
    if len(stacks) < len(places):
        raise invalid("Only one stack of each account and Region can be imported")
    for target in stacks:
        there = stack_set["instances"].get(str(target))
        if there and there["stack_id"]:
            raise invalid(f"StackSet {stack_set['name']} has a stack instance in {target}")
    by_account = _mapped(tuple(each.account for each in stacks), units)

    def change() -> None:
        for target in stacks:
            unit = by_account.get(target.account)
            if unit:
                there = stack_set["units"].get(unit, [])
                stack_set["units"][unit] = list(dict.fromkeys([*there, target.region]))

    return Plan(tuple(stacks), units=by_account, stacks=stacks, change=change)


def _stack_ids(params: Params) -> list[str]:
    """Return the stacks that are listed in the request, or in a file."""
    url, told = text(params, "StackIdsUrl"), strings(params, "StackIds")
    if bool(url) == bool(told):
        raise invalid("Either StackIds or StackIdsUrl must be specified")
    if len(told) > MOST_STACKS:
        raise invalid(f"At most {MOST_STACKS} stacks can be imported by StackIds")
    found = targeting.listed_at(url, "Stack ids") if url else told
    if len(found) > MOST_LISTED_STACKS:
        raise invalid(f"At most {MOST_LISTED_STACKS} stacks can be imported at once")
    return found


def _place(stack_id: str) -> Any:
    place = adoption.place_of(stack_id)
    if place is None or adoption.find(stack_id) is None:
        raise RefusedError("StackNotFoundException", f"Stack {stack_id} does not exist", 404)
    return place


def _units_of_import(params: Params, stack_set: StackSet) -> list[str]:
    units = strings(params, "OrganizationalUnitIds")
    if bool(units) != is_service_managed(stack_set):
        raise invalid(
            "OrganizationalUnitIds must be specified for SERVICE_MANAGED stack sets, and only there"
        )
    return units


def _mapped(accounts: tuple[str, ...], units: list[str]) -> dict[str, str]:
    """Return the unit that each account is in, which must be one of those named."""
    if not units:
        return {}
    tree = organization.tree()
    found = {
        account: unit
        for unit in reversed(units)
        for account in accounts
        if account in tree.within(unit)
    }
    missing = [each for each in accounts if each not in found]
    if missing:
        raise invalid(f"Accounts are in none of the organizational units: {', '.join(missing)}")
    return found


ACTS: Mapping[str, Callable[[Params], Mapping[str, Any]]] = {
    "CreateStackInstances": partial(_begin, action=Action.CREATE, planning=_to_create),
    "UpdateStackInstances": partial(_begin, action=Action.UPDATE, planning=_to_update),
    "DeleteStackInstances": partial(_begin, action=Action.DELETE, planning=_to_delete),
    "DetectStackSetDrift": partial(_begin, action=Action.DETECT_DRIFT, planning=_to_look_at),
    "ImportStacksToStackSet": partial(_begin, action=Action.IMPORT, planning=_to_import),
    "StopStackSetOperation": stop_stack_set_operation,
}
